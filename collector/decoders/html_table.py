"""A table of an HTML page, found by the words of its header."""

from __future__ import annotations

from lxml import etree, html

from collector.line_table import numbered_names, table_of_lines
from collector.rawtable import PayloadRefused, RawTable
from collector.text import text_of
from domain.reasons import Refusal
from specs.columns import Wanted
from specs.decode import HtmlTable


def decode(body: bytes, spec: HtmlTable, wanted: Wanted) -> RawTable:
    """The rows below the header of the first table that has all words of `has`. Raises PayloadRefused."""
    try:
        page = html.document_fromstring(text_of(body, spec.encoding).encode(), parser=html.HTMLParser(encoding="utf-8"))
    except (etree.ParserError, etree.XMLSyntaxError, ValueError) as error:
        raise PayloadRefused(Refusal.BAD_SYNTAX, f"not HTML: {error}") from error
    heads: list[str] = []
    for table in page.iter("table"):
        rows = [
            (line.sourceline or 0, [" ".join(cell.text_content().split()) for cell in line.iterchildren("td", "th")])
            for line in table.iter("tr")
        ]
        at = next((at for at, (_, cells) in enumerate(rows) if set(spec.has) <= set(cells)), None)
        if at is not None:
            return _below(rows[at + 1 :], list(spec.header) or numbered_names(rows[at][1]), spec, wanted)
        heads += rows[0][1][:4] if rows else []
    raise PayloadRefused(
        Refusal.ROWS_NOT_FOUND, f"no table with {', '.join(spec.has)}; tables begin with {', '.join(heads)[:120]}"
    )


def _below(rows: list[tuple[int, list[str]]], names: list[str], spec: HtmlTable, wanted: Wanted) -> RawTable:
    """Source lines stop at 65535 in this library, and pages may stand on one line: then rows are counted."""
    lines = [line for line, _ in rows]
    where = lines if len(set(lines)) == len(lines) else list(range(1, len(rows) + 1))
    return table_of_lines(
        [(at, cells) for at, (_, cells) in zip(where, rows, strict=True)], names, spec.max_rows, wanted
    )
