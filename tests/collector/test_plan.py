"""Which requests are due, and to which form of which feed an address belongs."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from collector.plan import matches, planned, recognise
from tests.feeds.replayed import config, feed

NOON = datetime(2026, 8, 15, 0, 0, 30, tzinfo=UTC).timestamp()
TABLES = config().tables


def urls(feed_id: str, now_s: float = NOON) -> list[str]:
    return [request.url for request in planned(feed(feed_id), now_s, TABLES)]


def test_a_sweep_is_three_answers_and_the_list() -> None:
    base = "https://www.ramis.nra.go.jp/api/v1/map/map-means-data-public?data_type="
    assert urls("jp-nra-ramis") == [base + kind for kind in "1230"]


def test_secrets_are_named_and_never_written() -> None:
    requests = planned(feed("kr-khnp-radiorate"), NOON, TABLES)
    assert {request.secret_query for request in requests} == {(("serviceKey", "KHNP_SERVICE_KEY"),)}
    assert not any("serviceKey" in request.url for request in requests)


def test_an_archived_address_matches_without_its_secret_and_in_any_order() -> None:
    busan = feed("kr-busan-radiation")
    base = "http://apis.data.go.kr/6260000/EnvironmentalRadiationInfoService/getEnvironmentalRadiationInfoDetail"
    for query in (
        "resultType=json&numOfRows=100",
        "numOfRows=100&resultType=json",
        "serviceKey=x&numOfRows=100&resultType=json",
    ):
        assert matches(busan, "GET", f"{base}?{query}", TABLES)
    for query in ("resultType=json", "resultType=xml&numOfRows=100", "resultType=json&numOfRows=100&pageNo=2"):
        assert not matches(busan, "GET", f"{base}?{query}", TABLES)
    assert not matches(busan, "POST", f"{base}?resultType=json&numOfRows=100", TABLES)


def test_variables_come_back_from_the_address() -> None:
    found = recognise(
        feed("kr-khnp-radiorate"), "GET", "http://data.khnp.co.kr/environ/service/realtime/radiorate?genName=YK", TABLES
    )
    assert found is not None
    assert (found[0].id, dict(found[1])) == ("realtime", {"plant": "YK"})


def test_a_closed_list_of_values_is_closed() -> None:
    base = "https://www.ramis.nra.go.jp/api/v1/map/map-means-data-public?data_type="
    kinds = {
        kind: found[0].id if (found := recognise(feed("jp-nra-ramis"), "GET", base + kind, TABLES)) else None
        for kind in "0123457"
    }
    assert kinds == {
        "0": "missing-list",
        "1": "readings",
        "2": "readings",
        "3": "readings",
        "4": None,
        "5": None,
        "7": None,
    }


def test_no_address_belongs_to_two_feeds() -> None:
    for one in config().feeds:
        for request in planned(one, NOON, TABLES):
            owners = [other.id for other in config().feeds if matches(other, request.method, request.url, TABLES)]
            assert owners == [one.id], request.url


def test_what_was_only_found_in_archives_is_never_asked() -> None:
    assert urls("jp-radar-rain") == []
    assert urls("tw-nusc-gamma") == ["https://www.nusc.gov.tw/open/gammamonitor_u.csv"]
    assert matches(feed("tw-nusc-gamma"), "GET", "http://www.aec.gov.tw/open/gammamonitor.csv")


def test_yesterday_is_asked_for_in_the_zone_of_the_publisher_and_seldom() -> None:
    daily = [url for url in urls("hk-hko-gamma") if "RYES" in url]
    assert daily == [
        "https://data.weather.gov.hk/weatherAPI/opendata/opendata.php?dataType=RYES&lang=en&rformat=json&date=20260814"
    ]
    polls = [NOON + step * feed("hk-hko-gamma").schedule.every_s for step in range(72)]
    assert sum("RYES" in url for now_s in polls for url in urls("hk-hko-gamma", now_s)) == 4


@pytest.mark.parametrize("kind", ["Seawater_10", "Fishes_20", "Seaweeds_30"])
def test_every_listed_point_is_asked_once(kind: str) -> None:
    asked = [url for url in urls("jp-orbs-sea") if kind in url]
    listed = TABLES["jp-orbs-points"]
    wanted = [
        key
        for key, name in zip(listed.column("key"), listed.column("kind"), strict=True)
        if name == kind.partition("_")[0]
    ]
    assert len(asked) == len(set(asked)) == len(wanted) > 5
    assert {request.absent for request in planned(feed("jp-orbs-sea"), NOON, TABLES)} == {(404,)}
