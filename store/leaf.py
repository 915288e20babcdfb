"""What one batch says in the log, as bytes that anybody can make again from the rows: the same rows give the same bytes on every engine.

A leaf's entry is a short JSON text: the answer's record and, for its rows, how many and the SHA-256 of each block of 256. So the
proof for one reading is the entry, one block of at most 256 rows and a path of hashes, never the whole national sweep.

A reading in a block has 64 bytes, little-endian: series (first 16 bytes of the SHA-256 of uid, unit and station uid, a line feed
after each), end_s i8, value f8, limit f8, published_after_s i8, qc i8, revision i4, digits i2, censoring i1, whether it has a text
of its own i1. Rows are ordered by end_s, then the series' two halves as unsigned numbers, then revision; the texts follow them,
each as its length (u4) and UTF-8. Nothing here is an internal number: two stores that were given the same agree.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa

from domain.readings import NO_TIME
from store import tables
from store.incoming import Incoming

VERSION = 1
BLOCK_ROWS = 256

RECORD = np.dtype(
    [
        ("series", "<u8", (2,)),
        ("end_s", "<i8"),
        ("value", "<f8"),
        ("limit", "<f8"),
        ("published_after_s", "<i8"),
        ("qc", "<i8"),
        ("revision", "<i4"),
        ("digits", "<i2"),
        ("censoring", "<i1"),
        ("text", "<i1"),
    ]
)

Records = npt.NDArray[np.void]
Digests = npt.NDArray[np.uint64]  # (n, 2)

#: What the log says of an answer; the claims of the watcher and the number of the run are bookkeeping and may change.
ANSWER_COLUMNS = (
    "feed_id", "method", "url", "requested_s", "answered_s", "received_s", "status", "sha256", "size_bytes", "not_modified", "failure",
    "failure_detail", "exercise", "read", "stored", "unchanged", "revised", "flagged", "refused", "ignored", "first_end_s", "last_end_s",
)  # fmt: skip

_MOVING = {"id", "batch_id", "station_id", "superseded_s", "sample_id", "series_id"}
SAMPLE_COLUMNS = tuple(column for column in tables.samples.c if column.name not in _MOVING)
RESULT_COLUMNS = tuple(column for column in tables.sample_results.c if column.name not in _MOVING)
QUAKE_COLUMNS = tuple(column for column in tables.quakes.c if column.name not in _MOVING)


@dataclass(slots=True)
class Contents:
    """Everything that one leaf says beside its answer: records in order, texts by record, samples and bulletins as lines, withdrawals."""

    records: Records = field(default_factory=lambda: np.zeros(0, dtype=RECORD))
    texts: Mapping[int, str] = field(default_factory=dict)
    withdrawn: Sequence[tuple[str, int, str]] = ()  # series uid, end_s, note
    samples: Sequence[bytes] = ()
    quakes: Sequence[bytes] = ()

    def __bool__(self) -> bool:
        return bool(len(self.records) or self.withdrawn or self.samples or self.quakes)


def series_digest(uid: str, unit: str, station_uid: str) -> bytes:
    """Sixteen bytes for a series and what its numbers mean."""
    return hashlib.sha256(f"{uid}\n{unit}\n{station_uid}\n".encode()).digest()[:16]


def records_of(rows: Incoming, revision: npt.NDArray[np.int64], digests: Digests) -> Records:
    """Rows as they are about to be stored; `digests` are those of their series."""
    made = np.zeros(len(rows), dtype=RECORD)
    made["series"] = digests
    made["end_s"] = rows.end_s
    made["value"] = canonical(rows.value)
    made["limit"] = canonical(rows.limit)
    made["published_after_s"] = np.where(rows.published_s == NO_TIME, NO_TIME, rows.published_s - rows.end_s)
    made["qc"] = rows.qc
    made["revision"] = revision
    made["digits"] = rows.digits
    made["censoring"] = rows.censoring
    if rows.texts:
        made["text"][list(rows.texts)] = 1
    return made


def canonical(numbers: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """One pattern of bits for each number: SQLite keeps no negative zero, and "none" is one NaN of many."""
    with np.errstate(invalid="ignore"):
        plain = numbers.astype(np.float64) + 0.0
    plain[np.isnan(plain)] = np.nan
    return plain


def ordered(records: Records) -> npt.NDArray[np.int64]:
    """The order in which records stand in a leaf."""
    end_s, half = records["end_s"], records["series"][:, 0]
    order = np.lexsort((half, end_s))
    if (end_s[order][1:] == end_s[order][:-1]).any():
        tied = (end_s[order][1:] == end_s[order][:-1]) & (half[order][1:] == half[order][:-1])
        if tied.any():  # several revisions of one reading
            order = np.lexsort((records["revision"], records["series"][:, 1], half, end_s))
    return order.astype(np.int64)


def blocks(contents: Contents) -> Iterator[bytes]:
    """The bytes of each block of readings; `contents.records` are in order."""
    records = contents.records
    for begin in range(0, len(records), BLOCK_ROWS):
        part = records[begin : begin + BLOCK_ROWS]
        told = [contents.texts[begin + i].encode() for i in np.flatnonzero(part["text"]).tolist()]
        yield part.tobytes() + b"".join(len(text).to_bytes(4, "little") + text for text in told)


def entry(answer: Mapping[str, Any], contents: Contents) -> bytes:
    """The leaf's entry: `answer` holds ANSWER_COLUMNS."""
    told: dict[str, Any] = {name: answer[name] for name in ANSWER_COLUMNS}
    told |= {name: float(told[name]) for name in ("requested_s", "answered_s")}
    told |= {name: bool(told[name]) for name in ("not_modified", "exercise")}
    told["log"] = VERSION
    told["readings"] = [len(contents.records), *(hashlib.sha256(block).hexdigest() for block in blocks(contents))]
    told["withdrawn"] = sorted(contents.withdrawn)
    for name, lines in (("samples", contents.samples), ("quakes", contents.quakes)):
        told[name] = [len(lines), *(hashlib.sha256(line).hexdigest() for line in sorted(lines))]
    return _json(told)


def drop_entry(feed_id: str, from_s: int, until_s: int, keep_days: int, at_s: int) -> bytes:
    """The entry of a decision to drop a feed's readings that end in (from_s, until_s]."""
    told = {"feed_id": feed_id, "from_s": from_s, "until_s": until_s, "keep_days": keep_days, "at_s": at_s}
    return _json({"log": VERSION, "dropped": told})


def sample_line(sample: Mapping[str, Any], station_uid: str, results: Iterable[Mapping[str, Any]]) -> bytes:
    """One version of a sample with its results in order, from the columns of their tables."""
    listed = [_told(row, RESULT_COLUMNS) for row in sorted(results, key=lambda row: int(row["position"]))]
    return _json({**_told(sample, SAMPLE_COLUMNS), "station": station_uid, "results": listed})


def quake_line(quake: Mapping[str, Any]) -> bytes:
    """One version of a bulletin, from the columns of its table."""
    return _json(_told(quake, QUAKE_COLUMNS))


def _told(row: Mapping[str, Any], columns: Iterable[sa.Column[Any]]) -> dict[str, Any]:
    return {column.name: _plain(row[column.name], column) for column in columns}


def _plain(value: Any, column: sa.Column[Any]) -> Any:
    """A value as both engines give it back."""
    if value is None:
        return None
    if isinstance(column.type, sa.Boolean):
        return bool(value)
    if isinstance(column.type, sa.Double):
        return None if value != value else float(value) + 0.0  # noqa: PLR0124 - SQLite keeps NaN as NULL
    return int(value) if isinstance(column.type, sa.Integer) else str(value)


def _json(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
