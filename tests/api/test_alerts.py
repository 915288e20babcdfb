"""Alerts as they are told: state, history, the exact revisions they stood on, and the rules behind them."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from domain.states import AlertState
from store import alerts as held
from store.alert_rows import AlertRow, Change, Decision, EventRow, EvidenceRow
from store.engine import Store
from tests.api import made
from tests.api.conftest import Client, body

ALERT = "al-0123456789abcdef01234567"


def document(feed: str, series: str, station: str) -> str:
    member = {
        "series_uid": series,
        "station_uid": station,
        "latitude_deg": 37.7,
        "longitude_deg": 140.4,
        "median": 52.0,
        "scale": 1.0,
        "trigger": 40.0,
        "peak": 45.0,
        "pair_s": [],
        "pair": [],
        "rain": None,
    }
    life = {
        "state": "unverified",
        "level": "unverified",
        "members": [member],
        "revision": 1,
        "began_s": 0,
        "detected_s": 0,
        "updated_s": 0,
    }
    subject = {
        "rule_id": "departure-two-readings",
        "quantity": "air_dose_rate_as_published",
        "medium": "air_over_land",
        "unit": "nSv/h",
        "exercise": False,
    }
    return json.dumps(
        {
            "uid": ALERT,
            "kind": "departure",
            "rule_version": 1,
            "subject": subject,
            "about": series,
            "areas": ["JP-07"],
            "feeds": [feed],
            "life": life,
        }
    )


async def raise_alert(
    store: Store, *, uid: str = ALERT, feed: str = "jp-made", began_s: int = made.NOW - 1800, exercise: bool = False
) -> None:
    proof = EvidenceRow(
        made.DOSE_F.uid,
        made.NOW - 1800,
        2,
        0.055,
        "0.055",
        "uSv/h",
        0,
        None,
        made.NOW - 300,
        "ab" * 32,
        {"median_nsv_h": 52.0},
    )
    row = AlertRow(
        uid,
        "departure-two-readings",
        made.DOSE_F.uid,
        AlertState.UNVERIFIED,
        AlertState.UNVERIFIED,
        1,
        began_s,
        made.NOW - 290,
        made.NOW - 290,
        areas=("JP-07",),
        exercise=exercise,
        document=document(feed, made.DOSE_F.uid, made.FUKUSHIMA.uid),
    )
    event = EventRow(
        f"{uid}-1",
        uid,
        1,
        "unverified",
        AlertState.UNVERIFIED,
        AlertState.UNVERIFIED,
        made.NOW - 290,
        "1",
        '{"least": 48}',
        {"en": "One station.", "ja": "1地点。"},
        exercise=exercise,
        document='{"method": "analysis.departure/1"}',
        evidence=(proof,),
    )
    await held.decide(store, Decision(made.NOW, (), (Change(row, event),)))
    stale = replace(row, state=AlertState.STALE, revision=2, updated_s=made.NOW)
    step = replace(
        event,
        uid=f"{uid}-2",
        revision=2,
        kind="stale",
        state=AlertState.STALE,
        at_s=made.NOW,
        reasons={"en": "Nothing is heard."},
        evidence=(),
    )
    await held.decide(store, Decision(made.NOW, (), (Change(stale, step),)))


async def test_an_alert_with_its_newest_reason(api: Client, store: Store) -> None:
    await raise_alert(store)
    alert = (await body(api, f"/v1/alerts/{ALERT}"))["alert"]
    assert (alert["state"], alert["level"], alert["revision"], alert["resolved_at"]) == ("stale", "unverified", 2, None)
    assert (alert["sentence"], alert["regions"], alert["series"], alert["feeds"]) == (
        {"en": "Nothing is heard."},
        ["JP-07"],
        [made.DOSE_F.uid],
        ["jp-made"],
    )
    assert [(one["station"], one["median"], one["peak"], one["rain"]) for one in alert["stations"]] == [
        (made.FUKUSHIMA.uid, 52.0, 45.0, None)
    ]
    assert "Follow local authorities" in alert["note"]
    assert (await body(api, alert["links"]["self"]))["alert"] == alert


async def test_history_and_evidence_at_the_revisions_they_saw(api: Client, store: Store) -> None:
    await raise_alert(store)
    steps = (await body(api, f"/v1/alerts/{ALERT}/events"))["events"]
    assert [(one["revision"], one["kind"], one["state"]) for one in steps] == [
        (1, "unverified", "unverified"),
        (2, "stale", "stale"),
    ]
    first, second = (await body(api, f"/v1/alerts/{ALERT}/evidence"))["events"]
    proof: Any = first["evidence"][0]
    assert (proof["value"], proof["unit"], proof["published"]["text"], proof["revision"]) == (55.0, "nSv/h", "0.055", 2)
    assert proof["conversion"]["factor"] == "1000"
    assert (proof["numbers"], first["parameters"], first["account"]) == (
        {"median_nsv_h": 52.0},
        {"least": 48},
        {"method": "analysis.departure/1"},
    )
    assert second["evidence"] == []


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", 3),
        ("status=stale", 3),
        ("status=open", 3),
        ("status=resolved", 0),
        ("region=JP-07", 3),
        ("region=JP-40", 0),
        ("status=firing,stale", 3),
        ("to=2026-08-15T01:00:00Z", 1),
        ("from=2026-08-15T02:00:00Z", 3),
    ],
)
async def test_filters_and_pages(api: Client, store: Store, query: str, found: int) -> None:
    for i in range(3):
        await raise_alert(store, uid=f"{ALERT[:-1]}{i}", began_s=made.NOW - 1800 - i * 3600, exercise=i == 2)
    seen: list[str] = []
    at: str | None = f"/v1/alerts?limit=2&{query}".rstrip("&")
    while at:
        page = await body(api, at)
        seen += [one["id"] for one in page["alerts"]]
        at = page["next"]
    assert len(seen) == len(set(seen)) == found


async def test_an_exercise_is_marked(api: Client, store: Store) -> None:
    await raise_alert(store, exercise=True)
    page = await body(api, "/v1/alerts")
    assert (page["exercise"], page["alerts"][0]["exercise"]) == (True, True)


async def test_the_public_hears_that_something_is_held_back(public: Client, store: Store) -> None:
    await raise_alert(store, feed="kr-made")
    page = await body(public, "/v1/alerts")
    assert (page["alerts"], page["withheld"]["count"]) == ([], 1)
    await body(public, f"/v1/alerts/{ALERT}", 404)


async def test_alerts_arrive_on_the_stream(serve: Any, store: Store, clock: Any) -> None:
    api = await serve(stream_every_s=0.01)
    await raise_alert(store)
    async with api.get("/v1/stream", headers={"Last-Event-ID": str(made.NOW - 1000)}) as response:
        text = b""
        while b"event: as_of" not in text:
            text += await response.content.readany()
    assert text.count(b"event: alert") == 2


async def test_rules_in_words_and_numbers(api: Client) -> None:
    rules = (await body(api, "/v1/alert-rules"))["rules"]
    departure = next(rule for rule in rules if rule["id"] == "departure-two-readings")
    assert departure["parameters"]["gates"][0] == {"rise": 15.0, "z": 5.0}
    assert departure["title"]["en"]
    assert (await body(api, "/v1/alert-rules/departure-two-readings"))["rule"] == departure
    await body(api, "/v1/alert-rules/nothing", 404)
