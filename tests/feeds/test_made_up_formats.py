"""Odd formats that no publisher of ours has, each by YAML alone, with the words that `docs/feeds.md` gives; all of them are made up."""

from __future__ import annotations

import io
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import h5netcdf
import h5py
import netCDF4
import numpy as np
import pytest
from hypothesis import given as given_by
from hypothesis import settings
from hypothesis import strategies as st

from collector.decode import decode
from collector.rawtable import PayloadRefused
from domain.reasons import Refusal
from domain.states import Kind
from specs.columns import Wanted
from specs.standards import NetCdf
from tests.feeds.made import harvested, loaded, values

URL = "https://lab.example/answer"
DOSE = "quantity: air_dose_rate_as_published"


def given(folder: Path, form: str, *answers: tuple[str, bytes | str]) -> list[tuple[str, str, str]]:
    """Station, end and text of every reading of the last answer."""
    found = harvested(loaded(folder, form), *answers)
    return [(station, end, text) for station, _, end, text in values(found[-1])]


XML_PAIRS = f"""\
forms:
  - id: rows
    request: {{url: "{URL}"}}
    decode: {{format: xml_items, items: "network[]/station", pivot: {{pairs: values/param, name: "@code", value: "."}}}}
    station: {{key: "@id", names: {{en: name}}, position: {{latitude: "where/@lat", longitude: "where/@lon"}}}}
    time: {{column: "^^@issued", zone: UTC, zone_stated: true}}
    measures:
      - {{column: GDR, {DOSE}, unit: nSv/h, unit_column: "^@unit"}}
      - {{column: RAIN, quantity: precipitation_amount, unit: mm, medium: weather, required: false}}
"""
XML_BODY = """<?xml version="1.0"?><m:report xmlns:m="urn:lab" issued="2026-11-01T12:00:00Z"><m:network unit="nSv/h">
<m:station id="A"><m:name>Quay</m:name><m:where lat="35.1" lon="129.1"/><m:values><m:param code="GDR">71.0</m:param><m:param code="RAIN">0.5</m:param></m:values></m:station>
</m:network><m:network unit="uGy/h"><m:station id="B"><m:name>Hill</m:name><m:where lat="35.2" lon="129.2"/><m:values><m:param code="GDR">0.07</m:param></m:values></m:station></m:network></m:report>"""


def test_xml_of_pairs_with_namespaces_and_what_stands_above(tmp_path: Path) -> None:
    (harvest,) = harvested(loaded(tmp_path, XML_PAIRS), (URL, XML_BODY))
    assert values(harvest) == [
        ("A", "air_dose_rate_as_published", "2026-11-01T12:00:00Z", "71.0"),
        ("A", "precipitation_amount", "2026-11-01T12:00:00Z", "0.5"),
    ]
    assert dict(harvest.refused) == {Refusal.UNKNOWN_UNIT: 1}  # the other network changed its unit


FIXED = f"""\
forms:
  - id: rows
    request: {{url: "{URL}"}}
    decode: {{format: fixed_width, wide: true, skip_lines: 1, footer_begins: ["--"], columns: {{place: [1, 8], day: [9, 18], clock: [19, 23], dose: [24, 30]}}}}
    station: {{key: place}}
    time: {{column: day, clock: clock, format: loose, zone: Asia/Tokyo, zone_stated: true}}
    measures: [{{column: dose, {DOSE}, unit: uSv/h, not_measured: ["***"]}}]
"""


def test_text_by_places_with_wide_letters_and_eras(tmp_path: Path) -> None:
    body = "地点    日付      時刻  線量\n港町    R8.11.01  20:50  0.051\n山      R8.10.31  24:00  0.062\n川上    R8.11.01  20:50    ***\n-- 以上 --\n"
    assert given(tmp_path, FIXED, (URL, body)) == [
        ("港町", "2026-11-01T11:50:00Z", "0.051"),
        ("山", "2026-10-31T15:00:00Z", "0.062"),
    ]


KEYED_DEEP = f"""\
forms:
  - id: rows
    request: {{url: "{URL}"}}
    decode: {{format: json_rows, rows: "sites{{}}.obs{{}}"}}
    station: {{key: ^key, names: {{ko: ^title}}, position: {{latitude: ^pos.lat, longitude: ^pos.lon}}}}
    time: {{column: key, format: "%Y-%m-%dT%H:%M", zone: Asia/Seoul, zone_stated: true}}
    measures: [{{column: value, {DOSE}, unit: uSv/h, unit_column: $head.meta.unit}}]
"""


def test_an_object_by_place_of_objects_by_time(tmp_path: Path) -> None:
    body = '{"meta": {"unit": "μSv/h"}, "sites": {"K1": {"title": "항구", "pos": {"lat": 35.1, "lon": 129.1}, "obs": {"2026-11-01T20:50": 0.104, "2026-11-01T20:55": null, "2026-11-01T21:00": 0.1050}}, "K2": {"obs": {}}}}'
    assert given(tmp_path, KEYED_DEEP, (URL, body)) == [
        ("K1", "2026-11-01T11:50:00Z", "0.104"),
        ("K1", "2026-11-01T12:00:00Z", "0.1050"),
    ]


CHART = f"""\
forms:
  - id: rows
    request: {{url: "{URL}"}}
    decode: {{format: json_rows, rows: "series[].data[]", wrapped: true}}
    station: {{key: ^name}}
    time: {{column: "0", format: epoch_ms, zone: UTC, zone_stated: true}}
    measures: [{{column: "1", {DOSE}, unit: nSv/h}}]
"""


def test_a_chart_in_a_script(tmp_path: Path) -> None:
    body = 'var chart = {"series": [{"name": "North", "data": [[1793534400000, 81.5], [1793533800000, null]]}, {"name": "South", "data": []}]};\n'
    assert given(tmp_path, CHART, (URL, body)) == [("North", "2026-11-01T12:00:00Z", "81.5")]


WIDE = f"""\
forms:
  - id: rows
    request: {{url: "{URL}"}}
    decode:
      format: delimited
      delimiter: ";"
      header_lines: 2
      unit_line: true
      unpivot: {{name: place, columns: {{dose: "{{}} dose", rain: "{{}} rain"}}}}
    station: {{key: place}}
    time: {{column: Time, format: "%Y/%m/%d %H", zone: Asia/Seoul, zone_stated: true}}
    measures:
      - {{column: dose, {DOSE}, unit: nSv/h, unit_column: $head.unit.North dose, decimal_comma: true}}
      - {{column: rain, quantity: precipitation_amount, unit: mm, medium: weather, required: false, decimal_comma: true}}
"""


def test_a_table_with_places_across_two_lines_of_headings(tmp_path: Path) -> None:
    body = "Time;North;;South;\n;dose;rain;dose;rain\n;nSv/h;mm;nSv/h;mm\n2026/11/01 20;81,5;0,0;;1,5\n2026/10/31 24;80;;79,9;\n"
    (harvest,) = harvested(loaded(tmp_path, WIDE), (URL, body))
    assert [row for row in values(harvest) if row[1] != "precipitation_amount"] == [
        ("North", "air_dose_rate_as_published", "2026-11-01T11:00:00Z", "81,5"),
        ("North", "air_dose_rate_as_published", "2026-10-31T15:00:00Z", "80"),
        ("South", "air_dose_rate_as_published", "2026-10-31T15:00:00Z", "79,9"),
    ]
    assert harvest.read == 2 and not harvest.refused


NETCDF = f"""\
forms:
  - id: rows
    request: {{url: "{URL}"}}
    decode: {{format: netcdf, rows: dose}}
    station: {{key: name, position: {{latitude: lat, longitude: lon}}}}
    time: {{column: time.utc, format: iso, zone: UTC, zone_stated: true}}
    filters: [{{column: status, keep: [valid], why: the file says so}}]
    measures: [{{column: dose, {DOSE}, unit: uSv/h, unit_column: $head.units.dose}}]
"""


def cube() -> bytes:
    out = io.BytesIO()
    with h5netcdf.File(out, "w") as file:
        file.dimensions = {"time": 2, "station": 2}
        time = file.create_variable("time", ("time",), "i4", data=np.array([0, 60], dtype="i4"))
        time.attrs["units"] = "minutes since 2026-11-01 11:00:00"
        for name, cells in (("lat", [35.1, 35.2]), ("lon", [129.1, 129.2])):
            file.create_variable(name, ("station",), "f4", data=np.array(cells, dtype="f4"))
        file.create_variable("name", ("station",), h5py.string_dtype(), data=np.array(["A", "B"], dtype=object))
        dose = file.create_variable("dose", ("time", "station"), "i2", data=np.array([[71, 72], [-1, 74]], dtype="i2"))
        dose.attrs["units"], dose.attrs["scale_factor"], dose.attrs["missing_value"] = "uSv/h", 0.001, np.int16(-1)
        status = file.create_variable("status", ("time", "station"), "i1", data=np.array([[0, 1], [0, 0]], dtype="i1"))
        status.attrs["flag_values"], status.attrs["flag_meanings"] = np.array([0, 1], dtype="i1"), "valid test"
    return out.getvalue()


def test_a_cube_of_times_and_places(tmp_path: Path) -> None:
    assert given(tmp_path, NETCDF, (URL, cube())) == [
        ("A", "2026-11-01T11:00:00Z", "0.071"),
        ("B", "2026-11-01T12:00:00Z", "0.074"),
    ]


CLASSIC = ("NETCDF3_CLASSIC", "NETCDF3_64BIT_OFFSET", "NETCDF3_64BIT_DATA")


def classic(form: Any) -> bytes:
    """The same cube in a classic form, by the reference library."""
    file = netCDF4.Dataset("cube.nc", "w", format=form, memory=1)
    for name, size in (("time", None), ("station", 2), ("letters", 5)):
        file.createDimension(name, size)
    for name, kind, along in (("time", "i4", ["time"]), ("lat", "f4", ["station"]), ("lon", "f4", ["station"]), ("name", "S1", ["station", "letters"]),
                              ("status", "i1", ["time", "station"]), ("dose", "i2", ["time", "station"])):  # fmt: skip
        file.createVariable(name, kind, along)
    file["time"].units, file["dose"].units = "minutes since 2026-11-01 11:00:00", "uSv/h"
    file["status"].flag_values, file["status"].flag_meanings = np.array([0, 1], dtype="i1"), "valid test"
    file["lat"][:], file["lon"][:], file["time"][:] = [35.1, 35.2], [129.1, 129.2], [0, 60]
    file["name"][:] = netCDF4.stringtochar(np.array(["A", "B"], dtype="S5"))
    file["status"][:], file["dose"][:] = [[0, 1], [0, 0]], [[71, 72], [-1, 74]]
    file["dose"].scale_factor, file["dose"].missing_value = 0.001, np.int16(-1)
    return bytes(file.close())


@pytest.mark.parametrize(
    "body", [*map(classic, CLASSIC), b"CDF\x01" + b"\xff" * 4 + classic(CLASSIC[0])[8:]], ids=[*CLASSIC, "streamed"]
)
def test_a_classic_cube_is_read_as_the_other(body: bytes, tmp_path: Path) -> None:
    assert given(tmp_path, NETCDF, (URL, body)) == [("A", "2026-11-01T11:00:00Z", "0.071"), ("B", "2026-11-01T12:00:00Z", "0.074")]  # fmt: skip


@settings(deadline=None, max_examples=60)
@given_by(st.data(), st.integers(0, 255), st.booleans())
def test_a_broken_classic_file_costs_itself_only(data: st.DataObject, byte: int, cut: bool) -> None:
    whole = classic(CLASSIC[0])
    place = data.draw(st.integers(4, len(whole) - 1))
    broken = whole[:place] if cut else whole[:place] + bytes([byte]) + whole[place + 1 :]
    with suppress(PayloadRefused):  # anything else fails the test
        table = decode(
            broken, NetCdf(format="netcdf", rows="dose"), Wanted(("name", "time.utc"), ("dose",), frozenset())
        )
        assert len(table) <= len(broken)


@pytest.mark.parametrize("body", [b"CDF\x01" + b"\1" * 40, b"\x89HDF\r\n\x1a\n" + b"\0" * 40, b"text"])
def test_what_is_no_netcdf_is_refused(body: bytes, tmp_path: Path) -> None:
    (harvest,) = harvested(loaded(tmp_path, NETCDF), (URL, body))
    assert dict(harvest.refused) == {Refusal.BAD_SYNTAX: 1}


HTML = f"""\
forms:
  - id: rows
    request: {{url: "{URL}"}}
    decode: {{format: html_table, has: [District, Place], header_lines: 2}}
    station: {{key: [District, Place]}}
    time: {{column: $received, format: epoch_s, zone: UTC, zone_stated: true}}
    measures: [{{column: Dose now, {DOSE}, unit: uSv/h, unit_in_cell: true}}]
"""


def test_a_page_whose_cells_span_rows_and_columns(tmp_path: Path) -> None:
    body = (
        "<html><body><table><tr><th rowspan=2>District</th><th rowspan=2>Place</th><th colspan=2>Dose</th></tr><tr><th>now</th><th>mean</th></tr>"
        "<tr><td rowspan='2'>East</td><td>Quay</td><td>0.071µSv/h</td><td>0.07</td></tr><tr><td>Hill</td><td>0.082 μSv/h</td><td>0.08</td></tr>"
        "<tr><td>West</td><td>Lake</td><td>71 nSv/h</td><td></td></tr></table></body></html>"
    )
    (harvest,) = harvested(loaded(tmp_path, HTML), (URL, body))
    assert [(station, text) for station, _, _, text in values(harvest)] == [
        ("East-Quay", "0.071µSv/h"),
        ("East-Hill", "0.082 μSv/h"),
    ]
    assert dict(harvest.refused) == {Refusal.UNKNOWN_UNIT: 1}


BLOCKS = f"""\
forms:
  - id: rows
    request: {{url: "{URL}"}}
    decode: {{format: blocks, comment: "#"}}
    station: {{key: Station, position: {{text: Position, form: dms}}}}
    time: {{column: Time, format: "%d %b %Y %H:%M", zone: UTC, zone_column: Zone, zones: {{KST: Asia/Seoul, JST: Asia/Tokyo}}}}
    measures: [{{column: Dose, {DOSE}, unit: nSv/h, unit_in_cell: true}}]
"""


def test_blocks_of_lines_with_a_zone_each(tmp_path: Path) -> None:
    body = (
        "# bulletin\nStation: A\nTime: 01 Nov 2026 20:00\nZone: KST\nPosition: 35°06′00″N 129°06′00″E\nDose: 71.0 nSv/h\n\n"
        "Station: B\nTime: 01 Nov 2026 18:00\nZone: UTC+8\nPosition: 39°00′00″N 117°00′00″E\nDose: 90 nSv/h\n\n"
        "Station: C\nTime: 01 Nov 2026 18:00\nZone: LMT\nDose: 90 nSv/h\n"
    )
    (harvest,) = harvested(loaded(tmp_path, BLOCKS), (URL, body))
    assert [(station, end) for station, _, end, _ in values(harvest)] == [
        ("A", "2026-11-01T11:00:00Z"),
        ("B", "2026-11-01T10:00:00Z"),
    ]
    assert dict(harvest.refused) == {Refusal.BAD_TIME: 1}
    assert harvest.stations[0].latitude_deg == pytest.approx(35.1)


TRACK = f"""\
forms:
  - id: rows
    request: {{url: "{URL}"}}
    decode: {{format: json_rows, rows: features}}
    station:
      key: properties.car
      position: {{latitude: geometry.coordinates.0.1, longitude: geometry.coordinates.0.0}}
      moving: true
    time: {{column: properties.to, begin: properties.from, zone: UTC, zone_stated: true}}
    measures: [{{column: properties.mean, {DOSE}, unit: nSv/h}}]
"""


def test_a_track_with_two_stamps(tmp_path: Path) -> None:
    body = '{"features": [{"properties": {"car": "car 7", "from": "2026-11-01T11:50:00Z", "to": "2026-11-01T12:00:00Z", "mean": 66.0}, "geometry": {"type": "LineString", "coordinates": [[129.1, 35.1], [129.2, 35.2]]}}]}'
    (harvest,) = harvested(loaded(tmp_path, TRACK), (URL, body))
    assert harvest.readings is not None
    (series,) = harvest.readings.series
    assert series.window_s == 600 and harvest.stations[0].moving
    assert (harvest.stations[0].latitude_deg, harvest.stations[0].longitude_deg) == (35.1, 129.1)


ALONE = f"""\
forms:
  - id: rows
    request: {{url: "{URL}"}}
    decode: {{format: json_rows, rows: data}}
    station:
      key: {{fixed: roof}}
      place: {{names: {{en: Roof of the laboratory}}, latitude: 35.1, longitude: 129.1, source: our own map}}
    time: {{column: at, format: "%Y-%m-%d %p %I:%M", zone: Asia/Seoul, zone_stated: true}}
    measures:
      - {{column: cpm, quantity: count_rate, unit: "{{counts}}/min", instrument: SBM-20}}
      - {{column: cpm, {DOSE}, unit: uSv/h, factor: {{tube: SBM-20, counts: 148, source: firmware of the publisher}}}}
"""


def test_one_counter_that_tells_neither_name_nor_place_and_its_estimate(tmp_path: Path) -> None:
    (harvest,) = harvested(loaded(tmp_path, ALONE), (URL, '{"data": {"cpm": 37, "at": "2026-11-01 오후 08:55"}}'))
    assert values(harvest) == [
        ("roof", "count_rate", "2026-11-01T11:55:00Z", "37"),
        ("roof", "air_dose_rate_as_published", "2026-11-01T11:55:00Z", "37"),
    ]
    assert harvest.readings is not None
    counts, estimate = harvest.readings.series
    assert (counts.kind, estimate.kind) == (Kind.MEASURED, Kind.ESTIMATED)
    assert (estimate.instrument, estimate.published_unit_text) == ("SBM-20-148-counts/min", "{counts}/min")
    assert harvest.readings.value.tolist() == [37.0, pytest.approx(37 / 148)]
    assert harvest.stations[0].position_origin == "listed" and dict(harvest.stations[0].names) == {
        "en": "Roof of the laboratory"
    }


JOINED = """\
forms:
  - id: stations
    request: {url: "https://lab.example/stations.csv"}
    decode: {format: delimited}
    station: {key: code, names: {en: name}, position: {text: place, order: lat_lon}, also_known: place}
    catalogue: true
  - id: values
    request: {url: "https://lab.example/values.csv"}
    decode: {format: delimited, delimiter: whitespace}
    station: {key: at}
    time: {column: day, format: excel, zone: Asia/Tokyo, zone_stated: true}
    measures: [{column: dose, quantity: air_dose_rate_as_published, unit: nSv/h, below: ["<"]}]
"""


def test_stations_of_another_request_by_the_text_of_their_position(tmp_path: Path) -> None:
    found = given(
        tmp_path, JOINED,
        ("https://lab.example/stations.csv", 'code,name,place\nT1,Quay,"35.10,129.10"\nT2,Hill,"35.20,129.20"\n'),
        ("https://lab.example/values.csv", "at day dose\n35.10,129.10 46327.5 71\n35.20,129.20 46327.25 <30\n"),
    )  # fmt: skip
    assert found == [("T1", "2026-11-01T03:00:00Z", "71"), ("T2", "2026-10-31T21:00:00Z", "<30")]


ZIPPED = f"""\
forms:
  - id: rows
    request: {{url: "{URL}"}}
    decode: {{format: delimited, inside: "*.csv", encoding: cp932}}
    station: {{key: 局}}
    time: {{column: 日時, format: loose, zone: Asia/Tokyo, zone_stated: true}}
    measures: [{{column: 線量率, {DOSE}, unit: nSv/h}}]
"""


def zipped(**members: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, text in members.items():
            archive.writestr(name.replace("_", "."), text.encode("cp932"))
    return out.getvalue()


def test_tables_in_an_archive(tmp_path: Path) -> None:
    body = zipped(
        b_csv="局,日時,線量率\r\n港,2026年11月1日 20時50分,51\r\n",
        a_csv="局,日時,線量率\r\n山,令和8年11月1日 20:40,62\r\n",
        readme_txt="注意",
    )
    assert given(tmp_path, ZIPPED, (URL, body)) == [
        ("山", "2026-11-01T11:40:00Z", "62"),
        ("港", "2026-11-01T11:50:00Z", "51"),
    ]


@pytest.mark.parametrize(
    ("body", "reason"),
    [(b"PK\x03\x04 broken", Refusal.BAD_SYNTAX), (zipped(x_txt="1"), Refusal.ROWS_NOT_FOUND), (b"\x1f\x8b broken", Refusal.BAD_COMPRESSION)],
)  # fmt: skip
def test_archives_that_cannot_be_read(body: bytes, reason: Refusal, tmp_path: Path) -> None:
    (harvest,) = harvested(loaded(tmp_path, ZIPPED), (URL, body))
    assert dict(harvest.refused) == {reason: 1}


def test_an_archive_that_swells_is_refused_unopened(tmp_path: Path) -> None:
    out = io.BytesIO()
    with (
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("x.csv", "w", force_zip64=True) as member,
    ):
        for _ in range(210):
            member.write(b"0" * 1_000_000)
    (harvest,) = harvested(loaded(tmp_path, ZIPPED), (URL, out.getvalue()))
    assert dict(harvest.refused) == {Refusal.TOO_LARGE: 1}


KEYED_ARRAYS = f"""\
forms:
  - id: rows
    request: {{url: "{URL}"}}
    decode: {{format: json_arrays, each: true}}
    station: {{key: ^key}}
    time: {{column: t, format: epoch_s, zone: UTC, zone_stated: true}}
    measures: [{{column: v, {DOSE}, unit: nSv/h}}]
"""


def test_an_object_by_place_of_parallel_arrays(tmp_path: Path) -> None:
    body = '{"A": {"t": [1793534400], "v": [71]}, "B": {"t": [1793534400, 1793533800], "v": [72, 73]}}'
    assert [(station, text) for station, _, text in given(tmp_path, KEYED_ARRAYS, (URL, body))] == [("A", "71"), ("B", "72"), ("B", "73")]  # fmt: skip


HOURS = f"""\
forms:
  - id: rows
    request: {{url: "{URL}"}}
    decode: {{format: delimited, delimiter: "\\t", unpivot: {{name: hour, columns: {{dose: "{{}}"}}, but: [Mean]}}}}
    station: {{key: Place}}
    time: {{column: Day, clock: hour, format: "%Y%m%d %H", zone: Asia/Taipei, zone_stated: true}}
    measures: [{{column: dose, {DOSE}, unit: nSv/h, missing: ["--"], window_s: 3600}}]
"""


def test_days_down_and_hours_across(tmp_path: Path) -> None:
    body = "Place\tDay\t01\t02\t24\tMean\nQuay\t20261031\t71\t--\t73\t72\n"
    assert given(tmp_path, HOURS, (URL, body)) == [
        ("Quay", "2026-10-30T17:00:00Z", "71"),
        ("Quay", "2026-10-31T16:00:00Z", "73"),
    ]
