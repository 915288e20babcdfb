"""Feeds and areas of which nothing new is heard, as alerts of their own: built from the same trails as everything else. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from alerting.blindness import Heard, Quiet, blind, blind_at_s, cleared, late_s, quiet
from alerting.departures import Moved
from alerting.history import Trail
from alerting.life import EventKind, Life, Step
from alerting.records import AlertRecord, Subject, alert_uid
from domain.states import AlertState
from specs.rule import BlindnessRule


@dataclass(frozen=True, slots=True)
class Cadence:
    """A feed's schedule as far as lateness goes, in seconds."""

    late_after_s: int
    lag_s: int
    every_s: int


@dataclass(frozen=True, slots=True)
class Watched:
    """One thing that may go blind: a feed, or an area of one kind (real or exercise), with its stations' newest ends."""

    about: str
    is_feed: bool
    exercise: bool
    heard: Heard
    areas: tuple[str, ...]
    feeds: tuple[str, ...]


@dataclass(slots=True)
class Watchlist:
    """Stations gathered under what may go blind."""

    newest: dict[str, int] = field(default_factory=dict)
    late: dict[str, int] = field(default_factory=dict)
    feeds: set[str] = field(default_factory=set)
    exercise: bool = False

    def add(self, station: str, newest_s: int, quiet_after_s: int, feed_id: str) -> None:
        """Count a station once, by whatever was heard from it last."""
        if newest_s >= self.newest.get(station, newest_s):
            self.newest[station], self.late[station] = newest_s, quiet_after_s
        self.feeds.add(feed_id)

    def heard(self) -> Heard:
        """The columns, in order of station."""
        order = sorted(self.newest)
        return Heard(
            np.array([self.newest[uid] for uid in order], dtype=np.int64), np.array([self.late[uid] for uid in order], dtype=np.int64)
        )


def watchlists(
    rule: BlindnessRule, trails: Iterable[Trail], cadences: Mapping[str, Cadence], areas: frozenset[str], blind_feeds: frozenset[str]
) -> list[Watched]:
    """Everything that may go blind: each feed, and each area over the feeds that are not blind themselves."""
    found: dict[tuple[bool, str, bool], Watchlist] = defaultdict(Watchlist)
    for trail in trails:
        series, station = trail.series, trail.row.station
        cadence = cadences.get(series.feed_id)
        if trail.newest_s is None or cadence is None or series.quantity not in rule.quantities or station.station.moving:
            continue
        after = late_s(cadence.late_after_s, cadence.lag_s, cadence.every_s, rule.parameters)
        exercise = series.exercise or station.exercise
        abouts = [(True, series.feed_id)]
        if series.feed_id not in blind_feeds:
            abouts += [(False, area) for area in station.areas if area in areas]
        for is_feed, about in abouts:
            found[is_feed, about, exercise].add(station.station.uid, trail.newest_s, after, series.feed_id)
    return [
        Watched(about, is_feed, exercise, listed.heard(), () if is_feed else (about,), tuple(sorted(listed.feeds)))
        for (is_feed, about, exercise), listed in sorted(found.items(), key=lambda item: (not item[0][0], *item[0][1:]))
    ]


def share_of(rule: BlindnessRule, watched: Watched) -> float:
    """The share of quiet stations that makes this blind."""
    return rule.parameters.feed_share if watched.is_feed else rule.parameters.area_share


def due_s(rule: BlindnessRule, watched: Watched, at_s: int) -> int | None:
    """When it will go blind if nothing more is heard."""
    return blind_at_s(watched.heard, at_s, share_of(rule, watched), rule.parameters)


def moved(rule: BlindnessRule, watched: Watched, record: AlertRecord | None, at_s: int) -> tuple[Moved, Quiet] | None:
    """What happens to the alert about it, if anything: a beginning, or an end that new readings have earned."""
    seen = quiet(watched.heard, at_s, rule.parameters)
    if record is None:
        if not blind(seen, share_of(rule, watched), rule.parameters):
            return None
        new = _new(rule, watched, seen, at_s)
        return Moved(new, (Step(new.life, EventKind.FIRING),)), seen
    if not cleared(seen, record.heard_of, rule.parameters):
        return None
    life = record.life.moved(AlertState.RESOLVED, at_s, resolved_s=at_s)
    return Moved(record, (Step(life, EventKind.RESOLVED),)), seen


def of(records: Iterable[AlertRecord], rule: BlindnessRule, watched: Watched) -> AlertRecord | None:
    """The alert about it that is going on."""
    for record in records:
        mine = record.subject.rule_id == rule.id and record.about == watched.about and record.subject.exercise == watched.exercise
        if mine and record.life.is_open:
            return record
    return None


def blind_feeds(records: Iterable[AlertRecord], feeds: Sequence[str]) -> frozenset[str]:
    """The feeds that an alert says to be blind now."""
    return frozenset(r.about for r in records if r.kind == "blindness" and r.life.is_open and r.about in feeds)


def _new(rule: BlindnessRule, watched: Watched, seen: Quiet, at_s: int) -> AlertRecord:
    began = seen.newest_s if seen.newest_s is not None else at_s
    pending = Life(AlertState.PENDING, AlertState.FIRING, (), 0, began, at_s, at_s)
    uid = alert_uid(rule.id, watched.about, began, watched.exercise)
    subject = Subject(rule.id, "", "", "", watched.exercise)
    record = AlertRecord(uid, rule.kind, rule.version, subject, watched.about, watched.areas, watched.feeds, pending, seen.active)
    return replace(record, life=pending.moved(AlertState.FIRING, at_s))
