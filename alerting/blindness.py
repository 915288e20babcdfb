"""When not seeing is news: a feed of which most stations have gone quiet together, or much of an area. Pure.

A station that died long ago says nothing about today, so only those heard within the last day count; a station that is
quiet because its whole feed is blind is the feed's alert, not its area's.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from domain.readings import IntArray
from specs.rule import BlindnessNumbers


@dataclass(frozen=True, slots=True)
class Heard:
    """Per station: the end of its newest reading, and the age past which it is quiet (its feed's)."""

    newest_s: IntArray
    late_s: IntArray

    @property
    def quiet_from_s(self) -> IntArray:
        """The first second at which each station is quiet if nothing more is heard."""
        return self.newest_s + self.late_s + 1


@dataclass(frozen=True, slots=True)
class Quiet:
    """How many of the stations heard within the last day have gone quiet."""

    quiet: int
    active: int
    newest_s: int | None

    @property
    def share(self) -> float:
        """Quiet over active; nobody active is nobody heard: 1."""
        return self.quiet / self.active if self.active else 1.0


def late_s(late_after_s: int, lag_s: int, every_s: int, numbers: BlindnessNumbers) -> int:
    """The age past which a station of a feed is quiet: the feed's own word, and never before so many polls have been missed."""
    return max(late_after_s, lag_s + numbers.missed_polls * every_s)


def quiet(heard: Heard, at_s: int, numbers: BlindnessNumbers) -> Quiet:
    """Counts at `at_s`; readings that end later are not known yet."""
    active = (heard.newest_s <= at_s) & (heard.newest_s >= at_s - numbers.active_within_s)
    known = heard.newest_s[heard.newest_s <= at_s]
    return Quiet(int((heard.quiet_from_s[active] <= at_s).sum()), int(active.sum()), int(known.max()) if len(known) else None)


def blind(seen: Quiet, share: float, numbers: BlindnessNumbers) -> bool:
    """Whether so many have gone quiet that it is an alert of its own."""
    return seen.active >= numbers.least_stations and seen.share > share


def cleared(seen: Quiet, heard_of: int, numbers: BlindnessNumbers) -> bool:
    """Whether readings have come back: few are quiet, and at least half as many as were there before are heard again."""
    fresh = seen.active - seen.quiet
    return seen.active > 0 and seen.share <= numbers.clear_share and fresh >= max(1, math.ceil(0.5 * heard_of))


def blind_at_s(heard: Heard, at_s: int, share: float, numbers: BlindnessNumbers) -> int | None:
    """The first second after `at_s` at which `blind` will hold if nothing more is heard; None if it never will."""
    active = (heard.newest_s <= at_s) & (heard.newest_s >= at_s - numbers.active_within_s)
    moments = np.sort(heard.quiet_from_s[active])
    for moment in moments[math.floor(share * len(moments)) :].tolist():
        if moment > at_s and blind(quiet(heard, moment, numbers), share, numbers):
            return int(moment)
    return None
