"""Parquet: one row per observation, times as UTC timestamps, words as dictionaries."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np

from api.clocktext import told
from api.files.columns import Columns
from api.openapi import DISCLAIMER
from api.problems import Code, ProblemError
from api.service import Service
from api.telling import kind_of
from domain.flags import Qc
from domain.readings import NO_TIME
from domain.states import CENSORING_CODES


def arrow() -> tuple[Any, Any]:
    """PyArrow, where it is installed (extra `archive`)."""
    try:
        import pyarrow as pa  # noqa: PLC0415 - an extra that may be missing
        import pyarrow.parquet as pq  # noqa: PLC0415
    except ImportError as error:
        raise ProblemError(
            Code.NOT_AVAILABLE, "Parquet needs the `archive` parts, which are not installed here.", "f"
        ) from error
    return pa, pq


def observations(columns: Columns, service: Service, span: tuple[int, int], as_of_s: int) -> bytes:
    """Observations of a window as a Parquet file; what it stands on is in the file's metadata."""
    pa, pq = arrow()
    rows, n = columns.series, len(columns.index)
    stations = [row.station.station for row in rows]

    def word(texts: Sequence[str]) -> Any:
        """By row; each text once in the dictionary, else the same rows are other bytes every time."""
        return pa.array(list(texts), pa.string()).dictionary_encode().take(pa.array(columns.index, pa.int32()))

    def number(values: Any, kind: Any) -> Any:
        return pa.array(values, kind, from_pandas=True)

    def place(values: Sequence[float | None]) -> Any:
        known = np.array([np.nan if value is None else value for value in values], dtype=np.float64)
        return number(known[columns.index] if n else np.zeros(0), pa.float64())

    codes = pa.array([code.value for code in CENSORING_CODES], pa.string())
    second = pa.timestamp("s", tz="UTC")

    def second_of(moments: Any) -> Any:
        return pa.array(moments, pa.int64(), mask=moments == NO_TIME).cast(second)

    table = pa.table(
        {
            "series": word([row.series.uid for row in rows]),
            "station": word([at.uid for at in stations]),
            "station_name": word([at.names[0][1] if at.names else "" for at in stations]),
            "latitude": place([at.latitude_deg for at in stations]),
            "longitude": place([at.longitude_deg for at in stations]),
            "quantity": word([row.series.quantity for row in rows]),
            "analyte": word([row.series.analyte for row in rows]),
            "medium": word([row.series.medium for row in rows]),
            "unit": word(columns.units),
            "kind": word([kind_of(row.series) for row in rows]),
            "phenomenon_end": pa.array(columns.end_s, pa.int64()).cast(second),
            "published_at": second_of(columns.published_s),
            "received_at": pa.array(columns.received_s, pa.int64()).cast(second),
            "value": number(columns.value, pa.float64()),
            "limit": number(columns.limit, pa.float64()),
            "uncertainty": pa.nulls(n, pa.float64()),
            "published_text": pa.array(columns.texts, pa.string()),
            "published_unit": word([row.series.published_unit_text for row in rows]),
            "published_ucum": word([row.series.unit for row in rows]),
            "conversion": word([one.id if one else "" for one in columns.conversions]),
            "conversion_factor": word([one.factor if one else "" for one in columns.conversions]),
            "revision": number(columns.revision, pa.int64()),
            "sha256": pa.array(columns.sha256, pa.string()).dictionary_encode(),
            "censoring": pa.DictionaryArray.from_arrays(pa.array(columns.censoring, pa.int8()), codes),
            "qc": number(columns.qc.astype(np.int32), pa.int32()),
            "source": word([fact.source for fact in columns.facts]),
            "feed": word([fact.feed for fact in columns.facts]),
            "licence": word([fact.licence for fact in columns.facts]),
            "rights": word([fact.rights for fact in columns.facts]),
            "exercise": number(
                np.array([row.series.exercise for row in rows], dtype=bool)[columns.index] if n else np.zeros(0, bool),
                pa.bool_(),
            ),
        }
    )
    about = {
        "title": f"{service.settings.title} {told(span[0])} to {told(span[1])}",
        "as_of": told(as_of_s),
        "disclaimer": DISCLAIMER,
        "attribution": "; ".join(columns.attributions(service)),
        "qc_bits": " ".join(f"{int(flag)}={(flag.name or '').lower()}" for flag in Qc if flag),
    }
    out = io.BytesIO()
    pq.write_table(table.replace_schema_metadata(about), out, compression="zstd")
    return out.getvalue()
