"""What a detector holds active, and the readings on record -> what happens to which alert. Pure; an end needs both to agree."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from alerting.decide import sight
from alerting.departures import Moved, grown
from alerting.history import Trail
from alerting.life import Correction, Life, Member, Step
from alerting.lifecycle import Told, begun, followed
from alerting.memory import in_order
from alerting.records import AlertRecord, Subject, alert_uid
from analysis.detect_watch import Active, Weighed
from domain.quantities import BY_ID
from domain.states import AlertState
from specs.rule import DetectorRule


@dataclass(frozen=True, slots=True)
class Watched:
    """What the detector can be asked about a series after its step, and which series triggered at it."""

    weigh: Callable[[str], Weighed]
    median: Callable[[str], float | None]
    triggered: frozenset[str]


def moves(
    rule: DetectorRule,
    active: Sequence[Active],
    watched: Watched,
    records: Iterable[AlertRecord],
    trails: Mapping[str, Trail],
    at_s: int,
) -> list[Moved]:
    """What one step of the detector does to its alerts (all of one exercise mark), in order; new ones last."""
    mine = sorted(records, key=in_order)
    standing = _adopted([record for record in mine if record.life.is_open], active)
    by_key = {one.key: one for one in active}
    found = [Moved(record, _follow(rule, record, by_key.get(record.key), watched, trails, at_s)) for record in standing]
    told = {record.key for record in standing}
    over = {record.key for record in mine}
    for one in sorted(active, key=lambda one: one.key):
        if one.key not in told:
            found += _new(rule, one, watched, one.key in over, trails, at_s)
    return [moved for moved in found if moved.steps]


def corrected(record: AlertRecord, trails: Mapping[str, Trail], at_s: int) -> Moved:
    """What a correction of its evidence does to an alert, over or not."""
    again = corrections(record.life, trails)
    if not again:
        return Moved(record, ())
    told = Told(again, level=record.life.level, silent=record.life.state is AlertState.STALE)
    return Moved(record, followed(record.life, told, at_s))


def silent(rule: DetectorRule, record: AlertRecord, trails: Mapping[str, Trail], at_s: int) -> Moved:
    """What the mere passing of time does to an alert."""
    told = Told(level=record.life.level, silent=_silent(rule, record.life, trails, at_s))
    quiet = told.silent and record.life.state is not AlertState.STALE
    return Moved(record, followed(record.life, told, at_s) if quiet else ())


def corrections(life: Life, trails: Mapping[str, Trail]) -> tuple[Correction, ...]:
    """Members whose evidence is on record no more as it was: with the readings of today, if those would still have been enough."""
    found = []
    for member in life.members:
        trail = trails.get(member.series_uid)
        if trail is None or not len(trail.end_s) or int(trail.end_s[0]) > member.pair_s[0]:
            continue  # too long ago to be looked at again: said once, it stands
        now = [(end_s, value) for end_s in member.pair_s if (value := trail.at(end_s)) is not None]
        if tuple(now) == tuple(zip(member.pair_s, member.pair, strict=True)):
            continue
        found.append(Correction(member.series_uid, _again(member, now)))
    return tuple(found)


def _again(member: Member, now: Sequence[tuple[int, float]]) -> Member | None:
    values = tuple(value for _, value in now)
    if not values or (member.least is not None and sum(values) / len(values) < member.least):
        return None
    return replace(member, pair_s=tuple(end_s for end_s, _ in now), pair=values, peak=max(values) - member.median)


def _adopted(standing: Sequence[AlertRecord], active: Sequence[Active]) -> list[AlertRecord]:
    """An alert that the detector names anew (it was started again without its memory) goes on under the new name."""
    names = {one.key for one in active}
    taken = {record.key for record in standing}
    adopted = []
    for record in standing:
        inside = {member.series_uid for member in record.life.members}
        heirs = [one.key for one in active if one.key not in taken and inside & set(one.series)]
        renamed = record.key not in names and heirs
        taken |= set(heirs[:1]) if renamed else set()
        adopted.append(replace(record, key=heirs[0]) if renamed else record)
    return adopted


def _follow(
    rule: DetectorRule,
    record: AlertRecord,
    one: Active | None,
    watched: Watched,
    trails: Mapping[str, Trail],
    at_s: int,
) -> tuple[Step, ...]:
    life = record.life
    known = {member.series_uid for member in life.members}
    series = () if one is None else one.series
    joining = tuple(
        member for uid in series if uid not in known and (member := _member(uid, watched, trails)) is not None
    )
    level = AlertState.FIRING if one is not None and one.level == "firing" else life.level
    quiet = (one is not None and one.level == "stale") or _silent(
        rule, replace(life, members=(*life.members, *joining)), trails, at_s
    )
    ended = one is None and _earned(rule, life, watched, trails)
    return followed(life, Told((), joining, level, quiet, ended), at_s)


def _new(
    rule: DetectorRule, one: Active, watched: Watched, ended_before: bool, trails: Mapping[str, Trail], at_s: int
) -> list[Moved]:
    """A new alert. Of one that was taken back while the detector still holds it, only what triggers anew is news."""
    series = [uid for uid in one.series if not ended_before or uid in watched.triggered]
    members = [member for uid in series if (member := _member(uid, watched, trails)) is not None]
    if not members or one.level == "stale":
        return []
    level = AlertState.FIRING if one.level == "firing" else AlertState.UNVERIFIED
    step = begun(members, level, at_s)
    trail = trails[step.life.members[0].series_uid]
    series_of, exercise = trail.series, trail.series.exercise or trail.row.station.exercise
    subject = Subject(rule.id, series_of.quantity, series_of.medium, BY_ID[series_of.quantity].unit, exercise)
    about = series_of.uid
    uid = alert_uid(rule.id, about, step.life.began_s, exercise)
    record = AlertRecord(uid, rule.kind, rule.version, subject, about, (), (), step.life, key=one.key)
    return [Moved(grown(record, step.life, trails), (step,))]


def _member(uid: str, watched: Watched, trails: Mapping[str, Trail]) -> Member | None:
    trail = trails.get(uid)
    if trail is None:
        return None
    seen = watched.weigh(uid)
    pair = [(end_s, value) for end_s in seen.end_s if (value := trail.at(end_s)) is not None]
    if not pair:
        return None
    place, values = trail.row.station.station, tuple(value for _, value in pair)
    least = sum(values) / len(values) - sum(seen.onsets) / len(seen.onsets) + seen.least
    return Member(
        uid, place.uid, place.latitude_deg, place.longitude_deg, seen.median, seen.scale, seen.gate,
        max(values) - seen.median, tuple(end_s for end_s, _ in pair), values, seen.wet, least,
    )  # fmt: skip


def _half(count: int, share: float) -> int:
    return max(1, -int(-count * share // 1))


def _silent(rule: DetectorRule, life: Life, trails: Mapping[str, Trail], at_s: int) -> bool:
    fresh = 0
    for member in life.members:
        trail = trails.get(member.series_uid)
        if trail is not None and len(trail.end_s):
            fresh += at_s - int(trail.end_s[-1]) <= rule.parameters.stale_after_s
    return fresh < _half(len(life.members), 0.5)


def _earned(rule: DetectorRule, life: Life, watched: Watched, trails: Mapping[str, Trail]) -> bool:
    """Whether readings on record, newer than the evidence, earn the end; measured against today's baseline, as the detector does."""
    resolve = rule.parameters.resolve
    calm = 0
    for member in life.members:
        median = watched.median(member.series_uid)
        today = member if median is None else replace(member, median=median)
        calm += sight(trails.get(member.series_uid), today, resolve.below_share).below >= resolve.readings
    return calm >= _half(len(life.members), resolve.of_stations)
