"""Program 2's first half: claims committed batches, evaluates the series they touched, commits what happened. Start reading at `step`.

Everything is decided as of the receipt of a batch, or as of the very second at which silence becomes news, never as of when
this program came round to it: killed and started again, or hours late, it makes the same decisions in the same order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import TypedDict

import structlog

from alerting import blind, departures, detected
from alerting.announce import Announcer, Finding
from alerting.blindness import ON_TIME, Poll, PollLog
from alerting.departures import Moved
from alerting.detecting import Detectors
from alerting.history import History
from alerting.life import Member
from alerting.lifecycle import stale_at_s
from alerting.memory import WATCHED_AFTER_END_S, in_order, load_alerts, load_history
from alerting.rain import RainQuestion, rain_at
from alerting.records import AlertRecord, RainSeen, Subject
from alerting.sampling import sampled
from alerting.silence import Silence, silence_of
from analysis.freshness import Standing
from domain.clock import Clock
from domain.states import FeedState
from specs.loading import Config
from specs.rule import BlindnessRule, DepartureRule, DetectorRule, LevelRule, SampleRule
from store import alerts, read, silences
from store.alert_rows import ClaimedBatch, Decision, StateRow
from store.engine import Store
from store.refused import Outpaced
from store.rows import Filter, RunRow

log = structlog.get_logger(__name__)

#: Silence becomes news this long after its moment, so that a batch on its way into the store is not overtaken.
GRACE_S = 60
#: Ends of a batch's readings are looked for from this long before the feed's last batch (late readings), at most so far back.
_OVERLAP_S = 3600
_FARTHEST_S = 36 * 3600
_POLLS = 40


class Done(TypedDict):
    """What a decision marks as done beside the changes it makes."""

    batch_ids: tuple[int, ...]
    run_uids: tuple[str, ...]
    states: tuple[StateRow, ...]


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
    history: History = field(init=False)
    records: dict[str, AlertRecord] = field(default_factory=dict)
    _handled: dict[str, int] = field(default_factory=dict)
    _idle: list[int] = field(default_factory=list)
    _loaded: bool = False
    _events: int = 0
    _reached_s: int = 0
    _logs: dict[str, PollLog] = field(default_factory=dict)
    _ended: list[RunRow] = field(default_factory=list)
    _judged: list[str] = field(default_factory=list)
    _detectors: Detectors = field(init=False)

    def __post_init__(self) -> None:
        self._forget()

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
        await self._load(now_s)
        await (
            self._look_for_ended_runs()
        )  # before the batches: of a run that is seen to have ended, every batch is there
        while claimed := await alerts.claim_batches(self.store, now_s, self.who):
            for batch in claimed:
                await self._advance(batch.received_s - 1)
                await self._take(batch)
                batches += 1
            await self._mark(now_s)
        await self._advance(now_s - GRACE_S)
        await self._mark(now_s)
        return Stepped(batches, self._events)

    # --- memory

    async def _load(self, now_s: int) -> None:
        if self._loaded:
            return
        handled = await alerts.handled_until(self.store)
        self._reached_s = max(handled.values(), default=0)
        for feed_id in sorted(handled):
            await load_history(self.store, self.history, feed_id, self._quantities(), handled[feed_id])
        for feed in self.config.feeds:
            for run in await alerts.judged_runs(self.store, feed.id, limit=_POLLS):
                self._note(run)
        self.records = await load_alerts(self.store, self._reached_s or now_s)
        self._handled, self._loaded = handled, True

    def _forget(self) -> None:
        watched = frozenset(feed_id for rule in self._detector_rules() for feed_id in rule.feeds)
        self.history, self.records, self._handled = History(watched), {}, {}
        self._logs, self._detectors = {}, Detectors(self.store, self._detector_rules())
        self._idle.clear()
        self._judged.clear()
        self._ended.clear()
        self._loaded = False

    def _quantities(self) -> frozenset[str]:
        return frozenset(
            chain.from_iterable(
                rule.quantities for rule in self.config.rules if rule.enabled and not isinstance(rule, SampleRule)
            )
        )

    def _departure_rules(self) -> list[DepartureRule | LevelRule]:
        return [rule for rule in self.config.rules if isinstance(rule, (DepartureRule, LevelRule)) and rule.enabled]

    def _detector_rules(self) -> list[DetectorRule]:
        return [rule for rule in self.config.rules if isinstance(rule, DetectorRule) and rule.enabled]

    def _blindness_rules(self) -> list[BlindnessRule]:
        return [rule for rule in self.config.rules if isinstance(rule, BlindnessRule) and rule.enabled]

    # --- batches

    async def _take(self, batch: ClaimedBatch) -> None:
        """Everything that one batch changes, committed together with its mark; a batch that brought nothing waits for company."""
        findings: list[Finding] = []
        if batch.stored or batch.revised:
            touched = await self._read(batch)
            findings = await self._departed(frozenset(touched), batch.received_s)
            findings += await sampled(self.store, self.config.rules, batch, self.records)
            findings += (
                self._detectors.corrected(self.records, self.history.trails, batch.received_s) if batch.revised else []
            )
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
            departing = departures.candidates(rule, self._looked_at(rule, touched), self.history.trails, at_s)
            watched = [record for record in self.records.values() if record.subject.rule_id == rule.id]
            subjects = {record.subject for record in watched} | set(departing)
            for subject in sorted(subjects, key=lambda s: (s.quantity, s.medium, s.exercise)):
                here = departing.get(subject, [])
                known = {
                    m.series_uid for r in watched if r.subject == subject and r.life.is_open for m in r.life.members
                }
                new = [member for member in here if member.series_uid not in known]
                rain = await self._rain(rule, new, at_s, subject)
                fresh = departures.with_rain(new, rain, rule) if isinstance(rule, DepartureRule) else new
                moves = departures.moves(rule, subject, fresh, watched, touched, self.history.trails, at_s)
                findings += [Finding(rule, moved, rain=rain) for moved in moves]
        return findings

    async def _rain(
        self, rule: DepartureRule | LevelRule, new: Sequence[Member], at_s: int, subject: Subject
    ) -> Mapping[str, RainSeen]:
        """Rain near those that depart; a level is a level in rain too."""
        if not new or isinstance(rule, LevelRule):
            return {}
        return await rain_at(self.store, RainQuestion(new, at_s, subject.exercise))

    async def _detected(self, run: RunRow, at_s: int) -> list[Finding]:
        return await self._detectors.after_poll(run, self.records, self.history.trails, at_s)

    def _looked_at(self, rule: DepartureRule | LevelRule, touched: frozenset[str]) -> frozenset[str]:
        """A level is held against every series; departures are looked for where no detector does."""
        rules, trails = self._detector_rules(), self.history.trails
        if isinstance(rule, LevelRule) or not rules:
            return touched
        return frozenset(
            uid
            for uid in touched
            if not any(rule.covers(trails[uid].series.feed_id, trails[uid].series.quantity) for rule in rules)
        )

    # --- time

    async def _advance(self, until_s: int) -> None:
        """Whatever the passing of time and the ends of polls bring about by `until_s`, moment by moment."""
        while True:
            due_s = self._due_s()
            run = self._ended[0] if self._ended else None
            if (
                run is not None
                and run.finished_s is not None
                and run.finished_s <= min(until_s, until_s if due_s is None else due_s)
            ):
                self._ended.pop(0)
                self._note(run)
                self._judged.append(run.uid)
                at_s = max(run.finished_s, self._reached_s)
                await self._moment(at_s, self._after_poll(run) + await self._detected(run, at_s))
            elif due_s is not None and due_s <= until_s:
                at_s = max(due_s, self._reached_s)
                findings = self._silent(at_s) + self._unheard(at_s)
                if not findings and due_s <= self._reached_s:
                    return
                await self._moment(at_s, findings)
            else:
                return

    async def _moment(self, at_s: int, findings: Sequence[Finding]) -> None:
        self._reached_s = at_s
        if findings:
            await self._commit(findings, at_s)

    def _due_s(self) -> int | None:
        moments = [
            moment for rule, record in self._standing() if (moment := self._stale_at_s(rule, record)) is not None
        ]
        moments += [
            moment for rule in self._blindness_rules() if (moment := blind.due_s(rule, self._ground())) is not None
        ]
        return min(moments, default=None)

    def _standing(self) -> list[tuple[DepartureRule | LevelRule | DetectorRule, AlertRecord]]:
        followed: list[DepartureRule | LevelRule | DetectorRule] = [*self._departure_rules(), *self._detector_rules()]
        rules = {rule.id: rule for rule in followed}
        found = sorted(
            (r for r in self.records.values() if r.life.is_open and r.subject.rule_id in rules), key=in_order
        )
        return [(rules[record.subject.rule_id], record) for record in found]

    def _stale_at_s(self, rule: DepartureRule | LevelRule | DetectorRule, record: AlertRecord) -> int | None:
        trails = self.history.trails
        newest = {
            m.series_uid: int(trails[m.series_uid].end_s[-1])
            for m in record.life.members if m.series_uid in trails and len(trails[m.series_uid].end_s)
        }  # fmt: skip
        return stale_at_s(record.life, newest, rule.parameters.stale_after_s)

    def _silent(self, at_s: int) -> list[Finding]:
        found = []
        for rule, record in self._standing():
            if (moment := self._stale_at_s(rule, record)) is not None and moment <= at_s:
                by = departures.silent if not isinstance(rule, DetectorRule) else detected.silent
                moved = by(rule, record, self.history.trails, at_s)  # type: ignore[arg-type]
                if moved.steps:
                    found.append(Finding(rule, moved))
        return found

    # --- blindness

    async def _look_for_ended_runs(self) -> None:
        """Runs that have ended and were not judged yet, by the mark that each carries: they commit out of order."""
        waiting = {run.uid for run in self._ended}
        self._ended += [run for run in await alerts.unjudged_runs(self.store) if run.uid not in waiting]
        self._ended.sort(key=lambda run: run.finished_s or run.started_s)

    def _note(self, run: RunRow) -> None:
        finished_s = run.finished_s if run.finished_s is not None else run.started_s
        self._logs.setdefault(run.feed_id, PollLog()).add(Poll(run.feed_id, run.started_s, finished_s, run.state))

    def _ground(self) -> blind.Ground:
        standings = {
            feed.id: Standing(
                FeedState.OK, feed.schedule.every_s, feed.schedule.lag_s, feed.schedule.late_after_s, feed.schedule.silent_after_s, None,
                feed.exercise,
            )
            for feed in self.config.feeds
        }  # fmt: skip
        areas = frozenset(area.id for area in self.config.geography.areas if area.kind == "region")
        return blind.Ground(self._logs, standings, self.history.trails.values(), areas, self.records)

    def _after_poll(self, run: RunRow) -> list[Finding]:
        """The feed first: one that is blind says nothing about its stations one by one."""
        at_s = max(run.finished_s or run.started_s, self._reached_s)
        findings: list[Finding] = []
        for rule in self._blindness_rules():
            seen = blind.feed_moves(rule, self._ground(), run.feed_id, at_s)
            if run.state in ON_TIME:
                seen += blind.area_moves(rule, self._ground(), run.feed_id, at_s)
            findings += [Finding(rule, one.moved, quiet=one.quiet) for one in seen]
        return findings

    def _unheard(self, at_s: int) -> list[Finding]:
        found: list[Finding] = []
        for rule in self._blindness_rules():
            for feed_id in sorted(self._logs):
                found += [
                    Finding(rule, one.moved, quiet=one.quiet)
                    for one in blind.feed_moves(rule, self._ground(), feed_id, at_s)
                ]
        return found

    # --- committing

    async def _commit(self, findings: Sequence[Finding], at_s: int) -> None:
        rows = await silences.silences(self.store, at_s=at_s)
        standing = (*self.silences(), *map(silence_of, rows))
        announcer = Announcer(self.store, self.config, self.history.trails, standing, self._blind(findings))
        decided_s = int(self.clock.now_s())
        decision = await announcer.decision(findings, at_s, decided_s)
        await alerts.decide(self.store, replace(decision, **self._done()))
        self._clear()
        self._events += len(decision.changes)
        for finding in findings:
            self._remember(finding.moved)

    def _blind(self, findings: Sequence[Finding]) -> dict[str, str]:
        """Feeds that are blind, those included that become so at this moment."""
        moved = [replace(f.moved.record, life=f.moved.steps[-1].life) for f in findings]
        known = {record.uid: record for record in (*self.records.values(), *moved)}
        return {r.about: r.uid for r in known.values() if r.kind == "blindness" and r.life.is_open and not r.areas}

    def _remember(self, moved: Moved) -> None:
        record = departures.grown(moved.record, moved.steps[-1].life, self.history.trails)
        self.records[record.uid] = record
        horizon_s = record.life.updated_s - WATCHED_AFTER_END_S
        self.records = {uid: r for uid, r in self.records.items() if r.life.is_open or r.life.updated_s >= horizon_s}

    async def _mark(self, now_s: int) -> None:
        if self._idle or self._judged:
            await alerts.decide(self.store, Decision(now_s, **self._done()))
            self._clear()

    def _done(self) -> Done:
        return {"batch_ids": tuple(self._idle), "run_uids": tuple(self._judged), "states": self._detectors.states()}

    def _clear(self) -> None:
        self._idle.clear()
        self._judged.clear()
        self._detectors.kept()
