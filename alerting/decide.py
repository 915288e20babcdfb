"""From trails to what the life of an alert needs: who departs now, what its members say, whether the evidence still stands. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from alerting.history import Trail
from alerting.life import Correction, Life, Member, Sight
from alerting.nearness import between_m
from analysis.departure import Departure, DepartureParameters, Gate, departure
from specs.rule import DepartureNumbers


def parameters(numbers: DepartureNumbers) -> DepartureParameters:
    """The rule's numbers as the formula takes them."""
    return DepartureParameters(
        tuple(Gate(gate.rise, gate.z) for gate in numbers.gates),
        numbers.history,
        numbers.skip,
        numbers.least,
        numbers.pair_within_s,
        numbers.fresh_within_s,
        numbers.scale_floor,
        numbers.span_s,
    )


def candidate(trail: Trail, at_s: int, p: DepartureParameters) -> Member | None:
    """The series as a member if it departs at `at_s`, else None."""
    found = departure(trail.end_s, trail.value, at_s, p)
    return None if found is None else _member(trail, found)


def sight(trail: Trail | None, member: Member, share: float) -> Sight:
    """What a member's newer readings say against the level under which they count towards the end."""
    if trail is None:
        return Sight(member.series_uid, None)
    level = member.resolve_below(share)
    _, newer = trail.since(member.pair_s[-1])
    below = 0
    for value in newer[::-1]:
        if value > level:
            break
        below += 1
    newest = int(trail.end_s[-1]) if len(trail.end_s) else None
    return Sight(member.series_uid, newest, below, above=below == 0)


def corrections(life: Life, trails: Mapping[str, Trail], p: DepartureParameters) -> tuple[Correction, ...]:
    """Members whose evidence is on record no more as it was: what the readings say today about the same moment."""
    found = []
    for member in life.members:
        trail = trails.get(member.series_uid)
        if trail is None or not len(trail.end_s) or int(trail.end_s[0]) > member.pair_s[0]:
            continue  # too long ago to be looked at again: said once, it stands
        if all(trail.at(end_s) == value for end_s, value in zip(member.pair_s, member.pair, strict=True)):
            continue
        ends, values = trail.until(member.pair_s[-1])
        again = departure(ends, values, member.pair_s[-1], p)
        found.append(Correction(member.series_uid, None if again is None else _member(trail, again, member.rain)))
    return tuple(found)


def neighbour(member: Member, alerts: Iterable[tuple[str, Iterable[Member]]], within_m: float) -> str | None:
    """The alert that a departing series belongs to: the first one with a member at its station or within `within_m`."""
    return next((uid for uid, members in alerts if any(_linked(member, other, within_m) for other in members)), None)


def groups(members: Iterable[Member], within_m: float) -> list[list[Member]]:
    """Series that depart together, linked by steps of at most `within_m`; each list is one alert to be, in order of series uid."""
    left = sorted(members, key=lambda member: member.series_uid)
    found: list[list[Member]] = []
    while left:
        group, frontier = [], [left.pop(0)]
        while frontier:
            here = frontier.pop()
            group.append(here)
            near = [other for other in left if _linked(here, other, within_m)]
            left = [other for other in left if other not in near]
            frontier.extend(near)
        found.append(sorted(group, key=lambda member: member.series_uid))
    return found


def _linked(one: Member, other: Member, within_m: float) -> bool:
    metres = between_m(one, other)
    return one.station_uid == other.station_uid or (metres is not None and metres <= within_m)


def _member(trail: Trail, found: Departure, rain: bool | None = None) -> Member:
    place = trail.row.station.station
    return Member(
        trail.series.uid,
        place.uid,
        place.latitude_deg,
        place.longitude_deg,
        found.yardstick.median,
        found.yardstick.scale,
        found.trigger,
        max(found.rise),
        found.end_s,
        found.value,
        rain,
    )
