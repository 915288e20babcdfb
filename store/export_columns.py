"""Readings as Arrow columns and back: what a file of an export holds.

`text` is there only where `digits` do not give the published text back (`value` with so many decimals). Months are by `end`, UTC.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from domain.readings import NO_TIME, IntArray
from domain.states import CENSORING_CODES
from store.packing import Day

_MOMENT = pa.timestamp("ms", tz="UTC")
SCHEMA = pa.schema(
    [
        pa.field("series", pa.dictionary(pa.int32(), pa.string()), nullable=False),
        pa.field("end", _MOMENT, nullable=False),
        pa.field("value", pa.float64()),
        pa.field("censoring", pa.dictionary(pa.int8(), pa.string()), nullable=False),
        pa.field("limit", pa.float64()),
        pa.field("qc", pa.int32(), nullable=False),
        pa.field("digits", pa.int16(), nullable=False),
        pa.field("text", pa.string()),
        pa.field("revision", pa.int32(), nullable=False),
        pa.field("published", _MOMENT),
        pa.field("received", _MOMENT, nullable=False),
        pa.field("answer", pa.int64(), nullable=False),
        pa.field("exercise", pa.bool_(), nullable=False),
    ]
)
#: A superseded version has the same columns, and how it ended.
REVISIONS = pa.schema(
    [
        *SCHEMA,
        pa.field("superseded", _MOMENT, nullable=False),
        pa.field("superseded_by", pa.int64(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),
        pa.field("note", pa.string(), nullable=False),
    ]
)
#: How columns are written: numbers that grow as differences, the rest as dictionaries.
WRITING: dict[str, Any] = {
    "compression": "zstd",
    "use_dictionary": ["series", "value", "censoring", "limit", "qc", "digits", "text", "revision", "exercise", "reason", "note"],
    "column_encoding": dict.fromkeys(("end", "published", "received", "answer"), "DELTA_BINARY_PACKED"),
}  # fmt: skip


def table(numbers: IntArray, content: Day, names: dict[int, str], exercise: frozenset[int]) -> pa.Table:
    """Readings as columns; `names` gives the uid of a series' number, `exercise` the numbers of those that are simulated."""
    return pa.Table.from_arrays(_arrays(numbers, content, names, exercise), schema=SCHEMA)


def revisions_table(
    numbers: IntArray, content: Day, names: dict[int, str], exercise: frozenset[int], ends: Sequence[tuple[Any, ...]]
) -> pa.Table:
    """Superseded versions; `ends` are (superseded_s, superseded_by, reason, note)."""
    superseded_s, by, reason, note = zip(*ends, strict=True) if ends else ((), (), (), ())
    more = [
        _moments(np.array(superseded_s, dtype=np.int64)),
        pa.array(np.array(by, dtype=np.int64)),
        pa.array(reason, pa.string()),
        pa.array(note, pa.string()),
    ]
    return pa.Table.from_arrays([*_arrays(numbers, content, names, exercise), *more], schema=REVISIONS)


def _arrays(numbers: IntArray, content: Day, names: dict[int, str], exercise: frozenset[int]) -> list[pa.Array]:
    there, place = np.unique(numbers, return_inverse=True)
    texts: list[str | None] = [None] * len(content) if content.texts else []
    for row, text in content.texts.items():
        texts[row] = text
    published = content.published_after_s
    simulated = np.isin(there, list(exercise))[place] if exercise else np.zeros(len(content), dtype=bool)
    return [
        pa.DictionaryArray.from_arrays(place.astype(np.int32), pa.array([names[number] for number in there.tolist()], pa.string())),
        _moments(content.end_s),
        _numbers(content.value),
        pa.DictionaryArray.from_arrays(content.censoring.astype(np.int8), pa.array([code.value for code in CENSORING_CODES])),
        _numbers(content.limit),
        pa.array(content.qc.astype(np.int32)),
        pa.array(content.digits.astype(np.int16)),
        pa.array(texts, pa.string()) if texts else pa.nulls(len(content), pa.string()),
        pa.array(content.revision.astype(np.int32)),
        _moments(np.where(published == NO_TIME, 0, content.end_s + published), published == NO_TIME),
        _moments(content.end_s + content.received_after_s),
        pa.array(content.batch_id),
        pa.array(simulated),
    ]  # fmt: skip


def _moments(stamps_s: IntArray, absent: np.ndarray[Any, Any] | None = None) -> pa.Array:
    mask = absent if absent is not None and absent.any() else None
    return pa.array(stamps_s * 1000, pa.int64(), mask=mask).view(_MOMENT)


def _numbers(column: np.ndarray[Any, Any]) -> pa.Array:
    absent = np.isnan(column)
    return pa.array(column, mask=absent if absent.any() else None)


def columns(found: pa.Table | pa.RecordBatch) -> tuple[IntArray, list[str], Day]:
    """Back from a file: which of the listed series each row is of, those series' uids, and the columns of the rows."""
    found = found.combine_chunks() if isinstance(found, pa.Table) else pa.Table.from_batches([found])
    series = _one(found["series"].unify_dictionaries())
    censoring = _one(found["censoring"].unify_dictionaries())
    end_s = _seconds(found["end"])
    published = found["published"]
    absent = _whole(published.is_null()).astype(bool)
    after = np.where(absent, NO_TIME, _seconds(published.fill_null(0) if published.null_count else published) - end_s)
    text = found["text"]
    rows = np.flatnonzero(_whole(text.is_valid())) if text.null_count < len(text) else np.zeros(0, dtype=np.int64)
    codes = np.array([CENSORING_CODES.index(code) for code in censoring.dictionary.to_pylist()] or [0], dtype=np.int64)
    day = Day(
        end_s=end_s,
        value=_floats(found["value"]),
        batch_id=_whole(found["answer"]),
        digits=_whole(found["digits"]).astype(np.int64),
        qc=_whole(found["qc"]).astype(np.int64),
        censoring=codes[_whole(censoring.indices)],
        revision=_whole(found["revision"]).astype(np.int64),
        published_after_s=after,
        received_after_s=_seconds(found["received"]) - end_s,
        limit=_floats(found["limit"]),
        texts=dict(zip(rows.tolist(), text.take(pa.array(rows)).to_pylist(), strict=True)),
    )
    return _whole(series.indices).astype(np.int64), series.dictionary.to_pylist(), day


def _one(column: pa.ChunkedArray) -> pa.DictionaryArray:
    return column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)


def _whole(column: Any) -> np.ndarray[Any, Any]:
    made: np.ndarray[Any, Any] = (
        column.to_numpy(zero_copy_only=False) if isinstance(column, pa.Array) else column.to_numpy()
    )
    return made


def _floats(column: pa.ChunkedArray) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.array(column.to_numpy(), dtype=np.float64)  # null becomes NaN


def _seconds(column: pa.ChunkedArray) -> IntArray:
    return _whole(column.cast(pa.int64())) // 1000
