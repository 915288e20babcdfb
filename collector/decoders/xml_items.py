"""XML with one element per row; its children are columns. No entity is expanded, no file or address is opened."""

from __future__ import annotations

from lxml import etree

from collector.rawtable import Cells, Findings, PayloadRefused, RawTable
from collector.xml_safe import children, find, local, root_of, text_at, text_of_element
from domain.reasons import Refusal
from specs.columns import Wanted
from specs.decode import Pivot, XmlItems


def decode(body: bytes, spec: XmlItems, wanted: Wanted) -> RawTable:
    """Rows of an XML document; namespaces are passed over. Raises PayloadRefused."""
    root = root_of(body)
    _check(root, spec)
    items = _items(root, spec.items)
    if len(items) > spec.max_rows:
        raise PayloadRefused(Refusal.TOO_MANY_ROWS, f"{len(items)} rows, at most {spec.max_rows} are read")
    rows = [{local(child): text_of_element(child) for child in item} for item in items]
    if spec.pivot is not None:
        rows = [_pairs(item, spec.pivot) | row for item, row in zip(items, rows, strict=True)]
    met = {key for row in rows for key in row}
    columns: dict[str, Cells] = {key: [row.get(key) for row in rows] for key in met if wanted.takes(key)}
    for name in wanted.names:
        if name not in met and (name in {".", "key"} or any(sign in name for sign in "/@^:")):
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
    if "[]" in parent or "*" in parent:
        first, _, rest = path.replace("*[]/", "*/").replace("*/", "*[]/").partition("[]/")
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


def _pairs(item: etree._Element, pivot: Pivot) -> dict[str, str | None]:
    """The pairs of name and value inside a row, each as a column that is called as its name."""
    way, _, last = pivot.pairs.rpartition("/")
    holder = find(item, way)
    pairs = children(holder, last) if holder is not None else []
    found = {_deep(pair, pivot.name): _deep(pair, pivot.value) for pair in pairs}
    return {name: value for name, value in found.items() if name}


def _deep(item: etree._Element, name: str) -> str | None:
    here: etree._Element | None = item
    while name.startswith("^") and here is not None:
        here, name = here.getparent(), name[1:]
    if here is None:
        return None
    if name == "key" and find(here, name) is None:
        return local(here)
    return text_of_element(here) if name == "." else text_at(here, name)


def _check(root: etree._Element, spec: XmlItems) -> None:
    if spec.ok is None:
        return
    text = text_at(root, spec.ok.path)
    if text not in spec.ok.values:
        message = find(root, spec.ok.message) if spec.ok.message else None
        told = text_of_element(message) if message is not None else f"the document is {local(root)}"
        raise PayloadRefused(Refusal.PUBLISHER_ERROR, f"{spec.ok.path} is {text}: {told}")
