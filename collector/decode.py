"""The decoder of each format, and what is checked of every payload before it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from collector.cells import filled_down, parted
from collector.decoders import (
    bgeigie,
    blocks,
    delimited,
    eurdep,
    fixed_width,
    gml_multipoint,
    html_items,
    html_table,
    irix,
    json_rows,
    json_shapes,
    json_suffix,
    lines,
    n42,
    netcdf,
    sheets,
    side_by_side,
    wide_text,
    xml_items,
)
from collector.packaged import members
from collector.rawtable import PayloadRefused, RawTable, joined
from collector.unpivot import unpivoted
from domain.reasons import Refusal
from specs.columns import Wanted
from specs.common import Unpivot
from specs.decode import Decode

Decoder = Callable[[bytes, Any, Wanted], RawTable]
DECODERS: dict[str, Decoder] = {
    "json_rows": json_rows.decode,
    "json_keyed": json_shapes.keyed,
    "json_arrays": json_shapes.arrays,
    "json_header": json_shapes.header,
    "json_lines": json_shapes.lines,
    "json_suffix": json_suffix.decode,
    "delimited": delimited.decode,
    "wide_text": wide_text.decode,
    "xml_items": xml_items.decode,
    "side_by_side": side_by_side.decode,
    "lines": lines.decode,
    "fixed_width": fixed_width.decode,
    "blocks": blocks.decode,
    "html_table": html_table.decode,
    "html_items": html_items.decode,
    "xlsx": sheets.decode,
    "eurdep": eurdep.decode,
    "irix": irix.decode,
    "n42": n42.decode,
    "bgeigie": bgeigie.decode,
    "gml_multipoint": gml_multipoint.decode,
    "netcdf": netcdf.decode,
}
_HEAD_BYTES = 4096
_HTML = (b"<!doctype html", b"<html", b"<head", b"<body")


def decode(body: bytes, spec: Decode, wanted: Wanted) -> RawTable:
    """The rows of a payload as columns of text; raises PayloadRefused for a payload that is not what the form says."""
    if spec.inside and body.strip():
        parts = [_decoded(part, spec, wanted) for part in members(body, spec.inside)]
        return parts[0] if len(parts) == 1 else joined(parts, spec.max_rows)
    return _decoded(body, spec, wanted)


def _decoded(body: bytes, spec: Decode, wanted: Wanted) -> RawTable:
    head = body[:_HEAD_BYTES].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if not body.strip():
        raise PayloadRefused(Refusal.EMPTY_BODY, "the answer has no content")
    for mark in spec.error_marks:
        if mark.encode().lower() in head:
            raise PayloadRefused(Refusal.PUBLISHER_ERROR, _plain_text(body))
    if head.startswith(_HTML) and spec.format not in {"html_table", "html_items"}:
        raise PayloadRefused(Refusal.HTML_INSTEAD, f"an HTML page instead of {spec.format}: {_plain_text(body)}")
    unpivot: Unpivot | None = getattr(spec, "unpivot", None)
    if spec.parts:
        wanted = replace(wanted, texts=tuple(dict.fromkeys((*wanted.texts, *spec.parts))))
    table = DECODERS[spec.format](body, spec, wanted if unpivot is None else replace(wanted, every=True))
    if spec.fill_down:
        table = filled_down(table, spec.fill_down)
    if unpivot is not None:
        table = unpivoted(table, unpivot, wanted)
    if spec.parts:
        table = parted(table, spec.parts)
    missing = sorted(name for name in wanted.needed if len(table) and name not in table.columns)
    if missing:
        raise PayloadRefused(
            Refusal.MISSING_COLUMN, f"no column {', '.join(missing)}; there are {', '.join(list(table.columns)[:12])}"
        )
    return table


def _plain_text(body: bytes) -> str:
    """The first words of a page, without its tags, for people who look a refusal up."""
    words, inside = [], False
    for letter in body[:_HEAD_BYTES].decode("utf-8", "replace"):
        inside = letter == "<" or (inside and letter != ">")
        words.append(" " if inside or letter == ">" else letter)
    return " ".join("".join(words).split())[:200]
