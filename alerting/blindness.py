"""When not seeing is news, judged at finished polls: a feed of which several in a row were not on time, or of which no poll ended
at all; and an area of which a good part stays quiet while its feeds are on time. Pure.

Judged by the clock alone, every gap between two polls would be a blindness, and the quickest stations would go blind first.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from domain.states import FeedState
from specs.rule import BlindnessNumbers

#: States of a run after which the feed's stations can be judged one by one.
ON_TIME: frozenset[FeedState] = frozenset({FeedState.OK, FeedState.PARTIAL})
#: States that an operator wants, or that say nothing yet.
_NO_POLL: frozenset[FeedState] = frozenset({FeedState.PAUSED, FeedState.NEVER_RUN})
_KEPT = 32


@dataclass(frozen=True, slots=True)
class Poll:
    """One finished run of a feed."""

    feed_id: str
    started_s: int
    finished_s: int
    state: FeedState


@dataclass(slots=True)
class PollLog:
    """The last polls of a feed, oldest first."""

    polls: list[Poll] = field(default_factory=list)

    def add(self, poll: Poll) -> None:
        """Note a poll that ended; pauses are none."""
        if poll.state not in _NO_POLL:
            self.polls = [*self.polls, poll][-_KEPT:]

    def missed(self) -> tuple[Poll, ...]:
        """The polls since the last one that was on time."""
        found: list[Poll] = []
        for poll in reversed(self.polls):
            if poll.state in ON_TIME:
                break
            found.append(poll)
        return tuple(reversed(found))

    def good_since_s(self, count: int) -> int | None:
        """When the `count`-th newest of the polls on time began; None while there were fewer."""
        good = [poll for poll in self.polls if poll.state in ON_TIME]
        return good[-count].started_s if len(good) >= count else None


@dataclass(frozen=True, slots=True)
class Station:
    """A station as far as quiet goes: its newest end, and the moment before which that is quiet (None: cannot be told)."""

    newest_s: int
    quiet_before_s: float | None


@dataclass(frozen=True, slots=True)
class Quiet:
    """Stations heard within the last day, and how many of them have gone quiet; `states` are those of the polls missed."""

    quiet: int
    active: int
    newest_s: int | None
    states: tuple[str, ...] = ()

    @property
    def share(self) -> float:
        """Quiet over active; nobody active is nobody heard: 1."""
        return self.quiet / self.active if self.active else 1.0


def feed_is_blind(log: PollLog, numbers: BlindnessNumbers) -> bool:
    """Whether so many polls in a row were not on time."""
    return len(log.missed()) >= numbers.missed_polls


def feed_is_back(log: PollLog) -> bool:
    """Whether the last poll was on time: it held new readings."""
    return bool(log.polls) and log.polls[-1].state in ON_TIME


def unheard_at_s(log: PollLog, silent_after_s: int) -> int | None:
    """When it will be news that no poll has ended, good or bad: the collector itself may have stopped."""
    return log.polls[-1].finished_s + silent_after_s + 1 if log.polls else None


def quiet_before_s(log: PollLog, late_s: float, numbers: BlindnessNumbers) -> float | None:
    """A station is quiet when its newest reading was late already at the first of the last polls on time; None without enough of them."""
    since_s = log.good_since_s(numbers.missed_polls)
    return None if since_s is None else since_s - late_s


def quiet(stations: Iterable[Station], at_s: int, numbers: BlindnessNumbers) -> Quiet:
    """Counts over the stations that were heard within the last day."""
    known = [station for station in stations if station.newest_s <= at_s]
    active = [station for station in known if station.newest_s >= at_s - numbers.active_within_s]
    silent = sum(station.quiet_before_s is not None and station.newest_s < station.quiet_before_s for station in active)
    return Quiet(silent, len(active), max((station.newest_s for station in known), default=None))


def area_is_blind(seen: Quiet, numbers: BlindnessNumbers) -> bool:
    """Whether so much of an area is quiet that it is an alert of its own."""
    return seen.active >= numbers.least_stations and seen.share > numbers.area_share


def area_is_back(seen: Quiet, heard_of: int, numbers: BlindnessNumbers) -> bool:
    """Whether readings have come back: few are quiet, and at least half as many as were there before are heard."""
    fresh = seen.active - seen.quiet
    return seen.active > 0 and seen.share <= numbers.clear_share and 2 * fresh >= heard_of


def states_of(polls: Sequence[Poll]) -> tuple[str, ...]:
    """The states of some polls, in order."""
    return tuple(poll.state.value for poll in polls)
