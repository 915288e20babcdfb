"""Tables that stand side by side in one text, one per layer, each sorted by itself: a line of the file is not a sample."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from itertools import compress

from collector.rawtable import Findings, PayloadRefused, RawTable
from collector.text import lines_of, text_of
from domain.reasons import Ignored, Refusal
from specs.columns import Wanted
from specs.decode import SideBySide

_COLUMNS = ("time", "layer", "analyte", "detected", "limit")


@dataclass(frozen=True, slots=True)
class _Block:
    """One table: where its stamps stand, its layer, and per analyte the places of value and limit."""

    start: int
    layer: str
    pairs: tuple[tuple[str, int, int], ...]


def decode(body: bytes, spec: SideBySide, wanted: Wanted) -> RawTable:  # noqa: ARG001
    """One row per analyte cell with a stamp: `time`, `layer`, `analyte`, `detected`, `limit`. Raises PayloadRefused."""
    lines = lines_of(text_of(body, spec.encoding), spec.max_rows)
    rows = list(enumerate(csv.reader(lines), 1)) if b'"' in body else _split(lines)
    head = {cells[0].strip(): cells[1].strip() for _, cells in rows[: spec.head_lines] if len(cells) > 1}
    top = next((at for at, (_, cells) in enumerate(rows) if cells and cells[0].strip() == spec.opener), None)
    if top is None or top < 2:
        raise PayloadRefused(Refusal.ROWS_NOT_FOUND, f"no line begins with `{spec.opener}` below two header lines")
    blocks = _blocks(rows[top - 2][1], rows[top - 1][1], rows[top][1], spec)
    return _table([row for row in rows[top + 1 :] if row[1]], blocks, head, spec)


def _split(lines: list[str]) -> list[tuple[int, list[str]]]:
    return [(number, line.split(",") if line else []) for number, line in enumerate(lines, 1)]


def _table(
    rows: list[tuple[int, list[str]]], blocks: tuple[_Block, ...], head: dict[str, str], spec: SideBySide
) -> RawTable:
    """The cells of all tables, one table after the other: each is worked on by columns, since files have a hundred of them."""
    findings = Findings()
    numbers = [number for number, _ in rows]
    width = max((at for block in blocks for at in (block.start, *(pair[2] for pair in block.pairs))), default=0) + 1
    across = list(zip(*(line[:width] + [""] * (width - len(line)) for _, line in rows), strict=True)) or [()] * width
    columns: dict[str, list[str | None]] = {name: [] for name in _COLUMNS}
    where: list[int] = []
    for block in blocks:
        stamps = [stamp.strip() for stamp in across[block.start]]
        there = [stamp not in spec.blank for stamp in stamps]
        findings.ignore(Ignored.PADDING, there.count(False) * len(block.pairs))
        _refuse_short(rows, block, there, findings)
        kept = list(compress(stamps, there))
        for analyte, at, below in block.pairs:
            columns["time"] += kept
            columns["layer"] += [block.layer] * len(kept)
            columns["analyte"] += [analyte] * len(kept)
            columns["detected"] += compress(across[at], there)
            columns["limit"] += compress(across[below], there)
            where += compress(numbers, there)
    if len(where) > spec.max_rows:
        raise PayloadRefused(Refusal.TOO_MANY_ROWS, f"{len(where)} cells, at most {spec.max_rows} are read")
    return RawTable(columns, where, len(where) + findings.refused.total(), head, findings)


def _refuse_short(rows: list[tuple[int, list[str]]], block: _Block, there: list[bool], findings: Findings) -> None:
    """A line that ends inside a table in which it has a stamp is cut off; it costs its cells in that table."""
    needed = block.pairs[-1][2] + 1 if block.pairs else 0
    for place, (number, line) in enumerate(rows):
        if there[place] and len(line) < needed:
            there[place] = False
            told = f"{len(line)} cells, the layer {block.layer!r} needs {needed}"
            findings.refuse(Refusal.NOT_A_RECORD, number, told)


def _blocks(layers: list[str], analytes: list[str], kinds: list[str], spec: SideBySide) -> tuple[_Block, ...]:
    """The tables that three header lines describe."""
    starts = [at for at, kind in enumerate(kinds) if kind.strip() == spec.opener]
    blocks = []
    for start, end in zip(starts, [*starts[1:], len(kinds)], strict=True):
        pairs = []
        for at in range(start + 1, end - 1, 2):
            if (kinds[at].strip(), kinds[at + 1].strip()) != (spec.detected, spec.limit):
                raise PayloadRefused(
                    Refusal.MISSING_COLUMN, f"columns {at + 1} and {at + 2} are not {spec.detected} and {spec.limit}"
                )
            pairs.append((_word(analytes, at), at, at + 1))
        blocks.append(_Block(start, _word(layers, start), tuple(pairs)))
    return tuple(blocks)


def _word(cells: list[str], at: int) -> str:
    return cells[at].strip() if at < len(cells) else ""
