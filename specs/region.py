"""Places: regions on land, sea areas and overlay zones, and which of them a point belongs to."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import shapely
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from specs.problems import ConfigError, Problem

#: Files of areas in `config/`, in the order in which `locate` answers.
FILES = ("regions.geojson", "sea_areas.geojson")
AreaKind = Literal["region", "sea_area", "zone"]
LANGUAGES = ("en", "ja", "ko", "zh-hans", "zh-hant", "ru")

#: A coastal point in no polygon belongs to the nearest region within this distance (of 179 such RAMIS posts the farthest lies 9.4 km off).
NEAREST_KM = 10.0
#: Sea areas are drawn some way over land, so that no sample on a generalised coast is lost; farther inland than this is not the sea.
SHORE_KM = 2.0
_KM_PER_DEGREE = 111.2


class GeographyError(ValueError):
    """An area cannot be used; the text says why."""


@dataclass(frozen=True, slots=True)
class Area:
    """A region, sea area or zone: neutral id, every name in use per language (none preferred), WGS 84 geometry in degrees."""

    id: str
    kind: AreaKind
    country: str  # ISO 3166-1 alpha-2 of a region; "" at sea
    names: Mapping[str, tuple[str, ...]]
    geometry: BaseGeometry
    label_lon_deg: float
    label_lat_deg: float
    note: str = ""
    codes: tuple[str, ...] = ()  # other codes of the same region, as `KR:26` (national) beside `KR-26` (ISO 3166-2)
    approximate: bool = False

    def name(self, language: str) -> str:
        """All names in a language joined by " / "; in English where that language has none. `zh` reads as `zh-hans`."""
        asked = "zh-hans" if language == "zh" else language
        return " / ".join(self.names.get(asked) or self.names.get("en") or (self.id,))


@dataclass(frozen=True)
class Geography:
    """All areas with a spatial index; `notices` and `sources` belong beside every map and every answer with shapes."""

    areas: tuple[Area, ...] = ()
    notices: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    _seen: dict[tuple[float | None, float | None, str], tuple[str, ...]] = field(
        default_factory=dict, repr=False, compare=False
    )

    @cached_property
    def by_id(self) -> Mapping[str, Area]:
        """Area id -> area."""
        return {area.id: area for area in self.areas}

    @cached_property
    def _by_code(self) -> Mapping[str, str]:
        regions = [area for area in self.areas if area.kind == "region"]
        return {code: area.id for area in regions for code in (area.id, *area.codes)}

    @cached_property
    def _land(self) -> _Layer:
        return _Layer(tuple(area for area in self.areas if area.kind == "region"))

    @cached_property
    def _sea(self) -> _Layer:
        return _Layer(tuple(area for area in self.areas if area.kind != "region"))

    def locate(self, latitude_deg: float | None, longitude_deg: float | None, region_code: str = "") -> tuple[str, ...]:
        """Ids of every area that a point belongs to: one region at most, then the sea areas and zones.

        The publisher's code goes before the polygon, the polygon before the nearest region within NEAREST_KM. Sea areas and
        zones are by polygon, all that contain the point, unless it lies farther than SHORE_KM from any water.
        """
        key = (latitude_deg, longitude_deg, region_code)
        found = self._seen.get(key)
        if found is None:
            found = self._seen[key] = self._locate(latitude_deg, longitude_deg, region_code)
        return found

    def _locate(self, latitude_deg: float | None, longitude_deg: float | None, region_code: str) -> tuple[str, ...]:
        coded = self._by_code.get(region_code, "")
        if latitude_deg is None or longitude_deg is None:
            return (coded,) if coded else ()
        point = shapely.Point(longitude_deg, latitude_deg)
        region = coded or next(iter(self._land.containing(point)), "") or self._land.nearest(point, NEAREST_KM)
        sea = () if self._land.surrounds(point, SHORE_KM) else self._sea.containing(point)
        return (region, *sea) if region else tuple(sea)


class _Layer:
    """Areas that one question is asked of, behind one index."""

    def __init__(self, areas: tuple[Area, ...]) -> None:
        self.areas = areas
        self._shapes = np.array([area.geometry for area in areas], dtype=object)
        self._tree = shapely.STRtree(self._shapes)

    def containing(self, point: shapely.Point) -> tuple[str, ...]:
        """Ids in file order of the areas that cover the point (border included)."""
        return tuple(self.areas[i].id for i in np.sort(self._tree.query(point, predicate="intersects")))

    def nearest(self, point: shapely.Point, within_km: float) -> str:
        """Id of the nearest area within a distance, "" if there is none."""
        best = (within_km, "")
        for i, clipped in self._around(point, within_km):
            best = min(best, (clipped.distance(shapely.Point(0, 0)), self.areas[i].id))
        return best[1]

    def surrounds(self, point: shapely.Point, radius_km: float) -> bool:
        """Whether everything within a distance of the point is inside these areas."""
        disc = shapely.Point(0, 0).buffer(radius_km)
        pieces = [clipped for _, clipped in self._around(point, radius_km)]
        return bool(pieces) and bool(shapely.covers(shapely.union_all(pieces).buffer(1e-6), disc))

    def _around(self, point: shapely.Point, reach_km: float) -> Iterable[tuple[int, BaseGeometry]]:
        """Areas near a point, cut to a box and flattened to kilometres east and north of it.

        Degrees would call a region 10 km to the east nearer than one 9 km to the north; a flat local frame is exact enough here.
        """
        north = reach_km * 1.05 / _KM_PER_DEGREE
        east = north / max(math.cos(math.radians(point.y)), 0.05)
        box = (point.x - east, point.y - north, point.x + east, point.y + north)
        scale = np.array([_KM_PER_DEGREE * math.cos(math.radians(point.y)), _KM_PER_DEGREE])
        origin = np.array([point.x, point.y])
        for i in self._tree.query(shapely.box(*box)):
            clipped = shapely.clip_by_rect(self._shapes[i], *box)
            if not clipped.is_empty:
                yield int(i), shapely.transform(clipped, lambda xy: (xy - origin) * scale)


def load_geography(folder: Path) -> Geography:
    """The areas of an operator's `config/`; raises ConfigError with every area that cannot be used."""
    areas: list[Area] = []
    notices, sources = [], []
    problems: list[Problem] = []
    for name in FILES:
        try:
            document = json.loads((folder / name).read_text(encoding="utf-8"))
            features = list(document["features"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            problems.append(Problem(name, 1, 1, "", f"no GeoJSON feature collection: {error}"))
            continue
        notices.append(str(document.get("notice", "")))
        sources.append(str(document.get("source", "")))
        for number, feature in enumerate(features):
            try:
                areas.append(_area(feature))
            except GeographyError as error:
                problems.append(Problem(name, 1, 1, f"features.{number}", str(error)))
    twice = sorted(area for area, count in Counter(area.id for area in areas).items() if count > 1)
    problems += [Problem(FILES[0], 1, 1, "", f"`{area}` is the id of two areas") for area in twice]
    if problems:
        raise ConfigError(problems)
    return Geography(tuple(areas), tuple(filter(None, notices)), tuple(filter(None, sources)))


def _area(feature: dict[str, Any]) -> Area:
    try:
        properties = feature["properties"]
        geometry = shape(feature["geometry"])
        area = Area(
            id=properties["id"],
            kind=properties["kind"],
            country=properties["country"],
            names={language: tuple(names) for language, names in properties["names"].items()},
            geometry=geometry,
            label_lon_deg=float(properties["label_lon"]),
            label_lat_deg=float(properties["label_lat"]),
            note=properties.get("note", ""),
            codes=tuple(properties.get("codes", ())),
            approximate=bool(properties.get("approximate")),
        )
    except (KeyError, TypeError, ValueError, shapely.errors.ShapelyError) as error:
        raise GeographyError(f"the area cannot be read: {error!r}") from error
    if not geometry.is_valid or geometry.geom_type not in ("Polygon", "MultiPolygon"):
        raise GeographyError(f"{area.id} has no valid polygon")
    if not area.names.get("en"):
        raise GeographyError(f"{area.id} has no name in en")
    shapely.prepare(geometry)
    return area
