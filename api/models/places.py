"""Regions and GeoJSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from api.models.common import Instant, Link, Page, Struct


class Label(Struct, frozen=True, kw_only=True):
    """Where a name may be written on a map."""

    longitude: float
    latitude: float


class Region(Struct, frozen=True, kw_only=True):
    """A region, sea area or zone. `names` are all names in use, in code-point order; none is preferred."""

    id: str
    kind: Annotated[str, Meta(description="region, sea_area or zone")]
    country: Annotated[str, Meta(description="ISO 3166-1 code of a region; empty at sea")]
    names: Mapping[str, tuple[str, ...]]
    codes: tuple[str, ...]
    label: Label
    approximate: bool
    note: str
    summary: Link


class RegionList(Struct, frozen=True, kw_only=True):
    """All regions; show `notices` and `sources` beside every map of them."""

    regions: tuple[Region, ...]
    next: Link | None
    notices: tuple[str, ...]
    sources: tuple[str, ...]


class RegionAnswer(Struct, frozen=True, kw_only=True):
    """One region."""

    region: Region
    notices: tuple[str, ...]
    sources: tuple[str, ...]


class Feature(Struct, frozen=True, kw_only=True):
    """A GeoJSON feature (RFC 7946)."""

    id: str
    geometry: Any
    properties: Any
    type: str = "Feature"


class FeatureCollection(Struct, frozen=True, kw_only=True):
    """A GeoJSON feature collection (RFC 7946); further members say what a list of ours says."""

    features: tuple[Feature, ...]
    as_of: Instant | None = None
    next: Link | None = None
    audience: str = ""
    exercise: bool = False
    notices: tuple[str, ...] = ()
    type: str = "FeatureCollection"


def point(longitude: float | None, latitude: float | None) -> Any:
    """A GeoJSON point, None where there is no position."""
    return None if longitude is None or latitude is None else {"type": "Point", "coordinates": [longitude, latitude]}


def collected(page: Page, shapes: Iterable[Feature]) -> FeatureCollection:
    """Features with what the page that they are of says of itself."""
    return FeatureCollection(
        features=tuple(shapes), as_of=page.as_of, next=page.next, audience=page.audience, exercise=page.exercise
    )


def feature(row: msgspec.Struct, identity: str, geometry: Any) -> Feature:
    """A struct as the properties of a feature."""
    return Feature(id=identity, geometry=geometry, properties=row)
