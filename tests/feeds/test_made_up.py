"""Three feeds of formats that no feed of ours has, by YAML only, as `docs/feeds.md` tells it; publishers and numbers are made up."""

from __future__ import annotations

from pathlib import Path

import pytest

from collector.paging import next_page
from collector.plan import matches, planned
from domain.reasons import Ignored, Refusal
from tests.feeds.made import RECEIVED, harvested, loaded, values
from tests.feeds.replayed import config

SEMICOLON = """\
expect:
  stations: 3
  bbox: [5.0, 45.0, 16.0, 56.0]
forms:
  - id: rows
    request: {url: "https://lab.example/messwerte.csv"}
    decode: {format: delimited, encoding: latin-1, delimiter: ";", comment: "#", header_begins: Kennung, trailing: true}
    station:
      key: Kennung
      names: {en: Ort}
      position: {latitude: Breite, longitude: Länge, form: dms, decimal_comma: true}
    time: {column: Datum, clock: Uhrzeit, format: "%d.%m.%Y %H:%M", zone: Etc/GMT-1, zone_stated: true}
    measures:
      - column: Dosisleistung
        quantity: ambient_dose_equivalent_rate
        unit: nSv/h
        unit_column: Einheit
        decimal_comma: true
        thousands: "."
        missing: ["-9,9"]
        window_s: 3600
"""
CSV = """\
Landesmessnetz, Stand 01.11.2026\r
# vorläufige Werte\r
Kennung;Ort;Breite;Länge;Datum;Uhrzeit;Dosisleistung;Einheit\r
0815;"Nord; Hafen";53° 32′ 46,5″ N;9° 57' 58" E;01.11.2026;13:00;86,40;nSv/h;\r
# Wartung\r
0816;Süd;48°08'13,9"N;11°34'31"E;01.11.2026;13:00;1.086,5;nSv/h;\r
0817;Ost;51° 3′ 0″ N;13° 44′ 0″ E;01.11.2026;24:00;-9,9;nSv/h;\r
0818;West;50° 56′ 0″ N;6° 57′ 0″ E;01.11.2026;13:00;0,0864;µSv/h;\r
0819;Mitte;13° 44′ 0″ N;51° 3′ 0″ E;01.11.2026;13:00;91,0;nSv/h;\r
"""


def test_a_semicolon_table_with_decimal_commas_and_positions_in_degrees_minutes_seconds(tmp_path: Path) -> None:
    (harvest,) = harvested(
        loaded(tmp_path, SEMICOLON),
        ("https://lab.example/messwerte.csv", CSV.encode("latin-1", "replace").replace(b"?", b"'")),
    )
    assert values(harvest) == [
        ("0815", "ambient_dose_equivalent_rate", "2026-11-01T12:00:00Z", "86,40"),
        ("0816", "ambient_dose_equivalent_rate", "2026-11-01T12:00:00Z", "1.086,5"),
        ("0819", "ambient_dose_equivalent_rate", "2026-11-01T12:00:00Z", "91,0"),
    ]
    assert harvest.readings is not None and harvest.readings.value.tolist() == [86.4, 1086.5, 91.0]
    harbour = harvest.stations[0]
    assert dict(harbour.names) == {"en": "Nord; Hafen"}
    assert harbour.latitude_deg == pytest.approx(53 + 32 / 60 + 46.5 / 3600)
    assert harbour.longitude_deg == pytest.approx(9 + 57 / 60 + 58 / 3600)
    swapped = next(station for station in harvest.stations if station.key == "0819")
    assert swapped.position_origin == "refused"
    # 24:00 of the first is after receipt, the other unit is refused and never converted
    assert dict(harvest.refused) == {Refusal.TIME_IN_FUTURE: 1, Refusal.UNKNOWN_UNIT: 1}
    assert "where the feed says nSv/h" in next(
        row.detail for row in harvest.refused_rows if row.reason is Refusal.UNKNOWN_UNIT
    )


HEADER_LIST = """\
forms:
  - id: rows
    request: {url: "https://lab.example/api/table"}
    decode: {format: json_header, header: result.fields, header_name: id, rows: result.records, ok: {path: success, values: ["true"]}}
    station: {key: code, names: {ja: name}, position: {text: pos, order: lon_lat}}
    time: {column: t, format: epoch_ms, zone: UTC, zone_stated: true, stamp: start}
    filters:
      - {column: state, keep: [ok], why: the publisher marks what it is testing}
    measures:
      - {column: dose, quantity: air_kerma_rate, unit: nGy/h, unit_column: $head.result.unit, window_s: 600, below: ["<"]}
"""
TABLE = """{"success": true, "result": {"unit": "nGy/h", "fields": [{"id": "code"}, {"id": "name"}, {"id": "pos"}, {"id": "t"}, {"id": "dose"}, {"id": "state"}],
 "records": [["A1", "港", "140.5, 36.25", 1793534400000, 41.30, "ok"], ["A2", "山", "140.6, 36.5", 1793534400000, "<20", "ok"],
 ["A3", "川", "140.7, 36.6", 1793534400000, 99, "test"], ["A4", "short"]]}}"""


def test_a_list_of_column_names_and_arrays(tmp_path: Path) -> None:
    (harvest,) = harvested(loaded(tmp_path, HEADER_LIST), ("https://lab.example/api/table", TABLE))
    assert values(harvest) == [
        ("A1", "air_kerma_rate", "2026-11-01T12:10:00Z", "41.30"),
        ("A2", "air_kerma_rate", "2026-11-01T12:10:00Z", "<20"),
    ]
    readings = harvest.readings
    assert readings is not None and readings.limit.tolist()[1] == 20 and readings.censoring.tolist() == [0, 1]
    assert (harvest.stations[0].latitude_deg, harvest.stations[0].longitude_deg) == (36.25, 140.5)
    assert dict(harvest.refused) == {Refusal.NOT_A_RECORD: 1, Refusal.FILTERED_BY_FEED: 1}
    assert harvest.read == 4


ARCGIS = """\
expect: {bbox: [120.0, 20.0, 150.0, 46.0]}
forms:
  - id: features
    request:
      url: https://gis.example/arcgis/rest/services/dose/FeatureServer/0/query
      parameters: {where: 1=1, outFields: "*", outSR: "4326", f: json}
      paging: {parameter: resultOffset, size: 2, most: 5}
    decode: {format: json_rows, rows: features, error_marks: ['"error"']}
    station:
      key: attributes.STATION
      names: {ko: attributes.NAME}
      position: {latitude: geometry.y, longitude: geometry.x}
    time: {column: attributes.OBS_TIME, format: epoch_ms, zone: UTC, zone_stated: true}
    measures:
      - {column: attributes.DOSE, quantity: air_dose_rate_as_published, unit: uSv/h, unit_column: attributes.UNIT}
"""


def feature(number: int, dose: str = "0.112", unit: str = "μSv/h") -> str:
    return (
        f'{{"attributes": {{"STATION": "S{number}", "NAME": "부산 {number}", "OBS_TIME": 1793534400000, "DOSE": {dose}, "UNIT": "{unit}"}},'
        f' "geometry": {{"x": 129.{number}, "y": 35.1}}}}'
    )


def page(*features: str) -> str:
    return f'{{"objectIdFieldName": "OBJECTID", "exceededTransferLimit": true, "features": [{", ".join(features)}]}}'


def test_an_arcgis_answer_is_asked_page_by_page(tmp_path: Path) -> None:
    made = loaded(tmp_path, ARCGIS)
    (feed,) = made.feeds
    (first,) = planned(feed, RECEIVED.timestamp())
    assert "resultOffset=0" in first.url
    second = next_page(first, 2)
    assert second is not None and "resultOffset=2" in second.url and "where=1%3D1" in second.url
    assert matches(feed, "GET", second.url)
    assert next_page(second, 1) is None
    pages = harvested(
        made, (first.url, page(feature(1), feature(2, "null"))), (second.url, page(feature(3, "0.0980", "usv/h")))
    )
    assert values(pages[0]) == [("S1", "air_dose_rate_as_published", "2026-11-01T12:00:00Z", "0.112")]
    assert values(pages[1]) == [("S3", "air_dose_rate_as_published", "2026-11-01T12:00:00Z", "0.0980")]
    assert not pages[0].refused and not pages[1].refused
    station = pages[1].stations[0]
    assert (station.latitude_deg, station.longitude_deg) == (35.1, 129.3)


def test_pages_end_though_a_server_never_does(tmp_path: Path) -> None:
    request = planned(loaded(tmp_path, ARCGIS).feeds[0], RECEIVED.timestamp())[0]
    count = 1
    while (following := next_page(request, 2)) is not None:
        request, count = following, count + 1
    assert count == 5


def test_an_error_of_arcgis_with_status_200_is_the_publishers(tmp_path: Path) -> None:
    made = loaded(tmp_path, ARCGIS)
    url = planned(made.feeds[0], RECEIVED.timestamp())[0].url
    (harvest,) = harvested(made, (url, '{"error": {"code": 400, "message": "Unable to perform query"}}'))
    assert dict(harvest.refused) == {Refusal.PUBLISHER_ERROR: 1}
    assert not harvest.ignored.get(Ignored.PADDING)


def test_volunteers_are_asked_every_quarter_of_an_hour_at_most() -> None:
    volunteers = {"int-safecast", "int-uradmonitor", "int-radmon"}
    asked = {feed.id: feed.schedule.every_s for feed in config().feeds if feed.source in volunteers}
    assert len(asked) >= 5 and min(asked.values()) >= 900


def test_what_was_only_read_about_is_off_and_says_why() -> None:
    unverified = [feed for feed in config().feeds if feed.status == "unverified"]
    assert unverified and not any(feed.enabled for feed in unverified)
