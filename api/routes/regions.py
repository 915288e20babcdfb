"""Regions on land, sea areas and zones."""

from __future__ import annotations

import shapely

from api import params as p
from api.models.places import FeatureCollection, Label, Region, RegionAnswer, RegionList, feature
from api.operation import Call, Operation, Reply
from api.paging import sliced
from api.problems import Code, ProblemError
from api.service import Service
from specs.region import Area

_DAY_S = 86400
KIND = p.choice("kind", ("region", "sea_area", "zone"), "Only areas of this kind.")


def tell_region(area: Area) -> Region:
    """An area without its shape."""
    return Region(
        id=area.id,
        kind=area.kind,
        country=area.country,
        names=area.names,
        codes=area.codes,
        label=Label(longitude=area.label_lon_deg, latitude=area.label_lat_deg),
        approximate=area.approximate,
        note=area.note,
        summary=f"/v1/regions/{area.id}/summary",
    )


def known_area(service: Service, area_id: str) -> Area:
    """The area with an id; raises ProblemError 404."""
    area = service.config.geography.by_id.get(area_id)
    if area is None:
        raise ProblemError(Code.NOT_FOUND, f"No region {area_id!r} is known.")
    return area


def _shapes(areas: tuple[Area, ...], notices: tuple[str, ...], more: str | None = None) -> FeatureCollection:
    shapes = tuple(feature(tell_region(area), area.id, shapely.geometry.mapping(area.geometry)) for area in areas)
    return FeatureCollection(features=shapes, notices=notices, next=more)


async def regions(call: Call) -> Reply:
    """All regions; their shapes in GeoJSON."""
    geography, country, kind = call.service.config.geography, call.query.get(p.COUNTRY), call.query.get(KIND)
    chosen = tuple(area for area in geography.areas if country in (None, area.country) and kind in (None, area.kind))
    page, more = sliced(call, chosen, lambda area: area.id)
    told = tuple(tell_region(area) for area in page)
    body = RegionList(regions=told, next=more, notices=geography.notices, sources=geography.sources)
    return Reply(
        body,
        rows=told,
        row=Region,
        features=lambda: _shapes(page, geography.notices, more),
        next=more,
        max_age_s=_DAY_S,
    )


async def region(call: Call) -> Reply:
    """One region; its shape in GeoJSON."""
    geography, area = call.service.config.geography, known_area(call.service, call.path["id"])
    body = RegionAnswer(region=tell_region(area), notices=geography.notices, sources=geography.sources)
    return Reply(body, features=lambda: _shapes((area,), geography.notices), max_age_s=_DAY_S)


OPERATIONS = (
    Operation(
        "GET",
        "/v1/regions",
        regions,
        "Regions, sea areas and zones",
        RegionList,
        "regions",
        (p.COUNTRY, KIND, *p.PAGE),
        ("json", "geojson", "csv", "ndjson"),
        kept_s=_DAY_S,
    ),
    Operation(
        "GET",
        "/v1/regions/{id}",
        region,
        "One region",
        RegionAnswer,
        "regions",
        (),
        ("json", "geojson"),
        (Code.NOT_FOUND,),
        path_examples={"id": "JP-07"},
    ),
)
