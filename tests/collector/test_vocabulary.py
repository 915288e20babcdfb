"""Every word of the mapping vocabulary on a small body that we wrote; each expectation was worked out by hand."""

from __future__ import annotations

import io
import math
from datetime import UTC, datetime
from pathlib import Path

import openpyxl
import pytest

from collector.plan import planned
from collector.positions import angle, pair
from domain.reasons import Ignored, Refusal
from specs.loading import ConfigError
from tests.feeds.made import RECEIVED, harvested, loaded, values

URL = "https://lab.example/answer"
FORM = """\
forms:
  - id: rows
    request: {{url: "https://lab.example/answer"}}
    decode: {{{decode}}}
    station: {{{station}}}
    time: {{{time}}}
    measures:
      - {{column: {column}, quantity: air_dose_rate_as_published, unit: uSv/h{more}}}
"""
ISO = "column: t, zone: UTC, zone_stated: true"
T = "2026-11-01T12:00:00Z"


def form(decode: str, *, column: str = "v", station: str = "key: k", time: str = ISO, more: str = "") -> str:
    return FORM.format(decode=decode, station=station, time=time, column=column, more=more and ", " + more)


#: name -> (form, body, readings as (station, text))
FORMATS: dict[str, tuple[str, str, list[tuple[str, str]]]] = {
    "object keyed by id": (form("format: json_keyed, rows: a", station="key: key"), '{"a": {"x1": {"t": "@T", "v": 0.10}}}', [("x1", "0.10")]),
    "keyed pairs of value and quality": (
        form("format: json_keyed", station="key: key", time="column: $received, format: epoch_s, zone: UTC, zone_stated: true",
             column="w.0", more='quality: {column: w.1, texts: ["0"]}'),
        '{"x1": {"w": [0.10, 0]}, "x2": {"w": [0, 5]}, "x3": {"w": [null, 0]}}', [("x1", "0.10")],
    ),
    "parallel arrays": (
        form("format: json_arrays, rows: h", station="key: ^id"), '{"id": "p", "h": {"t": ["@T", "2026-11-01T11:00:00Z"], "v": [0.10, 0.2]}}',
        [("p", "0.10"), ("p", "0.2")],
    ),
    "parallel arrays of several places": (
        form("format: json_arrays, rows: h, each: true", station="key: ^id"),
        '[{"id": "p", "h": {"t": ["@T"], "v": [0.1]}}, {"id": "q", "h": {"t": ["@T"], "v": [0.2]}}]', [("p", "0.1"), ("q", "0.2")],
    ),
    "header list and arrays": (form("format: json_header, rows: d"), '{"d": [["k", "t", "v"], ["a", "@T", 0.10]]}', [("a", "0.10")]),
    "json lines": (form("format: json_lines, rows: d"), '{"d": {"k": "a", "t": "@T", "v": 0.10}}\r\n\r\nnonsense\r\n', [("a", "0.10")]),
    "json inside xml": (
        form("format: json_rows, in_xml: true"), '<string xmlns="http://x/">[{"k":"a","t":"@T","v":"0.10"}]</string>', [("a", "0.10")]
    ),
    "rows below rows": (
        form('format: json_rows, rows: "s[].m"', station="key: ^id"), '{"s": [{"id": "a", "m": [{"t": "@T", "v": 0.1}]}, {"id": "b", "m": []}]}',
        [("a", "0.1")],
    ),
    "a list that collapsed to one object": (form("format: json_rows, rows: d"), '{"d": {"k": "a", "t": "@T", "v": 1}}', [("a", "1")]),
    "pivot of pairs": (
        form("format: json_rows, pivot: {pairs: p, name: n, value: x}"),
        '[{"k": "a", "t": "@T", "p": [{"n": "v", "x": "0.10"}, {"n": "hum", "x": 3}]}]', [("a", "0.10")],
    ),
    "packed fields": (
        form("format: json_rows, packed: {column: z}", column="z.Dose rate"), '[{"k": "a", "t": "@T", "z": "Id:7,Dose rate:0.10,Volt:8"}]',
        [("a", "0.10")],
    ),
    "geojson": (
        form("format: json_rows, rows: features", station="key: properties.k, position: {latitude: geometry.coordinates.1, longitude: geometry.coordinates.0}",
             time="column: properties.t, zone: UTC, zone_stated: true", column="properties.v"),
        '{"features": [{"properties": {"k": "a", "t": "@T", "v": 0.10}, "geometry": {"coordinates": [139.5, 35.5]}}]}', [("a", "0.10")],
    ),
    "byte order mark, carriage returns, preamble, guards": (
        form("format: delimited, skip_lines: 1, guards: true"), '\ufeffReport\rk,t,v\r="001",@T,="0.123"\r', [("001", "0.123")]
    ),
    "long delimiter and unit line": (
        form('format: delimited, delimiter: "||", unit_line: true', more="unit_column: $head.unit.v"), "k||t||v\n||||uSv/h\na||@T||0.10\n",
        [("a", "0.10")],
    ),
    "footer": (form("format: delimited, footer_begins: [Legend]"), "k,t,v\na,@T,0.1\nLegend,x,y\nb,@T,0.2", [("a", "0.1")]),
    "other quotes": (form("""format: delimited, quote: "'" """), "k,t,v\n'a,b',@T,0.1\n", [("a,b", "0.1")]),
    "whitespace table": (form("format: delimited, delimiter: whitespace"), "k   t  v\na  @T     0.10\n", [("a", "0.10")]),
    "packed cells of delimited text": (
        form('format: delimited, packed: {column: z, between: "|", after_name: "="}', column="z.v"), "k,t,z\na,@T,v=0.1|w=2\n", [("a", "0.1")]
    ),
    "one line per record": (
        form(r"""format: lines, pattern: '(?P<v>[0-9.]+) uSv/h on (?P<t>\S+ \S+)UTC at (?P<k>.+)' """, time='column: t, format: "%Y-%m-%d %H:%M:%S", zone: UTC, zone_stated: true'),
        "0.10 uSv/h on 2026-11-01 12:00:00UTC at Hoth, north\r\nbroken\r\n", [("Hoth, north", "0.10")],
    ),
    "xml with namespaces, attributes and paths": (
        form("format: xml_items, items: 'st[]/m'", station="key: ^@id", time="column: '@t', zone: UTC, zone_stated: true", column="r/dose"),
        '<x:d xmlns:x="u"><x:st id="a"><x:m t="@T"><x:r><x:dose>0.10</x:dose></x:r></x:m></x:st><x:st id="b"/></x:d>', [("a", "0.10")],
    ),
    "html table": (
        form("format: html_table, has: [k, Dose]", column="Dose"),
        ("<!DOCTYPE html><html><body><table><tr><td>menu</td></tr></table><table><tr><th>k</th><th>t</th><th>Dose</th></tr>"
        "<tr><td>a<br></td><td>@T</td><td><b>0.10</b></td></tr><tr><td></td></tr></table></body></html>"), [("a", "0.10")],
    ),
    "two columns of time with 24:00": (
        form("format: delimited", time='column: d, clock: h, format: "%d/%m/%Y %H:%M", zone: Asia/Tokyo, zone_stated: true'),
        "k,d,h,v\na,31/10/2026,24:00,0.10\n", [("a", "0.10")],
    ),
    "thousands": (form("format: delimited", more='thousands: "\'"'), "k,t,v\na,@T,1'234.5\nb,@T,1'23\n", [("a", "1'234.5")]),
    "epoch seconds": (
        form("format: delimited", time="column: t, format: epoch_s, zone: UTC, zone_stated: true"), "k,t,v\na,1793534400,0.1\n", [("a", "0.1")]
    ),
    "filetime": (
        form("format: delimited", time="column: t, format: filetime, zone: UTC, zone_stated: true"), "k,t,v\na,134380080000000000,0.1\n", [("a", "0.1")]
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_gives_its_readings(name: str, tmp_path: Path) -> None:
    text, body, expected = FORMATS[name]
    (harvest,) = harvested(loaded(tmp_path, text), (URL, body.replace("@T", T)))
    assert [(station, value) for station, _, _, value in values(harvest)] == expected
    assert all(end.startswith(("2026-11-01", "2026-10-31T15:00")) for _, _, end, _ in values(harvest))


def test_what_a_quality_mark_rejects_is_counted(tmp_path: Path) -> None:
    text, body, _ = FORMATS["keyed pairs of value and quality"]
    (harvest,) = harvested(loaded(tmp_path, text), (URL, body))
    assert dict(harvest.refused) == {Refusal.FILTERED_BY_FEED: 1}  # x3 has no value, so there is nothing to reject


def workbook() -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "T-1"
    for row in (
        ["monitoring of 2026"], ["Date", "Time", "Dose", "limit", "Dose"], ["日付"], [datetime(2026, 10, 31), "12:30", 0.125, None, 7],
        [datetime(2026, 11, 1), datetime(2026, 11, 1, 9, 0).time(), "ND", 0.1, None], ["Legend: none", "x"], [datetime(2026, 11, 1), "10:00", 9],
    ):  # fmt: skip
        sheet.append(row)
    book.create_sheet("notes").append(["nothing"])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def test_a_workbook_with_a_footer(tmp_path: Path) -> None:
    text = form(
        "format: xlsx, has: [Date, Dose], skip_rows: 1, footer_begins: [Legend]", station="key: sheet", column="Dose",
        time="column: Date, clock: Time, format: loose, zone: Asia/Tokyo, zone_stated: true", more="not_measured: [ND]",
    )  # fmt: skip
    (harvest,) = harvested(loaded(tmp_path, text), (URL, workbook()))
    assert values(harvest) == [("T-1", "air_dose_rate_as_published", "2026-10-31T03:30:00Z", "0.125")]
    assert dict(harvest.ignored) == {Ignored.NOT_MEASURED: 1}
    assert not harvest.refused


CATALOGUE = """\
forms:
  - id: stations
    request: {url: "https://lab.example/stations"}
    decode: {format: json_keyed}
    station: {key: key, names: {ja: kj}, position: {latitude: lat, longitude: lon, form: degrees_minutes}, elevation_m: alt, kind: gauge}
    catalogue: true
  - id: map
    request: {url: "https://lab.example/map/{at}.json", variables: {at: {format: "%Y%m%d%H%M00", zone: Asia/Tokyo, offset_s: -120, step_s: 600}}}
    decode: {format: json_keyed}
    station: {key: key}
    time: {column: $url.at, format: "%Y%m%d%H%M%S", zone: Asia/Tokyo, zone_stated: true}
    measures:
      - {column: rain.0, quantity: precipitation_amount, unit: mm, medium: weather, window_s: 600, quality: {column: rain.1, texts: ["0"]}}
"""


def test_stations_from_another_request_and_time_from_the_address(tmp_path: Path) -> None:
    config = loaded(tmp_path, CATALOGUE)
    requests = planned(config.feeds[0], RECEIVED.timestamp())
    assert [one.url for one in requests] == [
        "https://lab.example/stations",
        "https://lab.example/map/20261101210000.json",
    ]
    stations = '{"11001": {"lat": [45, 31.2], "lon": [141, 56.1], "alt": 26, "kj": "宗谷岬"}}'
    found = harvested(config, (requests[0].url, stations), (requests[1].url, '{"11001": {"rain": [0.5, 0]}}'))
    assert found[0].readings is None and len(found[0].stations) == 1
    (station,) = found[1].stations
    assert station.latitude_deg == pytest.approx(45.52) and station.longitude_deg == pytest.approx(141.935)
    assert (station.elevation_m, station.kind, dict(station.names)) == (26, "gauge", {"ja": "宗谷岬"})
    assert values(found[1]) == [("11001", "precipitation_amount", "2026-11-01T12:00:00Z", "0.5")]


@pytest.mark.parametrize(
    ("text", "form", "degrees"),
    [
        ("35.5", "degrees", 35.5), ("-35.5", "degrees", -35.5), ("N64.1276", "degrees", 64.1276), ("W021.9019", "degrees", -21.9019),
        ("35.5 S", "degrees", -35.5), ("35°41′22″N", "dms", 35 + 41 / 60 + 22 / 3600), ("35 41 22.5 S", "dms", -(35 + 41 / 60 + 22.5 / 3600)),
        ("35:30:00", "dms", 35.5), ("45 31.2", "degrees_minutes", 45.52), ("[45, 31.2]", "degrees_minutes", 45.52), ("3538.5284", "nmea", 35 + 38.5284 / 60),
        ("-35.5 W", "degrees", math.nan), ("35.5 Q", "degrees", math.nan), ("35°61′00″N", "dms", math.nan), ("35°41′", "dms", math.nan),
        ("", "degrees", math.nan), ("9" * 300, "degrees", math.nan), ("35.5 41", "degrees_minutes", math.nan),
    ],
)  # fmt: skip
def test_angles(text: str, form: str, degrees: float) -> None:
    assert angle(text, form) == pytest.approx(degrees, nan_ok=True)


@pytest.mark.parametrize(
    ("text", "form", "order", "place"),
    [
        ("35.5,139.5", "degrees", "lat_lon", (35.5, 139.5)), ("139.5 35.5", "degrees", "lon_lat", (35.5, 139.5)),
        ("37°25′24″N/141°02′30″E", "dms", "lat_lon", (37 + 25 / 60 + 24 / 3600, 141 + 2.5 / 60)),
        ("+35.5+139.5/", "iso6709", "lat_lon", (35.5, 139.5)), ("(35.5; 139.5)", "degrees", "lat_lon", (35.5, 139.5)),
        ("35 30 0 N 139 30 0 E", "dms", "lat_lon", (35.5, 139.5)), ("nowhere", "degrees", "lat_lon", (math.nan, math.nan)),
    ],
)  # fmt: skip
def test_pairs(text: str, form: str, order: str, place: tuple[float, float]) -> None:
    assert pair(text, form, order) == pytest.approx(place, nan_ok=True)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (form("format: lines, pattern: 'x(?=y)(?P<v>a)'"), "no pattern that we can run"),
        (form("format: lines, pattern: 'abc'"), "the pattern names no column"),
        (form("format: delimited", time="column: $received, zone: UTC"), "`$received` needs"),
        (form("format: delimited", station="key: k, position: {latitude: a}"), "a position is `latitude` and `longitude`, or one `text`"),
        (CATALOGUE.replace("catalogue: true", "catalogue: false"), "exactly one of"),
        (form("format: delimited").replace("    measures:", "    filters: [{column: q, why: x}]\n    measures:"), "exactly one of `keep` and `drop`"),
    ],
)  # fmt: skip
def test_what_cannot_work_is_said_at_load(text: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"feeds/xx-made\.yaml:\d+:\d+ ") as caught:
        loaded(tmp_path, text)
    assert told in str(caught.value)


def test_a_window_follows_the_year(tmp_path: Path) -> None:
    text = form("format: delimited").replace(
        '{url: "https://lab.example/answer"}',
        '{url: "https://lab.example/{y}.csv", variables: {y: {format: "%Y", also_s: [-604800]}}}',
    )
    feed = loaded(tmp_path, text).feeds[0]
    assert [one.url for one in planned(feed, datetime(2027, 1, 3, tzinfo=UTC).timestamp())] == [
        "https://lab.example/2027.csv", "https://lab.example/2026.csv",
    ]  # fmt: skip
