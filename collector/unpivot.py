"""Columns that are rows: one heading per nuclide, station or hour becomes one row each."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from collector.rawtable import Cells, PayloadRefused, RawTable
from domain.reasons import Refusal
from specs.columns import Wanted
from specs.common import Unpivot

_LONGEST_HEADING = 500


def unpivoted(table: RawTable, spec: Unpivot, wanted: Wanted) -> RawTable:
    """The table with one row per row and name. A name without any text in a row gives none. Raises PayloadRefused when no heading fits."""
    groups = _groups(table.columns, spec, wanted)
    if not groups and len(table):
        told = ", ".join(list(table.columns)[:8])
        raise PayloadRefused(
            Refusal.MISSING_COLUMN, f"no heading is like {list(spec.columns.values())}; there are {told}"
        )
    kept = [name for name in wanted.names if name in table.columns and name not in {spec.name, *spec.columns}]
    rows: list[tuple[int, str, list[str | None]]] = []
    for at in range(len(table)):
        for name, parts in groups.items():
            cells = [table.columns[part][at] if part else None for part in parts]
            if any(cell is not None and cell.strip() for cell in cells):
                rows.append((at, name, cells))
    columns: dict[str, Cells] = {name: [table.columns[name][at] for at, _, _ in rows] for name in kept}
    columns[spec.name] = [name for _, name, _ in rows]
    for number, column in enumerate(spec.columns):
        if any(parts[number] for parts in groups.values()):
            columns[column] = [cells[number] for _, _, cells in rows]
    return RawTable(columns, [table.where[at] for at, _, _ in rows], table.read, table.head, table.findings)


def _groups(columns: Mapping[str, Cells], spec: Unpivot, wanted: Wanted) -> dict[str, list[str]]:
    """Per name the column of the table that holds each part of it ("" where there is none), names in the order of the table."""
    found: dict[str, list[str]] = {}
    for heading in columns:
        if heading in spec.but or len(heading) > _LONGEST_HEADING:
            continue
        for number, template in enumerate(spec.columns.values()):
            if template == "{}" and heading in wanted.names:
                continue
            match = _pattern(template).fullmatch(heading)
            if match and match[1].strip():
                parts = found.setdefault(match[1].strip(), [""] * len(spec.columns))
                parts[number] = parts[number] or heading
                break
    return found


@lru_cache(maxsize=256)
def _pattern(template: str) -> re.Pattern[str]:
    before, _, behind = template.partition("{}")
    return re.compile(rf"{re.escape(before.rstrip())}\s*(.+?)\s*{re.escape(behind.lstrip())}")
