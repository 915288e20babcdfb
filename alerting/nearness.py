"""Which stations confirm each other: near enough to see one thing, far enough apart not to be one instrument."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from analysis.rainfall import distance_m
from specs.rule import Corroborated


class Placed(Protocol):
    """A thing at a station."""

    @property
    def station_uid(self) -> str: ...
    @property
    def latitude_deg(self) -> float | None: ...
    @property
    def longitude_deg(self) -> float | None: ...


@dataclass(frozen=True, slots=True)
class _Place:
    station_uid: str
    latitude_deg: float
    longitude_deg: float


def between_m(one: Placed, other: Placed) -> float | None:
    """Metres between two stations; None when one of them has no position."""
    if (
        one.latitude_deg is None
        or one.longitude_deg is None
        or other.latitude_deg is None
        or other.longitude_deg is None
    ):
        return None
    return float(
        distance_m(
            one.latitude_deg, one.longitude_deg, np.array([other.latitude_deg]), np.array([other.longitude_deg])
        )[0]
    )


def corroborate(members: Sequence[Placed], rule: Corroborated) -> bool:
    """Whether `rule.stations` stations are linked by steps of at most `within_m` once copies within `apart_m` are left out."""
    places = _apart(members, rule.apart_m)
    left = list(places)
    while left:
        group, frontier = 0, [left.pop(0)]
        while frontier:
            here = frontier.pop()
            group += 1
            near = [place for place in left if _metres(here, place) <= rule.within_m]
            left = [place for place in left if place not in near]
            frontier.extend(near)
        if group >= rule.stations:
            return True
    return False


def _apart(members: Sequence[Placed], apart_m: float) -> list[_Place]:
    """One place per station and per kilometre, whatever the order in which they came."""
    places = {
        member.station_uid: _Place(member.station_uid, member.latitude_deg, member.longitude_deg)
        for member in members
        if member.latitude_deg is not None and member.longitude_deg is not None
    }
    kept: list[_Place] = []
    for uid in sorted(places):
        if all(_metres(places[uid], other) > apart_m for other in kept):
            kept.append(places[uid])
    return kept


def _metres(one: _Place, other: _Place) -> float:
    return float(
        distance_m(
            one.latitude_deg, one.longitude_deg, np.array([other.latitude_deg]), np.array([other.longitude_deg])
        )[0]
    )
