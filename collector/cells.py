"""Cells that mean more than they hold: empty ones that repeat the one above, and those that hold several things."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from collector.headings import ready
from collector.rawtable import Cells, RawTable
from domain.reasons import Refusal


def filled_down(table: RawTable, names: Sequence[str]) -> RawTable:
    """The table with each empty cell of these columns as the one above it."""
    columns: dict[str, Cells] = dict(table.columns)
    for name in names:
        above: str | None = None
        filled: list[str | None] = []
        for cell in columns.get(name, ()):
            above = cell if cell and cell.strip() else above
            filled.append(above)
        if name in columns:
            columns[name] = filled
    return replace(table, columns=columns)


def parted(table: RawTable, patterns: Mapping[str, str]) -> RawTable:
    """The table with the groups of each pattern as columns `<column>.<group>`; a cell that does not fit is counted and has no parts."""
    columns: dict[str, Cells] = dict(table.columns)
    for name, text in patterns.items():
        pattern = ready(text)
        known: dict[str, Mapping[str, str | None]] = {}
        found: list[Mapping[str, str | None]] = []
        for cell, where in zip(table.columns.get(name, ()), table.where, strict=False):
            plain = (cell or "").strip()
            if plain not in known:
                match = pattern.fullmatch(plain)
                known[plain] = match.groupdict() if match is not None else {}
            if plain and not known[plain]:
                table.findings.refuse(
                    Refusal.NOT_A_RECORD, where, f"{name} is {plain!r}, which its pattern does not fit"
                )
            found.append(known[plain])
        if name in table.columns:
            columns |= {f"{name}.{group}": [parts.get(group) for parts in found] for group in pattern.groupindex}
    return replace(table, columns=columns)
