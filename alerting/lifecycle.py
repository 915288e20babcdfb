"""The life of an alert as a pure state machine: silence makes it stale, only newer readings end it, a correction amends or cancels it.

Order of the questions in one step: was the evidence corrected? did it grow? did readings earn its end? has it gone silent?
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from alerting.life import Correction, EventKind, Life, Member, Sight, Step
from alerting.nearness import corroborate
from domain.states import AlertState, may_move
from specs.rule import DepartureNumbers, LevelNumbers


class IllegalMove(RuntimeError):
    """A bug of ours: the state machine was about to make a move that is not in `domain.states.ALERT_MOVES`."""


@dataclass(frozen=True, slots=True)
class News:
    """What one evaluation knows about one alert: corrections of its evidence, sights of its members, series that join it."""

    corrections: tuple[Correction, ...] = ()
    sights: tuple[Sight, ...] = ()
    joining: tuple[Member, ...] = ()


def opened(members: Sequence[Member], at_s: int, numbers: DepartureNumbers | LevelNumbers) -> Step:
    """A new alert of the series that depart now: pending for the length of this call, then published at the level it has earned."""
    ordered = tuple(sorted(members, key=lambda member: member.series_uid))
    began = min(min(member.pair_s) for member in ordered)
    pending = Life(AlertState.PENDING, AlertState.UNVERIFIED, ordered, 0, began, at_s, at_s)
    level = _level(ordered, numbers)
    return Step(_move(pending, level, at_s, level=level), EventKind(level.value))


def advance(life: Life, news: News, at_s: int, numbers: DepartureNumbers | LevelNumbers) -> tuple[Step, ...]:
    """The moves that the news make, in order; none when nothing changed. A cancelled alert never moves again."""
    if life.state is AlertState.CANCELLED:
        return ()
    steps = _corrected(life, news.corrections, at_s)
    life = steps[-1].life if steps else life
    if not life.is_open:
        return steps
    sights = {sight.series_uid: sight for sight in news.sights}
    grown = _grown(life, sights, news.joining, at_s, numbers)
    if grown is not None:
        steps, life = (*steps, grown), grown.life
    last = _ended(life, sights, at_s, numbers) if not news.joining else None
    last = last or _silent_or_back(life, sights, at_s, numbers)
    return steps if last is None else (*steps, last)


@dataclass(frozen=True, slots=True)
class Told:
    """What a detector's step, and the readings on record, say of one alert. `ended`: the detector holds it no more and newer readings
    of enough members, all on record, earn the end; without those it must be False.
    """

    corrections: tuple[Correction, ...] = ()
    joining: tuple[Member, ...] = ()
    level: AlertState = AlertState.UNVERIFIED
    silent: bool = False
    ended: bool = False


def begun(members: Sequence[Member], level: AlertState, at_s: int) -> Step:
    """A new alert of a detector, published at the level that the detector gave it."""
    ordered = tuple(sorted(members, key=lambda member: member.series_uid))
    began = min(min(member.pair_s) for member in ordered)
    pending = Life(AlertState.PENDING, AlertState.UNVERIFIED, ordered, 0, began, at_s, at_s)
    return Step(_move(pending, level, at_s, level=level), EventKind(level.value))


def followed(life: Life, told: Told, at_s: int) -> tuple[Step, ...]:
    """The moves of an alert whose level and end a detector decides, in order; none when nothing changed."""
    if life.state is AlertState.CANCELLED:
        return ()
    steps = _corrected(life, told.corrections, at_s)
    life = steps[-1].life if steps else life
    if not life.is_open:
        return steps
    grown = _joined(life, told, at_s)
    if grown is not None:
        steps, life = (*steps, grown), grown.life
    last: Step | None = None
    if told.ended and not told.joining:
        last = Step(_move(life, AlertState.RESOLVED, at_s, resolved_s=at_s), EventKind.RESOLVED)
    elif told.silent and life.state is not AlertState.STALE:
        last = Step(_move(life, AlertState.STALE, at_s), EventKind.STALE)
    elif not told.silent and life.state is AlertState.STALE:
        last = Step(_move(life, life.level, at_s), EventKind.RETURNED)
    return steps if last is None else (*steps, last)


def _joined(life: Life, told: Told, at_s: int) -> Step | None:
    known = {member.series_uid for member in life.members}
    new = tuple(member for member in told.joining if member.series_uid not in known)
    together = tuple(sorted((*life.members, *new), key=lambda member: member.series_uid))
    if told.level is AlertState.FIRING and life.level is not AlertState.FIRING:
        return Step(_move(life, AlertState.FIRING, at_s, level=AlertState.FIRING, members=together), EventKind.FIRING)
    if not new:
        return None
    state = life.level if life.state in (AlertState.STALE, AlertState.AMENDED) else life.state
    return Step(life.moved(state, at_s, members=together), EventKind.GREW)


def stale_at_s(life: Life, newest_s: Mapping[str, int | None], stale_after_s: int) -> int | None:
    """When the alert will be stale if nothing more is heard: the first second at which fewer than half of its members are fresh."""
    if not life.is_open or life.state is AlertState.STALE:
        return None
    times = sorted((_time(newest_s.get(member.series_uid)) for member in life.members), reverse=True)
    return times[_half(len(times), 0.5) - 1] + stale_after_s + 1


def _time(newest_s: int | None) -> int:
    return -(2**62) if newest_s is None else newest_s


def _half(count: int, share: float) -> int:
    return max(1, math.ceil(share * count))


def _move(life: Life, state: AlertState, at_s: int, **changes: object) -> Life:
    if not may_move(life.state, state):
        raise IllegalMove(f"{life.state} -> {state}")
    return life.moved(state, at_s, **changes)


def _corrected(life: Life, corrections: Sequence[Correction], at_s: int) -> tuple[Step, ...]:
    again = {correction.series_uid: correction.now for correction in corrections}
    kept = tuple(again.get(member.series_uid, member) for member in life.members)
    members = tuple(member for member in kept if member is not None)
    if members == life.members:
        return ()
    if not members:
        return (Step(_move(life, AlertState.CANCELLED, at_s), EventKind.CANCELLED),)
    if life.state is AlertState.AMENDED:
        return (Step(life.moved(AlertState.AMENDED, at_s, members=members), EventKind.AMENDED),)
    if life.resolved_s is not None:
        # The end stays earned; what it ended was a little different from what was said.
        return (Step(life.moved(life.state, at_s, members=members), EventKind.AMENDED),)
    return (Step(_move(life, AlertState.AMENDED, at_s, members=members), EventKind.AMENDED),)


def _level(members: Sequence[Member], numbers: DepartureNumbers | LevelNumbers) -> AlertState:
    """Firing when enough stations confirm one another and rain cannot explain them; else unverified.

    Rain that nobody measured is no dry weather: it leaves a small rise unverified.
    """
    counted = [member for member in members if member.rain is False or member.peak >= numbers.rain_limit]
    confirmed = corroborate(counted, numbers.corroborated)
    return AlertState.FIRING if confirmed else AlertState.UNVERIFIED


def refreshed(life: Life, sights: Mapping[str, Sight]) -> Life:
    """Members with their newest peak, which is no event by itself."""
    peaks = {uid: sight.departs.peak for uid, sight in sights.items() if sight.departs}
    members = tuple(
        replace(member, peak=peaks[member.series_uid])
        if peaks.get(member.series_uid, member.peak) > member.peak
        else member
        for member in life.members
    )
    return life if members == life.members else replace(life, members=members)


def _grown(
    life: Life,
    sights: Mapping[str, Sight],
    joining: Sequence[Member],
    at_s: int,
    numbers: DepartureNumbers | LevelNumbers,
) -> Step | None:
    known = {member.series_uid for member in life.members}
    new = tuple(member for member in joining if member.series_uid not in known)
    if not new and life.level is AlertState.FIRING:
        return None
    together = tuple(sorted((*life.members, *new), key=lambda member: member.series_uid))
    grown = refreshed(replace(life, members=together), sights)
    level = (
        AlertState.FIRING if life.level is AlertState.FIRING else _level(_still_up(grown.members, sights, new), numbers)
    )
    if level is not life.level:
        return Step(_move(grown, level, at_s, level=level), EventKind.FIRING)
    if not new:
        return None
    if life.state in (AlertState.STALE, AlertState.AMENDED):
        return Step(_move(grown, level, at_s), EventKind.GREW)
    return Step(grown.moved(grown.state, at_s), EventKind.GREW)


def _still_up(members: Sequence[Member], sights: Mapping[str, Sight], new: Sequence[Member]) -> list[Member]:
    """Members that confirm each other now: those joining, and those whose newest reading has not come down."""
    joined = {member.series_uid for member in new}
    return [m for m in members if m.series_uid in joined or (m.series_uid in sights and sights[m.series_uid].above)]


def _ended(life: Life, sights: Mapping[str, Sight], at_s: int, numbers: DepartureNumbers | LevelNumbers) -> Step | None:
    """Enough newer readings below the resolve level, from at least half of the stations that fired, and none still above."""
    seen = [sights[member.series_uid] for member in life.members if member.series_uid in sights]
    if any(sight.above and _fresh(sight, at_s, numbers) for sight in seen):
        return None
    down = sum(sight.below >= numbers.resolve.readings for sight in seen)
    if down < _half(len(life.members), numbers.resolve.of_stations):
        return None
    return Step(_move(life, AlertState.RESOLVED, at_s, resolved_s=at_s), EventKind.RESOLVED)


def _fresh(sight: Sight, at_s: int, numbers: DepartureNumbers | LevelNumbers) -> bool:
    return sight.newest_s is not None and at_s - sight.newest_s <= numbers.stale_after_s


def _silent_or_back(
    life: Life, sights: Mapping[str, Sight], at_s: int, numbers: DepartureNumbers | LevelNumbers
) -> Step | None:
    fresh = sum(m.series_uid in sights and _fresh(sights[m.series_uid], at_s, numbers) for m in life.members)
    silent = fresh < _half(len(life.members), 0.5)
    if silent and life.state is not AlertState.STALE:
        return Step(_move(life, AlertState.STALE, at_s), EventKind.STALE)
    if not silent and life.state is AlertState.STALE:
        return Step(_move(life, life.level, at_s), EventKind.RETURNED)
    return None
