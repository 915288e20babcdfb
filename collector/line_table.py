"""Numbered lines of cells as a table: what HTML tables and workbook sheets have in common."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import zip_longest

from collector.rawtable import Cells, Findings, PayloadRefused, RawTable
from domain.reasons import Ignored, Refusal
from specs.columns import Wanted

#: Cells that turning a table may make of each that it has.
_MOST_DESERT = 10


def numbered_names(cells: Iterable[str]) -> list[str]:
    """Names of columns; one that repeats gets `.2`, `.3`."""
    met: Counter[str] = Counter()
    names = []
    for cell in cells:
        met[cell] += 1
        names.append(cell if met[cell] == 1 else f"{cell}.{met[cell]}")
    return names


def header_of(lines: Sequence[Sequence[str]]) -> list[str]:
    """The headings that one line or several make up: words below each other are joined, and an upper cell reaches over the empty ones behind it."""
    if len(lines) < 2:
        return [cell.strip() for cell in lines[0]] if lines else []
    width = max(map(len, lines))
    rows = [[cell.strip() for cell in line] + [""] * (width - len(line)) for line in lines]
    for row in rows[:-1]:
        for at in range(1, width):
            row[at] = row[at] or row[at - 1]
    return [" ".join(dict.fromkeys(word for word in words if word)) for words in zip(*rows, strict=True)]


def turned(rows: Sequence[tuple[int, list[str]]], most: int) -> list[tuple[int, list[str]]]:
    """Rows as columns; raises PayloadRefused for more than `most`, and where one long line among short ones would make a desert of empty cells."""
    width, held = max((len(cells) for _, cells in rows), default=0), sum(len(cells) for _, cells in rows)
    if width > most or width * len(rows) > _MOST_DESERT * held + 10_000:
        raise PayloadRefused(Refusal.TOO_MANY_ROWS, f"{len(rows)} lines of up to {width} cells, {held} in all")
    across = zip_longest(*(cells for _, cells in rows), fillvalue="")
    return [(number, list(cells)) for number, cells in enumerate(across, 1)]


def table_of_lines(rows: Sequence[tuple[int, list[str]]], names: Sequence[str], most: int, wanted: Wanted) -> RawTable:
    """Numbered rows of cells as columns; short rows end in empty cells, rows that are too long are refused."""
    if len(rows) > most:
        raise PayloadRefused(Refusal.TOO_MANY_ROWS, f"{len(rows)} rows, at most {most} are read")
    findings = Findings()
    kept: list[tuple[int, list[str]]] = []
    for number, cells in rows:
        if not any(cells):
            findings.ignore(Ignored.PADDING)
        elif len(cells) > len(names):
            findings.refuse(Refusal.NOT_A_RECORD, number, f"{len(cells)} cells where the header has {len(names)}")
        else:
            kept.append((number, cells + [""] * (len(names) - len(cells))))
    places: dict[str, int] = {}
    for at, name in enumerate(names):
        if wanted.takes(name):
            places.setdefault(name, at)
    columns: dict[str, Cells] = {name: [cells[at] for _, cells in kept] for name, at in places.items()}
    return RawTable(columns, [at for at, _ in kept], len(kept) + findings.refused.total(), findings=findings)
