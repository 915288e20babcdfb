"""Tables that stand side by side in one text, one per layer, each sorted by itself: a line of the file is not a sample."""

from __future__ import annotations

import csv
from dataclasses import dataclass

from collector.rawtable import Cells, Findings, PayloadRefused, RawTable
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
    reader = csv.reader(lines)
    rows = [(reader.line_num, cells) for cells in reader]
    head = {cells[0].strip(): cells[1].strip() for _, cells in rows[: spec.head_lines] if len(cells) > 1}
    top = next((at for at, (_, cells) in enumerate(rows) if cells and cells[0].strip() == spec.opener), None)
    if top is None or top < 2:
        raise PayloadRefused(Refusal.ROWS_NOT_FOUND, f"no line begins with `{spec.opener}` below two header lines")
    blocks = _blocks(rows[top - 2][1], rows[top - 1][1], rows[top][1], spec)
    findings = Findings()
    cells = [row for number, line in rows[top + 1 :] if line for row in _cells(number, line, blocks, spec, findings)]
    if len(cells) > spec.max_rows:
        raise PayloadRefused(Refusal.TOO_MANY_ROWS, f"{len(cells)} cells, at most {spec.max_rows} are read")
    columns: dict[str, Cells] = {name: [cell[1][at] for cell in cells] for at, name in enumerate(_COLUMNS)}
    return RawTable(columns, [cell[0] for cell in cells], len(cells) + findings.refused.total(), head, findings)


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


def _cells(
    number: int, line: list[str], blocks: tuple[_Block, ...], spec: SideBySide, findings: Findings
) -> list[tuple[int, tuple[str, ...]]]:
    found: list[tuple[int, tuple[str, ...]]] = []
    for block in blocks:
        stamp = _word(line, block.start)
        if stamp in spec.blank:
            findings.ignore(Ignored.PADDING, len(block.pairs))
            continue
        if block.pairs and len(line) <= block.pairs[-1][2]:
            findings.refuse(
                Refusal.NOT_A_RECORD,
                number,
                f"{len(line)} cells, the layer {block.layer!r} needs {block.pairs[-1][2] + 1}",
            )
            continue
        found += [
            (number, (stamp, block.layer, analyte, _word(line, at), _word(line, below)))
            for analyte, at, below in block.pairs
        ]
    return found


def _word(cells: list[str], at: int) -> str:
    return cells[at].strip() if at < len(cells) else ""
