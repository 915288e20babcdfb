"""Levels that somebody set, held against what stations report: who is above now, and whether the evidence still stands. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from alerting.history import Trail
from alerting.life import Correction, Life, Member
from domain.readings import FloatArray, IntArray
from specs.rule import LevelNumbers, LevelRule


def above(rule: LevelRule, trail: Trail, at_s: int) -> Member | None:
    """The series as a member if it has been at or above the level for as long as the rule asks, and that is news there."""
    if not len(trail.value) or trail.value[-1] < rule.parameters.level:
        return None  # nearly all, at every poll: asked first
    station = trail.row.station
    if not rule.applies_to(trail.series.feed_id, station.station.uid, station.areas):
        return None
    stop = int(np.searchsorted(trail.end_s, at_s, side="right"))
    ends, values = trail.end_s[:stop], trail.value[:stop]
    count = _held(ends, values, at_s, rule.parameters)
    if count == 0 or _ordinary(values[:-count], rule.parameters):
        return None
    return _member(trail, ends[-count:], values[-count:], rule.parameters)


def corrections(rule: LevelRule, life: Life, trails: Mapping[str, Trail]) -> tuple[Correction, ...]:
    """Members whose evidence is on record no more as it was: those readings of today that still reach the level."""
    found = []
    for member in life.members:
        trail = trails.get(member.series_uid)
        if trail is None or not len(trail.end_s) or int(trail.end_s[0]) > member.pair_s[0]:
            continue  # too long ago to be looked at again: said once, it stands
        now = [(end_s, value) for end_s in member.pair_s if (value := trail.at(end_s)) is not None]
        if tuple(now) != tuple(zip(member.pair_s, member.pair, strict=True)):
            found.append(Correction(member.series_uid, _again(member, now, rule.parameters)))
    return tuple(found)


def _again(member: Member, now: Sequence[tuple[int, float]], numbers: LevelNumbers) -> Member | None:
    high = [(end_s, value) for end_s, value in now if value >= numbers.level]
    if len(high) < min(numbers.readings, len(member.pair)):
        return None
    values = tuple(value for _, value in high)
    return replace(member, pair_s=tuple(end_s for end_s, _ in high), pair=values, peak=max(values))


def _held(ends: IntArray, values: FloatArray, at_s: int, numbers: LevelNumbers) -> int:
    """How many of the newest readings hold the level, as few as the rule asks for; 0 when they do not."""
    if not len(ends) or at_s - int(ends[-1]) > numbers.fresh_within_s:
        return 0
    for count in range(numbers.readings, len(ends) + 1):
        if values[-count] < numbers.level or (count == numbers.readings and values[-count:].min() < numbers.level):
            return 0
        if int(ends[-1]) - int(ends[-count]) >= numbers.sustained_s:
            return count
    return 0


def _ordinary(past: FloatArray, numbers: LevelNumbers) -> bool:
    if len(past) < numbers.least:
        return numbers.past_needed
    return float(np.median(past)) > numbers.ordinary_share * numbers.level


def _member(trail: Trail, ends: IntArray, values: FloatArray, numbers: LevelNumbers) -> Member:
    place = trail.row.station.station
    return Member(
        trail.series.uid,
        place.uid,
        place.latitude_deg,
        place.longitude_deg,
        0.0,
        0.0,
        numbers.level,
        float(values.max()),
        tuple(int(end_s) for end_s in ends),
        tuple(float(value) for value in values),
        False,
    )
