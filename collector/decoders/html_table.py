"""A table of an HTML page, found by the words of its header."""

from __future__ import annotations

from dataclasses import replace

from lxml import etree, html

from collector.headings import Sections, sentences, told
from collector.line_table import header_of, numbered_names, table_of_lines, turned
from collector.rawtable import PayloadRefused, RawTable
from collector.text import text_of
from domain.reasons import Refusal
from specs.columns import Wanted
from specs.decode import HtmlTable

#: No honest cell is wider or taller.
_MOST_SPAN = 1000


def decode(body: bytes, spec: HtmlTable, wanted: Wanted) -> RawTable:
    """The rows below the header of the first table that has all words of `has`. Raises PayloadRefused."""
    try:
        page = html.document_fromstring(text_of(body, spec.encoding).encode(), parser=html.HTMLParser(encoding="utf-8"))
    except (etree.ParserError, etree.XMLSyntaxError, ValueError) as error:
        raise PayloadRefused(Refusal.BAD_SYNTAX, f"not HTML: {error}") from error
    heads: list[str] = []
    for table in page.iter("table"):
        rows = turned(_rows(table), spec.max_rows) if spec.transposed else _rows(table)
        at = next((at for at, (_, cells) in enumerate(rows) if set(spec.has) <= set(cells)), None)
        if at is not None:
            top = [cells for _, cells in rows[at : at + spec.header_lines]]
            names = list(spec.header) or numbered_names(header_of(top))
            below = _below(rows[at + spec.header_lines :], names, spec, wanted)
            return replace(below, head=sentences(_text(page), spec.sentences)) if spec.sentences else below
        heads += rows[0][1][:4] if rows else []
    raise PayloadRefused(
        Refusal.ROWS_NOT_FOUND, f"no table with {', '.join(spec.has)}; tables begin with {', '.join(heads)[:120]}"
    )


def _rows(table: etree._Element) -> list[tuple[int, list[str]]]:
    """The rows of a table with their source lines; a cell that spans rows or columns stands in each of them."""
    rows: list[tuple[int, list[str]]] = []
    hanging: dict[int, tuple[int, str]] = {}  # column -> how many rows more, and the text
    for line in table.iter("tr"):
        cells: list[str] = []
        for cell in line.iterchildren("td", "th"):
            _take_over(cells, hanging)
            text = " ".join(cell.text_content().split())
            down, across = _span(cell, "rowspan"), _span(cell, "colspan")
            for _ in range(min(across, _MOST_SPAN - len(cells))):
                if down > 1:
                    hanging[len(cells)] = (down - 1, text)
                cells.append(text)
        _take_over(cells, hanging)
        rows.append((line.sourceline or 0, cells))
    return rows


def _text(page: etree._Element) -> str:
    """The words of a page, a line for each piece of text."""
    return "\n".join(" ".join(part.split()) for part in page.itertext() if isinstance(part, str) and part.strip())


def _take_over(cells: list[str], hanging: dict[int, tuple[int, str]]) -> None:
    while len(cells) in hanging:
        left, text = hanging.pop(len(cells))
        if left > 1:
            hanging[len(cells)] = (left - 1, text)
        cells.append(text)


def _span(cell: etree._Element, name: str) -> int:
    text = str(cell.get(name) or "1")
    return min(max(int(text), 1), _MOST_SPAN) if text.isascii() and text.isdigit() and len(text) < 6 else 1


def _below(rows: list[tuple[int, list[str]]], names: list[str], spec: HtmlTable, wanted: Wanted) -> RawTable:
    """Source lines stop at 65535 in this library, and pages may stand on one line: then rows are counted."""
    lines = [line for line, _ in rows]
    where = lines if len(set(lines)) == len(lines) else list(range(1, len(rows) + 1))
    sections = Sections(spec.section)
    numbered = [(at, cells) for at, (_, cells) in zip(where, rows, strict=True)]
    kept = [
        (at, cells) for at, cells in numbered if not sections.takes(at, " ".join(dict.fromkeys(filter(None, cells))))
    ]
    return told(table_of_lines(kept, names, spec.max_rows, wanted), {}, sections)
