"""Payloads made to swell, to hang or to go deep cost a refusal, in memory and time in proportion to what came over the wire."""

from __future__ import annotations

import io
import struct
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from collector.decode import decode
from collector.inflate import CompressionError, inflate
from collector.rawtable import PayloadRefused
from domain.reasons import Refusal
from specs.columns import Wanted
from specs.decode import (
    Delimited,
    HtmlTable,
    JsonArrays,
    JsonHeader,
    JsonKeyed,
    JsonLines,
    JsonRows,
    Lines,
    Sheets,
    XmlItems,
)
from specs.standards import N42, BGeigie, Eurdep, Irix, MultiPoint, NetCdf
from tests.feeds.made import harvested, loaded

WANTED = Wanted(("k", "t"), ("v",), frozenset())
#: A payload may cost this many times its own size, and a floor for what the libraries take once.
TIMES, FLOOR = 60, 30_000_000


def xml_bomb(body: str = "<r>&j;</r>") -> bytes:
    entities = "".join(
        f'<!ENTITY {name} "{f"&{before};" * 10}">' for before, name in zip("abcdefghi", "bcdefghij", strict=True)
    )
    return f'<?xml version="1.0"?><!DOCTYPE r [<!ENTITY a "lol">{entities}]>{body}'.encode()


def zip_bomb() -> bytes:
    book, out, bomb = openpyxl.Workbook(), io.BytesIO(), io.BytesIO()
    book.save(out)
    with zipfile.ZipFile(out) as old, zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, old.read(name))
        new.writestr("xl/worksheets/sheet2.xml", b" " * 50_000_000)
    return bomb.getvalue()


def classic(length: int) -> bytes:
    """A classic NetCDF file of one variable along one dimension, without its values."""
    name = struct.pack(">I4s", 1, b"v")
    dimensions = struct.pack(">II", 10, 1) + name + struct.pack(">I", length)
    variable = name + struct.pack(">IIIIIII", 1, 0, 0, 0, 6, 8, 0)
    return (
        b"CDF\x01" + struct.pack(">I", 0) + dimensions + struct.pack(">II", 0, 0) + struct.pack(">II", 11, 1) + variable
    )


DEEP = 200_000
XML: dict[str, Any] = {
    "xml_items": XmlItems(format="xml_items", items="a/b"), "irix": Irix(format="irix"), "n42": N42(format="n42"),
    "gml": MultiPoint(format="gml_multipoint"), "json_in_xml": JsonRows(format="json_rows", in_xml=True),
}  # fmt: skip
JSON: dict[str, Any] = {
    "json_rows": JsonRows(format="json_rows"), "json_keyed": JsonKeyed(format="json_keyed", rows="a"), "json_arrays": JsonArrays(format="json_arrays", rows="a"),
    "json_header": JsonHeader(format="json_header", rows="a"),
}  # fmt: skip
CASES: dict[str, tuple[Any, Callable[[], bytes]]] = {
    **{f"entities in {name}": (spec, xml_bomb) for name, spec in XML.items()},
    "a file named by an entity": (XML["xml_items"], lambda: b'<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><r><a><b>&x;</b></a></r>'),
    "deep xml": (XML["xml_items"], lambda: b"<a>" * DEEP + b"</a>" * DEEP),
    **{f"deep lists in {name}": (spec, lambda: b'{"a":' + b"[" * DEEP + b"]" * DEEP + b"}") for name, spec in JSON.items()},
    "deep objects": (JSON["json_rows"], lambda: b'{"a":' * DEEP + b"1" + b"}" * DEEP),
    "ten million columns": (Delimited(format="delimited"), lambda: b"," * 10_000_000),
    "ten million columns of a header list": (JSON["json_header"], lambda: b'{"a":[[' + b'"",' * 1_000_000 + b'""]]}'),
    "a million lines": (Delimited(format="delimited"), lambda: b"k,t,v\n" + b"\n" * 1_000_000),
    "a million rows": (JsonRows(format="json_rows", max_rows=1000), lambda: b"[" + b"{}," * 1_000_000 + b"{}]"),
    "a workbook that swells": (Sheets(format="xlsx", has=("k",)), zip_bomb),
    "no workbook": (Sheets(format="xlsx", has=("k",)), lambda: b"PK\x03\x04" + b"\0" * 1000),
    "a page of nested tables": (HtmlTable(format="html_table", has=("k",)), lambda: b"<html>" + b"<table><tr><td>" * 20_000),
    "a turned text of one long line": (Delimited(format="delimited", transposed=True), lambda: b"k" + b",x" * 150_000 + b"\na" * 5_000),
    "a turned page of one wide row": (HtmlTable(format="html_table", has=("k",), transposed=True), lambda: b"<table><tr>" + b"<td>k" * 5000 + b"<tr><td>a" * 5000 + b"</table>"),
    "a section without end": (Delimited(format="delimited", section="(?P<k>(a+)+)!"), lambda: b"k,t,v\n" + b"a" * 1_000_000),
    "a grid of more places than cells": (JSON["json_header"], lambda: b'{"a":[["k"],' + b"[1,2]," * 20_000 + b"[]]}"),
    "a classic cube of all the world": (NetCdf(format="netcdf", rows="v"), lambda: classic(0x7FFFFFFF)),
    "a classic cube that ends early": (NetCdf(format="netcdf", rows="v"), lambda: classic(150_000)),
    "a classic header that counts for ever": (NetCdf(format="netcdf", rows="v"), lambda: b"CDF\x01" + b"\0" * 4 + b"\0\0\0\x0a\xff\xff\xff\xff" + b"\0" * 1_000_000),
    "no eurdep": (Eurdep(format="eurdep"), lambda: b"\\" * 1_000_000),
    "channels that swell": (
        N42(format="n42"),
        lambda: b"<RadInstrumentData><RadMeasurement><Spectrum><ChannelData compressionCode='CountedZeroes'>0 999999999999</ChannelData></Spectrum></RadMeasurement></RadInstrumentData>",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_a_payload_made_to_hurt_is_refused_within_bounds(name: str) -> None:
    spec, make = CASES[name]
    body = make()
    tracemalloc.start()
    try:
        refused = _refused(body, spec)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert refused
    assert peak < TIMES * len(body) + FLOOR


def _refused(body: bytes, spec: Any) -> bool:
    """Whether the payload, or every row of it, was refused with a reason."""
    try:
        table = decode(body, spec, WANTED)
    except PayloadRefused as error:
        return error.reason in set(Refusal)
    return len(table) == 0 and bool(table.findings.refused)


@pytest.mark.parametrize("pattern", ["(?P<k>(a+)+)", "(?P<k>(a|a)*)b", "(?P<k>.*.*.*.*.*=.*)", "(?P<k>([a-z]+)*[0-9])"])
def test_no_text_makes_a_pattern_hang(pattern: str) -> None:
    spec = Lines(format="lines", pattern=pattern)
    assert _refused(b"a" * 1_000_000 + b"!", spec)


@pytest.mark.parametrize("text", ["9" * 60, " " * 5000 + "x", "1" * 5000 + "-", "2026" + "-" * 60, "9" * 5000 + ":00"])
def test_no_stamp_or_number_makes_a_reader_hang(text: str, tmp_path: Path) -> None:
    forms = """\
forms:
  - id: rows
    request: {url: "https://lab.example/a"}
    decode: {format: json_rows}
    station: {key: k, position: {text: p, form: iso6709}}
    time: {column: t, format: loose, zone: UTC}
    measures: [{column: v, quantity: air_dose_rate_as_published, unit: uSv/h, thousands: ","}]
"""
    config = loaded(tmp_path, forms)
    (harvest,) = harvested(
        config, ("https://lab.example/a", f'[{{"k": "a", "t": "{text}", "p": "{text}", "v": "{text}"}}]')
    )
    assert harvest.readings is None and set(harvest.refused) <= {
        Refusal.BAD_TIME,
        Refusal.TIME_TOO_OLD,
        Refusal.BAD_NUMBER,
    }


def test_a_broken_line_costs_that_line_only() -> None:
    body = b'{"k": "a"}\n' + b"[" * 100_000 + b'\n{"k": "b"}\n'
    table = decode(body, JsonLines(format="json_lines"), WANTED)
    assert list(table.columns["k"]) == ["a", "b"] and table.findings.refused.total() == 1


def test_a_log_of_noise_is_refused_line_by_line() -> None:
    table = decode(b"$" * 100_000 + b"\n" + b"$BNRDD,*\n" * 1000, BGeigie(format="bgeigie"), WANTED)
    assert len(table) == 0 and table.findings.refused.total() == 1001 and len(table.findings.rows) <= 50


def test_a_body_that_unpacks_without_end_stops_at_the_limit() -> None:
    import gzip

    with pytest.raises(CompressionError) as caught:
        inflate(gzip.compress(b"\0" * 50_000_000), "gzip", 1_000_000)
    assert caught.value.reason is Refusal.TOO_LARGE
