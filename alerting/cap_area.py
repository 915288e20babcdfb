"""Areas of an alert as CAP areas: rings that cover the whole area with few points, and its codes.

A ring that cuts a cape or an island off would leave people out, so a shape is widened by the tolerance before it is
simplified by it: what is written covers what was meant, a little generously. CAP has no holes; a shape with one (Gyeonggi
around Seoul) is cut in two through it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from functools import lru_cache

import shapely
from shapely.geometry.base import BaseGeometry

from alerting.cap_alert import AlertStation, CapAlert
from alerting.cap_model import CapArea, CapCircle, CapPair, LatLon
from alerting.cap_text import clean
from specs.region import Area

#: valueNames of geocodes: ours, and ISO 3166-2 (3166-1 for regions without parts) as region ids are made of it.
OWN_CODE = "radcommons:area"
ISO_CODE = "ISO3166"
MOST_POINTS = 64
#: With more areas than this one outline around all of them is drawn: four languages repeat it, and a webhook carries 20 kB.
MOST_SHAPES = 3
#: Tolerances tried: from this share of the shape's size (or the least one) upwards.
_LEAST_DEG = 0.005
_SHARE = 1 / 300
_STEPS = tuple(1.4**step for step in range(18))
_DIGITS = 3
_ROUNDING_DEG = 0.002
#: A little more than the tolerance, because simplifying may move a corner of a thin neck by more than that.
_WIDER = 1.25
_SMALL = 8.0
_WORLD = shapely.box(-180.0, -90.0, 180.0, 90.0)
_ISO = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,3})?")
_KM_PER_DEGREE = 111.2
_AROUND_KM = 5.0

Rings = tuple[tuple[LatLon, ...], ...]


def cap_areas(alert: CapAlert, language: str) -> tuple[CapArea, ...]:
    """The areas of an alert with names in a language; without any, a circle around its stations, or what it is about."""
    if not alert.areas:
        about = alert.about.get(language) or alert.about.get("en", "")
        return _around(alert.stations) or ((CapArea(_described(about)),) if about else ())
    if len(alert.areas) <= MOST_SHAPES:
        budget = max(12, MOST_POINTS // len(alert.areas))
        return tuple(
            CapArea(_described(area.name(language)), outline(area.geometry, budget), (), _codes([area]))
            for area in alert.areas
        )
    whole = _joined(tuple(outline(area.geometry, MOST_POINTS) for area in alert.areas))
    names = ", ".join(area.name(language) for area in alert.areas)
    return (CapArea(_described(names), outline(whole, MOST_POINTS), (), _codes(alert.areas)),)


@lru_cache(maxsize=512)
def outline(geometry: BaseGeometry, most_points: int = MOST_POINTS) -> Rings:
    """Closed rings of (lat, lon) that cover a geometry in degrees, with at most `most_points` points (a bare box when nothing else fits)."""
    least = max(_LEAST_DEG, _SHARE * math.sqrt(geometry.area))
    coarse = geometry.simplify(least / 4)  # a tenth of the vertices, and a quarter of the widening makes up for it
    for step in _STEPS:
        wide = _widened(coarse, least * step)
        rings = _rings(wide)
        if sum(map(len, rings)) <= most_points and shapely.covers(wide, geometry):
            return rings
    return _rings(shapely.box(*geometry.bounds).buffer(_ROUNDING_DEG, join_style="mitre").intersection(_WORLD))


@lru_cache(maxsize=64)
def _joined(outlines: tuple[Rings, ...]) -> BaseGeometry:
    return shapely.union_all(
        [shapely.Polygon([(lon, lat) for lat, lon in ring]) for rings in outlines for ring in rings]
    )


def _widened(geometry: BaseGeometry, tolerance: float) -> BaseGeometry:
    wide = geometry.buffer(_WIDER * tolerance + _ROUNDING_DEG, quad_segs=2).simplify(tolerance)
    whole = shapely.union_all([_boxed(part, tolerance) for part in _polygons(wide)])
    return shapely.set_precision(whole.intersection(_WORLD), 10.0**-_DIGITS)


def _boxed(part: shapely.Polygon, tolerance: float) -> shapely.Polygon:
    """A small island as its box: five points say as much as nine."""
    west, south, east, north = part.bounds
    return shapely.box(west, south, east, north) if max(east - west, north - south) < _SMALL * tolerance else part


def _rings(geometry: BaseGeometry) -> Rings:
    pieces = [piece for polygon in _polygons(geometry) for piece in _without_holes(polygon)]
    return tuple(_ring(piece) for piece in sorted(pieces, key=lambda piece: (-piece.area, piece.bounds)))


def _polygons(geometry: BaseGeometry) -> list[shapely.Polygon]:
    return [part for part in shapely.get_parts(geometry) if isinstance(part, shapely.Polygon) and not part.is_empty]


def _without_holes(polygon: shapely.Polygon) -> list[shapely.Polygon]:
    if not polygon.interiors:
        return [polygon]
    west, south, east, north = polygon.bounds
    cut = polygon.interiors[0].centroid.x
    halves = (shapely.box(west, south, cut, north), shapely.box(cut, south, east, north))
    return [
        piece for half in halves for part in _polygons(polygon.intersection(half)) for piece in _without_holes(part)
    ]


def _ring(polygon: shapely.Polygon) -> tuple[LatLon, ...]:
    points = [(round(float(y), _DIGITS), round(float(x), _DIGITS)) for x, y in polygon.exterior.coords]
    return (*points[:-1], points[0])


def _codes(areas: Sequence[Area]) -> tuple[CapPair, ...]:
    own = [CapPair(OWN_CODE, area.id) for area in areas]
    iso = [CapPair(ISO_CODE, area.id) for area in areas if area.kind == "region" and _ISO.fullmatch(area.id)]
    return (*own, *iso)


def _described(text: str) -> str:
    """A description that CAP takes, which must not be empty."""
    return clean(text).strip() or "?"


def _around(stations: Sequence[AlertStation]) -> tuple[CapArea, ...]:
    """A circle that holds every station with a position; only names when none has one; nothing without stations."""
    if not stations:
        return ()
    named = ", ".join(station.name or station.uid for station in stations[:20])
    names = _described(named if len(stations) <= 20 else f"{named}, +{len(stations) - 20}")
    placed = [
        (s.latitude_deg, s.longitude_deg)
        for s in stations
        if s.latitude_deg is not None and s.longitude_deg is not None
    ]
    if not placed:
        return (CapArea(names),)
    middle_lat = sum(lat for lat, _ in placed) / len(placed)
    middle_lon = sum(lon for _, lon in placed) / len(placed)
    shrink = math.cos(math.radians(middle_lat))
    reach = max(math.hypot(lat - middle_lat, (lon - middle_lon) * shrink) for lat, lon in placed) * _KM_PER_DEGREE
    circle = CapCircle(round(middle_lat, _DIGITS), round(middle_lon, _DIGITS), float(math.ceil(reach + _AROUND_KM)))
    return (CapArea(names, (), (circle,)),)
