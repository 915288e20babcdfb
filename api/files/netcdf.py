"""NetCDF-CF: observations as time series, samples as points (discrete sampling geometry, CF chapter 9)."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import h5netcdf
import h5py
import numpy as np

from api.clocktext import heard, told
from api.files import cf
from api.files.columns import Columns
from api.models.samples import Sample
from api.openapi import DISCLAIMER
from api.service import Service
from api.telling import kind_of
from domain.readings import NO_TIME
from domain.states import CENSORING_CODES, Censoring

_EPOCH = "seconds since 1970-01-01T00:00:00Z"
_CALENDAR = {"units": _EPOCH, "calendar": "standard", "units_metadata": "leap_seconds: none"}
_FILL = 9.969209968386869e36


def time_series(columns: Columns, service: Service, span: tuple[int, int], as_of_s: int) -> bytes:
    """Observations as a contiguous ragged array of time series; one data variable per quantity, never two in one."""
    out = io.BytesIO()
    with h5netcdf.File(out, "w") as file:
        _globals(
            file,
            service,
            "timeSeries",
            span,
            as_of_s,
            columns.attributions(service),
            any(row.series.exercise for row in columns.series),
        )
        file.dimensions = {"series": len(columns.series), "obs": len(columns.index)}
        _instances(file, columns)
        _time(file, "time", columns.end_s, standard_name="time", long_name="end of the averaging window")
        _time(file, "received", columns.received_s, long_name="when the answer that held the value was received")
        _published(file, columns)
        for quantity, unit in columns.quantities:
            own = np.array([row.series.quantity == quantity for row in columns.series], dtype=bool)[columns.index]
            name = cf.variable_name(quantity)
            _numbers(
                file,
                name,
                np.where(own, columns.value, np.nan),
                {
                    **cf.described(quantity, unit),
                    "coordinates": "time lat lon station_name",
                    "ancillary_variables": f"{name}_limit qc censoring",
                },
            )
            limit = {key: text for key, text in cf.described(quantity, unit).items() if key != "standard_name"}
            limit["long_name"] = f"limit of a censored value of {limit['long_name']}"
            _numbers(
                file,
                f"{name}_limit",
                np.where(own, columns.limit, np.nan),
                {**limit, "coordinates": "time lat lon station_name"},
            )
        _flags(file, columns.qc, columns.censoring)
    return out.getvalue()


def points(samples: Sequence[Sample], service: Service, span: tuple[int, int], as_of_s: int) -> bytes:
    """Laboratory results as points; one data variable per quantity and analyte."""
    rows = [(sample, result) for sample in samples for result in sample.results]
    licences = tuple(dict.fromkeys(f"{sample.source} ({sample.licence})" for sample in samples))
    out = io.BytesIO()
    with h5netcdf.File(out, "w") as file:
        _globals(file, service, "point", span, as_of_s, licences, any(sample.exercise for sample in samples))
        file.dimensions = {"obs": len(rows), "nv": 2}
        _sampling(file, [sample for sample, _ in rows])
        kinds = sorted({(result.quantity, result.analyte, result.unit) for _, result in rows})
        for quantity, analyte, unit in kinds:
            own = [result if (result.quantity, result.analyte) == (quantity, analyte) else None for _, result in rows]
            name, about = cf.variable_name(quantity, analyte), cf.described(quantity, unit, analyte)
            beside = {key: text for key, text in about.items() if key != "standard_name"}
            ancillary = f"{name}_limit {name}_uncertainty censoring"
            _numbers(
                file,
                name,
                [one.value if one else None for one in own],
                {**about, "coordinates": "time lat lon", "ancillary_variables": ancillary},
            )
            _numbers(
                file,
                f"{name}_limit",
                [one.limit if one else None for one in own],
                {
                    **beside,
                    "long_name": f"limit of a censored value of {about['long_name']}",
                    "coordinates": "time lat lon",
                },
            )
            _numbers(
                file,
                f"{name}_uncertainty",
                [one.uncertainty.value if one and one.uncertainty else None for one in own],
                {
                    **beside,
                    "long_name": f"uncertainty as published of {about['long_name']}",
                    "coordinates": "time lat lon",
                },
            )
        _censoring(
            file, np.array([CENSORING_CODES.index(Censoring(result.censoring)) for _, result in rows], dtype=np.int8)
        )
        for label, texts in (
            ("published", [result.published.text for _, result in rows]),
            ("uncertainty_kind", [result.uncertainty.kind if result.uncertainty else "" for _, result in rows]),
            ("laboratory", [result.laboratory for _, result in rows]),
            ("method", [result.method for _, result in rows]),
        ):
            _texts(file, label, texts, "obs", {"long_name": label.replace("_", " ")})
    return out.getvalue()


def _globals(
    file: Any,
    service: Service,
    feature: str,
    span: tuple[int, int],
    as_of_s: int,
    licences: Sequence[str],
    exercise: bool,
) -> None:
    settings = service.settings
    attributes = {
        "Conventions": cf.CONVENTIONS,
        "featureType": feature,
        "title": f"{settings.title}: {told(span[0])} to {told(span[1])}",
        "institution": "see attribution",
        "source": "publishers' readings, harmonised",
        "comment": DISCLAIMER,
        "history": f"{told(as_of_s)} written by {settings.title} {settings.version} with what was known then",
        "references": "CF standard name table 93; docs/vocabulary.md",
        "license": "; ".join(licences) or "none",
        "attribution": "; ".join(licences),
        "time_coverage_start": told(span[0]),
        "time_coverage_end": told(span[1]),
        "exercise": "true: SIMULATED DATA INSIDE" if exercise else "false",
    }
    for name, text in attributes.items():
        file.attrs[name] = text


def _published(file: Any, columns: Columns) -> None:
    """What the publisher wrote, and which version of it this is."""
    moments = np.where(columns.published_s == NO_TIME, _FILL, columns.published_s.astype(np.float64))
    made = file.create_variable("published", ("obs",), np.float64, fillvalue=_FILL, data=moments)
    made.attrs.update({**_CALENDAR, "long_name": "when the publisher says that it published the value"})
    _texts(file, "published_text", columns.texts, "obs", {"long_name": "value as published"})
    revision = file.create_variable("revision", ("obs",), np.int32, data=columns.revision.astype(np.int32))
    revision.attrs.update({"long_name": "1, and one more for each correction by the publisher", "units": "1"})


def _instances(file: Any, columns: Columns) -> None:
    """One entry per series: who, where, what, and how many rows it has."""
    rows = columns.series
    stations = [row.station.station for row in rows]
    _texts(
        file,
        "series_id",
        [row.series.uid for row in rows],
        "series",
        {"cf_role": "timeseries_id", "long_name": "series"},
    )
    _texts(file, "station_id", [at.uid for at in stations], "series", {"long_name": "station"})
    _texts(
        file,
        "station_name",
        [at.names[0][1] if at.names else "" for at in stations],
        "series",
        {"long_name": "station name as published"},
    )
    _place(file, [at.latitude_deg for at in stations], [at.longitude_deg for at in stations], "series")
    for name, texts in (
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
        _texts(file, name, texts, "series", {"long_name": name})
    window = np.array([row.series.window_s for row in rows], dtype=np.int32)
    made = file.create_variable("averaging_window", ("series",), np.int32, data=window)
    made.attrs.update({"long_name": "averaging window, 0: not stated", "units": "s"})
    exercise = file.create_variable(
        "exercise", ("series",), np.int8, data=np.array([row.series.exercise for row in rows], dtype=np.int8)
    )
    exercise.attrs.update(
        {
            "long_name": "whether the series is simulated",
            "flag_values": np.array([0, 1], np.int8),
            "flag_meanings": "real simulated",
        }
    )
    counts = (
        np.bincount(columns.index, minlength=len(rows)).astype(np.int32)
        if len(columns.index)
        else np.zeros(len(rows), np.int32)
    )
    size = file.create_variable("row_size", ("series",), np.int32, data=counts)
    size.attrs.update({"long_name": "number of observations of the series", "sample_dimension": "obs"})


def _sampling(file: Any, samples: Sequence[Sample]) -> None:
    ends = np.array([heard(one.phenomenon_end) for one in samples], dtype=np.int64)
    begins = np.array([heard(one.phenomenon_start) for one in samples], dtype=np.int64)
    time = _time(file, "time", ends, standard_name="time", long_name="end of the sampling")
    time.attrs["bounds"] = "time_bounds"
    file.create_variable(
        "time_bounds",
        ("obs", "nv"),
        np.float64,
        data=np.stack([begins, ends], axis=1).astype(np.float64) if len(ends) else np.zeros((0, 2)),
    )
    _place(file, [one.latitude for one in samples], [one.longitude for one in samples], "obs")
    for name in (
        "id",
        "station",
        "station_name",
        "medium",
        "published_time",
        "resolution",
        "taxon",
        "tissue",
        "feed",
        "licence",
        "rights",
    ):
        label = "sample_id" if name == "id" else name
        _texts(file, label, [str(getattr(one, name)) for one in samples], "obs", {"long_name": label.replace("_", " ")})
    _texts(
        file,
        "layer",
        [one.layer.label if one.layer else "" for one in samples],
        "obs",
        {"long_name": "layer as published"},
    )
    exercise = file.create_variable(
        "exercise", ("obs",), np.int8, data=np.array([one.exercise for one in samples], dtype=np.int8)
    )
    exercise.attrs.update(
        {
            "long_name": "whether the sample is simulated",
            "flag_values": np.array([0, 1], np.int8),
            "flag_meanings": "real simulated",
        }
    )


def _place(file: Any, latitudes: Sequence[float | None], longitudes: Sequence[float | None], dimension: str) -> None:
    for name, standard, unit, values in (
        ("lat", "latitude", "degrees_north", latitudes),
        ("lon", "longitude", "degrees_east", longitudes),
    ):
        _numbers(file, name, values, {"standard_name": standard, "long_name": standard, "units": unit}, dimension)


def _numbers(file: Any, name: str, values: Any, attributes: dict[str, str], dimension: str = "obs") -> None:
    column = np.array([np.nan if value is None else value for value in values], dtype=np.float64)
    made = file.create_variable(
        name, (dimension,), np.float64, fillvalue=_FILL, data=np.where(np.isnan(column), _FILL, column)
    )
    made.attrs.update(attributes)


def _texts(file: Any, name: str, texts: Sequence[str], dimension: str, attributes: dict[str, str]) -> None:
    made = file.create_variable(name, (dimension,), h5py.string_dtype())
    if texts:
        made[:] = np.array(texts, dtype=object)
    made.attrs.update(attributes)


def _time(file: Any, name: str, seconds: Any, **attributes: str) -> Any:
    made = file.create_variable(name, ("obs",), np.float64, data=np.asarray(seconds, dtype=np.float64))
    made.attrs.update({**_CALENDAR, **attributes})
    return made


def _flags(file: Any, qc: Any, censoring: Any) -> None:
    masks, meanings = cf.qc_flags()
    made = file.create_variable("qc", ("obs",), np.int32, data=np.asarray(qc, dtype=np.int32))
    made.attrs.update(
        {"long_name": "what quality control saw", "flag_masks": np.array(masks, np.int32), "flag_meanings": meanings}
    )
    _censoring(file, np.asarray(censoring, dtype=np.int8))


def _censoring(file: Any, codes: Any) -> None:
    values, meanings = cf.censoring_flags()
    made = file.create_variable("censoring", ("obs",), np.int8, data=codes)
    made.attrs.update(
        {"long_name": "censoring class", "flag_values": np.array(values, np.int8), "flag_meanings": meanings}
    )
