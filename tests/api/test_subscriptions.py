"""Subscriptions: tokens shown once, typos refused, deliveries looked up and repeated."""

from __future__ import annotations

from typing import Any

import pytest

from api.problems import Code
from domain.states import Audience
from store import deliveries
from tests.api.conftest import Client

URL = "https://receiver.example/hook"


async def ask(client: Client, method: str, path: str, status: int, token: str = "", **more: Any) -> Any:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with client.request(method, path, headers=headers, **more) as response:
        assert response.status == status, await response.text()
        return await response.json(content_type=None) if status != 204 else None


async def test_a_life(api: Client, store) -> None:
    told = await ask(
        api, "POST", "/v1/subscriptions", 201, json={"url": URL, "filter": {"regions": ["JP-07"], "media": ["sea"]}}
    )
    token, path = told["token"], f"/v1/subscriptions/{told['subscription']['id']}"
    assert told["secret"].startswith("whsec_")
    row = await deliveries.subscription(store, told["subscription"]["id"])
    assert token not in str(row), "only a digest of the token is kept"
    shown = await ask(api, "GET", path, 200, token)
    assert "secret" not in str(shown)
    assert shown["subscription"]["filter"]["regions"] == ["JP-07"]
    assert "sea_water" in shown["subscription"]["filter"]["media"]
    paused = await ask(api, "PATCH", path, 200, token, json={"state": "paused", "description": "ours"})
    assert (paused["subscription"]["state"], paused["subscription"]["url"]) == ("paused", URL)
    renewed = await ask(api, "POST", f"{path}/rotate-secret", 200, token)
    assert renewed["secret"] != told["secret"]
    assert renewed["previous_until"] == "2026-08-16T03:00:00Z"
    await ask(api, "POST", f"{path}/test", 202, token)
    await ask(api, "POST", f"{path}/test", 202, token)
    first = await ask(api, "GET", f"{path}/deliveries?limit=1", 200, token)
    second = await ask(api, "GET", first["next"], 200, token)
    assert [one["sequence"] for one in first["deliveries"] + second["deliveries"]] == [1, 2]
    assert first["deliveries"][0]["payload"]["data"]["exercise"] is True
    assert await ask(api, "POST", f"{path}/deliveries/2/redeliver", 202, token) == {"queued": 1}
    assert await ask(api, "POST", f"{path}/replay?from_sequence=1&to_sequence=9", 202, token) == {"queued": 2}
    await ask(api, "POST", f"{path}/deliveries/3/redeliver", 404, token)
    await ask(api, "DELETE", path, 204, token)
    assert (await ask(api, "GET", path, 410, token))["code"] == Code.GONE


async def test_only_the_subscriber_and_the_operator(serve) -> None:
    api = await serve(operator_token="operator")
    assert (await ask(api, "POST", "/v1/subscriptions", 401, json={"url": URL}))["code"] == Code.TOKEN_MISSING
    assert (await ask(api, "POST", "/v1/subscriptions", 403, "guess", json={"url": URL}))["code"] == Code.TOKEN_REFUSED
    told = await ask(api, "POST", "/v1/subscriptions", 201, "operator", json={"url": URL})
    other = await ask(api, "POST", "/v1/subscriptions", 201, "operator", json={"url": URL})
    path = f"/v1/subscriptions/{told['subscription']['id']}"
    await ask(api, "GET", path, 401)
    await ask(api, "GET", path, 403, other["token"])
    await ask(api, "GET", "/v1/subscriptions/sub_unknown", 403, told["token"])
    await ask(api, "GET", "/v1/subscriptions/sub_unknown", 404, "operator")
    await ask(api, "GET", path, 200, told["token"])
    await ask(api, "GET", path, 200, "operator")


async def test_a_public_service_without_an_operator_takes_none(serve) -> None:
    api = await serve(audience=Audience.PUBLIC)
    await ask(api, "POST", "/v1/subscriptions", 401, json={"url": URL})
    await ask(api, "POST", "/v1/subscriptions", 403, "guess", json={"url": URL})


BODIES = [
    (b"", 400, Code.BAD_BODY),
    (b"{", 400, Code.BAD_BODY),
    (b"\xff\xfe", 400, Code.BAD_BODY),
    (b"[]", 422, Code.NOT_MEANINGFUL),
    (b'{"url":1}', 422, Code.NOT_MEANINGFUL),
    (b'{"url":"%s","adress":1}' % URL.encode(), 422, Code.NOT_MEANINGFUL),
    (b'{"url":"http://receiver.example/"}', 422, Code.NOT_MEANINGFUL),
    (b'{"url":"https://127.0.0.1/"}', 422, Code.NOT_MEANINGFUL),
    (b'{"url":"https://[::1]/"}', 422, Code.NOT_MEANINGFUL),
    (b'{"url":"https://localhost/"}', 422, Code.NOT_MEANINGFUL),
    (b'{"url":"https://a:b@receiver.example/"}', 422, Code.NOT_MEANINGFUL),
    (b'{"url":"https://"}', 422, Code.NOT_MEANINGFUL),
    (b'{"url":"%s","filter":{"regions":["JP-99"]}}' % URL.encode(), 422, Code.NOT_MEANINGFUL),
    (b'{"url":"%s","filter":{"media":["water"]}}' % URL.encode(), 422, Code.NOT_MEANINGFUL),
    (b'{"url":"%s","filter":{"level":"high"}}' % URL.encode(), 422, Code.NOT_MEANINGFUL),
    (b'{"url":"%s","description":"%s"}' % (URL.encode(), b"x" * 70_000), 413, Code.BODY_TOO_LARGE),
]


@pytest.mark.parametrize(
    ("sent", "status", "code"), BODIES, ids=[body[:60].decode(errors="replace") for body, _, _ in BODIES]
)
async def test_bodies_that_are_refused(api: Client, sent: bytes, status: int, code: Code) -> None:
    async with api.post("/v1/subscriptions", data=sent, headers={"Content-Type": "application/json"}) as response:
        told = await response.json()
        assert (response.status, told["code"]) == (status, code), told


async def test_a_body_of_another_type(api: Client) -> None:
    async with api.post("/v1/subscriptions", data=b"url=x", headers={"Content-Type": "text/plain"}) as response:
        assert (response.status, (await response.json())["code"]) == (415, Code.UNSUPPORTED_MEDIA_TYPE)
