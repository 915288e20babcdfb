"""Rows of readings as one block for PostgreSQL's binary COPY: made column by column, sent in one write, parsed by nobody.

Row by row the driver makes text of every number and the server parses it: 24 ms for a national sweep into a bare table, 6 as a block.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from domain.readings import NO_TIME
from store.incoming import WIDTH, Incoming, Version

_HEAD = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
_END = b"\xff\xff"
_ABSENT = -1

#: place in COLUMNS -> big-endian type on the wire; the last column is text, and goes row by row where there is any.
_WIRE = {0: ">i8", 1: ">i8", 2: ">f8", 3: ">i8", 4: ">i2", 5: ">i4", 6: ">i2", 7: ">i4", 8: ">i8", 9: ">f8"}
_VALUE, _PUBLISHED, _LIMIT, _TEXT = 2, 8, 9, WIDTH - 1

Column = npt.NDArray[Any]


def array_text(numbers: npt.NDArray[np.int64] | Iterable[int]) -> str:
    """Whole numbers as an array literal: the driver's own way of passing lists takes ten times as long."""
    listed = numbers.tolist() if isinstance(numbers, np.ndarray) else numbers
    return "{" + ",".join(map(str, listed)) + "}"


def block_of(rows: Incoming, batch_id: int) -> bytes:
    """Rows at revision 1 as a whole binary COPY, header and trailer with it; rows of one shape stand together."""
    n = len(rows)
    columns = [
        rows.end_s, rows.series_id, rows.value, np.full(n, batch_id), rows.digits, rows.qc, rows.censoring, np.ones(n),
        rows.published_s - rows.end_s, rows.limit,
    ]  # fmt: skip
    absent = {_VALUE: np.isnan(rows.value), _PUBLISHED: rows.published_s == NO_TIME, _LIMIT: np.isnan(rows.limit)}
    return _block(columns, absent, rows.texts)


def block_of_versions(versions: Sequence[Version]) -> bytes:
    """Versions (rows of COLUMNS) in the same form."""
    told = list(zip(*versions, strict=True))
    absent = {place: np.array([one is None for one in told[place]]) for place in (_VALUE, _PUBLISHED, _LIMIT)}
    columns = [np.array([0 if one is None else one for one in told[place]]) for place in _WIRE]
    return _block(columns, absent, {i: text for i, text in enumerate(told[_TEXT]) if text is not None})


def _block(columns: Sequence[Column], absent: Mapping[int, npt.NDArray[np.bool_]], texts: Mapping[int, str]) -> bytes:
    shape = np.zeros(len(columns[0]), dtype=np.int8)
    for bit, mask in enumerate(absent.values()):
        shape |= mask.astype(np.int8) << bit
    plain = np.ones(len(columns[0]), dtype=bool)
    plain[list(texts)] = False
    parts = [_HEAD]
    for number in np.unique(shape).tolist():
        lacks = frozenset(place for bit, place in enumerate(absent) if number >> bit & 1)
        parts.append(_alike(columns, (shape == number) & plain, lacks))
        for i in [i for i in texts if shape[i] == number]:
            only = np.zeros(len(plain), dtype=bool)
            only[i] = True
            text = texts[i].encode()
            parts += [_alike(columns, only, lacks)[:-4], len(text).to_bytes(4, "big"), text]
    return b"".join((*parts, _END))


def _alike(columns: Sequence[Column], chosen: npt.NDArray[np.bool_], absent: frozenset[int]) -> bytes:
    """Rows that lack the same columns; each ends with the four bytes that say that it has no text."""
    made = np.zeros(int(np.count_nonzero(chosen)), dtype=_layout(absent))
    made["fields"] = WIDTH
    made[f"size{_TEXT}"] = _ABSENT
    for place, kind in _WIRE.items():
        made[f"size{place}"] = _ABSENT if place in absent else np.dtype(kind).itemsize
        if place not in absent:
            made[f"value{place}"] = columns[place][chosen]
    return made.tobytes()


@cache
def _layout(absent: frozenset[int]) -> np.dtype[np.void]:
    fields: list[tuple[str, str]] = [("fields", ">i2")]
    for place, kind in _WIRE.items():
        fields.append((f"size{place}", ">i4"))
        if place not in absent:
            fields.append((f"value{place}", kind))
    return np.dtype([*fields, (f"size{_TEXT}", ">i4")])
