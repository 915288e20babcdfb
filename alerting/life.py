"""What an alert is made of, as values: the stations that fired, the level reached, the state it is in."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from domain.states import AlertState


class EventKind(StrEnum):
    """What happened to an alert; each becomes one event with its own evidence, and one webhook type (`alert.<kind>`)."""

    UNVERIFIED = "unverified"
    FIRING = "firing"
    GREW = "grew"
    STALE = "stale"
    RETURNED = "returned"
    RESOLVED = "resolved"
    AMENDED = "amended"
    CANCELLED = "cancelled"


#: States in which an alert is still going on.
OPEN: frozenset[AlertState] = frozenset(
    {AlertState.PENDING, AlertState.UNVERIFIED, AlertState.FIRING, AlertState.STALE, AlertState.AMENDED}
)


@dataclass(frozen=True, slots=True)
class Member:
    """One series that fired. `trigger` is the rise that the first pair held, `median` and `scale` its yardstick then, in the
    quantity's own unit; `pair_s` are the ends of the two readings that it stands on, `pair` their values.

    `rain` tells whether rain near explains the rise: None is not known. `least`: mean of the evidence's values that would just have
    been enough, told by the detector.
    """

    series_uid: str
    station_uid: str
    latitude_deg: float | None
    longitude_deg: float | None
    median: float
    scale: float
    trigger: float
    peak: float
    pair_s: tuple[int, ...]
    pair: tuple[float, ...]
    rain: bool | None = None
    least: float | None = None

    def resolve_below(self, share: float) -> float:
        """The value under which a newer reading counts towards the end."""
        return self.median + share * self.trigger


@dataclass(frozen=True, slots=True)
class Life:
    """An alert at one revision. `level` is what it has reached (unverified or firing), whatever side state it is in now."""

    state: AlertState
    level: AlertState
    members: tuple[Member, ...]
    revision: int
    began_s: int
    detected_s: int
    updated_s: int
    resolved_s: int | None = None

    def moved(self, state: AlertState, at_s: int, **changes: object) -> Life:
        """The next revision, in `state`."""
        return replace(self, state=state, revision=self.revision + 1, updated_s=at_s, **changes)  # type: ignore[arg-type]

    @property
    def is_open(self) -> bool:
        """Whether the alert is still going on."""
        return self.state in OPEN


@dataclass(frozen=True, slots=True)
class Sight:
    """What is seen of one series now. `pair` is the pair above the gates that ends with its newest reading, if it departs now.

    `newest_s`: end of the newest measured reading; `below`: how many of the newest readings in a row, all newer than the
    evidence, lie below the resolve level; `above`: the newest reading lies above that level.
    """

    series_uid: str
    newest_s: int | None
    below: int = 0
    above: bool = False
    departs: Member | None = None


@dataclass(frozen=True, slots=True)
class Correction:
    """The evidence of one member looked at again: `now` is what the readings on record give today, None when nothing departs."""

    series_uid: str
    now: Member | None


@dataclass(frozen=True, slots=True)
class Step:
    """One move of an alert: the life after it, and what to call it."""

    life: Life
    kind: EventKind
