"""NetCDF-CF of observations: a contiguous ragged array of time series (discrete sampling geometry, CF chapter 9)."""

from __future__ import annotations

import io
from typing import Any

import h5netcdf
import numpy as np

from api.files import cf, cf_file
from api.files.columns import Columns
from api.service import Service
from api.telling import kind_of
from domain.readings import NO_TIME

_WHERE = {"coordinates": "time lat lon station_name"}


def time_series(columns: Columns, service: Service, span: tuple[int, int], as_of_s: int) -> bytes:
    """The file; one data variable per quantity, never two in one."""
    out = io.BytesIO()
    simulated = any(row.series.exercise for row in columns.series)
    with h5netcdf.File(out, "w") as file:
        cf_file.stand_on(
            file,
            service,
            as_of_s,
            columns.attributions(service),
            "docs/files.md; docs/reference/vocabulary.md",
            featureType="timeSeries",
            **cf.window_attributes(service.settings.title, span, simulated=simulated),
        )
        file.dimensions = {"series": len(columns.series), "obs": len(columns.index)}
        _instances(file, columns)
        _rows(file, columns)
        for quantity, unit in columns.quantities:
            _quantity(file, columns, quantity, unit)
    return out.getvalue()


def _rows(file: Any, columns: Columns) -> None:
    """What every observation has: its times, what the publisher wrote, which version of it this is, and its flags."""
    cf_file.moments(file, "time", columns.end_s, standard_name="time", long_name="end of the averaging window")
    cf_file.moments(file, "received", columns.received_s, long_name="when the answer that held the value was received")
    says = "when the publisher says that it published the value"
    cf_file.moments_or_none(file, "published", columns.published_s, NO_TIME, long_name=says)
    cf_file.texts(file, "published_text", columns.texts, "obs", long_name="value as published")
    cf_file.whole(file, "revision", columns.revision, cf.REVISION)
    masks, meanings = cf.qc_flags()
    qc = {"long_name": "what quality control saw", "flag_masks": np.array(masks, np.int32), "flag_meanings": meanings}
    cf_file.whole(file, "qc", columns.qc, qc)
    cf_file.censored(file, columns.censoring)


def _quantity(file: Any, columns: Columns, quantity: str, unit: str) -> None:
    """The values of a quantity and, beside them, the limits of those that are censored."""
    own = np.array([row.series.quantity == quantity for row in columns.series], dtype=bool)[columns.index]
    name, about = cf.variable_name(quantity), cf.described(quantity, unit)
    ancillary = {"ancillary_variables": f"{name}_limit qc censoring"}
    cf_file.numbers(file, name, np.where(own, columns.value, np.nan), {**about, **_WHERE, **ancillary})
    limit = cf.beside(about, "limit of a censored value of {}")
    cf_file.numbers(file, f"{name}_limit", np.where(own, columns.limit, np.nan), {**limit, **_WHERE})


def _instances(file: Any, columns: Columns) -> None:
    """One entry per series: who, where, what, and how many rows it has."""
    rows = columns.series
    stations = [row.station.station for row in rows]
    uids = [row.series.uid for row in rows]
    cf_file.texts(file, "series_id", uids, "series", cf_role="timeseries_id", long_name="series")
    cf_file.texts(file, "station_id", [at.uid for at in stations], "series", long_name="station")
    names = [at.names[0][1] if at.names else "" for at in stations]
    cf_file.texts(file, "station_name", names, "series", long_name="station name as published")
    cf_file.place(file, [at.latitude_deg for at in stations], [at.longitude_deg for at in stations], "series")
    for name, values in (
        ("medium", [row.series.medium for row in rows]),
        ("analyte", [row.series.analyte for row in rows]),
        ("published_unit", [row.series.published_unit_text for row in rows]),
        ("published_ucum", [row.series.unit for row in rows]),
        ("conversion", [one.id if one else "" for one in columns.conversions]),
        ("conversion_factor", [one.factor if one else "" for one in columns.conversions]),
        ("kind", [kind_of(row.series) for row in rows]),
        ("feed", [row.series.feed_id for row in rows]),
        ("licence", [fact.licence for fact in columns.facts]),
        ("rights", [fact.rights for fact in columns.facts]),
    ):
        cf_file.texts(file, name, values, "series")
    window = {"long_name": "averaging window, 0: not stated", "units": "s"}
    cf_file.whole(file, "averaging_window", [row.series.window_s for row in rows], window, "series")
    cf_file.simulated(file, [row.series.exercise for row in rows], "series", "series")
    size = {"long_name": "number of observations of the series", "sample_dimension": "obs"}
    cf_file.whole(file, "row_size", np.bincount(columns.index, minlength=len(rows)), size, "series")
