"""Rows that a statement is given as one parameter, or gives as one value: many of them cost hardly more than one.

Row by row the database is stepped once for each, and between two steps the thread that steps must wait for the one that sends.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeEngine

_PARAMETER = "given_rows"


def given(dialect: str, **columns: TypeEngine[Any]) -> sa.FromClause:
    """A table of what `parameters` holds, to be joined with others; `columns` are attributes of its rows."""
    text = sa.bindparam(_PARAMETER, type_=sa.Text)
    if dialect == "postgresql":
        named = [sa.column(name, kind) for name, kind in columns.items()]
        rows = sa.func.jsonb_to_recordset(sa.cast(text, JSONB))
        return rows.table_valued(*named).render_derived(name="given", with_types=True)
    each = sa.func.json_each(text).table_valued("value")
    extracted = [
        sa.type_coerce(sa.func.json_extract(each.c.value, f"$.{name}"), kind).label(name)
        for name, kind in columns.items()
    ]
    return sa.select(*extracted).select_from(each).subquery("given")


def parameters(rows: Sequence[object]) -> dict[str, str]:
    """Rows, which are frozen dataclasses, as the parameter of a statement that uses `given`."""
    return {_PARAMETER: msgspec.json.encode(rows).decode()}


def gathered(dialect: str, column: sa.ColumnElement[Any]) -> sa.ColumnElement[str]:
    """All rows of a question as one JSON array of `told` objects, in no order; null or an empty array where there are none."""
    collect = sa.func.json_agg if dialect == "postgresql" else sa.func.json_group_array
    return sa.cast(collect(column), sa.Text)


def told(dialect: str, **columns: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """One row as a JSON object."""
    build = sa.func.json_build_object if dialect == "postgresql" else sa.func.json_object
    return build(*(part for name, column in columns.items() for part in (sa.literal_column(f"'{name}'"), column)))
