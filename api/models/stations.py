"""Stations and series."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from api.models.common import Coverage, Instant, Link, Page, Struct, Text


class Position(Struct, frozen=True, kw_only=True):
    """WGS 84, degrees; `origin` says whether the publisher gave it (published) or a cited table of ours (listed)."""

    longitude: float
    latitude: float
    elevation_m: float | None
    origin: str


class Station(Struct, frozen=True, kw_only=True):
    """A fixed place, a sampling point or a moving platform, as one source names it."""

    id: Annotated[str, Meta(examples=["jp-nra-ramis:1010110001"])]
    names: tuple[Text, ...]
    kind: str
    position: Annotated[Position | None, Meta(description="null where none was given or what was given is impossible")]
    position_origin: Annotated[str, Meta(description="published, listed, refused or none")]
    regions: Annotated[tuple[str, ...], Meta(description="region first, then sea areas and zones")]
    zone: Annotated[str, Meta(description="IANA name of the station's time zone")]
    owner: str
    moving: bool
    publisher_mark: Annotated[
        str, Meta(description="the publisher's own word on the station, as `missing`; a claim, not ours")
    ]
    first_seen: Instant
    last_seen: Instant
    source: str
    feed: str
    licence: str
    rights: str
    exercise: bool


class Layer(Struct, frozen=True, kw_only=True):
    """A vertical position as published; metres where it can be read."""

    label: str
    reference: str
    min_m: float | None
    max_m: float | None


class Range(Struct, frozen=True, kw_only=True):
    """The detector's stated range, in the unit of values; outside it the number is the publisher's, not a measurement."""

    floor: float | None
    ceiling: float | None


class Series(Struct, frozen=True, kw_only=True):
    """Station x quantity x analyte x medium x instrument x averaging window x layer. Values are told in `unit`."""

    id: str
    station: str
    quantity: str
    unit: str
    published_unit: Annotated[str, Meta(description="UCUM code of the unit in which it is published")]
    published_unit_text: str
    analyte: str
    medium: str
    instrument: str
    window_s: Annotated[int | None, Meta(description="averaging window; null if the publisher states none")]
    layer: Layer | None
    kind: str
    range: Range
    source: str
    feed: str
    licence: str
    rights: str
    exercise: bool
    observations: Link


class StationPage(Page, frozen=True, kw_only=True):
    """A page of stations, by id."""

    stations: tuple[Station, ...]
    coverage: Coverage


class StationAnswer(Struct, frozen=True, kw_only=True):
    """One station with its series."""

    as_of: Instant | None
    audience: str
    station: Station
    series: tuple[Series, ...]


class SeriesPage(Page, frozen=True, kw_only=True):
    """A page of series, by id."""

    series: tuple[Series, ...]
    coverage: Coverage


class SeriesAnswer(Struct, frozen=True, kw_only=True):
    """One series with its station."""

    as_of: Instant | None
    audience: str
    series: Series
    station: Station
