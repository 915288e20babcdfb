"""Gridded departures of an area at an hour, as a file."""

from __future__ import annotations

import asyncio

import numpy as np
import shapely
from aiohttp import web

from analysis.freshness import Standings
from analysis.gridded import Grid, Points, gridded, points
from api import params as p
from api.files import answer as files
from api.files import grid as file
from api.freshness import standings_then
from api.knowledge import Past, shown
from api.operation import Call, Operation
from api.problems import Code
from api.routes.regions import known_area
from api.routes.summaries import attributions
from api.service import Service
from specs.region import Area
from store.rows import Filter, SeriesArrays

_HOUR_S = 3600
_CELLS = 120
AT = p.instant("at", "The hour; the last full one unless told otherwise.", "2026-08-15T12:00:00Z")


async def grid(call: Call) -> web.StreamResponse:
    """Departures from the stations' own past on a grid, with their sigma and the stations used; cells far from every station are missing."""
    service, area = call.service, known_area(call.service, call.path["id"])
    at_s = (call.query.get(AT) or call.now_s) // _HOUR_S * _HOUR_S
    f, _ = await shown(service, Filter(areas=frozenset({area.id})))
    held = await Past(service, f, at_s, at_s).at(at_s)
    standing = (await standings_then(service, service.feeds, at_s, at_s))(at_s)
    made, stations = await asyncio.to_thread(_made, held, standing, at_s, area, service)
    lines = tuple(
        f"{next(iter(one.attribution.values()), one.id)} ({', '.join(one.licences)})"
        for one in attributions(sorted({row.series.feed_id for row in held.series}), service)
    )
    body = await asyncio.to_thread(file.write, made, stations, area, service, at_s, lines)
    return files.send(call, body, f"{area.id}-departures", max_age_s=60)


def _made(held: SeriesArrays, standing: Standings, at_s: int, area: Area, service: Service) -> tuple[Grid, Points]:
    """The grid over the area's bounds, square cells of a round size, what lies outside its shape missing."""
    west, south, east, north = area.geometry.bounds
    step = max(0.01, round(max(east - west, north - south) / _CELLS, 2))
    latitudes, longitudes = np.arange(south + step / 2, north, step), np.arange(west + step / 2, east, step)
    told = points(held, standing, at_s, service.changed)
    made = gridded(told, latitudes, longitudes)
    columns, rows = np.meshgrid(longitudes, latitudes)
    outside = ~shapely.contains_xy(area.geometry, columns, rows)
    made.departure[outside] = made.sigma[outside] = made.nearest_km[outside] = np.nan
    return made, told


OPERATIONS = (
    Operation(
        "GET",
        "/v1/regions/{id}/grid",
        grid,
        "Departures on a grid",
        None,
        "regions",
        (AT,),
        ("netcdf",),
        (Code.NOT_FOUND,),
        path_examples={"id": "JP-07"},
        media="application/x-netcdf",
    ),
)
