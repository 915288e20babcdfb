"""Readings as an xarray Dataset: series x time, with the facts of each series as coordinates and flags as CF understands them."""

from __future__ import annotations

import numpy as np
import xarray as xr

from analysis.arrays import Arrays, measured
from domain.flags import Qc
from domain.quantities import BY_ID
from domain.states import CENSORING_CODES

_EPOCH = np.datetime64("1970-01-01T00:00:00", "ns")


def cube(arrays: Arrays) -> xr.Dataset:
    """The columns on the grid of every end that occurs: `value` (NaN: none) in each series' unit, `limit`, `qc`, `censoring`, `measured`.

    Units differ from series to series; they stand in the coordinate `unit`, and an attribute `units` only where they agree.
    """
    times, column = np.unique(arrays.end_s, return_inverse=True)
    shape = (len(arrays.series), len(times))
    place = (arrays.index, column)
    variables = {
        "value": _filled(shape, place, arrays.value, np.nan),
        "limit": _filled(shape, place, arrays.limit, np.nan),
        "qc": _filled(shape, place, arrays.qc, 0),
        "censoring": _filled(shape, place, arrays.censoring, np.int8(-1)),
        "measured": _filled(shape, place, measured(arrays.value, arrays.censoring, arrays.qc), False),
    }
    dataset = xr.Dataset(
        {name: (("series", "time"), values) for name, values in variables.items()},
        coords=_coordinates(arrays) | {"time": ("time", _EPOCH + times.astype("timedelta64[s]"))},
        attrs={"Conventions": "CF-1.11", "featureType": "timeSeries"},
    )
    _describe(dataset, arrays)
    return dataset


def _filled(
    shape: tuple[int, int], place: tuple[np.ndarray, np.ndarray], values: np.ndarray, empty: object
) -> np.ndarray:
    grid = np.full(shape, empty, dtype=values.dtype)
    grid[place] = values
    return grid


def _coordinates(arrays: Arrays) -> dict[str, tuple[str, np.ndarray]]:
    series = [row.series for row in arrays.series]
    stations = [row.station.station for row in arrays.series]

    def texts(listed: list[str]) -> np.ndarray:
        return np.array(listed, dtype=object)

    return {
        "series": ("series", texts([one.uid for one in series])),
        "station": ("series", texts([one.station_uid for one in series])),
        "quantity": ("series", texts([one.quantity for one in series])),
        "medium": ("series", texts([one.medium for one in series])),
        "analyte": ("series", texts([one.analyte for one in series])),
        "unit": ("series", texts([one.unit for one in series])),
        "feed": ("series", texts([one.feed_id for one in series])),
        "window_s": ("series", np.array([one.window_s for one in series], dtype=np.int64)),
        "exercise": (
            "series",
            np.array([row.series.exercise or row.station.exercise for row in arrays.series], dtype=np.bool_),
        ),
        "latitude": ("series", np.array([np.nan if s.latitude_deg is None else s.latitude_deg for s in stations])),
        "longitude": ("series", np.array([np.nan if s.longitude_deg is None else s.longitude_deg for s in stations])),
    }


def _describe(dataset: xr.Dataset, arrays: Arrays) -> None:
    units = {row.series.unit for row in arrays.series}
    quantities = {row.series.quantity for row in arrays.series}
    if len(units) == 1:
        dataset["value"].attrs["units"] = dataset["limit"].attrs["units"] = units.pop()
    if len(quantities) == 1:
        quantity = BY_ID[quantities.pop()]
        dataset["value"].attrs["long_name"] = quantity.meaning
        if quantity.cf_standard_name:
            dataset["value"].attrs["standard_name"] = quantity.cf_standard_name
    flags = [flag for flag in Qc if flag is not Qc.NONE]
    dataset["qc"].attrs.update(
        flag_masks=np.array([int(flag) for flag in flags], dtype=np.int64),
        flag_meanings=" ".join(str(flag.name).lower() for flag in flags),
    )
    dataset["censoring"].attrs.update(
        flag_values=np.arange(len(CENSORING_CODES), dtype=np.int8),
        flag_meanings=" ".join(code.value for code in CENSORING_CODES),
    )
    dataset["latitude"].attrs.update(units="degrees_north", standard_name="latitude")
    dataset["longitude"].attrs.update(units="degrees_east", standard_name="longitude")
