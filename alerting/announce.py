"""From moves to one decision for the store: alerts, events with their evidence and reasons, messages to whom it concerns."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from alerting import words
from alerting.blindness import Quiet
from alerting.decide import parameters
from alerting.departures import Moved, grown
from alerting.evidence import (
    DETECTOR_METHOD,
    METHOD,
    basis,
    evidence,
    numbers_of,
    rain_seen,
    readings_of,
    sample_evidence,
    yardstick_of,
)
from alerting.history import Trail
from alerting.life import Life, Step
from alerting.records import Account, AlertRecord, Basis, DetectorStep, RainSeen, encoded, event_type, event_uid
from alerting.route import messages
from alerting.silence import Silence, inhibited, muted
from alerting.voicing import open_feeds
from analysis.detect_watch import Weighed
from analysis.sentences import LANGUAGES
from specs.loading import Config
from specs.rule import BlindnessRule, DepartureRule, DetectorRule, LevelRule, Rule, SampleRule, SetByIssuer
from store import deliveries
from store.alert_rows import AlertRow, Change, Decision, EventRow, EvidenceRow, Message, SubscriptionRow
from store.engine import Store
from store.rows import SampleRow

BLIND_METHOD = "alerting.blindness/1"
LEVEL_METHOD = "alerting.levels/1"
SAMPLE_METHOD = "alerting.samples/1"


@dataclass(frozen=True, slots=True)
class DetectorFacts:
    """The step that a detector's alert moved at, what the detector said of its series then, and every number that it decides by."""

    step: DetectorStep
    weighed: tuple[Weighed, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Finding:
    """What a rule found: an alert that moves, and what the sentence and the evidence need beside it."""

    rule: Rule
    moved: Moved
    rain: Mapping[str, RainSeen] = field(default_factory=dict)
    quiet: Quiet | None = None
    facts: DetectorFacts | None = None
    samples: Sequence[SampleRow] = ()


@dataclass(frozen=True, slots=True)
class Announcer:
    """Writes events. Everything it needs is passed in; it remembers nothing."""

    store: Store
    config: Config
    trails: Mapping[str, Trail]
    silences: Sequence[Silence] = ()
    #: Feed id -> the blindness that is going on about it.
    blind: Mapping[str, str] = field(default_factory=dict)

    async def decision(self, findings: Sequence[Finding], at_s: int, decided_s: int) -> Decision:
        """All that happened at one moment, as one transaction."""
        receivers = _live(await deliveries.subscriptions(self.store))
        told = await deliveries.told_of(self.store, [finding.moved.record.uid for finding in findings])
        changes: list[Change] = []
        out: list[Message] = []
        for finding in findings:
            knows = set(told.get(finding.moved.record.uid, frozenset()))
            for step in finding.moved.steps:
                change, record = await self._change(finding, step, at_s, decided_s)
                changes.append(change)
                if not self._muted(step, record, at_s):
                    sent = self._sent(change.event, record, receivers, knows)
                    knows |= {message.subscription_uid for message in sent}
                    out += sent
        return Decision(at_s, (), tuple(changes), tuple(out))

    def _sent(
        self, event: EventRow, record: AlertRecord, receivers: Sequence[SubscriptionRow], knows: set[str]
    ) -> tuple[Message, ...]:
        on_request = {rule.id for rule in self.config.rules if isinstance(rule, SetByIssuer) and rule.on_request}
        return messages(event, record, receivers, knows, (), open_feeds(self.config), on_request)

    def _muted(self, step: Step, record: AlertRecord, at_s: int) -> str:
        silence = muted(step.kind, record, self.silences, at_s)
        if silence is not None:
            return f"silence {silence.uid}"
        if inhibited(step.kind, record, self.blind):
            return f"blindness {self.blind[record.feeds[0]]}"
        return ""

    async def _change(self, finding: Finding, step: Step, at_s: int, decided_s: int) -> tuple[Change, AlertRecord]:
        record = grown(finding.moved.record, step.life, self.trails)
        life = step.life
        rule = finding.rule
        if isinstance(rule, (DepartureRule, LevelRule)):
            event = await self._departure_event(rule, finding, record, step, at_s, decided_s)
        elif isinstance(rule, SampleRule):
            event = self._sample_event(rule, finding, record, step, at_s, decided_s)
        elif isinstance(rule, DetectorRule):
            event = await self._detector_event(rule, finding, record, step, at_s, decided_s)
        else:
            event = self._blind_event(rule, finding, record, step, at_s, decided_s)
        alert = AlertRow(
            record.uid,
            rule.id,
            record.about,
            life.state,
            life.level,
            life.revision,
            life.began_s,
            life.detected_s,
            life.updated_s,
            life.resolved_s,
            record.areas,
            record.subject.exercise,
            encoded(record),
        )
        return Change(alert, event), record

    async def _departure_event(
        self,
        rule: DepartureRule | LevelRule,
        finding: Finding,
        record: AlertRecord,
        step: Step,
        at_s: int,
        decided_s: int,
    ) -> EventRow:
        life, quantity = step.life, record.subject.quantity
        numbers = self._bases(rule, life)
        told = {uid: yardstick_of(one, quantity) for uid, one in numbers.items()}
        keys = readings_of(life, step.kind, self.trails, rule.parameters.resolve.readings)
        proofs = await evidence(self.store, keys, at_s, told)
        newest_s = self._newest_s(life, at_s)
        account = Account(
            event_type(step.kind.value, record.subject.exercise),
            METHOD if isinstance(rule, DepartureRule) else LEVEL_METHOD,
            _title(rule),
            record,
            newest_s,
            at_s,
            decided_s,
            tuple(numbers[uid] for uid in sorted(numbers)),
            tuple(finding.rain[m.series_uid] for m in life.members if m.series_uid in finding.rain),
            muted=self._muted(step, record, at_s),
        )
        told_by = words.departure_words if isinstance(rule, DepartureRule) else partial(words.level_words, rule)
        reasons = told_by(step.kind, life, quantity, record.subject.exercise, self._names(life), at_s - newest_s)
        return _event(rule, record, step, at_s, reasons, encoded(account), proofs)

    def _bases(self, rule: DepartureRule | LevelRule, life: Life) -> dict[str, Basis]:
        """What each member was measured against; a level is measured against nothing but itself."""
        if isinstance(rule, LevelRule):
            return {}
        p = parameters(rule.parameters)
        found = [basis(member, self.trails.get(member.series_uid), p) for member in life.members]
        return {one.series_uid: one for one in found if one is not None}

    async def _detector_event(
        self, rule: DetectorRule, finding: Finding, record: AlertRecord, step: Step, at_s: int, decided_s: int
    ) -> EventRow:
        life, facts, quantity = step.life, finding.facts, record.subject.quantity
        numbers = {} if facts is None else {one.series_uid: numbers_of(one, quantity) for one in facts.weighed}
        keys = readings_of(life, step.kind, self.trails, rule.parameters.resolve.readings)
        proofs = await evidence(self.store, keys, at_s, numbers)
        newest_s = self._newest_s(life, at_s)
        account = Account(
            event_type(step.kind.value, record.subject.exercise),
            DETECTOR_METHOD,
            _title(rule),
            record,
            newest_s,
            at_s,
            decided_s,
            rain=() if facts is None else tuple(rain_seen(one, facts.step) for one in facts.weighed),
            weighed=() if facts is None else facts.weighed,
            step=None if facts is None else facts.step,
            muted=self._muted(step, record, at_s),
        )
        reasons = words.detector_words(
            step.kind, life, quantity, record.subject.exercise, self._names(life), at_s - newest_s
        )
        return _event(rule, record, step, at_s, reasons, encoded(account), proofs, facts.parameters if facts else {})

    def _sample_event(
        self, rule: SampleRule, finding: Finding, record: AlertRecord, step: Step, at_s: int, decided_s: int
    ) -> EventRow:
        (member,) = step.life.members or finding.moved.record.life.members
        row = next((row for row in finding.samples if row.sample.uid == record.key), None)
        account = Account(
            event_type(step.kind.value, record.subject.exercise),
            SAMPLE_METHOD,
            _title(rule),
            record,
            member.pair_s[-1],
            at_s,
            decided_s,
            muted=self._muted(step, record, at_s),
        )
        taken = words.Taken(row, member, {} if row is None else dict(row.station.station.names))
        reasons = words.sample_words(rule, step.kind, taken, record.subject.exercise)
        proofs = sample_evidence(finding.samples, member, at_s)
        return _event(rule, record, step, at_s, reasons, encoded(account), proofs)

    def _newest_s(self, life: Life, at_s: int) -> int:
        """End of the newest reading of its members."""
        trails = (self.trails.get(member.series_uid) for member in life.members)
        return max((int(trail.end_s[-1]) for trail in trails if trail and len(trail.end_s)), default=at_s)

    def _blind_event(
        self, rule: BlindnessRule, finding: Finding, record: AlertRecord, step: Step, at_s: int, decided_s: int
    ) -> EventRow:
        seen = finding.quiet or Quiet(0, 0, None)
        newest_s = seen.newest_s if seen.newest_s is not None else step.life.began_s
        account = Account(
            event_type(step.kind.value, record.subject.exercise),
            BLIND_METHOD,
            _title(rule),
            record,
            newest_s,
            at_s,
            decided_s,
            counts={"quiet": seen.quiet, "active": seen.active, "missed_polls": len(seen.states)},
            muted=self._muted(step, record, at_s),
        )
        told = words.Blind(
            self._about(record),
            seen.quiet,
            seen.active,
            at_s - newest_s,
            seen.states,
            self.config.feed(record.about) is not None,
        )
        reasons = words.blind_words(step.kind, told, record.subject.exercise)
        return _event(rule, record, step, at_s, reasons, encoded(account), ())

    def _names(self, life: Life) -> Mapping[str, str]:
        trail = self.trails.get(words.largest(life).series_uid)
        if trail is None:
            return {}
        names = dict(trail.row.station.station.names)
        fallback = next(iter(names.values()), "")
        return {language: names.get(language) or fallback for language in LANGUAGES}

    def _about(self, record: AlertRecord) -> Mapping[str, str]:
        feed = self.config.feed(record.about)
        if feed is not None:
            names: Mapping[str, str] = {str(key): value for key, value in feed.title.items()}
        else:
            area = next((area for area in self.config.geography.areas if area.id == record.about), None)
            names = {} if area is None else {language: given[0] for language, given in area.names.items() if given}
        return {language: names.get(language) or names.get("en") or record.about for language in LANGUAGES}


def _title(rule: Rule) -> dict[str, str]:
    return {str(language): text for language, text in rule.title.items()}


def _live(receivers: Iterable[SubscriptionRow]) -> list[SubscriptionRow]:
    return [row for row in receivers if row.state in ("active", "paused", "disabled")]


def _event(
    rule: Rule,
    record: AlertRecord,
    step: Step,
    at_s: int,
    reasons: Mapping[str, str],
    account: str,
    proofs: tuple[EvidenceRow, ...],
    detector: Mapping[str, Any] | None = None,
) -> EventRow:
    life, numbers = step.life, rule.parameters.model_dump(mode="json")
    return EventRow(
        event_uid(record.uid, life.revision),
        record.uid,
        life.revision,
        step.kind.value,
        life.state,
        life.level,
        at_s,
        str(rule.version),
        json.dumps(numbers | ({"detector": detector} if detector else {}), sort_keys=True),
        reasons,
        record.subject.exercise,
        account,
        proofs,
    )
