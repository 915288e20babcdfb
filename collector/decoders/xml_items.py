"""XML with one element per row; its children are columns. No entity is expanded, no file or address is opened."""

from __future__ import annotations

from lxml import etree

from collector.rawtable import Cells, Findings, PayloadRefused, RawTable
from collector.xml_safe import children, find, local, root_of, text_at, text_of_element
from domain.reasons import Refusal
from specs.columns import Wanted
from specs.decode import XmlItems


def decode(body: bytes, spec: XmlItems, wanted: Wanted) -> RawTable:
    """Rows of an XML document; namespaces are passed over. Raises PayloadRefused."""
    root = root_of(body)
    _check(root, spec)
    items = _items(root, spec.items)
    if len(items) > spec.max_rows:
        raise PayloadRefused(Refusal.TOO_MANY_ROWS, f"{len(items)} rows, at most {spec.max_rows} are read")
    rows = [{local(child): text_of_element(child) for child in item} for item in items]
    met = {key for row in rows for key in row}
    columns: dict[str, Cells] = {key: [row.get(key) for row in rows] for key in wanted.names if key in met}
    for name in wanted.names:
        if name not in met and any(sign in name for sign in "/@^"):
            cells = [_deep(item, name) for item in items]
            if any(cell is not None for cell in cells):
                columns[name] = cells
    lines = [item.sourceline or number for number, item in enumerate(items, 1)]
    where = lines if len(set(lines)) == len(lines) else list(range(1, len(rows) + 1))
    head = {name: text_at(root, name) or "" for name in wanted.heads}
    return RawTable(columns, where, len(rows), head, findings=Findings())


def _items(root: etree._Element, path: str) -> list[etree._Element]:
    """The elements that are rows; `name[]` on the way goes through all of that name."""
    parent, _, name = path.rpartition("/")
    if "[]" in parent:
        first, _, rest = path.partition("[]/")
        return [item for holder in _items(root, first) for item in _items(holder, rest)]
    holder = find(root, parent)
    if holder is None and find(root, parent.rpartition("/")[0]) is not None and "/" in parent:
        holder = etree.Element("none")  # a document without items: the publisher has nothing to say, and says so
    if holder is None:
        raise PayloadRefused(
            Refusal.ROWS_NOT_FOUND,
            f"no {parent} below {local(root)}; there are {', '.join(local(child) for child in root[:8])}",
        )
    return children(holder, name)


def _deep(item: etree._Element, name: str) -> str | None:
    if not name.startswith("^"):
        return text_at(item, name)
    owner = item.getparent()
    return text_at(owner, name[1:]) if owner is not None else None


def _check(root: etree._Element, spec: XmlItems) -> None:
    if spec.ok is None:
        return
    text = text_at(root, spec.ok.path)
    if text not in spec.ok.values:
        message = find(root, spec.ok.message) if spec.ok.message else None
        told = text_of_element(message) if message is not None else f"the document is {local(root)}"
        raise PayloadRefused(Refusal.PUBLISHER_ERROR, f"{spec.ok.path} is {text}: {told}")
