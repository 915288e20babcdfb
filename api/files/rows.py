"""Rows of any answer as Parquet: the columns of its CSV, typed, each with its unit in the metadata where it has one."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from api.files.parquet import arrow
from api.openapi import DISCLAIMER
from api.table import at, columns, hinted, members


def parquet(
    kind: type[msgspec.Struct], rows: Sequence[msgspec.Struct], explode: str = "", *, typed: bool = False
) -> bytes:
    """Rows as a Parquet file; the unit of `value` and `limit` stands in the column `unit` beside them.

    With `typed` the columns' types follow from the struct alone and not from what is in the rows, so that several files can be joined.
    """
    pa, pq = arrow()
    paths = columns(kind, explode)
    pairs = [(row, member) for row in rows for member in members(row, explode)]
    names = ["_".join(path) for path in paths]
    cells = {
        name: [
            _plain(at(member, path[1:]) if explode and path[0] == explode else at(row, path)) for row, member in pairs
        ]
        for name, path in zip(names, paths, strict=True)
    }
    kinds = {name: hinted(kind, path) for name, path in zip(names, paths, strict=True)} if typed else {}
    table = pa.table({name: _column(pa, listed, kinds.get(name)) for name, listed in cells.items()})
    out = io.BytesIO()
    pq.write_table(table.replace_schema_metadata({"disclaimer": DISCLAIMER}), out, compression="zstd")
    return out.getvalue()


def joined(parts: Sequence[Path], whole: Path) -> None:
    """Parquet files of one schema as one file, a part at a time."""
    _, pq = arrow()
    with pq.ParquetWriter(whole, pq.read_schema(parts[0]), compression="zstd") as out:
        for part in parts:
            out.write_table(pq.read_table(part))


def _column(pa: Any, listed: Sequence[Any], kind: type | None = None) -> Any:
    """Numbers as numbers, flags as flags; a column without any entry, of no stated type, is one of texts."""
    known = {kind} if kind else {type(one) for one in listed if one is not None}
    if known == {bool}:
        return pa.array(listed, pa.bool_())
    if known == {int}:
        return pa.array(listed, pa.int64())
    if known and known <= {int, float}:
        return pa.array([None if one is None else float(one) for one in listed], pa.float64())
    return pa.array([None if one is None else str(one) for one in listed], pa.string())


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    return str(value) if isinstance(value, str) else msgspec.json.encode(value).decode()
