"""Keys, positions and what is kept of a station from answer to answer."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from collector.harmonise_stations import StationBook
from collector.rawtable import RawTable
from domain.flags import Qc
from domain.readings import Station
from specs.feed import FeedSpec
from specs.loading import Table
from tests.feeds.replayed import Bench, feed

NOW = datetime(2026, 8, 15, tzinfo=UTC)
BUSAN_URL = "http://apis.data.go.kr/6260000/EnvironmentalRadiationInfoService/getEnvironmentalRadiationInfoDetail?resultType=json&numOfRows=100"


def spec(**station: Any) -> FeedSpec:
    return FeedSpec.model_validate({
        "id": "xx-a", "source": "xx", "title": {"en": "A"}, "status": "verified", "rights": {"redistribute": "yes", "licence": "", "verdict": ""},
        "schedule": {"every_s": 600, "lag_s": 1, "late_after_s": 2, "silent_after_s": 3}, "expect": {"bbox": [120, 20, 150, 50]},
        "forms": [{
            "id": "a", "request": {"url": "https://x.example/"}, "decode": {"format": "delimited"}, "station": station,
            "time": {"column": "t", "zone": "UTC"}, "measures": [{"column": "v", "quantity": "air_kerma_rate", "unit": "nGy/h"}],
        }],
    })  # fmt: skip


def read(
    feed_spec: FeedSpec, rows: list[dict[str, str | None]], book: StationBook | None = None, **tables: Table
) -> tuple[list[int], list[Station]]:
    book = book or StationBook(feed_spec, tables)
    columns = {name: [row.get(name) for row in rows] for name in {key for row in rows for key in row}}
    table = RawTable(columns, range(1, len(rows) + 1), len(rows))
    assert feed_spec.forms[0].station is not None
    index, stations = book.read(feed_spec.forms[0].station, table, {"point": "7"})
    return index, list(stations)


def test_a_key_of_several_columns() -> None:
    index, (station,) = read(spec(key=["a", "b"]), [{"a": " x ", "b": "y  z"}, {"a": "x", "b": ""}])
    assert station.uid == "xx-a:x-y_z-" + station.uid.rsplit("-", 1)[1]
    assert index == [0, -1]


def test_a_key_that_is_a_part_of_a_text() -> None:
    assert read(spec(key={"column": "id", "first": 8}), [{"id": "99110001600"}])[1][0].key == "99110001"
    assert read(spec(key={"column": "id", "before": "("}), [{"id": "gate (MS-1)"}])[1][0].key == "gate"


def test_a_key_from_the_address() -> None:
    assert read(spec(key="$url.point"), [{"v": "1"}])[1][0].key == "7"


@pytest.mark.parametrize(
    ("latitude", "longitude", "origin"),
    [("35.5", "129.1", "published"), ("0", "0", "refused"), ("129.1", "35.5", "refused"), ("x", "129.1", "refused"), ("", "", "none"),
     (None, None, "none"), ("35.5", None, "none"), ("5", "129.1", "refused"), ("1e400", "129", "refused")],
)  # fmt: skip
def test_positions(latitude: str | None, longitude: str | None, origin: str) -> None:
    feed_spec = spec(key="k", position={"latitude": "y", "longitude": "x"})
    book = StationBook(feed_spec, {})
    _, (station,) = read(feed_spec, [{"k": "a", "y": latitude, "x": longitude}], book)
    assert station.position_origin == origin
    assert (station.latitude_deg is None) == (origin != "published")
    assert (
        book.known[0].flags
        == {"published": Qc.NONE, "refused": Qc.POSITION_REFUSED, "none": Qc.POSITION_MISSING}[origin]
    )


def test_degrees_minutes_seconds() -> None:
    feed_spec = spec(key="k", position={"latitude": "y", "longitude": "x", "form": "dms"})
    _, (station,) = read(feed_spec, [{"k": "a", "y": "37°25′24″N", "x": "141°02′29.4″E"}])
    assert station.latitude_deg == pytest.approx(37.42333, abs=1e-5)
    assert station.longitude_deg == pytest.approx(141.041500, abs=1e-5)


def test_a_list_gives_what_the_row_lacks() -> None:
    table = Table(
        "posts",
        ("key", "own", "latitude", "longitude", "en", "region"),
        (("K1", "ONE", "35.0", "129.0", "First", "KR-26"),),
    )
    feed_spec = spec(key="k", listed={"table": "posts", "key": "own", "names": {"en": "en"}, "region": "region"})
    _, stations = read(feed_spec, [{"k": "K1"}, {"k": "K2"}], posts=table)
    assert [(one.key, one.position_origin, one.region_code, dict(one.names)) for one in stations] == [
        ("ONE", "listed", "KR-26", {"en": "First"}), ("K2", "none", "", {}),
    ]  # fmt: skip


def test_what_was_known_is_not_lost_to_a_blank_or_a_bad_position() -> None:
    feed_spec = spec(key="k", names={"en": "n"}, position={"latitude": "y", "longitude": "x"})
    book = StationBook(feed_spec, {})
    read(feed_spec, [{"k": "a", "n": "Gate", "y": "35.5", "x": "129.1"}], book)
    _, (blank,) = read(feed_spec, [{"k": "a", "n": "", "y": None, "x": None}], book)
    assert (blank.names, blank.latitude_deg) == ((("en", "Gate"),), 35.5)
    _, (bad,) = read(feed_spec, [{"k": "a", "n": "Gate", "y": "0", "x": "0"}], book)
    assert bad.latitude_deg == 35.5
    assert book.known[0].flags == Qc.POSITION_REFUSED


def test_the_first_row_of_a_payload_speaks_and_a_move_is_taken_over() -> None:
    feed_spec = spec(key="k", position={"latitude": "y", "longitude": "x"})
    book = StationBook(feed_spec, {})
    here, there = {"k": "a", "y": "35.5", "x": "129.1"}, {"k": "a", "y": "36.5", "x": "130.1"}
    for payload, latitude in (([here, there], 35.5), ([there, here], 36.5), ([here], 35.5), ([there], 36.5)):
        index, (station,) = read(feed_spec, payload, book)
        assert station.latitude_deg == latitude
        assert set(index) == {0}


def test_gps_jitter_moves_nobody() -> None:
    bench = Bench.fresh()
    seen = set()
    for step in range(8):
        item = {
            "locNm": "a",
            "data": "70.1",
            "checkTime": "2026-08-15 08:45:00",
            "lat": f"{35.1 + step * 1e-4}",
            "lng": "129.1",
        }
        body = json.dumps({"response": {"header": {"resultCode": "00"}, "body": {"items": {"item": [item]}}}}).encode()
        (station,) = bench.harvest("kr-busan-radiation", BUSAN_URL, body, NOW).stations
        seen.add((station.latitude_deg, station.longitude_deg))
    assert seen == {(35.1, 129.1)}


def test_the_stations_of_another_feed_are_not_described_by_this_one() -> None:
    body = b"station_id,obs_time,mmh\n99110001600,2026-08-14T23:40:00+00:00,3.0\n"
    harvest = Bench.fresh().harvest("jp-radar-rain", "https://radar-rain.invalid/2026-08-15/0841_radar.csv", body, NOW)
    (station,) = harvest.stations
    assert station.namespace == feed("jp-nra-ramis").id
    assert (station.names, station.kind, station.position_origin) == ((), "", "none")
    assert harvest.readings is not None
    assert not harvest.readings.qc[0] & Qc.POSITION_MISSING
