"""Rows become bulletins on earthquakes; every bulletin is kept, the newest of an event is what is known of it."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from collector.harmonise_readings import Context
from collector.harmonise_stations import cells
from collector.harmonise_values import Stamps, number
from collector.rawtable import RawTable
from domain.identity import digest
from domain.readings import Quake
from domain.reasons import Ignored, Refusal
from specs.feed import FeedSpec
from specs.mapping import QuakeMap, TimeMap

_ISO_6709 = re.compile(r"([+-])(\d{2,6})(\.\d+)?([+-])(\d{3,7})(\.\d+)?(?:([+-]\d+(?:\.\d+)?))?(?:CRS\w*)?/?", re.ASCII)
_FIELDS = (
    "uid",
    "event",
    "status",
    "title",
    "place",
    "origin",
    "reported",
    "position",
    "magnitude",
    "intensity",
    "serial",
)


def iso6709(text: str) -> tuple[float, float, float | None]:
    """Latitude, longitude in degrees and height in metres (None when absent) of an ISO 6709 text; raises ValueError.

    The digits before the point tell the form: 2 and 3 are degrees, 4 and 5 degrees and minutes, 6 and 7 degrees, minutes, seconds.
    """
    match = _ISO_6709.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"`{text}` is no ISO 6709 position")
    latitude = _angle(match[1], match[2], match[3] or "", 2)
    longitude = _angle(match[4], match[5], match[6] or "", 3)
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        raise ValueError(f"`{text}` lies outside the Earth")
    return latitude, longitude, float(match[7]) if match[7] else None


def _angle(sign: str, digits: str, fraction: str, degrees: int) -> float:
    rest = digits[degrees:]
    if len(rest) not in {0, 2, 4}:
        raise ValueError(f"`{digits}` has an odd number of digits")
    parts = [digits[:degrees], *(rest[at : at + 2] for at in range(0, len(rest), 2))]
    parts[-1] += fraction
    if any(float(part) >= 60 for part in parts[1:]):
        raise ValueError(f"`{digits}` has sixty minutes or more")
    size = math.fsum(float(part) / (1, 60, 3600)[power] for power, part in enumerate(parts))
    return -size if sign == "-" else size


class QuakesReader:
    """Turns tables of one form into bulletins."""

    def __init__(self, feed: FeedSpec, spec: QuakeMap, time: TimeMap) -> None:
        self._feed, self._spec, self._future_s = feed, spec, time.future_s
        self._stamps = Stamps(time)

    def read(self, table: RawTable, context: Context) -> tuple[Quake, ...]:
        """Bulletins in order of appearance; a bulletin without identity or report time is refused."""
        columns = {name: cells(table, getattr(self._spec, name), context.variables) for name in _FIELDS}
        found: dict[str, Quake] = {}
        for at, where in enumerate(table.where):
            quake = self._quake(
                table, where, {name: (column[at] or "").strip() for name, column in columns.items()}, context.received_s
            )
            if quake is None:
                continue
            if quake.uid not in found:
                found[quake.uid] = quake
            elif found[quake.uid] == quake:
                table.findings.ignore(Ignored.REPEATED_IN_PAYLOAD)
            else:
                table.findings.refuse(
                    Refusal.CONTRADICTS_IN_PAYLOAD, where, f"another bulletin is called {quake.uid} too"
                )
        return tuple(found.values())

    def _quake(self, table: RawTable, where: int, row: Mapping[str, str], received_s: int) -> Quake | None:
        if not row["uid"] or not row["event"]:
            table.findings.refuse(Refusal.NO_KEY, where, "the bulletin names no event")
            return None
        reported, origin = (
            self._stamps.read(row["reported"]),
            self._stamps.read(row["origin"]) if row["origin"] else None,
        )
        refusal = reported.refusal or (origin.refusal if origin else None)
        if refusal is None and max(reported.second, origin.second if origin else 0) > received_s + self._future_s:
            refusal = Refusal.TIME_IN_FUTURE
        if refusal is not None:
            table.findings.refuse(refusal, where, f"reported {row['reported']!r}, origin {row['origin']!r}")
            return None
        latitude, longitude, depth_km = self._place(table, where, row["position"])
        magnitude = number(row["magnitude"]) if row["magnitude"] else None
        return Quake(
            uid=f"{self._feed.namespace}:{digest(row['uid'])}",
            event_uid=f"{self._feed.namespace}:{row['event']}",
            status=self._spec.statuses.get(row["status"], "issued"),
            title=row["title"],
            place=row["place"],
            origin_s=origin.second if origin else None,
            reported_s=reported.second,
            latitude_deg=latitude,
            longitude_deg=longitude,
            depth_km=depth_km,
            magnitude=magnitude.value if magnitude and magnitude.outcome is None else None,
            magnitude_text=row["magnitude"],
            max_intensity=row["intensity"],
            serial=row["serial"],
        )

    def _place(self, table: RawTable, where: int, text: str) -> tuple[float | None, float | None, float | None]:
        """The hypocentre. Bulletins on intensity alone have none; a text that is no position loses the position, not the bulletin."""
        if not text:
            return None, None, None
        try:
            latitude, longitude, height_m = iso6709(text)
        except ValueError as error:
            table.findings.refuse(Refusal.BAD_NUMBER, where, str(error))
            return None, None, None
        return latitude, longitude, None if height_m is None else 0.0 - height_m / 1000 + 0.0
