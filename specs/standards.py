"""Formats that are standards with a decoder of their own; their columns are fixed and named here."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from specs.common import Common, Encoding


class Eurdep(Common):
    """EURDEP 2.x text, any number of messages one after another. Columns are the field names of `section` in small letters, with defaults
    filled in and the fields of the locality joined by its code (`locality_name`, `latitude`, `longitude`, `height_above_sea`).
    """

    format: Literal["eurdep"]
    encoding: Encoding = "latin-1"
    section: Literal["RADIOLOGICAL", "METEO"] = "RADIOLOGICAL"


class Irix(Common):
    """IRIX 1.0 reports, bare or in a SOAP envelope. Only reports whose ReportContext is in `contexts` are read, since tests and exercises
    must never stand beside measurements. Columns: `kind` (dose_rate or sample), `location`, `latitude`, `longitude`, `begin`, `end`, `value`,
    `unit`, `constraint`, `uncertainty`, `nuclide`, `type` (of dose rate or sample), `validated`, `apparatus`. Head: `context`, `organisation`,
    `created`, `uuid`, `confidentiality`.
    """

    format: Literal["irix"]
    contexts: tuple[Literal["Routine", "Emergency", "Exercise", "Test"], ...] = Field(
        default=("Routine", "Emergency"), min_length=1
    )


class N42(Common):
    """ANSI N42.42, the dialects of 2006 and of 2011; one row per spectrum or dose rate. Columns: `measurement`, `class`, `detector`, `start`,
    `real_time_s`, `live_time_s`, `channels`, `counts` (sum of the channels), `dose_rate` (uSv/h), `latitude`, `longitude`. Head: `dialect`,
    `instrument`, `manufacturer`, `model`, `recovered` (what had to be passed over to read it).
    """

    format: Literal["n42"]


class BGeigie(Common):
    """Sentences of a bGeigie log, each with its checksum. Columns: `tag`, `device`, `time`, `cpm`, `counts`, `total`, `validity`, `latitude`,
    `longitude` (degrees), `altitude`, `fix`.
    """

    format: Literal["bgeigie"]


class MultiPoint(Common):
    """GML MultiPointCoverage in a WFS answer. Columns: `station`, `name`, `latitude`, `longitude`, `time` (seconds since 1970), and one per
    field of the record.
    """

    format: Literal["gml_multipoint"]


class NetCdf(Common):
    """NetCDF (classic or 4): one row per place along the dimensions of the variable `rows` (of every group in `groups`; all that have it by default).

    Columns are the variables along these dimensions, or some of them (a time axis stands in each of its rows), by name; `group` is the name of
    the group. Codes become their words where an enumeration or `flag_meanings` names them. Fill values and NaN are no value. Times keep their
    number; `<variable>.utc` is the moment that it and its `units` mean, in ISO form. Head: global attributes, `units.<variable>`.
    """

    format: Literal["netcdf"]
    rows: str = Field(min_length=1)
    groups: tuple[str, ...] = ()
    max_bytes: int = Field(default=100_000_000, ge=1)
