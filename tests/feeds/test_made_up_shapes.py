"""Answers in shapes that no publisher of ours has, each read by YAML alone, with the words that `docs/feeds.md` gives; all are made up."""

from __future__ import annotations

import io
from pathlib import Path

import openpyxl
import pytest

from domain.reasons import Refusal
from tests.feeds.made import harvested, loaded, values

URL = "https://lab.example/answer"
DOSE = "quantity: air_dose_rate_as_published"
UTC = "zone: UTC, zone_stated: true"
JAPAN = "zone: Asia/Tokyo, zone_stated: true"
NOON, BEFORE = "2026-11-01T12:00:00Z", "2026-11-01T11:00:00Z"


def form(decode: str, station: str, time: str, measure: str) -> str:
    """One form of one measure; the parts are YAML between braces."""
    return (
        f'forms:\n  - id: rows\n    request: {{url: "{URL}"}}\n    decode: {{{decode}}}\n    station: {{{station}}}\n'
        f"    time: {{{time}}}\n    measures: [{{{DOSE}, {measure}}}]\n"
    )


def read(folder: Path, made: str, body: str | bytes) -> list[tuple[str, str, str]]:
    """Station, end and text of every reading; nothing may be refused."""
    (harvest,) = harvested(loaded(folder, made), (URL, body))
    assert not harvest.refused, harvest.refused_rows
    return [(station, end, text) for station, _, end, text in values(harvest)]


SHAPES = {
    "an object by place of [time, value, judgement]": (
        form('format: json_rows, rows: "sites{}.obs[]"', "key: ^key", f'column: "0", format: epoch_s, {UTC}', 'column: "1", unit: nSv/h, missing: ["-9999"]'),
        '{"sites": {"A": {"obs": [[1793534400, 71.50, 0], [1793533800, -9999.0, 0]]}, "B": {"obs": []}}}',
        [("A", NOON, "71.50")],
    ),
    "labels of a chart beside its sets of data": (
        form('format: json_arrays, holders: "datasets[]"', "key: ^label", f"column: ^^labels, {UTC}", "column: data, unit: nSv/h"),
        '{"labels": ["2026-11-01T11:00", "2026-11-01T12:00"], "datasets": [{"label": "A", "data": [71, 72]}, {"label": "B", "data": [81, null]}]}',
        [("A", BEFORE, "71"), ("A", NOON, "72"), ("B", BEFORE, "81")],
    ),
    "a grid of places and times": (
        form('format: json_header, header: times, rows: values, unpivot: {name: time, columns: {dose: "{}"}}', "key: ^places", f"column: time, {UTC}", "column: dose, unit: nSv/h"),
        '{"places": ["A", "B"], "times": ["2026-11-01T11:00", "2026-11-01T12:00"], "values": [[71, 72], [null, 82]]}',
        [("A", BEFORE, "71"), ("A", NOON, "72"), ("B", NOON, "82")],
    ),
    "a coverage whose axes stand apart": (
        form("format: json_arrays, rows: ranges.dose", "key: {fixed: A}", f"column: ^domain.axes.t.values, {UTC}", "column: values, unit: nSv/h"),
        '{"domain": {"axes": {"t": {"values": ["2026-11-01T11:00Z", "2026-11-01T12:00Z"]}}}, "ranges": {"dose": {"axisNames": ["t", "y", "x"], "values": [71, 72]}}}',
        [("A", BEFORE, "71"), ("A", NOON, "72")],
    ),
    "names with dots in them, and two levels above": (
        form('format: json_rows, rows: "value[].Datastreams[].Observations[]"', 'key: "^^@iot.id"', f"column: phenomenonTime, {UTC}", "column: result, unit: nSv/h, unit_column: ^unit.symbol"),
        '{"value": [{"@iot.id": 7, "Datastreams": [{"unit": {"symbol": "nSv/h"}, "Observations": [{"phenomenonTime": "2026-11-01T12:00:00Z", "result": 71.5}]}]}]}',
        [("7", NOON, "71.5")],
    ),
    "a column per hour, and the day in a sentence": (
        form("""format: delimited, header_begins: Place, sentences: ['Values of (?P<day>[\\d-]+)'], unpivot: {name: hour, columns: {dose: "{}h"}}""", "key: Place",
             f'column: $head.day, clock: hour, format: "%Y-%m-%d %H", {JAPAN}', "column: dose, unit: nSv/h"),
        "Values of 2026-11-01 (JST), nSv/h\nPlace,20h,21h\nA,71,72\nB,,82\n",
        [("A", BEFORE, "71"), ("A", NOON, "72"), ("B", NOON, "82")],
    ),
    "a table under each heading": (
        form("""format: delimited, section: '\\[(?P<area>.+)\\]'""", "key: [area, s]", f"column: t, {UTC}", "column: d, unit: nSv/h"),
        "[North]\ns,t,d\nA,2026-11-01T12:00,71\n\n[South]\ns,t,d\nA,2026-11-01T12:00,72\n",
        [("North-A", NOON, "71"), ("South-A", NOON, "72")],
    ),
    "headings between lines": (
        form("""format: lines, section: '== (?P<area>.+) ==', pattern: '(?P<s>\\w+) (?P<t>\\S+) (?P<d>[\\d.]+)'""", "key: [area, s]", f"column: t, {UTC}", "column: d, unit: nSv/h"),
        "== North ==\nA 2026-11-01T12:00 71\n== South ==\nA 2026-11-01T12:00 72\n",
        [("North-A", NOON, "71"), ("South-A", NOON, "72")],
    ),
    "places across, quantities down": (
        form("format: delimited, transposed: true", "key: place", f"column: time, {UTC}", "column: dose, unit: nSv/h"),
        "place,A,B\ntime,2026-11-01T12:00,2026-11-01T11:00\ndose,71,72\n",
        [("A", NOON, "71"), ("B", BEFORE, "72")],
    ),
    "cells that are merged, and a window in one cell": (
        form("""format: delimited, fill_down: [area, window], parts: {window: '(?P<from>.+)/(?P<to>.+)'}""", "key: [area, s]", f"column: window.to, begin: window.from, {UTC}", "column: d, unit: nSv/h"),
        "area,s,window,d\nNorth,A,2026-11-01T11:00Z/2026-11-01T12:00Z,71\n,B,,72\n",
        [("North-A", NOON, "71"), ("North-B", NOON, "72")],
    ),
    "elements that are called as their places": (
        form("format: xml_items, items: stations/*", "key: key", f"column: t, {UTC}", "column: d, unit: nSv/h"),
        "<r><stations><A1><t>2026-11-01T12:00</t><d>71</d></A1><B2><t>2026-11-01T11:00</t><d>72</d></B2></stations></r>",
        [("A1", NOON, "71"), ("B2", BEFORE, "72")],
    ),
    "elements and attributes by their prefixes": (
        form("format: xml_items, items: o:obs", 'key: "@o:at"', f'column: "o:t", {UTC}', 'column: o:v, unit: uSv/h, unit_column: "o:v/@uom"'),
        '<o:r xmlns:o="urn:x"><o:obs o:at="A"><o:t>2026-11-01T12:00</o:t><o:v uom="µSv/h">0.071</o:v></o:obs></o:r>',
        [("A", NOON, "0.071")],
    ),
    "a page with its day above the table": (
        form("""format: html_table, has: [Place, Dose], section: '(?P<area>\\w+) district', sentences: ['on (?P<day>[\\d.]+)']""", "key: [area, Place]",
             f'column: $head.day, clock: Time, format: "%d.%m.%Y %H:%M", {UTC}', "column: Dose, unit: nSv/h"),
        ("<html><h2>Dose on 01.11.2026</h2><table><tr><th>Place</th><th>Time</th><th>Dose</th></tr><tr><td colspan=3>North district</td></tr>"
        "<tr><td>A</td><td>12:00</td><td>71</td></tr></table></html>"),
        [("North-A", NOON, "71")],
    ),
    "stamps without a year": (
        form("format: delimited", "key: s", f'column: t, lacks: year, format: "%Y %m/%d %H:%M", {JAPAN}', "column: d, unit: nSv/h"),
        "s,t,d\nA,11/01 21:00,71\nB,12/31 21:00,72\n",
        [("A", NOON, "71"), ("B", "2025-12-31T12:00:00Z", "72")],
    ),
    "stamps without a day": (
        form("format: delimited", "key: s", f'column: t, lacks: day, format: "%Y-%m-%d %H:%M", {JAPAN}', "column: d, unit: nSv/h"),
        "s,t,d\nA,21:00,71\nB,23:50,72\n",
        [("A", NOON, "71"), ("B", "2026-10-31T14:50:00Z", "72")],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SHAPES)
def test_a_shape_is_read_by_yaml_alone(name: str, tmp_path: Path) -> None:
    made, body, wanted = SHAPES[name]
    assert read(tmp_path, made, body) == wanted


@pytest.mark.parametrize(("order", "text"), [("lon_lat", "129.1,35.1,12"), ("lon_lat", "POINT(129.1 35.1)"), ("lon_lat", "POINT Z (129.1, 35.1, 12)"), ("lat_lon", "(35.1, 129.1)")])  # fmt: skip
def test_a_place_in_one_text(order: str, text: str, tmp_path: Path) -> None:
    made = form("format: delimited, delimiter: tab", f"key: s, position: {{text: p, order: {order}}}", f"column: t, {UTC}", "column: d, unit: nSv/h")  # fmt: skip
    (harvest,) = harvested(loaded(tmp_path, made), (URL, f"s\tt\td\tp\nA\t2026-11-01T12:00\t71\t{text}\n"))
    assert (harvest.stations[0].latitude_deg, harvest.stations[0].longitude_deg) == (35.1, 129.1)


WORKBOOK = form(
    "format: xlsx, has: [地点], header_lines: 2, fill_down: [地域], footer_begins: [注], sentences: ['(?P<day>\\d{4}年\\d+月\\d+日)']", "key: [地域, 地点]",
    f"column: $head.day, clock: 時刻, format: loose, {JAPAN}", "column: 線量率 (nSv/h), unit: nSv/h",
)  # fmt: skip


def test_a_workbook_with_a_title_two_header_rows_merged_cells_and_a_footer(tmp_path: Path) -> None:
    book, out = openpyxl.Workbook(), io.BytesIO()
    sheet = book.active
    for row in (
        ["測定結果 2026年11月1日"], [], ["地域", "地点", "時刻", "線量率", None], [None, None, None, "(nSv/h)", "備考"], ["北", "港", "21時", 71.5, None],
        [None, "山", "20時00分", 72, "雨"], ["注 速報値"], ["港", "x", "y", 1],
    ):  # fmt: skip
        sheet.append(row)
    sheet.merge_cells("A5:A6")
    book.save(out)
    assert read(tmp_path, WORKBOOK, out.getvalue()) == [("北-港", NOON, "71.5"), ("北-山", BEFORE, "72")]


def test_a_cell_that_its_pattern_does_not_fit_is_counted(tmp_path: Path) -> None:
    made = form("""format: delimited, parts: {cell: '(?P<dose>[\\d.]+) (?P<unit>\\S+)'}""", "key: s", f"column: t, {UTC}", "column: cell.dose, unit: nSv/h, unit_column: cell.unit")  # fmt: skip
    body = "s,t,cell\nA,2026-11-01T12:00,71 nSv/h\nB,2026-11-01T12:00,much\nC,2026-11-01T12:00,\n"
    (harvest,) = harvested(loaded(tmp_path, made), (URL, body))
    assert [row[0] for row in values(harvest)] == ["A"]
    assert dict(harvest.refused) == {Refusal.NOT_A_RECORD: 1}
