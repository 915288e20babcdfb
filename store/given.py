"""Rows that a statement is given as one parameter: a statement for many of them costs hardly more than for one.

`executemany` binds and steps row by row, and between two steps the thread that steps must wait for the one that sends.
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
    told = [
        sa.type_coerce(sa.func.json_extract(each.c.value, f"$.{name}"), kind).label(name)
        for name, kind in columns.items()
    ]
    return sa.select(*told).select_from(each).subquery("given")


def parameters(rows: Sequence[object]) -> dict[str, str]:
    """Rows, which are frozen dataclasses, as the parameter of a statement that uses `given`."""
    return {_PARAMETER: msgspec.json.encode(rows).decode()}
