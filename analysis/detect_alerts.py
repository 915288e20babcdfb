"""Life of the alerts inside the detector: they grow, fall silent, and end only on readings that earn it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.detect_places import Places

Singles = NDArray[np.float32]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

JOIN_KM = 30.0
SILENT_MIN = 150.0
CALM_READINGS = 2
RESOLVE_SHARE = 0.5
MOST_COMPARED = 400


@dataclass
class Alert:
    """One alert. stations: sorted indices of everything that fired in it; firing: it was corroborated once."""

    key: str
    area: Any
    since: float
    triggered: float
    firing: bool = False
    silent: bool = False
    stations: list[int] = field(default_factory=list)


class Alerts:
    """All open alerts over S stations; a station belongs to one at most, which bounds the memory."""

    def __init__(self, ids: list[Any], areas: list[Any]) -> None:
        self._ids, self._areas = ids, areas
        self.open: list[Alert] = []
        self.inside: Bools = np.zeros(len(ids), dtype=np.bool_)
        self.gate: Singles = np.zeros(len(ids), dtype=np.float32)
        self.calm: Ints = np.zeros(len(ids), dtype=np.int64)

    def update(
        self,
        now: float,
        groups: list[tuple[Ints, bool]],
        gate: Singles,
        rise: Singles,
        fresh: Bools,
        seen: Floats,
        places: Places,
    ) -> None:
        """One poll: count calm readings, let the triggered groups start or join alerts, then end and mark silent.

        groups: (station indices, corroborated) per triggered cluster; gate: (S,) nSv/h each had to pass;
        rise: (S,) nSv/h over baseline; seen: (S,) epoch minute of each station's newest reading.
        """
        self._count_calm(rise, fresh)
        for members, corroborated in groups:
            self._take(now, members, corroborated, gate, places)
        self._end_earned()
        for alert in self.open:
            alert.silent = bool((now - seen[alert.stations] > SILENT_MIN).all())

    def _count_calm(self, rise: Singles, fresh: Bools) -> None:
        newer = fresh & self.inside
        below = rise <= RESOLVE_SHARE * self.gate
        self.calm[newer] = np.where(below[newer], self.calm[newer] + 1, 0)

    def _take(self, now: float, members: Ints, corroborated: bool, gate: Singles, places: Places) -> None:
        free = members[~self.inside[members]]
        held = members[self.inside[members]]
        alert = self._home(held, free, places)
        if alert is None and free.size:
            first = int(free[0])
            alert = Alert(
                key=f"{self._ids[first]}@{round(now)}", area=self._common_area(free), since=now, triggered=now
            )
            self.open.append(alert)
        if alert is None:
            return
        self.calm[members] = 0
        alert.stations = sorted({*alert.stations, *free.tolist()})
        self.inside[free] = True
        self.gate[free] = gate[free]
        alert.triggered = now
        alert.firing = alert.firing or corroborated

    def _home(self, held: Ints, free: Ints, places: Places) -> Alert | None:
        """The open alert that these stations belong to: the oldest that holds one of them, else the oldest nearby."""
        ours = set(held.tolist())
        for alert in self.open:
            if ours.intersection(alert.stations):
                return alert
        for alert in self.open:
            near = places.distance(_sample(free)[:, None], _sample(np.array(alert.stations))[None, :])
            if not alert.silent and free.size and near.min() <= JOIN_KM:
                return alert
        return None

    def _common_area(self, members: Ints) -> Any:
        """The area that most of them stand in, as it was given; the first by name among equals."""
        named: dict[str, list[Any]] = {}
        for index in members.tolist():
            named.setdefault(str(self._areas[index]), []).append(self._areas[index])
        return min(named.values(), key=lambda found: (-len(found), str(found[0])))[0]

    def _end_earned(self) -> None:
        kept: list[Alert] = []
        for alert in self.open:
            members = np.array(alert.stations, dtype=np.int64)
            calm = int((self.calm[members] >= CALM_READINGS).sum())
            if 2 * calm >= len(members):
                self.inside[members] = False
                self.calm[members] = 0
            else:
                kept.append(alert)
        self.open = kept

    def listed(self) -> list[dict[str, Any]]:
        """The alerts active now, oldest first, as the interface gives them."""
        return [
            {
                "key": alert.key,
                "stations": [self._ids[index] for index in alert.stations],
                "area": alert.area,
                "level": "stale" if alert.silent else "firing" if alert.firing else "unverified",
            }
            for alert in self.open
        ]


def _sample(who: Ints) -> Ints:
    """At most about 400 of them, evenly taken: of a crowd that large, those suffice to see whether it is near."""
    return who[:: max(1, -(-len(who) // MOST_COMPARED))]
