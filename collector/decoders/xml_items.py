"""XML with one element per row; its children are columns. No entity is expanded, no file or address is opened."""

from __future__ import annotations

from lxml import etree

from collector.rawtable import Cells, Findings, PayloadRefused, RawTable
from domain.reasons import Refusal
from specs.columns import Wanted
from specs.decode import XmlItems

_DEEPEST = 200


def decode(body: bytes, spec: XmlItems, wanted: Wanted) -> RawTable:
    """Rows of an XML document; namespaces are passed over. Raises PayloadRefused."""
    root = _root(body)
    _check(root, spec)
    parent, _, name = spec.items.rpartition("/")
    holder = _find(root, parent)
    if holder is None and _find(root, parent.rpartition("/")[0]) is not None and "/" in parent:
        holder = etree.Element("none")  # a document without items: the publisher has nothing to say, and says so
    if holder is None:
        raise PayloadRefused(
            Refusal.ROWS_NOT_FOUND,
            f"no {parent} below {_local(root)}; there are {', '.join(_local(child) for child in root[:8])}",
        )
    items = [child for child in holder if _local(child) == name]
    if len(items) > spec.max_rows:
        raise PayloadRefused(Refusal.TOO_MANY_ROWS, f"{len(items)} rows, at most {spec.max_rows} are read")
    rows = [{_local(child): _text(child) for child in item} for item in items]
    met = {key for row in rows for key in row}
    columns: dict[str, Cells] = {key: [row.get(key) for row in rows] for key in wanted.names if key in met}
    lines = [item.sourceline or number for number, item in enumerate(items, 1)]
    where = lines if len(set(lines)) == len(lines) else list(range(1, len(rows) + 1))
    return RawTable(columns, where, len(rows), findings=Findings())


def _root(body: bytes) -> etree._Element:
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, huge_tree=False, load_dtd=False, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError, LookupError) as error:
        told = str(error)
        reason = Refusal.TOO_DEEP if "depth" in told.lower() else Refusal.BAD_SYNTAX
        reason = Refusal.WRONG_ENCODING if "encod" in told.lower() else reason
        raise PayloadRefused(reason, f"not XML: {told}") from error
    if root.getroottree().docinfo.internalDTD is not None:
        # No publisher of ours sends one; documents that do are made to swell or to read our files.
        raise PayloadRefused(Refusal.BAD_SYNTAX, "the document brings its own entity definitions")
    return root


def _check(root: etree._Element, spec: XmlItems) -> None:
    if spec.ok is None:
        return
    found = _find(root, spec.ok.path)
    text = _text(found) if found is not None else None
    if text not in spec.ok.values:
        message = _find(root, spec.ok.message) if spec.ok.message else None
        told = _text(message) if message is not None else f"the document is {_local(root)}"
        raise PayloadRefused(Refusal.PUBLISHER_ERROR, f"{spec.ok.path} is {text}: {told}")


def _find(root: etree._Element, path: str) -> etree._Element | None:
    here: etree._Element | None = root
    for name in path.split("/") if path else []:
        here = next((child for child in here if _local(child) == name), None) if here is not None else None
    return here


def _local(element: etree._Element) -> str:
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def _text(element: etree._Element) -> str | None:
    """The text of a node; an empty node is an empty text (the publisher sent the field and nothing in it)."""
    return "".join(part for part in element.itertext() if isinstance(part, str)).strip()
