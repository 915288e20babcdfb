"""XML opened with care: no entity is expanded, no file or address is opened, and elements are called by their local names."""

from __future__ import annotations

from lxml import etree

from collector.rawtable import PayloadRefused
from domain.reasons import Refusal


def root_of(body: bytes, *, recover: bool = False) -> etree._Element:
    """The root of an XML document; `recover` passes over what is not well formed. Raises PayloadRefused."""
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, huge_tree=False, load_dtd=False, remove_comments=True, remove_pis=True,
        recover=recover,
    )  # fmt: skip
    try:
        root = etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError, LookupError) as error:
        told = str(error)
        reason = Refusal.TOO_DEEP if "depth" in told.lower() else Refusal.BAD_SYNTAX
        reason = Refusal.WRONG_ENCODING if "encod" in told.lower() else reason
        raise PayloadRefused(reason, f"not XML: {told}") from error
    if root is None:
        raise PayloadRefused(Refusal.BAD_SYNTAX, "not XML: no element in it")
    if root.getroottree().docinfo.internalDTD is not None:
        # No publisher of ours sends one; documents that do are made to swell or to read our files.
        raise PayloadRefused(Refusal.BAD_SYNTAX, "the document brings its own entity definitions")
    return root


def local(element: etree._Element) -> str:
    """The name of an element without its namespace."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def children(element: etree._Element, name: str) -> list[etree._Element]:
    """The children of this name, with or without its prefix; `*` is any."""
    name = name.rpartition(":")[2]
    return [child for child in element if name == "*" or local(child) == name]


def find(element: etree._Element, path: str) -> etree._Element | None:
    """The first element at a slash-separated path below `element`; "" is the element itself."""
    here: etree._Element | None = element
    for name in path.split("/") if path else []:
        here = next(iter(children(here, name)), None) if here is not None else None
    return here


def text_of_element(element: etree._Element) -> str | None:
    """The text of a node; an empty node is an empty text (the publisher sent the field and nothing in it)."""
    return "".join(part for part in element.itertext() if isinstance(part, str)).strip()


def text_at(element: etree._Element, path: str) -> str | None:
    """The text at a path that may end in `@attribute`; None where it leads nowhere."""
    way, sign, attribute = path.partition("@")
    here = find(element, way.rstrip("/"))
    if here is None:
        return None
    if not sign:
        return text_of_element(here)
    return next(
        (
            str(text)
            for name, text in here.attrib.items()
            if str(name).rpartition("}")[2] == attribute.rpartition(":")[2]
        ),
        None,
    )
