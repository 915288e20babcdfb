"""The detectors of the rules, as the watcher uses them: a step after each poll of their feed, findings out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from alerting import detected
from alerting.announce import DetectorFacts, Finding
from alerting.departures import Moved
from alerting.detection import Detection, Seen
from alerting.history import Trail
from alerting.memory import in_order
from alerting.records import AlertRecord, DetectorStep
from specs.rule import DetectorRule
from store.alert_rows import StateRow
from store.engine import Store
from store.rows import RunRow


@dataclass(slots=True)
class Detectors:
    """One detector for each rule, and one more for the exercise series of its feed once there are any."""

    store: Store
    rules: Sequence[DetectorRule]
    _held: dict[tuple[str, bool], Detection] = field(default_factory=dict)

    async def after_poll(
        self, run: RunRow, records: Mapping[str, AlertRecord], trails: Mapping[str, Trail], at_s: int
    ) -> list[Finding]:
        """What a poll that has ended brings about."""
        findings: list[Finding] = []
        for rule in self.rules:
            if run.feed_id in rule.feeds:
                for exercise in (False, True):
                    findings += await self._by(rule, run, exercise, records, trails, at_s)
        return findings

    async def _by(
        self,
        rule: DetectorRule,
        run: RunRow,
        exercise: bool,
        records: Mapping[str, AlertRecord],
        trails: Mapping[str, Trail],
        at_s: int,
    ) -> list[Finding]:
        name = (rule.id, exercise)
        detection = self._held.setdefault(name, Detection(self.store, rule, run.feed_id, exercise))
        seen = await detection.poll(run, trails)
        if seen is None or detection.watch is None:
            return []
        watched = detected.Watched(detection.watch.weighed, detection.watch.median, seen.triggered)
        mine = [record for record in _of(rule, records) if record.subject.exercise == exercise]
        moves = detected.moves(rule, seen.active, watched, mine, trails, at_s)
        return await _told(rule, detection, seen, moves) if moves else []

    def corrected(self, records: Mapping[str, AlertRecord], trails: Mapping[str, Trail], at_s: int) -> list[Finding]:
        """What corrections of their evidence do to the alerts of detectors."""
        found = [
            (rule, detected.corrected(record, trails, at_s)) for rule in self.rules for record in _of(rule, records)
        ]
        return [Finding(rule, moved) for rule, moved in found if moved.steps]

    def states(self) -> tuple[StateRow, ...]:
        """States that belong into the next decision."""
        return tuple(state for detection in self._held.values() for state in detection.states)

    def kept(self) -> None:
        """They have been written."""
        for detection in self._held.values():
            detection.states.clear()


def _of(rule: DetectorRule, records: Mapping[str, AlertRecord]) -> list[AlertRecord]:
    return sorted((record for record in records.values() if record.subject.rule_id == rule.id), key=in_order)


async def _told(rule: DetectorRule, detection: Detection, seen: Seen, moves: Sequence[Moved]) -> list[Finding]:
    step, state = await detection.proven(seen)
    detection.states.append(state)
    return [Finding(rule, moved, facts=_facts(detection, step, moved)) for moved in moves]


def _facts(detection: Detection, step: DetectorStep, moved: Moved) -> DetectorFacts:
    """What the detector says now of every series of an alert."""
    watch = detection.watch
    uids = sorted({member.series_uid for member in moved.steps[-1].life.members})
    if watch is None:
        return DetectorFacts(step)
    return DetectorFacts(step, tuple(watch.weighed(uid) for uid in uids if uid in watch.place), watch.parameters())
