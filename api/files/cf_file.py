"""Parts that every NetCDF file here has: what it stands on, numbers, texts, moments, places and flags, as CF asks for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import h5py
import numpy as np

from api.clocktext import told
from api.files import cf
from api.openapi import DISCLAIMER
from api.service import Service

FILL = 9.969209968386869e36
_CALENDAR = {
    "units": "seconds since 1970-01-01T00:00:00Z",
    "calendar": "standard",
    "units_metadata": "leap_seconds: none",
}


def stand_on(
    file: Any, service: Service, as_of_s: int, licences: Sequence[str], references: str, **own: str | float
) -> None:
    """Global attributes: conventions, history, licences, references, and those of the file's own kind."""
    settings = service.settings
    file.attrs.update(
        {
            "Conventions": cf.CONVENTIONS,
            "institution": "see attribution",
            "comment": DISCLAIMER,
            "history": f"{told(as_of_s)} written by {settings.title} {settings.version} with what was known then",
            "references": f"CF standard name table 93; {references}",
            "license": "; ".join(licences) or "none",
            "attribution": "; ".join(licences),
            **own,
        }
    )


def numbers(file: Any, name: str, values: Any, attributes: Mapping[str, Any], dimension: str = "obs") -> None:
    """A column of numbers; None and NaN are missing."""
    column = np.array([np.nan if value is None else value for value in values], dtype=np.float64)
    made = file.create_variable(
        name, (dimension,), np.float64, fillvalue=FILL, data=np.where(np.isnan(column), FILL, column)
    )
    made.attrs.update(attributes)


def whole(file: Any, name: str, values: Any, attributes: Mapping[str, Any], dimension: str = "obs") -> None:
    """A column of whole numbers without gaps."""
    made = file.create_variable(name, (dimension,), np.int32, data=np.asarray(values, dtype=np.int32))
    made.attrs.update(attributes)


def texts(file: Any, name: str, values: Sequence[str], dimension: str, **attributes: str) -> None:
    """A column of texts, called by its name unless `long_name` says more."""
    made = file.create_variable(name, (dimension,), h5py.string_dtype())
    if values:
        made[:] = np.array(values, dtype=object)
    made.attrs.update({"long_name": name.replace("_", " "), **attributes})


def moments(file: Any, name: str, seconds: Any, dimension: str = "obs", **attributes: str) -> None:
    """A column of times, seconds since 1970 (UTC), none missing."""
    made = file.create_variable(name, (dimension,), np.float64, data=np.asarray(seconds, dtype=np.float64))
    made.attrs.update({**_CALENDAR, **attributes})


def moments_or_none(file: Any, name: str, seconds: Any, none: int, **attributes: str) -> None:
    """A column of times where `none` stands for one that nobody told."""
    column = np.where(seconds == none, np.nan, np.asarray(seconds, dtype=np.float64))
    numbers(file, name, column, {**_CALENDAR, **attributes})


def place(file: Any, latitudes: Sequence[float | None], longitudes: Sequence[float | None], dimension: str) -> None:
    """Latitude and longitude of each row."""
    for name, standard, unit, values in (
        ("lat", "latitude", "degrees_north", latitudes),
        ("lon", "longitude", "degrees_east", longitudes),
    ):
        numbers(file, name, values, {"standard_name": standard, "long_name": standard, "units": unit}, dimension)


def simulated(file: Any, marks: Sequence[bool], of: str, dimension: str) -> None:
    """Whether each row is simulated."""
    _flagged(file, "exercise", marks, f"whether the {of} is simulated", ([0, 1], "real simulated"), dimension)


def censored(file: Any, codes: Any) -> None:
    """The censoring class of each row."""
    _flagged(file, "censoring", codes, "censoring class", cf.censoring_flags(), "obs")


def _flagged(file: Any, name: str, codes: Any, says: str, flags: tuple[list[int], str], dimension: str) -> None:
    values, meanings = flags
    made = file.create_variable(name, (dimension,), np.int8, data=np.asarray(codes, dtype=np.int8))
    made.attrs.update({"long_name": says, "flag_values": np.array(values, np.int8), "flag_meanings": meanings})
