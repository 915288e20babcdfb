"""Text whose columns are places in the line."""

from __future__ import annotations

import unicodedata

from collector.headings import Sections, sentences, told
from collector.line_table import table_of_lines
from collector.rawtable import PayloadRefused, RawTable
from collector.text import lines_of, text_of
from domain.reasons import Refusal
from specs.columns import Wanted
from specs.decode import FixedWidth


def decode(body: bytes, spec: FixedWidth, wanted: Wanted) -> RawTable:
    """One row per line; a line that ends before a column has nothing in it. Raises PayloadRefused."""
    text = text_of(body, spec.encoding)
    lines = lines_of(text, spec.max_rows)
    sections = Sections(spec.section)
    rows: list[tuple[int, list[str]]] = []
    for number, line in enumerate(lines[spec.skip_lines :], spec.skip_lines + 1):
        if spec.footer_begins and line.startswith(spec.footer_begins):
            break
        if not (spec.comment and line.startswith(spec.comment)) and not sections.takes(number, line):
            rows.append((number, _cells(line, spec)))
    table = table_of_lines(rows, list(spec.columns), spec.max_rows, wanted)
    if not len(table) and any(line.strip() for line in lines):
        raise PayloadRefused(Refusal.ROWS_NOT_FOUND, f"no line reaches a column; the text begins {body[:80]!r}")
    return told(table, sentences(text, spec.sentences), sections)


def _cells(line: str, spec: FixedWidth) -> list[str]:
    if not spec.wide:
        return [line[first - 1 : last].strip() for first, last in spec.columns.values()]
    # a wide letter takes two places: it stands in the first, the second holds nothing
    places: list[str] = []
    for letter in line:
        places += [letter, ""] if unicodedata.east_asian_width(letter) in {"W", "F"} else [letter]
    return ["".join(places[first - 1 : last]).strip() for first, last in spec.columns.values()]
