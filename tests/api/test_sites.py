"""What a duty officer is told of a site."""

from __future__ import annotations

from domain.readings import Harvest, Quake
from tests.api import made
from tests.api.conftest import Client, body


async def test_sites_are_listed_with_what_their_status_stands_on(api: Client) -> None:
    told = await body(api, "/v1/sites?country=KR")
    assert {site["country"] for site in told["sites"]} == {"KR"}
    kori = (await body(api, "/v1/sites/kr-kori"))["site"]
    assert kori["names"]["ko"]
    assert kori["status_as_of"]
    assert "operational_from" not in kori


async def test_status_counts_who_reports_in_each_ring(api: Client) -> None:
    told = await body(api, "/v1/sites/kr-kori/status")
    near, far = told["rings"]
    assert [(ring["radius_m"], ring["stations"], ring["by_freshness"], ring["state"]) for ring in (near, far)] == [
        (5000, 1, {"fresh": 1}, "insufficient"),
        (30000, 2, {"fresh": 2}, "insufficient"),
    ]
    assert [(row["station_name"], row["quantity"], row["freshness"]) for row in far["reporters"]] == [
        ("고리", "air_dose_rate_as_published", "silent"),
        ("고리", "count_rate", "fresh"),
        ("부산", "air_dose_rate_as_published", "fresh"),
    ]
    assert set(told["sentence"]) == {"en", "ja", "ko", "zh"}
    assert ", within 5 km: 1 of 1 stations have a fresh reading; it cannot be told" in told["sentence"]["en"]
    assert "safe" not in told["sentence"]["en"]


async def test_nobody_there_is_not_calm(api: Client) -> None:
    told = await body(api, "/v1/sites/jp-tomari/status")
    assert [(ring["stations"], ring["state"], ring["summaries"]) for ring in told["rings"]] == [
        (0, "insufficient", [])
    ] * 2


async def test_an_earthquake_asks_who_has_been_heard_since(api: Client, store, clock) -> None:
    before = await body(api, "/v1/sites/kr-kori/status")
    assert before["shocks"] == []
    quake = Quake("q2", "kr-1", "issued", "", "", made.NOW - 1000, made.NOW - 990, 35.4, 129.5, 10.0, 5.2, "M5.2", "")
    await made.commit(store, made.batch("sea-made", made.NOW - 980, Harvest(read=1, quakes=(quake,))))
    told = await body(api, "/v1/sites/kr-kori/status")
    assert [(shock["rule"], shock["heard_since"], shock["stations"]) for shock in told["shocks"]] == [
        ("magnitude 4 within 50 km", {"5000": 0, "30000": 1}, {"5000": 1, "30000": 2})
    ]
    assert "1 earthquake(s) concern the site" in told["sentence"]["en"]
    far = await body(api, "/v1/sites/jp-tomari/status")
    assert far["shocks"] == []


async def test_the_public_hears_what_is_held_back(public: Client) -> None:
    told = await body(public, "/v1/sites/kr-kori/status")
    assert [ring["reporters"] for ring in told["rings"]] == [[], []]
    assert told["withheld"]["feeds"] == ["kr-made"]
