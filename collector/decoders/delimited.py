"""Delimited text: quotes, byte order mark, any line end, a preamble, lines `name,value` before the table as its head."""

from __future__ import annotations

import csv
from collections.abc import Sequence

from collector.headings import Sections, sentences, told
from collector.json_table import unpacked
from collector.line_table import header_of, numbered_names, turned
from collector.rawtable import Cells, Findings, PayloadRefused, RawTable
from collector.text import lines_of, text_of
from domain.reasons import Ignored, Refusal
from specs.columns import Wanted
from specs.decode import Delimited, Packed

_MOST_CELLS = 5000


def decode(body: bytes, spec: Delimited, wanted: Wanted) -> RawTable:
    """Rows of delimited text as columns; a row of another width than the header costs that row only. Raises PayloadRefused."""
    text = text_of(body, spec.encoding)
    lines = lines_of(text, spec.max_rows)
    skip = spec.skip_lines + spec.head_lines
    head = {
        cells[0].strip(): cells[1].strip() for cells in _split(lines[spec.skip_lines : skip], spec) if len(cells) > 1
    } | sentences(text, spec.sentences)
    sections = Sections(spec.section)
    numbered = _records(lines, skip, spec, sections)
    titles = header_of([cells for _, cells in numbered[: spec.header_lines]])
    names = numbered_names(_unguarded(name, spec).strip() for name in (spec.header or titles))
    if spec.has_header:
        numbered = numbered[spec.header_lines :]
    if spec.unit_line and numbered:
        head |= {f"unit.{name}": unit.strip() for name, unit in zip(names, numbered[0][1], strict=False)}
        numbered = numbered[1:]
    if not names:
        raise PayloadRefused(Refusal.MISSING_COLUMN, "the text has no header line")
    if len(names) > _MOST_CELLS:
        raise PayloadRefused(Refusal.BAD_SYNTAX, f"{len(names)} columns")
    if len(numbered) > spec.max_rows:
        raise PayloadRefused(Refusal.TOO_MANY_ROWS, f"{len(numbered)} rows, at most {spec.max_rows} are read")
    return told(_table(names, numbered, head, wanted, spec), {}, sections)


def _records(lines: Sequence[str], skip: int, spec: Delimited, sections: Sections) -> list[tuple[int, list[str]]]:
    """The records from the header on, without comments and headings; below a heading the header may stand again."""
    first, last = _span(lines, skip, spec)
    numbered = [(number, cells) for number, cells in _numbered(lines[:last], first, spec) if cells]
    if spec.comment:
        numbered = [(number, cells) for number, cells in numbered if not lines[number - 1].startswith(spec.comment)]
    if spec.section:
        numbered = [(number, cells) for number, cells in numbered if not sections.takes(number, lines[number - 1])]
        if spec.has_header and numbered:
            numbered = numbered[:1] + [record for record in numbered[1:] if record[1] != numbered[0][1]]
    return turned(numbered, spec.max_rows) if spec.transposed else numbered


def _span(lines: Sequence[str], skip: int, spec: Delimited) -> tuple[int, int]:
    """Where the table begins and ends, as places in `lines`."""
    first = skip
    if spec.header_begins:
        first = next((at for at in range(skip, len(lines)) if lines[at].startswith(spec.header_begins)), -1)
        if first < 0:
            raise PayloadRefused(Refusal.MISSING_COLUMN, f"no line begins with `{spec.header_begins}`")
    if not spec.footer_begins:
        return first, len(lines)
    return first, next((at for at in range(first, len(lines)) if lines[at].startswith(spec.footer_begins)), len(lines))


def _split(lines: Sequence[str], spec: Delimited) -> list[list[str]]:
    return [_cells(line, spec) for line in lines]


def _cells(line: str, spec: Delimited) -> list[str]:
    """The cells of one line that stands by itself."""
    if spec.delimiter == "whitespace":
        return line.split()
    if len(spec.delimiter) == 1 and spec.quote in line:
        return next(csv.reader((line,), delimiter=spec.delimiter, quotechar=spec.quote), [])
    return line.split(spec.delimiter) if line else []


def _numbered(lines: Sequence[str], skip: int, spec: Delimited) -> list[tuple[int, list[str]]]:
    """Each record with the number of the line that it ends on.

    A quote that never closes would swallow all rows below it, so a record ends with its line unless the form says `multiline`.
    """
    records: list[tuple[int, list[str]]] = []
    try:
        if spec.multiline and len(spec.delimiter) == 1:
            text = (line + "\n" for line in lines[skip:])
            reader = csv.reader(text, delimiter=spec.delimiter, quotechar=spec.quote)
            records = [(skip + reader.line_num, cells) for cells in reader]
        else:
            records = list(enumerate(_each(lines[skip:], spec), skip + 1))
    except csv.Error as error:
        raise PayloadRefused(Refusal.BAD_SYNTAX, f"after line {skip + len(records)}: {error}") from error
    return records


def _each(lines: Sequence[str], spec: Delimited) -> list[list[str]]:
    """The cells of every line; texts without a single quote need no look at each line."""
    if spec.delimiter == "whitespace":
        return [line.split() for line in lines]
    if len(spec.delimiter) == 1 and any(spec.quote in line for line in lines):
        return [_cells(line, spec) for line in lines]
    return [line.split(spec.delimiter) if line else [] for line in lines]


def _unguarded(cell: str, spec: Delimited) -> str:
    """A cell without the `="..."` by which publishers keep spreadsheets from reading a number as a date."""
    text = cell.strip()
    return text[2:-1] if spec.guards and text.startswith('="') and text.endswith('"') and len(text) > 2 else cell


def _table(
    names: list[str],
    numbered: Sequence[tuple[int, list[str]]],
    head: dict[str, str],
    wanted: Wanted,
    spec: Delimited,
) -> RawTable:
    findings = Findings()
    kept = []
    for number, found in numbered:
        cells = found
        if spec.trailing and len(cells) > len(names) and not any(cell.strip() for cell in cells[len(names) :]):
            cells = cells[: len(names)]
        if len(cells) == len(names):
            kept.append((number, cells))
        elif not any(cell.strip() for cell in cells):
            findings.ignore(Ignored.PADDING)
        else:
            findings.refuse(
                Refusal.NOT_A_RECORD, number, f"{len(cells)} cells where the header has {len(names)}: {cells[:6]}"
            )
    places: dict[str, int] = {}
    for at, name in enumerate(names):
        if wanted.takes(name):
            places.setdefault(name, at)
    across = list(zip(*[cells for _, cells in kept], strict=True)) or [()] * len(names)
    columns: dict[str, Cells] = {name: across[at] for name, at in places.items()}
    if spec.guards:
        columns = {name: [_unguarded(cell or "", spec) for cell in cells] for name, cells in columns.items()}
    if spec.packed and spec.packed.column in names:
        columns |= _unpacked([cells[names.index(spec.packed.column)] for _, cells in kept], spec.packed, wanted)
    return RawTable(columns, [number for number, _ in kept], len(numbered), head, findings)


def _unpacked(cells: Sequence[str], packed: Packed, wanted: Wanted) -> dict[str, Cells]:
    rows = [unpacked(cell, packed) for cell in cells]
    met = {name for row in rows for name in row}
    return {name: [row.get(name) for row in rows] for name in wanted.names if name in met}
