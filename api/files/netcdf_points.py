"""NetCDF-CF of laboratory results: points (discrete sampling geometry, CF chapter 9)."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import h5netcdf
import numpy as np

from api.clocktext import heard
from api.files import cf, cf_file
from api.models.samples import Sample, SampleResult
from api.service import Service
from domain.states import CENSORING_CODES, Censoring

_WHERE = {"coordinates": "time lat lon"}
#: Fields of a sample that stand in a column of their own name.
_AS_TOLD = (
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
)


def points(samples: Sequence[Sample], service: Service, span: tuple[int, int], as_of_s: int) -> bytes:
    """The file; one row per result, one data variable per quantity and analyte."""
    rows = [(sample, result) for sample in samples for result in sample.results]
    licences = tuple(dict.fromkeys(f"{sample.source} ({sample.licence})" for sample in samples))
    simulated = any(sample.exercise for sample in samples)
    out = io.BytesIO()
    with h5netcdf.File(out, "w") as file:
        cf_file.stand_on(
            file,
            service,
            as_of_s,
            licences,
            "docs/files.md; docs/reference/vocabulary.md",
            featureType="point",
            **cf.window_attributes(service.settings.title, span, simulated=simulated),
        )
        file.dimensions = {"obs": len(rows), "nv": 2}
        _samplings(file, [sample for sample, _ in rows])
        results = [result for _, result in rows]
        _results(file, results)
        for quantity, analyte, unit in sorted({(one.quantity, one.analyte, one.unit) for one in results}):
            _analyte(file, results, quantity, analyte, unit)
    return out.getvalue()


def _samplings(file: Any, samples: Sequence[Sample]) -> None:
    """When, where and of what each sample was taken, and which revision of it this is."""
    ends = np.array([heard(one.phenomenon_end) for one in samples], dtype=np.float64)
    begins = np.array([heard(one.phenomenon_start) for one in samples], dtype=np.float64)
    says = {"standard_name": "time", "long_name": "end of the sampling", "bounds": "time_bounds"}
    cf_file.moments(file, "time", ends, **says)
    file.create_variable("time_bounds", ("obs", "nv"), np.float64, data=np.stack([begins, ends], axis=1))
    received = [heard(one.received_at) for one in samples]
    cf_file.moments(file, "received", received, long_name="when the answer that held the sample was received")
    cf_file.place(file, [one.latitude for one in samples], [one.longitude for one in samples], "obs")
    cf_file.texts(file, "sample_id", [one.id for one in samples], "obs")
    for name in _AS_TOLD:
        cf_file.texts(file, name, [getattr(one, name) for one in samples], "obs")
    layers = [one.layer.label if one.layer else "" for one in samples]
    cf_file.texts(file, "layer", layers, "obs", long_name="layer as published")
    cf_file.whole(file, "revision", [one.revision for one in samples], cf.REVISION)
    cf_file.simulated(file, [one.exercise for one in samples], "sample", "obs")


def _results(file: Any, results: Sequence[SampleResult]) -> None:
    """What the publisher wrote of each result and how it became the number here."""
    cf_file.censored(file, [CENSORING_CODES.index(Censoring(one.censoring)) for one in results])
    for name, values in (
        ("published", [one.published.text for one in results]),
        ("published_unit", [one.published.unit for one in results]),
        ("published_ucum", [one.published.ucum for one in results]),
        ("published_limit", [one.published_limit for one in results]),
        ("conversion", [one.conversion.id if one.conversion else "" for one in results]),
        ("conversion_factor", [one.conversion.factor if one.conversion else "" for one in results]),
        ("uncertainty_kind", [one.uncertainty.kind if one.uncertainty else "" for one in results]),
        ("laboratory", [one.laboratory for one in results]),
        ("method", [one.method for one in results]),
    ):
        cf_file.texts(file, name, values, "obs")


def _analyte(file: Any, results: Sequence[SampleResult], quantity: str, analyte: str, unit: str) -> None:
    """The values of an analyte with their limits and uncertainties; rows of others are missing in its columns."""
    own = [one if (one.quantity, one.analyte) == (quantity, analyte) else None for one in results]
    name, about = cf.variable_name(quantity, analyte), cf.described(quantity, unit, analyte)
    ancillary = {"ancillary_variables": f"{name}_limit {name}_uncertainty censoring"}
    cf_file.numbers(file, name, [one.value if one else None for one in own], {**about, **_WHERE, **ancillary})
    limit = cf.beside(about, "limit of a censored value of {}")
    cf_file.numbers(file, f"{name}_limit", [one.limit if one else None for one in own], {**limit, **_WHERE})
    spread = cf.beside(about, "uncertainty as published of {}")
    spreads = [one.uncertainty.value if one and one.uncertainty else None for one in own]
    cf_file.numbers(file, f"{name}_uncertainty", spreads, {**spread, **_WHERE})
