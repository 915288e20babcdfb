"""An HTML page with one element per row, found by class."""

from __future__ import annotations

from lxml import etree, html

from collector.rawtable import Cells, PayloadRefused, RawTable
from collector.text import text_of
from domain.reasons import Refusal
from specs.columns import Wanted
from specs.decode import HtmlItems


def decode(body: bytes, spec: HtmlItems, wanted: Wanted) -> RawTable:
    """One row per element of the class `item`. Raises PayloadRefused."""
    try:
        page = html.document_fromstring(text_of(body, spec.encoding).encode(), parser=html.HTMLParser(encoding="utf-8"))
    except (etree.ParserError, etree.XMLSyntaxError, ValueError) as error:
        raise PayloadRefused(Refusal.BAD_SYNTAX, f"not HTML: {error}") from error
    items = [one for one in page.iter() if spec.item in _classes(one)]
    if not items:
        raise PayloadRefused(Refusal.ROWS_NOT_FOUND, f"no element of class {spec.item} in the page")
    if len(items) > spec.max_rows:
        raise PayloadRefused(Refusal.TOO_MANY_ROWS, f"{len(items)} rows, at most {spec.max_rows} are read")
    columns: dict[str, Cells] = {
        name: [_cell(item, mark) for item in items] for name, mark in spec.columns.items() if name in wanted.names
    }
    return RawTable(columns, range(1, len(items) + 1), len(items))


def _classes(element: etree._Element) -> list[str]:
    return str(element.get("class") or "").split() if isinstance(element.tag, str) else []


def _cell(item: etree._Element, mark: str) -> str | None:
    """The text of the first element below that has the class or is the tag `mark`."""
    found = next((one for one in item.iterdescendants() if one.tag == mark or mark in _classes(one)), None)
    return " ".join("".join(found.itertext()).split()) if found is not None else None
