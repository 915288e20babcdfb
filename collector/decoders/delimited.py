"""Delimited text: quotes, byte order mark, any line end, a preamble, lines `name,value` before the table as its head."""

from __future__ import annotations

import csv
from collections.abc import Sequence

from collector.rawtable import Findings, PayloadRefused, RawTable
from collector.text import lines_of, text_of
from domain.reasons import Ignored, Refusal
from specs.columns import Wanted
from specs.decode import Delimited

_MOST_CELLS = 5000


def decode(body: bytes, spec: Delimited, wanted: Wanted) -> RawTable:
    """Rows of delimited text as columns; a row of another width than the header costs that row only. Raises PayloadRefused."""
    lines = lines_of(text_of(body, spec.encoding), spec.max_rows)
    skip = spec.skip_lines + spec.head_lines
    head = {
        cells[0].strip(): cells[1].strip() for cells in _split(lines[spec.skip_lines : skip], spec) if len(cells) > 1
    }
    numbered = [(number, cells) for number, cells in _numbered(lines, skip, spec) if cells]
    names = [name.strip() for name in (spec.header or (numbered[0][1] if numbered else []))]
    if spec.has_header:
        numbered = numbered[1:]
    if not names:
        raise PayloadRefused(Refusal.MISSING_COLUMN, "the text has no header line")
    if len(names) > _MOST_CELLS:
        raise PayloadRefused(Refusal.BAD_SYNTAX, f"{len(names)} columns")
    if len(numbered) > spec.max_rows:
        raise PayloadRefused(Refusal.TOO_MANY_ROWS, f"{len(numbered)} rows, at most {spec.max_rows} are read")
    return _table(names, numbered, head, wanted)


def _split(lines: Sequence[str], spec: Delimited) -> list[list[str]]:
    return list(csv.reader(lines, delimiter=spec.delimiter))


def _numbered(lines: Sequence[str], skip: int, spec: Delimited) -> list[tuple[int, list[str]]]:
    """Each record with the number of the line that it ends on.

    A quote that never closes would swallow all rows below it, so a record ends with its line unless the form says `multiline`.
    """
    records: list[tuple[int, list[str]]] = []
    try:
        if spec.multiline:
            reader = csv.reader((line + "\n" for line in lines[skip:]), delimiter=spec.delimiter)
            records = [(skip + reader.line_num, cells) for cells in reader]
        else:
            for number, line in enumerate(lines[skip:], skip + 1):
                records.append(
                    (
                        number,
                        next(csv.reader((line,), delimiter=spec.delimiter), []) if '"' in line else _plain(line, spec),
                    )
                )
    except csv.Error as error:
        raise PayloadRefused(Refusal.BAD_SYNTAX, f"after line {skip + len(records)}: {error}") from error
    return records


def _plain(line: str, spec: Delimited) -> list[str]:
    return line.split(spec.delimiter) if line else []


def _table(
    names: list[str], numbered: Sequence[tuple[int, list[str]]], head: dict[str, str], wanted: Wanted
) -> RawTable:
    findings = Findings()
    kept = []
    for number, cells in numbered:
        if len(cells) == len(names):
            kept.append((number, cells))
        elif not any(cell.strip() for cell in cells):
            findings.ignore(Ignored.PADDING)
        else:
            findings.refuse(
                Refusal.NOT_A_RECORD, number, f"{len(cells)} cells where the header has {len(names)}: {cells[:6]}"
            )
    places = {name: at for at, name in reversed(list(enumerate(names))) if name in wanted.names}
    columns = {name: [cells[at] for _, cells in kept] for name, at in places.items()}
    return RawTable(columns, [number for number, _ in kept], len(numbered), head, findings)
