"""A grid of departures as CF NetCDF: cells with their sigma, and the stations that they come from."""

from __future__ import annotations

import io
from typing import Any

import h5netcdf
import numpy as np

from analysis.gridded import FAR_KM, Grid, Points
from api.clocktext import told
from api.files import cf_file
from api.service import Service
from specs.region import Area

_FILL = np.float32(9.96921e36)
_DEPARTURE = {"units": "nSv h-1", "coordinates": "time lat lon", "grid_mapping": "crs"}
_WGS84 = {
    "grid_mapping_name": "latitude_longitude",
    "semi_major_axis": 6378137.0,
    "inverse_flattening": 298.257223563,
}


def write(grid: Grid, stations: Points, area: Area, service: Service, at_s: int, licences: tuple[str, ...]) -> bytes:
    """The file; a cell outside the area or far from every station is missing, not smooth."""
    out = io.BytesIO()
    with h5netcdf.File(out, "w") as file:
        title = f"{service.settings.title}: {area.name('en')} ({area.id}), departures at {told(at_s)}"
        cf_file.stand_on(file, service, at_s, licences, "docs/files.md", title=title, source=_about(grid))
        file.dimensions = {
            "time": 1,
            "lat": len(grid.latitude_deg),
            "lon": len(grid.longitude_deg),
            "station": len(stations.uid),
        }
        _axes(file, grid, at_s)
        _fields(file, grid)
        _stations(file, stations)
    return out.getvalue()


def _about(grid: Grid) -> str:
    model = grid.model
    if model is None:
        return "too few stations: every cell is missing"
    return (
        f"ordinary kriging, exponential covariance, range {model.range_km:g} km, nugget {model.nugget:g} of a sill of "
        f"{model.sill:.3g} (nSv/h)2, sigma widened by {model.scale:.3g}; cells further than {FAR_KM:g} km from a "
        "station are missing"
    )


def _axes(file: Any, grid: Grid, at_s: int) -> None:
    cf_file.moments(file, "time", [at_s], "time", standard_name="time", long_name="time", axis="T")
    for name, standard, unit, axis, values in (
        ("lat", "latitude", "degrees_north", "Y", grid.latitude_deg),
        ("lon", "longitude", "degrees_east", "X", grid.longitude_deg),
    ):
        made = file.create_variable(name, (name,), np.float64, data=values)
        made.attrs.update({"units": unit, "standard_name": standard, "long_name": standard, "axis": axis})
    file.create_variable("crs", (), np.int32, data=np.int32(0)).attrs.update(_WGS84)


def _fields(file: Any, grid: Grid) -> None:
    for name, values, attributes in (
        (
            "departure",
            grid.departure,
            {
                **_DEPARTURE,
                "long_name": "departure of the dose rate from the stations' own past",
                "ancillary_variables": "sigma nearest",
            },
        ),
        (
            "sigma",
            grid.sigma,
            {
                **_DEPARTURE,
                "long_name": "standard deviation of the departure; a 90 % band is 1.645 of it wide to each side",
            },
        ),
        (
            "nearest",
            grid.nearest_km,
            {**_DEPARTURE, "units": "km", "long_name": "distance to the nearest station used"},
        ),
    ):
        data = np.where(np.isnan(values), _FILL, values).astype(np.float32)[None]
        made = file.create_variable(name, ("time", "lat", "lon"), np.float32, fillvalue=_FILL, data=data)
        made.attrs.update(attributes)


def _stations(file: Any, stations: Points) -> None:
    """The stations used. Their places have no standard name: the grid's own latitude and longitude are its only ones."""
    cf_file.texts(file, "station_id", stations.uid, "station", long_name="stations used")
    for name, values, unit, says in (
        ("station_lat", stations.latitude_deg, "degree", "latitude of a station used, north"),
        ("station_lon", stations.longitude_deg, "degree", "longitude of a station used, east"),
        ("station_departure", stations.departure, "nSv h-1", "departure of a station used from its own median"),
    ):
        made = file.create_variable(name, ("station",), np.float64, data=values)
        made.attrs.update({"units": unit, "long_name": says})
