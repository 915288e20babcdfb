"""Rows of any answer as Parquet: the columns of its CSV, typed, each with its unit in the metadata where it has one."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import msgspec

from api.files.parquet import arrow
from api.openapi import DISCLAIMER
from api.table import at, columns, members


def parquet(kind: type[msgspec.Struct], rows: Sequence[msgspec.Struct], explode: str = "") -> bytes:
    """Rows as a Parquet file; the unit of `value` and `limit` stands in the column `unit` beside them."""
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
    table = pa.table({name: _column(pa, listed) for name, listed in cells.items()})
    out = io.BytesIO()
    pq.write_table(table.replace_schema_metadata({"disclaimer": DISCLAIMER}), out, compression="zstd")
    return out.getvalue()


def _column(pa: Any, listed: Sequence[Any]) -> Any:
    """Numbers as numbers, flags as flags; a column without any entry is one of texts."""
    known = {type(one) for one in listed if one is not None}
    if known <= {int, float} and known:
        return (
            pa.array([None if one is None else float(one) for one in listed], pa.float64())
            if float in known
            else pa.array(listed, pa.int64())
        )
    return (
        pa.array(listed, pa.bool_())
        if known == {bool}
        else pa.array([None if one is None else str(one) for one in listed], pa.string())
    )


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    return str(value) if isinstance(value, str) else msgspec.json.encode(value).decode()
