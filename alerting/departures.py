"""One rule, the series that changed, the alerts that are watched -> what happens to which alert. Pure, and the same in any order of arrival."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from alerting import levels
from alerting.decide import candidate, corrections, groups, neighbour, parameters, sight
from alerting.history import Trail
from alerting.levels import above
from alerting.life import Life, Member, Sight, Step
from alerting.lifecycle import News, advance, opened
from alerting.memory import in_order
from alerting.records import AlertRecord, RainSeen, Subject, alert_uid
from domain.quantities import BY_ID
from specs.rule import DepartureRule, LevelRule


@dataclass(frozen=True, slots=True)
class Moved:
    """An alert with the steps that it makes at one moment, in order; `record` is it before them (of a new one: without a life to keep)."""

    record: AlertRecord
    steps: tuple[Step, ...]


def subject_of(rule: DepartureRule | LevelRule, trail: Trail) -> Subject:
    """What a departure of a series would be about."""
    series = trail.series
    exercise = series.exercise or trail.row.station.exercise
    return Subject(rule.id, series.quantity, series.medium, BY_ID[series.quantity].unit, exercise)


def candidates(
    rule: DepartureRule | LevelRule, touched: Iterable[str], trails: Mapping[str, Trail], at_s: int
) -> dict[Subject, list[Member]]:
    """The series that changed and depart now, by what they are about."""
    found: dict[Subject, list[Member]] = defaultdict(list)
    for uid in sorted(touched):
        trail = trails[uid]
        if trail.series.quantity not in rule.quantities or trail.row.station.station.moving:
            continue
        member = (
            above(rule, trail, at_s)
            if isinstance(rule, LevelRule)
            else candidate(trail, at_s, parameters(rule.parameters))
        )
        if member is not None:
            found[subject_of(rule, trail)].append(member)
    return found


def with_rain(members: Sequence[Member], rain: Mapping[str, RainSeen], rule: DepartureRule | LevelRule) -> list[Member]:
    """Members that are news: each knows of rain near it, and those whose rise is ordinary in rain are left out."""
    known = [replace(member, rain=rain[member.series_uid].explains) for member in members]
    return [member for member in known if not (member.rain and member.peak < rule.parameters.rain_limit)]


def moves(
    rule: DepartureRule | LevelRule,
    subject: Subject,
    departing: Sequence[Member],
    watched: Iterable[AlertRecord],
    touched: frozenset[str],
    trails: Mapping[str, Trail],
    at_s: int,
) -> list[Moved]:
    """What happens to the alerts about `subject`: those whose members changed, those that grow, and new ones."""
    mine = sorted((record for record in watched if record.subject == subject), key=in_order)
    standing = [record for record in mine if record.life.is_open]
    inside = {member.series_uid for record in standing for member in record.life.members}
    joining, new = _sorted_out(rule, [member for member in departing if member.series_uid not in inside], standing)
    found = []
    for record in mine:
        if joining[record.uid] or any(member.series_uid in touched for member in record.life.members):
            news = _news(rule, record.life, joining[record.uid], trails)
            found.append(Moved(record, advance(record.life, news, at_s, rule.parameters)))
    for group in groups(new, rule.parameters.corroborated.within_m):
        step = opened(group, at_s, rule.parameters)
        found.append(Moved(_new_record(rule, subject, step.life, trails), (step,)))
    return [moved for moved in found if moved.steps]


def silent(rule: DepartureRule | LevelRule, record: AlertRecord, trails: Mapping[str, Trail], at_s: int) -> Moved:
    """What the mere passing of time does to an alert."""
    return Moved(record, advance(record.life, _news(rule, record.life, (), trails), at_s, rule.parameters))


def grown(record: AlertRecord, life: Life, trails: Mapping[str, Trail]) -> AlertRecord:
    """The record at a later life, with the areas and feeds of all its members."""
    rows = [trails[member.series_uid].row for member in life.members if member.series_uid in trails]
    areas = sorted({*record.areas, *(area for row in rows for area in row.station.areas)})
    feeds = sorted({*record.feeds, *(row.series.feed_id for row in rows)})
    return replace(record, life=life, areas=tuple(areas), feeds=tuple(feeds))


def _sorted_out(
    rule: DepartureRule | LevelRule, departing: Sequence[Member], standing: Sequence[AlertRecord]
) -> tuple[dict[str, tuple[Member, ...]], list[Member]]:
    """Series that depart: those that join an alert, by its uid, and those that are new."""
    joining: dict[str, tuple[Member, ...]] = defaultdict(tuple)
    new = sorted(departing, key=lambda member: member.series_uid)
    within_m = rule.parameters.corroborated.within_m
    found = True
    while found:  # a station that joins brings its own neighbours near
        found = False
        for member in tuple(new):
            members = ((record.uid, (*record.life.members, *joining[record.uid])) for record in standing)
            uid = neighbour(member, members, within_m)
            if uid is not None:
                joining[uid] = (*joining[uid], member)
                new.remove(member)
                found = True
    return joining, new


def _news(rule: DepartureRule | LevelRule, life: Life, joining: Sequence[Member], trails: Mapping[str, Trail]) -> News:
    share = rule.parameters.resolve.below_share
    sights: list[Sight] = [sight(trails.get(member.series_uid), member, share) for member in (*life.members, *joining)]
    again = (
        levels.corrections(rule, life, trails)
        if isinstance(rule, LevelRule)
        else corrections(life, trails, parameters(rule.parameters))
    )
    return News(again, tuple(sights), tuple(joining))


def _new_record(
    rule: DepartureRule | LevelRule, subject: Subject, life: Life, trails: Mapping[str, Trail]
) -> AlertRecord:
    about = life.members[0].series_uid
    uid = alert_uid(rule.id, about, life.began_s, subject.exercise)
    return grown(AlertRecord(uid, rule.kind, rule.version, subject, about, (), (), life), life, trails)
