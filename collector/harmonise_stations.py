"""Rows to stations: keys, names, positions, regions; what is already known of a station is kept between answers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from collector.harmonise_values import number
from collector.positions import angle, pair
from collector.rawtable import Cells, RawTable
from domain.flags import Qc
from domain.identity import station_uid
from domain.readings import Station
from specs.columns import also_known, key_columns
from specs.feed import FeedSpec
from specs.loading import Table
from specs.mapping import Choice, FixedKey, KeyPart, Listing, Position, Prefixed, StationMap

_METRES_PER_DEGREE = 111_195.0
#: Descriptions remembered per form before starting again.
_MEMORY = 100_000
#: Addresses whose last columns are remembered before starting again.
_SHEETS = 64


def cells(table: RawTable, name: str, variables: Mapping[str, str]) -> Cells:
    """A column by name; `$url.x` and `$head.x` stand once and hold for every row."""
    if name.startswith("$url."):
        return [variables.get(name[5:])] * len(table)
    if name.startswith("$head."):
        return [table.head.get(name[6:])] * len(table)
    found = table.columns.get(name)
    return found if found is not None else [None] * len(table)


@dataclass(slots=True)
class Known:
    """A station as last described, and the flags that its position puts on every reading."""

    station: Station
    flags: (
        int  # of Qc; members of a flag are a hundred times slower to work with, and a nation has thousands of stations
    )


@dataclass(frozen=True, slots=True)
class _Read:
    """The columns that described the stations of an address last, and what they gave while the book had seen so many changes."""

    changes: int
    parts: list[Cells]
    index: list[int]
    shown: Mapping[int, Known]
    stations: tuple[Station, ...]


class StationBook:
    """All stations that one feed has shown; `index` numbers never change during the life of the book."""

    def __init__(self, feed: FeedSpec, tables: Mapping[str, Table], known: Iterable[Station] = ()) -> None:
        self._feed, self._tables = feed, tables
        self.known: list[Known] = []
        self.shown: Mapping[int, Known] = {}  # by the last payload, in its order
        self.changes = 0  # grows with whatever may make the same row mean something else
        self._by_uid: dict[str, int] = {}
        self._also: dict[str, str] = {}
        self._lists: dict[tuple[str, str], dict[str, dict[str, str]]] = {}
        self._described: dict[int, dict[tuple[str | None, ...], tuple[int, Known]]] = {}
        self._last: dict[tuple[object, ...], _Read] = {}
        for station in known:
            self._by_uid[station.uid] = len(self.known)
            self.known.append(Known(station, int(Qc.NONE)))

    def read(
        self, spec: StationMap, table: RawTable, variables: Mapping[str, str]
    ) -> tuple[list[int], tuple[Station, ...]]:
        """The station of every row (index into `known`; -1 without a key), and the distinct stations of this payload."""
        parts = [cells(table, name, variables) for name in (*key_columns(spec), *_described_by(spec))]
        sheet = (id(spec), *sorted(variables.items()))
        last = self._last.get(sheet)
        if last is None or last.changes != self.changes or not parts or last.parts != parts:
            index, stations = self._read(spec, table, parts)
            last = _Read(self.changes, parts, index, self.shown, stations)
            if len(self._last) >= _SHEETS:
                self._last.clear()
            self._last[sheet] = last
        else:
            self.show(last.shown)
        return last.index, last.stations

    def _read(self, spec: StationMap, table: RawTable, parts: list[Cells]) -> tuple[list[int], tuple[Station, ...]]:
        described = self._described.setdefault(id(spec), {})
        rows = list(zip(*parts, strict=True)) if parts else [()] * len(table)
        index: list[int] = []
        first: dict[int, Known] = {}
        for row, hit in zip(rows, map(described.get, rows), strict=True):
            if hit is None:
                index.append(self._describe(spec, row, described, first))
                continue
            at, known = hit
            if at not in first:
                first[at] = self.known[at] = known
            index.append(at)
        self.shown = first
        return index, tuple([known.station for known in first.values()])

    def show(self, shown: Mapping[int, Known]) -> None:
        """Know the stations of a payload again as it described them."""
        self.shown = shown
        for at, known in shown.items():
            self.known[at] = known

    def _describe(
        self,
        spec: StationMap,
        row: tuple[str | None, ...],
        described: dict[tuple[str | None, ...], tuple[int, Known]],
        first: dict[int, Known],
    ) -> int:
        width = len(key_columns(spec))
        key = self._key(spec, row[:width])
        if key is None:
            return -1
        listed = self._row_of_list(spec.listed, key)
        key = listed.get(spec.listed.key, key) if spec.listed else key
        self._learn(spec, row, key)
        key = self._also.get(key, key)
        uid = station_uid(self._feed.namespace, key)
        at = self._by_uid.setdefault(uid, len(self.known))
        if at in first:
            # A station with two series can carry two positions (52 codes of RAMIS do): the first row of a payload speaks.
            return at
        old = self.known[at].station if at < len(self.known) else None
        texts = dict(zip((*key_columns(spec), *_described_by(spec)), row, strict=True))
        new = self._station(spec, uid, key, texts, listed, old)
        self.known[at : at + 1] = [new]
        self.changes += 1
        if len(described) >= _MEMORY:
            described.clear()
        described[row] = (at, new)
        first[at] = new
        return at

    def _learn(self, spec: StationMap, row: Sequence[str | None], key: str) -> None:
        """Remember by what other name the rows of other forms call this station."""
        if spec.also_known:
            texts = dict(zip((*key_columns(spec), *_described_by(spec)), row, strict=True))
            words = [" ".join((texts[name] or "").split()) for name in also_known(spec)]
            name = "-".join(words)
            if all(words) and len(self._also) < _MEMORY and self._also.get(name) != key:
                self._also[name] = key
                self.changes += 1

    def _key(self, spec: StationMap, parts: Sequence[str | None]) -> str | None:
        if isinstance(spec.key, FixedKey):
            return spec.key.fixed
        words = [" ".join((part or "").split()) for part in parts]
        if isinstance(spec.key, KeyPart):
            cut = words[0][: spec.key.first] if spec.key.first else words[0]
            words = [cut.partition(spec.key.before)[0].strip() if spec.key.before else cut]
        return "-".join(words) if all(words) else None

    def _station(
        self,
        spec: StationMap,
        uid: str,
        key: str,
        row: Mapping[str, str | None],
        listed: Mapping[str, str],
        old: Station | None,
    ) -> Known:
        names = {language: text for language, column in spec.names.items() if (text := (row.get(column) or "").strip())}
        if spec.place:
            names = dict(spec.place.names) | names
        if spec.listed:
            names = {language: listed.get(column, "") for language, column in spec.listed.names.items()} | names
        latitude, longitude, origin = self._position(spec, row, listed, old)
        zone = next((form.time.zone for form in self._feed.forms if form.time), "UTC")
        elevation = number(row.get(spec.elevation_m) or "") if spec.elevation_m else None
        told = _Told.of(old) if old and _tells_little(spec) else _Told()
        new = Station(
            uid=uid,
            namespace=self._feed.namespace,
            key=key,
            names=tuple((language, text) for language, text in names.items() if text) or (old.names if old else ()),
            latitude_deg=latitude,
            longitude_deg=longitude,
            position_origin=origin,
            elevation_m=elevation.value if elevation and elevation.outcome is None else told.elevation_m,
            region_code=_chosen(spec.region, row) or listed.get(_column_of(spec, "region"), "") or told.region_code,
            zone=zone,
            kind=told.kind or (spec.kind if isinstance(spec.kind, str) else _chosen(spec.kind, row) or "station"),
            owner=_owner(spec, row) or listed.get(_column_of(spec, "owner"), "") or told.owner,
            moving=spec.moving,
        )
        flags = self._flags(spec, new)
        if origin == "refused" and old is not None and old.latitude_deg is not None:
            # A position that was good yesterday is not lost to a bad one of today; the readings still say that one was refused.
            new = replace(
                new, latitude_deg=old.latitude_deg, longitude_deg=old.longitude_deg, position_origin=old.position_origin
            )
        return Known(new, int(flags))

    def _flags(self, spec: StationMap, station: Station) -> Qc:
        if station.position_origin == "refused":
            return Qc.POSITION_REFUSED
        # Stations of another feed have their position from there; that this one tells none is no fault of theirs.
        foreign = self._feed.namespace != self._feed.id and spec.position is None and spec.listed is None
        return Qc.POSITION_MISSING if station.position_origin == "none" and not foreign else Qc.NONE

    def _position(
        self, spec: StationMap, row: Mapping[str, str | None], listed: Mapping[str, str], old: Station | None
    ) -> tuple[float | None, float | None, str]:
        found = _given(spec, row, listed)
        if found is None:
            kept = old is not None and old.latitude_deg is not None
            return (old.latitude_deg, old.longitude_deg, old.position_origin) if old and kept else (None, None, "none")
        latitude, longitude, origin = found
        if not self._possible(latitude, longitude):
            return None, None, "refused"
        steady_m = spec.position.steady_m if spec.position else 0.0
        if steady_m and old and old.latitude_deg is not None and old.longitude_deg is not None:
            east = (longitude - old.longitude_deg) * math.cos(math.radians(latitude))
            if math.hypot(latitude - old.latitude_deg, east) * _METRES_PER_DEGREE < steady_m:
                return old.latitude_deg, old.longitude_deg, old.position_origin
        return latitude, longitude, origin

    def _row_of_list(self, spec: Listing | None, key: str) -> Mapping[str, str]:
        """What the station list says of a key; nothing when the list or the key is not there."""
        if spec is None:
            return {}
        if (spec.table, spec.match) not in self._lists:
            table = self._tables.get(spec.table)
            rows = [dict(zip(table.columns, row, strict=True)) for row in table.rows] if table else []
            self._lists[(spec.table, spec.match)] = {row[spec.match]: row for row in rows if row[spec.match]}
        return self._lists[(spec.table, spec.match)].get(key, {})

    def _possible(self, latitude: float, longitude: float) -> bool:
        if not (-90 <= latitude <= 90 and -180 <= longitude <= 180) or (latitude == 0 and longitude == 0):
            return False
        if self._feed.expect.bbox is None:
            return True
        west, south, east, north = self._feed.expect.bbox
        inside = west <= longitude <= east if west <= east else longitude >= west or longitude <= east
        return south <= latitude <= north and inside


@dataclass(frozen=True, slots=True)
class _Told:
    """What another form of the feed (its catalogue) said of a station whose own row tells nothing but its key."""

    elevation_m: float | None = None
    region_code: str = ""
    kind: str = ""
    owner: str = ""

    @classmethod
    def of(cls, station: Station) -> _Told:
        return cls(station.elevation_m, station.region_code, station.kind, station.owner)


def _tells_little(spec: StationMap) -> bool:
    return (
        not (spec.names or spec.position or spec.listed or spec.place or spec.region or spec.owner)
        and spec.kind == "station"
    )


def _column_of(spec: StationMap, name: str) -> str:
    """The column of the station list that holds a property; "" without a list (no column is called so)."""
    return str(getattr(spec.listed, name)) if spec.listed else ""


def _described_by(spec: StationMap) -> tuple[str, ...]:
    """The columns beside the key that describe a station."""
    columns: list[str | None] = [*spec.names.values(), *also_known(spec)]
    columns += [
        part.column if isinstance(part, Choice | Prefixed) else None for part in (spec.region, spec.kind, spec.owner)
    ]
    columns.append(spec.owner if isinstance(spec.owner, str) else None)
    columns.append(spec.elevation_m)
    if spec.position:
        columns += spec.position.columns
    return tuple(dict.fromkeys(name for name in columns if name and name not in key_columns(spec)))


def _owner(spec: StationMap, row: Mapping[str, str | None]) -> str:
    return (row.get(spec.owner) or "").strip() if isinstance(spec.owner, str) else _chosen(spec.owner, row)


def _given(
    spec: StationMap, row: Mapping[str, str | None], listed: Mapping[str, str]
) -> tuple[float, float, str] | None:
    """The position that the row gives, else the one in the list; None when neither gives one. NaN stands for what is no position."""
    found = _own(spec.position, row) if spec.position else None
    if found is not None:
        return (*found, "published")
    if spec.place and spec.place.latitude is not None and spec.place.longitude is not None:
        return spec.place.latitude, spec.place.longitude, "listed"
    if not spec.listed:
        return None
    texts = listed.get(spec.listed.latitude, ""), listed.get(spec.listed.longitude, "")
    if not texts[0].strip() or not texts[1].strip():
        return None
    return angle(texts[0], "degrees"), angle(texts[1], "degrees"), "listed"


def _own(at: Position, row: Mapping[str, str | None]) -> tuple[float, float] | None:
    """The position of a row; None when it gives none."""
    if at.text is not None:
        text = (row.get(at.text) or "").strip()
        return pair(text, at.form, at.order, comma=at.decimal_comma) if text else None
    texts = [(row.get(name or "") or "").strip() for name in (at.latitude, at.longitude)]
    if not all(texts):
        return None
    sides = [(row.get(name or "") or "") for name in (at.latitude_hemisphere, at.longitude_hemisphere)]
    latitude, longitude = (
        angle(text, at.form, comma=at.decimal_comma, hemisphere=side) for text, side in zip(texts, sides, strict=True)
    )
    return latitude, longitude


def _chosen(part: Choice | Prefixed | str | None, row: Mapping[str, str | None]) -> str:
    if isinstance(part, Choice):
        return part.choose.get((row.get(part.column) or "").strip(), part.default)
    if isinstance(part, Prefixed):
        text = (row.get(part.column) or "").strip()
        return part.prefix + text if text else ""
    return ""
