"""How fresh a series is: its own age against its own habit and its feed's schedule, judged at the last moment the feed could tell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from domain.states import FeedState, Freshness

#: States in which a missing reading says something about the feed and nothing about the station.
BLIND: frozenset[FeedState] = frozenset(
    {
        FeedState.NEVER_RUN,
        FeedState.LATE,
        FeedState.PARTIAL,
        FeedState.EMPTY,
        FeedState.UNREAD,
        FeedState.BLOCKED,
        FeedState.MISREAD,
        FeedState.PAUSED,
    }
)
#: A series that reports every T is late when two of its own intervals and a half have gone by beyond the usual lag.
_HABIT_INTERVALS = 2.5


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of a feed at the moment asked about: its schedule, its state and the last time that it brought something new.

    `late_after_s` and `silent_after_s` are ages of a series' newest reading.
    """

    state: FeedState
    every_s: int
    lag_s: int
    late_after_s: int
    silent_after_s: int
    last_new_s: int | None
    exercise: bool = False


class ScheduleLike(Protocol):
    """A feed's schedule (`specs.feed.Schedule`)."""

    @property
    def every_s(self) -> int: ...
    @property
    def lag_s(self) -> int: ...
    @property
    def late_after_s(self) -> int: ...
    @property
    def silent_after_s(self) -> int: ...


def standing(schedule: ScheduleLike, state: FeedState, last_new_s: int | None, *, exercise: bool) -> Standing:
    """The standing of a feed by its schedule and by what the store knows of it."""
    return Standing(
        state,
        schedule.every_s,
        schedule.lag_s,
        schedule.late_after_s,
        schedule.silent_after_s,
        last_new_s,
        exercise,
    )


@dataclass(frozen=True, slots=True)
class Standings:
    """Standings by feed id; a feed that nobody described counts as never run."""

    by_feed: Mapping[str, Standing] = field(default_factory=dict)

    def of(self, feed_id: str) -> Standing:
        """The standing of a feed; hourly and never run when it is not described."""
        return self.by_feed.get(feed_id, Standing(FeedState.NEVER_RUN, 3600, 0, 3 * 3600, 24 * 3600, None))


def late_after(standing: Standing, interval_s: float | None = None) -> float:
    """Age in seconds past which a series is late: the feed's word, stretched for a series whose own interval is longer."""
    if interval_s is None:
        return float(standing.late_after_s)
    return max(float(standing.late_after_s), standing.lag_s + _HABIT_INTERVALS * interval_s)


def freshness(newest_end_s: int | None, now_s: int, standing: Standing, interval_s: float | None = None) -> Freshness:
    """What the age of a series' newest reading says; `interval_s` is the series' own usual interval if known.

    While the feed is blind a station that was not late when the feed last brought something new is `feed_late`: nobody can
    know what it has to say. A station that was late before that stays late or silent. A feed that is late itself goes on
    bringing old readings, so then only a station that had been silent before is told apart.
    """
    if newest_end_s is None:
        return Freshness.NEVER
    limit = late_after(standing, interval_s)
    if now_s - newest_end_s <= limit:
        return Freshness.FRESH
    excused = max(limit, standing.silent_after_s) if standing.state is FeedState.LATE else limit
    if standing.state in BLIND and (standing.last_new_s is None or standing.last_new_s - newest_end_s <= excused):
        return Freshness.FEED_LATE
    return Freshness.LATE if now_s - newest_end_s <= max(limit, standing.silent_after_s) else Freshness.SILENT
