"""Silences, acknowledgements and the picture of an alert: asked by operators, told with the alert, ending and hiding nothing."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

from domain.states import Audience
from store.engine import Store
from tests.api import made
from tests.api.conftest import Client, body
from tests.api.test_alerts import ALERT, raise_alert
from tests.api.test_subscriptions import ask

TOKEN = "operator"
SOON = "2036-01-01T00:00:00Z"


def later(hours: int) -> str:
    from api.clocktext import told

    return told(made.NOW + hours * 3600)


async def silenced(api: Client, status: int = 201, **asked: Any) -> Any:
    given = {"reason": "calibration", "until": later(2)} | asked
    return await ask(api, "POST", "/v1/silences", status, TOKEN, json=given)


async def test_a_silence_has_author_reason_and_end_and_is_told_with_the_alert(serve, store: Store) -> None:
    await raise_alert(store)
    api = await serve(operator_token=TOKEN)
    before = (await body(api, f"/v1/alerts/{ALERT}"))["alert"]
    made_one = (await silenced(api, regions=["JP-07"]))["silence"]
    assert (made_one["active"], made_one["level"], made_one["author"]) == (True, "unverified", "operator (API)")
    alert = (await body(api, f"/v1/alerts/{ALERT}"))["alert"]
    assert [one["id"] for one in alert["silenced"]] == [made_one["id"]]
    assert alert["state"] == before["state"]
    listed = await ask(api, "GET", "/v1/silences", 200, TOKEN)
    assert [one["id"] for one in listed["silences"]] == [made_one["id"]]
    ended = (await ask(api, "DELETE", f"/v1/silences/{made_one['id']}", 200, TOKEN))["silence"]
    assert ended["ended_by"] == "operator (API)"
    assert not ended["active"]
    assert (await body(api, f"/v1/alerts/{ALERT}"))["alert"]["silenced"] == []
    assert (await ask(api, "GET", f"/v1/silences/{made_one['id']}", 200, TOKEN))["silence"]["reason"] == "calibration"


async def test_silences_without_end_reason_or_a_known_name_are_refused(serve) -> None:
    api = await serve(operator_token=TOKEN)
    await silenced(api, 422, reason="")
    await silenced(api, 400, reason=" ")
    await silenced(api, 400, until=later(-1))
    await silenced(api, 400, until=SOON)
    await silenced(api, 400, until="2026-08-15T12:00:00")
    await silenced(api, 404, regions=["XX-99"])
    await silenced(api, 404, alerts=["al-unknown"])
    await ask(api, "POST", "/v1/silences", 401, json={"reason": "r", "until": later(1)})
    await ask(api, "DELETE", "/v1/silences/sil_unknown", 404, TOKEN)


async def test_an_acknowledgement_expires_and_changes_no_state(serve, store: Store, clock) -> None:
    await raise_alert(store)
    api = await serve(operator_token=TOKEN)
    path = f"/v1/alerts/{ALERT}/acknowledge"
    before = (await body(api, f"/v1/alerts/{ALERT}"))["alert"]
    told = await ask(api, "POST", path, 201, TOKEN, json={"note": "looking", "expires": later(1)})
    assert told["acknowledgement"]["revision"] == before["revision"]
    alert = (await body(api, f"/v1/alerts/{ALERT}"))["alert"]
    assert (alert["acknowledged"]["note"], alert["state"], alert["silenced"]) == ("looking", before["state"], [])
    clock.advance_to(made.NOW + 3601)
    assert (await body(api, f"/v1/alerts/{ALERT}"))["alert"]["acknowledged"] is None
    await ask(api, "POST", path, 400, TOKEN, json={"expires": later(-1)})
    await ask(api, "POST", "/v1/alerts/al-unknown/acknowledge", 404, TOKEN, json={})
    await ask(api, "POST", path, 401, json={})


async def test_the_public_hears_that_but_not_by_whom(serve, store: Store) -> None:
    await raise_alert(store)
    api = await serve(operator_token=TOKEN, audience=Audience.PUBLIC)
    await ask(api, "POST", f"/v1/alerts/{ALERT}/acknowledge", 201, TOKEN, json={"note": "a name"})
    await silenced(api, alerts=[ALERT], reason="a name")
    alert = (await body(api, f"/v1/alerts/{ALERT}"))["alert"]
    assert (alert["acknowledged"]["author"], alert["acknowledged"]["note"]) == ("", "")
    assert alert["silenced"][0]["reason"] == ""


async def test_the_picture_of_an_alert_is_svg_with_its_readings_and_moments(serve, store: Store) -> None:
    await raise_alert(store, exercise=True)
    api = await serve()
    sentence = (await body(api, f"/v1/alerts/{ALERT}"))["alert"]["sentence"]["en"]
    async with api.get(f"/v1/alerts/{ALERT}/chart?language=en") as response:
        assert response.status == 200
        assert response.content_type == "image/svg+xml"
        text = await response.text()
    root = ElementTree.fromstring(text)
    words = "".join(root.itertext())
    assert "EXERCISE" in words
    assert sentence[:8] in words
    assert "unverified" in words
    assert "Not an official declaration" in words
    assert root.findall(".//{http://www.w3.org/2000/svg}circle")


async def test_rules_name_issuer_source_and_doubt(serve) -> None:
    api = await serve()
    rule = (await body(api, "/v1/alert-rules/jp-oil2"))["rule"]
    assert rule["issuer"]["en"] == "Nuclear Regulation Authority (Japan)"
    assert rule["source"]
    doubted = (await body(api, "/v1/alert-rules/kr-attention"))["rule"]
    assert not doubted["enabled"]
    assert doubted["doubt"]
