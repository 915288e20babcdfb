"""A grid of departures as CF NetCDF: cells with their sigma, and the stations that they come from."""

from __future__ import annotations

import io
from typing import Any

import h5netcdf
import h5py
import numpy as np

from analysis.gridded import FAR_KM, Grid, Points
from api.clocktext import told
from api.files import cf
from api.openapi import DISCLAIMER
from api.service import Service
from specs.region import Area

_FILL = np.float32(9.96921e36)
_DEPARTURE = {"units": "nSv h-1", "coordinates": "time lat lon", "grid_mapping": "crs"}


def write(grid: Grid, stations: Points, area: Area, service: Service, at_s: int, licences: tuple[str, ...]) -> bytes:
    """The file; a cell outside the area or far from every station is missing, not smooth."""
    out = io.BytesIO()
    with h5netcdf.File(out, "w") as file:
        _globals(file, area, service, at_s, licences, grid)
        file.dimensions = {
            "time": 1,
            "lat": len(grid.latitude_deg),
            "lon": len(grid.longitude_deg),
            "station": len(stations.uid),
        }
        time = file.create_variable("time", ("time",), np.float64, data=np.array([at_s], dtype=np.float64))
        time.attrs.update(
            {
                "units": "seconds since 1970-01-01T00:00:00Z",
                "calendar": "standard",
                "standard_name": "time",
                "axis": "T",
            }
        )
        for name, standard, unit, axis, values in (
            ("lat", "latitude", "degrees_north", "Y", grid.latitude_deg),
            ("lon", "longitude", "degrees_east", "X", grid.longitude_deg),
        ):
            made = file.create_variable(name, (name,), np.float64, data=values)
            made.attrs.update({"units": unit, "standard_name": standard, "long_name": standard, "axis": axis})
        crs = file.create_variable("crs", (), np.int32, data=np.int32(0))
        crs.attrs.update(
            {
                "grid_mapping_name": "latitude_longitude",
                "semi_major_axis": 6378137.0,
                "inverse_flattening": 298.257223563,
            }
        )
        departure = {
            "long_name": "departure of the dose rate from the stations' own past",
            "ancillary_variables": "sigma nearest",
        }
        _cells(file, "departure", grid.departure, {**_DEPARTURE, **departure})
        _cells(
            file,
            "sigma",
            grid.sigma,
            {
                **_DEPARTURE,
                "long_name": "standard deviation of the departure; a 90 % band is 1.645 of it wide to each side",
            },
        )
        _cells(
            file,
            "nearest",
            grid.nearest_km,
            {"units": "km", "long_name": "distance to the nearest station used", "grid_mapping": "crs"},
        )
        _stations(file, stations)
    return out.getvalue()


def _cells(file: Any, name: str, values: Any, attributes: dict[str, str]) -> None:
    data = np.where(np.isnan(values), _FILL, values).astype(np.float32)[None]
    file.create_variable(name, ("time", "lat", "lon"), np.float32, fillvalue=_FILL, data=data).attrs.update(attributes)


def _stations(file: Any, stations: Points) -> None:
    names = file.create_variable("station_id", ("station",), h5py.string_dtype())
    if stations.uid:
        names[:] = np.array(stations.uid, dtype=object)
    names.attrs.update({"long_name": "stations used"})
    for name, values, attributes in (
        ("station_lat", stations.latitude_deg, {"units": "degrees_north", "standard_name": "latitude"}),
        ("station_lon", stations.longitude_deg, {"units": "degrees_east", "standard_name": "longitude"}),
        (
            "station_departure",
            stations.departure,
            {"units": "nSv h-1", "long_name": "departure of each station from its own median"},
        ),
    ):
        file.create_variable(name, ("station",), np.float64, data=values).attrs.update(attributes)


def _globals(file: Any, area: Area, service: Service, at_s: int, licences: tuple[str, ...], grid: Grid) -> None:
    settings, model = service.settings, grid.model
    about = (
        "too few stations: every cell is missing"
        if model is None
        else (
            f"ordinary kriging, exponential covariance, range {model.range_km:g} km, nugget {model.nugget:g} of a sill of {model.sill:.3g} (nSv/h)2, "
            f"sigma widened by {model.scale:.3g}; cells further than {FAR_KM:g} km from a station are missing"
        )
    )
    attributes = {
        "Conventions": cf.CONVENTIONS,
        "title": f"{settings.title}: {area.name('en')} ({area.id}), departures at {told(at_s)}",
        "institution": "see attribution",
        "source": about,
        "comment": DISCLAIMER,
        "history": f"{told(at_s)} written by {settings.title} {settings.version} with what was known then",
        "references": "docs/files.md",
        "license": "; ".join(licences) or "none",
        "attribution": "; ".join(licences),
    }
    for name, text in attributes.items():
        file.attrs[name] = text
