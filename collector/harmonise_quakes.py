"""Rows become bulletins on earthquakes; every bulletin is kept, the newest of an event is what is known of it."""

from __future__ import annotations

from collections.abc import Mapping

from collector.harmonise_readings import Context
from collector.harmonise_stations import cells
from collector.harmonise_values import Stamps, number
from collector.positions import iso6709
from collector.rawtable import RawTable
from domain.identity import digest
from domain.readings import Quake
from domain.reasons import Ignored, Refusal
from specs.feed import FeedSpec
from specs.mapping import QuakeMap, TimeMap

__all__ = ["QuakesReader", "iso6709"]

_FIELDS = (
    "event",
    "status",
    "title",
    "place",
    "origin",
    "reported",
    "position",
    "latitude",
    "longitude",
    "depth_km",
    "magnitude",
    "intensity",
    "serial",
)


class QuakesReader:
    """Turns tables of one form into bulletins."""

    def __init__(self, feed: FeedSpec, spec: QuakeMap, time: TimeMap) -> None:
        self._feed, self._spec, self._future_s = feed, spec, time.future_s
        self._stamps = Stamps(time)

    def read(self, table: RawTable, context: Context) -> tuple[Quake, ...]:
        """Bulletins in order of appearance; a bulletin without identity or report time is refused."""
        nothing = [None] * len(table)
        columns = {
            name: cells(table, column, context.variables) if (column := getattr(self._spec, name)) else nothing
            for name in _FIELDS
        }
        parts = [cells(table, name, context.variables) for name in self._spec.uid_columns]
        columns["uid"] = ["-".join(map(str, words)) if all(words) else None for words in zip(*parts, strict=True)]
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
        latitude, longitude, depth_km = self._place(table, where, row)
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

    def _place(
        self, table: RawTable, where: int, row: Mapping[str, str]
    ) -> tuple[float | None, float | None, float | None]:
        """The hypocentre. Bulletins on intensity alone have none; a text that is no position loses the position, not the bulletin."""
        if self._spec.latitude is not None:
            return self._apart(table, where, row)
        text = row["position"]
        if not text:
            return None, None, None
        try:
            latitude, longitude, height_m = iso6709(text)
        except ValueError as error:
            table.findings.refuse(Refusal.BAD_NUMBER, where, str(error))
            return None, None, None
        return latitude, longitude, None if height_m is None else 0.0 - height_m / 1000 + 0.0

    def _apart(
        self, table: RawTable, where: int, row: Mapping[str, str]
    ) -> tuple[float | None, float | None, float | None]:
        """The hypocentre from columns of its own."""
        latitude, longitude, depth = (number(row[name]) for name in ("latitude", "longitude", "depth_km"))
        depth_km = depth.value if depth.outcome is None else None
        if not row["latitude"] and not row["longitude"]:
            return None, None, depth_km
        # USGS counts longitudes on past the date line in its outlines; a hypocentre of 181 degrees is refused all the same
        if not (abs(latitude.value) <= 90 and abs(longitude.value) <= 180):
            table.findings.refuse(Refusal.BAD_NUMBER, where, f"{row['latitude']!r}, {row['longitude']!r} is no place")
            return None, None, None
        return latitude.value, longitude.value, depth_km
