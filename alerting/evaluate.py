"""Program 2's first half: claims committed batches, evaluates the series they touched, commits what happened. Start reading at `step`.

Everything is decided as of the receipt of a batch, or as of the very second at which silence becomes news, never as of when
this program came round to it: killed and started again, or hours late, it makes the same decisions in the same order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain

import structlog

from alerting import blind, departures
from alerting.announce import Announcer, Finding
from alerting.departures import Moved
from alerting.history import History
from alerting.lifecycle import stale_at_s
from alerting.memory import WATCHED_AFTER_END_S, in_order, load_alerts, load_history
from alerting.rain import RainQuestion, rain_at
from alerting.records import AlertRecord
from alerting.silence import Silence
from domain.clock import Clock
from domain.states import AlertState
from specs.loading import Config
from specs.rule import BlindnessRule, DepartureRule
from store import alerts, read
from store.alert_rows import ClaimedBatch, Decision
from store.engine import Store
from store.refused import Outpaced
from store.rows import Filter

log = structlog.get_logger(__name__)

#: Silence becomes news this long after its moment, so that a batch on its way into the store is not overtaken.
GRACE_S = 60
#: Ends of a batch's readings are looked for from this long before the feed's last batch (late readings), at most so far back.
_OVERLAP_S = 3600
_FARTHEST_S = 36 * 3600


@dataclass(frozen=True, slots=True)
class Stepped:
    """What one step did."""

    batches: int = 0
    events: int = 0


@dataclass(slots=True)
class Watcher:
    """Watches one store by the rules of one configuration. `who` names its claims: one watcher per name at a time."""

    store: Store
    config: Config
    clock: Clock
    who: str = "watcher"
    silences: Callable[[], Iterable[Silence]] = tuple
    history: History = field(default_factory=History)
    records: dict[str, AlertRecord] = field(default_factory=dict)
    _handled: dict[str, int] = field(default_factory=dict)
    _idle: list[int] = field(default_factory=list)
    _loaded: bool = False
    _events: int = 0
    _reached_s: int = 0
    _blind_due_s: int | None = None
    _blind_known: bool = False

    async def step(self) -> Stepped:
        """Handle every batch that waits, and whatever silence has become news; returns when nothing is left."""
        now_s = int(self.clock.now_s())
        try:
            return await self._step(now_s)
        except Outpaced:
            # Another watcher decided first. What it decided is in the store; ours is not. Read it, and go on from there.
            log.warning("another watcher decided first", who=self.who)
            self._forget()
            return await self._step(now_s)

    async def _step(self, now_s: int) -> Stepped:
        self._events, batches = 0, 0
        while claimed := await alerts.claim_batches(self.store, now_s, self.who):
            await self._load(claimed, now_s)
            for batch in claimed:
                await self._expire(batch.received_s - 1)
                await self._take(batch)
                batches += 1
            await self._mark(now_s)
        await self._load((), now_s)
        await self._expire(now_s - GRACE_S)
        return Stepped(batches, self._events)

    # --- memory

    async def _load(self, claimed: Sequence[ClaimedBatch], now_s: int) -> None:
        if self._loaded:
            return
        handled = await alerts.handled_until(self.store)
        for feed_id in sorted(handled):
            await load_history(self.store, self.history, feed_id, self._quantities(), handled[feed_id])
        first_s = min((batch.received_s for batch in claimed), default=now_s)
        self.records = await load_alerts(self.store, min(first_s, now_s))
        self._handled, self._loaded = handled, True
        self._reached_s = max(handled.values(), default=0)

    def _forget(self) -> None:
        self.history, self.records, self._handled = History(), {}, {}
        self._idle.clear()
        self._loaded = self._blind_known = False

    def _quantities(self) -> frozenset[str]:
        return frozenset(chain.from_iterable(rule.quantities for rule in self.config.rules if rule.enabled))

    def _departure_rules(self) -> list[DepartureRule]:
        return [rule for rule in self.config.rules if isinstance(rule, DepartureRule) and rule.enabled]

    def _blindness_rules(self) -> list[BlindnessRule]:
        return [rule for rule in self.config.rules if isinstance(rule, BlindnessRule) and rule.enabled]

    # --- batches

    async def _take(self, batch: ClaimedBatch) -> None:
        """Everything that one batch changes, committed together with its mark; a batch that brought nothing waits for company."""
        findings: list[Finding] = []
        if batch.stored or batch.revised:
            touched = await self._read(batch)
            findings = await self._departed(frozenset(touched), batch.received_s)
            self._blind_known = False
            findings += self._blind(batch.received_s)
        self._reached_s = max(self._reached_s, batch.received_s)
        self._handled[batch.feed_id] = max(batch.received_s, self._handled.get(batch.feed_id, batch.received_s))
        self._idle.append(batch.id)
        if findings:
            await self._commit(findings, batch.received_s)

    async def _read(self, batch: ClaimedBatch) -> list[str]:
        at_s = batch.received_s
        f = Filter(feeds=frozenset({batch.feed_id}), quantities=self._quantities())
        from_s = self._from(batch)
        found = await read.arrays(self.store, f, from_s, at_s + 1, as_of_s=at_s)
        touched = self.history.take(found, from_s, at_s)
        if batch.revised:
            touched += await self._reread(batch, from_s)
        return touched

    def _from(self, batch: ClaimedBatch) -> int:
        before_s = self._handled.get(batch.feed_id, batch.received_s - _FARTHEST_S) - _OVERLAP_S
        first_s = min(before_s, batch.first_end_s if batch.first_end_s is not None else before_s)
        if batch.revised:
            return batch.received_s - _FARTHEST_S
        return max(first_s, batch.received_s - _FARTHEST_S)

    async def _reread(self, batch: ClaimedBatch, until_s: int) -> list[str]:
        """Evidence that is older than what was just read, of the alerts that a correction could still amend."""
        members = [m for record in self.records.values() if batch.feed_id in record.feeds for m in record.life.members]
        old = sorted({member.series_uid for member in members if member.pair_s[0] < until_s})
        if not old:
            return []
        from_s = min(member.pair_s[0] for member in members)
        found = await read.arrays(self.store, old, from_s, batch.received_s + 1, as_of_s=batch.received_s)
        return self.history.take(found, from_s, batch.received_s)

    async def _departed(self, touched: frozenset[str], at_s: int) -> list[Finding]:
        findings: list[Finding] = []
        for rule in self._departure_rules():
            departing = departures.candidates(rule, touched, self.history.trails, at_s)
            watched = [record for record in self.records.values() if record.subject.rule_id == rule.id]
            subjects = {record.subject for record in watched} | set(departing)
            for subject in sorted(subjects, key=lambda s: (s.quantity, s.medium, s.exercise)):
                here = departing.get(subject, [])
                known = {m.series_uid for r in watched if r.subject == subject and r.life.is_open for m in r.life.members}
                new = [member for member in here if member.series_uid not in known]
                rain = await rain_at(self.store, RainQuestion(new, at_s, subject.exercise)) if new else {}
                fresh = departures.with_rain(new, rain, rule)
                moves = departures.moves(rule, subject, fresh, watched, touched, self.history.trails, at_s)
                findings += [Finding(rule, moved, rain=rain) for moved in moves]
        return findings

    # --- silence

    async def _expire(self, until_s: int) -> None:
        """Whatever the passing of time alone brings about by `until_s`, moment by moment."""
        while (due_s := self._due_s()) is not None and due_s <= until_s:
            at_s = max(due_s, self._reached_s)
            findings = self._silent(at_s) + self._blind(at_s)
            if not findings and due_s <= self._reached_s:
                return
            self._reached_s, self._blind_known = at_s, False
            if findings:
                await self._commit(findings, at_s)

    def _due_s(self) -> int | None:
        moments = [moment for rule, record in self._standing() if (moment := self._stale_at_s(rule, record)) is not None]
        if (moment := self._next_blind_s()) is not None:
            moments.append(moment)
        return min(moments, default=None)

    def _standing(self) -> list[tuple[DepartureRule, AlertRecord]]:
        rules = {rule.id: rule for rule in self._departure_rules()}
        found = sorted((r for r in self.records.values() if r.life.is_open and r.subject.rule_id in rules), key=in_order)
        return [(rules[record.subject.rule_id], record) for record in found]

    def _stale_at_s(self, rule: DepartureRule, record: AlertRecord) -> int | None:
        trails = self.history.trails
        newest = {
            m.series_uid: int(trails[m.series_uid].end_s[-1])
            for m in record.life.members if m.series_uid in trails and len(trails[m.series_uid].end_s)
        }  # fmt: skip
        return stale_at_s(record.life, newest, rule.parameters)

    def _silent(self, at_s: int) -> list[Finding]:
        found = []
        for rule, record in self._standing():
            if (moment := self._stale_at_s(rule, record)) is not None and moment <= at_s:
                moved = departures.silent(rule, record, self.history.trails, at_s)
                if moved.steps:
                    found.append(Finding(rule, moved))
        return found

    # --- blindness

    def _next_blind_s(self) -> int | None:
        if not self._blind_known:
            at_s = self._reached_s
            moments = [
                moment for rule in self._blindness_rules() for watched in self._watchlists(rule)
                if blind.of(self.records.values(), rule, watched) is None and (moment := blind.due_s(rule, watched, at_s)) is not None
            ]  # fmt: skip
            self._blind_due_s, self._blind_known = min(moments, default=None), True
        return self._blind_due_s

    def _watchlists(self, rule: BlindnessRule) -> list[blind.Watched]:
        cadences = {
            feed.id: blind.Cadence(feed.schedule.late_after_s, feed.schedule.lag_s, feed.schedule.every_s) for feed in self.config.feeds
        }
        areas = frozenset(area.id for area in self.config.geography.areas if area.kind == "region")
        blind_now = blind.blind_feeds(self.records.values(), list(cadences))
        return blind.watchlists(rule, self.history.trails.values(), cadences, areas, blind_now)

    def _blind(self, at_s: int) -> list[Finding]:
        """Feeds first: a feed that goes blind at this moment takes its stations out of the areas that are looked at next."""
        findings: list[Finding] = []
        for rule in self._blindness_rules():
            gone: set[str] = set()
            for watched in self._watchlists(rule):
                if not watched.is_feed and gone & set(watched.feeds):
                    continue
                record = blind.of(self.records.values(), rule, watched)
                found = blind.moved(rule, watched, record, at_s)
                if found is None:
                    continue
                moved, seen = found
                findings.append(Finding(rule, moved, quiet=seen))
                if watched.is_feed and moved.steps[-1].life.state is AlertState.FIRING:
                    gone.add(watched.about)
        return findings

    # --- committing

    async def _commit(self, findings: Sequence[Finding], at_s: int) -> None:
        announcer = Announcer(self.store, self.config, self.history.trails, tuple(self.silences()))
        decided_s = int(self.clock.now_s())
        decision = await announcer.decision(findings, at_s, decided_s, tuple(self._idle))
        await alerts.decide(self.store, decision)
        self._idle.clear()
        self._events += len(decision.changes)
        for finding in findings:
            self._remember(finding.moved)

    def _remember(self, moved: Moved) -> None:
        record = departures.grown(moved.record, moved.steps[-1].life, self.history.trails)
        self.records[record.uid] = record
        horizon_s = record.life.updated_s - WATCHED_AFTER_END_S
        self.records = {uid: r for uid, r in self.records.items() if r.life.is_open or r.life.updated_s >= horizon_s}

    async def _mark(self, now_s: int) -> None:
        if self._idle:
            await alerts.decide(self.store, Decision(now_s, tuple(self._idle)))
            self._idle.clear()
