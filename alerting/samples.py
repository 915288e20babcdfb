"""Laboratory samples held against levels: each sample is a fact of its own, with its sampling time; never "now". Pure.

A value that is only a limit ("< 0.3") never reaches a level. A corrected sample amends or cancels; two later samples of the same kind
from the same place, well below, end what is listed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from alerting.departures import Moved
from alerting.life import Correction, Member, Step
from alerting.lifecycle import Told, begun, followed
from alerting.memory import in_order
from alerting.records import AlertRecord, Subject, alert_uid
from domain.readings import SampleResult
from domain.states import AlertState, Censoring
from domain.units import BY_CODE, convert
from specs.rule import SampleRule
from store.rows import SampleRow


@dataclass(frozen=True, slots=True)
class Measured:
    """One result of one sample, in the unit of the rule's level."""

    row: SampleRow
    result: SampleResult
    value: float


def measured(rule: SampleRule, rows: Iterable[SampleRow]) -> list[Measured]:
    """The results that the rule is about and that have a value, in order of sampling."""
    found = []
    for row in rows:
        station = row.station.station
        if not rule.applies_to(row.feed_id, row.sample.medium, station.latitude_deg, station.longitude_deg):
            continue
        for result in row.sample.results:
            value = _value(rule, result)
            if value is not None:
                found.append(Measured(row, result, value))
    return sorted(found, key=lambda one: (one.row.sample.end_s, one.row.sample.uid, one.result.uid))


def _value(rule: SampleRule, result: SampleResult) -> float | None:
    asked = result.analyte in rule.analytes and result.quantity in rule.quantities
    if not asked or result.value is None or result.censoring is not Censoring.NONE:
        return None
    unit = rule.parameters.unit
    if BY_CODE[result.unit].dimension is not BY_CODE[unit].dimension:
        return None
    return convert(result.value, result.unit, unit)


def moves(rule: SampleRule, rows: Sequence[SampleRow], records: Iterable[AlertRecord], received_s: int) -> list[Moved]:
    """What the samples on record say after an answer came in at `received_s`; only those that it brought begin an alert."""
    results = measured(rule, rows)
    mine = sorted((record for record in records if record.subject.rule_id == rule.id), key=in_order)
    found = [Moved(record, _followed(rule, record, results, rows, received_s)) for record in mine]
    known = {record.uid for record in mine}
    for one in results:
        if one.row.received_s == received_s and one.value >= rule.parameters.level:
            new = _new(rule, one, received_s)
            if new.record.uid not in known:
                found.append(new)
                known.add(new.record.uid)
    return [moved for moved in found if moved.steps]


def _followed(
    rule: SampleRule, record: AlertRecord, results: Sequence[Measured], rows: Sequence[SampleRow], at_s: int
) -> tuple[Step, ...]:
    (member,) = record.life.members
    again = _again(rule, record, member, results, rows)
    later = [
        one
        for one in results
        if one.result.series_uid == member.series_uid and one.row.sample.end_s > member.pair_s[-1]
    ]
    below = 0
    for one in reversed(later):
        if one.value > rule.parameters.below_share * rule.parameters.level:
            break
        below += 1
    ended = not again and below >= rule.parameters.newer
    return followed(record.life, Told(again, level=record.life.level, ended=ended), at_s)


def _again(
    rule: SampleRule, record: AlertRecord, member: Member, results: Sequence[Measured], rows: Sequence[SampleRow]
) -> tuple[Correction, ...]:
    """The sample that the alert stands on, if it is on record and says something else today."""
    if not any(row.sample.uid == record.key for row in rows):
        return ()  # not looked at any more
    now = [one for one in results if one.row.sample.uid == record.key and one.result.series_uid == member.series_uid]
    value = max((one.value for one in now), default=None)
    if value == member.peak:
        return ()
    if value is None or value < rule.parameters.level:
        return (Correction(member.series_uid, None),)
    return (Correction(member.series_uid, replace(member, peak=value, pair=(value,))),)


def _new(rule: SampleRule, one: Measured, at_s: int) -> Moved:
    sample, place = one.row.sample, one.row.station.station
    member = Member(
        one.result.series_uid, place.uid, place.latitude_deg, place.longitude_deg, 0.0, 0.0, rule.parameters.level,
        one.value, (sample.end_s,), (one.value,), False,
    )  # fmt: skip
    step = begun([member], AlertState.UNVERIFIED, at_s)
    subject = Subject(rule.id, one.result.quantity, sample.medium, rule.parameters.unit, one.row.station.exercise)
    uid = alert_uid(rule.id, f"{sample.uid} {one.result.series_uid}", sample.end_s, subject.exercise)
    record = AlertRecord(
        uid,
        rule.kind,
        rule.version,
        subject,
        place.uid,
        one.row.station.areas,
        (one.row.feed_id,),
        step.life,
        key=sample.uid,
    )
    return Moved(record, (step,))
