"""Feeds and areas of which nothing new is heard, as alerts of their own. Pure: polls and trails in, moves out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from alerting.blindness import (
    PollLog,
    Quiet,
    Station,
    area_is_back,
    area_is_blind,
    feed_is_back,
    feed_is_blind,
    quiet,
    quiet_before_s,
    states_of,
    unheard_at_s,
)
from alerting.departures import Moved
from alerting.history import Trail
from alerting.life import EventKind, Life, Step
from alerting.records import AlertRecord, Subject, alert_uid
from analysis.freshness import Standing, late_after
from domain.states import AlertState
from specs.rule import BlindnessRule

_INTERVALS = 48


@dataclass(frozen=True, slots=True)
class Seen:
    """What happens to one alert, with the counts that its sentence tells."""

    moved: Moved
    quiet: Quiet


@dataclass(frozen=True, slots=True)
class Ground:
    """What a judgement stands on: polls and standings by feed, trails, the areas that are watched, the alerts there are."""

    logs: Mapping[str, PollLog]
    standings: Mapping[str, Standing]
    trails: Iterable[Trail]
    areas: frozenset[str]
    records: Mapping[str, AlertRecord]

    def open_about(self, rule: BlindnessRule, about: str, exercise: bool) -> AlertRecord | None:
        """The alert about a feed or an area that is going on."""
        for record in self.records.values():
            same = record.subject.rule_id == rule.id and record.about == about and record.subject.exercise == exercise
            if same and record.life.is_open:
                return record
        return None


def feed_moves(rule: BlindnessRule, ground: Ground, feed_id: str, at_s: int) -> list[Seen]:
    """What a finished poll of a feed, or none for too long, means for the feed's alert."""
    log, standing = ground.logs.get(feed_id), ground.standings.get(feed_id)
    if log is None or standing is None:
        return []
    record = ground.open_about(rule, feed_id, standing.exercise)
    missed = log.missed()
    unheard = unheard_at_s(log, standing.silent_after_s)
    if record is None:
        began = missed[0].started_s if missed else log.polls[-1].finished_s if log.polls else at_s
        if not feed_is_blind(log, rule.parameters) and (unheard is None or unheard > at_s):
            return []
        counts = replace(_of_feed(ground, feed_id, at_s, rule), states=states_of(missed))
        return _begun(rule, ground, (feed_id, standing.exercise, began), (), (feed_id,), counts, at_s)
    if not feed_is_back(log) or (unheard is not None and unheard <= at_s):
        return []
    return [Seen(_over(record, at_s), _of_feed(ground, feed_id, at_s, rule))]


def area_moves(rule: BlindnessRule, ground: Ground, feed_id: str, at_s: int) -> list[Seen]:
    """What a poll of a feed that was on time means for the areas that its stations lie in."""
    found: list[Seen] = []
    for (area, exercise), (stations, feeds) in sorted(_by_area(rule, ground).items()):
        if feed_id not in feeds:
            continue
        seen = quiet(stations.values(), at_s, rule.parameters)
        record = ground.open_about(rule, area, exercise)
        if record is None and area_is_blind(seen, rule.parameters):
            silent = [
                s.newest_s for s in stations.values() if s.quiet_before_s is not None and s.newest_s < s.quiet_before_s
            ]
            found += _begun(rule, ground, (area, exercise, max(silent)), (area,), tuple(sorted(feeds)), seen, at_s)
        elif record is not None and area_is_back(seen, record.heard_of, rule.parameters):
            found.append(Seen(_over(record, at_s), seen))
    return found


def due_s(rule: BlindnessRule, ground: Ground) -> int | None:
    """When the next feed will have been unheard for too long; None if none ever will."""
    moments = [
        moment for feed_id, log in ground.logs.items()
        if (standing := ground.standings.get(feed_id)) is not None
        and ground.open_about(rule, feed_id, standing.exercise) is None
        and (moment := unheard_at_s(log, standing.silent_after_s)) is not None
    ]  # fmt: skip
    return min(moments, default=None)


def _by_area(rule: BlindnessRule, ground: Ground) -> dict[tuple[str, bool], tuple[dict[str, Station], set[str]]]:
    """Area and kind -> its stations, each counted once by whatever was heard last, and their feeds. Blind feeds are left out."""
    found: dict[tuple[str, bool], tuple[dict[str, Station], set[str]]] = defaultdict(lambda: ({}, set()))
    blind = {record.about for record in ground.records.values() if record.kind == "blindness" and record.life.is_open}
    for trail in ground.trails:
        series, station = trail.series, trail.row.station
        standing = ground.standings.get(series.feed_id)
        if trail.newest_s is None or standing is None or series.feed_id in blind or station.station.moving:
            continue
        before = _quiet_before_s(rule, ground.logs.get(series.feed_id, PollLog()), standing, trail)
        for area in station.areas:
            if area in ground.areas:
                stations, feeds = found[area, series.exercise or station.exercise]
                feeds.add(series.feed_id)
                known = stations.get(station.station.uid)
                if known is None or known.newest_s < trail.newest_s:
                    stations[station.station.uid] = Station(trail.newest_s, before)
    return found


def _quiet_before_s(rule: BlindnessRule, log: PollLog, standing: Standing, trail: Trail) -> float | None:
    """By the feed's own word first; only a station that fails it is asked for its habit, which is dearer to find out."""
    before = quiet_before_s(log, late_after(standing), rule.parameters)
    if before is None or trail.newest_s is None or trail.newest_s >= before:
        return before
    return quiet_before_s(log, late_after(standing, _interval_s(trail)), rule.parameters)


def _interval_s(trail: Trail) -> float | None:
    """The series' own habit: the upper quartile of its last intervals, because a station may skip now and then."""
    ends = trail.end_s[-_INTERVALS:]
    return float(np.quantile(np.diff(ends), 0.75)) if len(ends) >= 8 else None


def _of_feed(ground: Ground, feed_id: str, at_s: int, rule: BlindnessRule) -> Quiet:
    newest: dict[str, int] = {}
    for trail in ground.trails:
        if trail.series.feed_id == feed_id and trail.newest_s is not None:
            uid = trail.row.station.station.uid
            newest[uid] = max(trail.newest_s, newest.get(uid, trail.newest_s))
    return quiet([Station(end_s, None) for end_s in newest.values()], at_s, rule.parameters)


def _begun(
    rule: BlindnessRule,
    ground: Ground,
    key: tuple[str, bool, int],
    areas: tuple[str, ...],
    feeds: tuple[str, ...],
    seen: Quiet,
    at_s: int,
) -> list[Seen]:
    about, exercise, began_s = key
    uid = alert_uid(rule.id, about, began_s, exercise)
    if uid in ground.records:
        return []  # told already, and over
    pending = Life(AlertState.PENDING, AlertState.FIRING, (), 0, began_s, at_s, at_s)
    life = pending.moved(AlertState.FIRING, at_s)
    record = AlertRecord(
        uid, rule.kind, rule.version, Subject(rule.id, "", "", "", exercise), about, areas, feeds, life, seen.active
    )
    return [Seen(Moved(record, (Step(life, EventKind.FIRING),)), seen)]


def _over(record: AlertRecord, at_s: int) -> Moved:
    return Moved(record, (Step(record.life.moved(AlertState.RESOLVED, at_s, resolved_s=at_s), EventKind.RESOLVED),))
