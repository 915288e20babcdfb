"""Subscriptions: tokens shown once, typos refused, deliveries looked up and repeated."""

from __future__ import annotations

import json
from typing import Any

import pytest

from alerting.webhooks.deliver import Deliverer
from alerting.webhooks.retry import Answered
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


class Receiver:
    """Receives what is delivered; gives challenges back in the way that it is told."""

    def __init__(self, back: str = "json") -> None:
        self.back = back
        self.got: list[tuple[str, dict[str, Any]]] = []

    async def post(self, url, headers, body) -> Answered:
        told = json.loads(body)
        self.got.append((url, told))
        code = told["data"].get("challenge", "")
        echo = {"json": json.dumps({"challenge": code}), "text": code, "all": body.decode(), "nothing": ""}[self.back]
        return Answered(200, first_bytes=echo[:1024])

    def kinds(self) -> list[str]:
        return [told["type"] for _, told in self.got]


async def deliver(store, clock, receiver: Receiver) -> None:
    async with Deliverer(store, clock, sender=receiver, wall=clock) as sender:
        await sender.step()


async def test_a_life(api: Client, store, clock) -> None:
    told = await ask(
        api, "POST", "/v1/subscriptions", 201, json={"url": URL, "filter": {"regions": ["JP-07"], "media": ["sea"]}}
    )
    token, path = told["token"], f"/v1/subscriptions/{told['subscription']['id']}"
    assert told["secret"].startswith("whsec_")
    assert (told["subscription"]["state"], told["confirm_by"]) == ("unverified", "2026-08-16T03:00:00Z")
    row = await deliveries.subscription(store, told["subscription"]["id"])
    assert token not in str(row), "only a digest of the token is kept"
    shown = await ask(api, "GET", path, 200, token)
    assert "secret" not in str(shown)
    assert shown["subscription"]["filter"]["regions"] == ["JP-07"]
    assert "sea_water" in shown["subscription"]["filter"]["media"]
    await ask(api, "POST", f"{path}/test", 422, token)
    await ask(api, "PATCH", path, 422, token, json={"state": "active"})
    await deliver(store, clock, Receiver())
    active = (await ask(api, "GET", path, 200, token))["subscription"]
    assert (active["state"], active["pending_url"], active["verified_at"]) == ("active", "", "2026-08-15T03:00:00Z")
    paused = await ask(api, "PATCH", path, 200, token, json={"state": "paused", "description": "ours"})
    assert (paused["subscription"]["state"], paused["subscription"]["url"]) == ("paused", URL)
    renewed = await ask(api, "POST", f"{path}/rotate-secret", 200, token)
    assert renewed["secret"] != told["secret"]
    assert renewed["previous_until"] == "2026-08-16T03:00:00Z"
    await ask(api, "POST", f"{path}/test", 202, token)
    await ask(api, "POST", f"{path}/test", 202, token)
    first = await ask(api, "GET", f"{path}/deliveries?limit=2", 200, token)
    second = await ask(api, "GET", first["next"], 200, token)
    assert [one["sequence"] for one in first["deliveries"] + second["deliveries"]] == [-1, 1, 2]
    assert second["deliveries"][0]["payload"]["data"]["exercise"] is True
    waits = (await ask(api, "GET", path, 200, token))["subscription"]
    assert (waits["waiting"], waits["waiting_since"], waits["last_sequence"]) == (2, "2026-08-15T03:00:00Z", 2)
    assert await ask(api, "POST", f"{path}/deliveries/2/redeliver", 202, token) == {"queued": 1}
    assert await ask(api, "POST", f"{path}/replay?from_sequence=1&to_sequence=9", 202, token) == {"queued": 2}
    at = "2026-08-15T03:00:00Z"
    assert await ask(api, "POST", f"{path}/replay?from={at}", 202, token) == {"queued": 2}
    assert await ask(api, "POST", f"{path}/replay?to={at}&from_sequence=2", 202, token) == {"queued": 0}
    await ask(api, "POST", f"{path}/replay", 400, token)
    await ask(api, "POST", f"{path}/replay?from_sequence=3&to_sequence=2", 422, token)
    await ask(api, "POST", f"{path}/deliveries/3/redeliver", 404, token)
    await ask(api, "POST", f"{path}/deliveries/-1/redeliver", 404, token)
    await ask(api, "DELETE", path, 204, token)
    assert (await ask(api, "GET", path, 410, token))["code"] == Code.GONE


async def made_one(api: Client, **asked: Any) -> tuple[str, str, dict[str, Any]]:
    told = await ask(api, "POST", "/v1/subscriptions", 201, json={"url": URL, **asked})
    return told["token"], f"/v1/subscriptions/{told['subscription']['id']}", told


async def test_events_are_fetched_when_they_cannot_be_pushed(api: Client, store, clock) -> None:
    token, path, _ = await made_one(api)
    await deliver(store, clock, Receiver())
    for _ in range(5):
        await ask(api, "POST", f"{path}/test", 202, token)
    first = await ask(api, "GET", f"{path}/events?after_sequence=1&limit=2", 200, token)
    rest = await ask(api, "GET", first["next"], 200, token)
    got = [*first["events"], *rest["events"]]
    assert [one["sequence"] for one in got] == [2, 3, 4, 5]
    assert (first["last_sequence"], rest["next"]) == (5, None)
    receiver = Receiver()
    await deliver(store, clock, receiver)
    assert [one["body"] for one in got] == [told for _, told in receiver.got[1:]], "the very bodies that are pushed"
    again = await ask(api, "GET", f"{path}/events?after_sequence=5", 200, token)
    assert again["events"] == []
    await ask(api, "GET", f"{path}/events", 401)


@pytest.mark.parametrize("back", ["all", "nothing"])
async def test_who_only_receives_has_proved_nothing(api: Client, store, clock, back: str) -> None:
    """A page that answers with whatever it is sent, or with nothing at all, proves nothing; nor does the owner's own log."""
    token, path, told = await made_one(api)
    receiver = Receiver(back)
    await deliver(store, clock, receiver)
    await deliver(store, clock, receiver)
    assert receiver.kinds() == ["subscription.challenge"]
    code = receiver.got[0][1]["data"]["challenge"]
    listed = await ask(api, "GET", f"{path}/deliveries", 200, token)
    assert code not in json.dumps(listed)
    (attempt,) = listed["deliveries"][0]["attempts"]
    assert attempt["outcome"] == "not_given_back"
    assert (await ask(api, "GET", path, 200, token))["subscription"]["state"] == "unverified"
    await ask(api, "POST", f"{path}/confirm?code={'0' * 32}", 404)
    row = await deliveries.subscription(store, told["subscription"]["id"])
    assert code not in str(row), "a digest is kept"
    assert await ask(api, "POST", f"{path}/confirm?code={code}", 200) == {"confirmed": True, "state": "active"}
    await ask(api, "POST", f"{path}/confirm?code={code}", 404)
    await ask(api, "POST", f"{path}/challenge", 422, token)


async def test_a_challenge_is_met_in_time_or_sent_again(api: Client, store, clock) -> None:
    token, path, _ = await made_one(api)
    receiver = Receiver("nothing")
    await deliver(store, clock, receiver)
    first = receiver.got[-1][1]["data"]["challenge"]
    clock.advance_to(clock.now_s() + 86_400)
    await ask(api, "POST", f"{path}/confirm?code={first}", 404)
    await ask(api, "POST", f"{path}/challenge", 202, token)
    await ask(api, "POST", f"{path}/challenge", 202, token)
    receiver.back = "text"
    await deliver(store, clock, receiver)
    assert len(receiver.got) == 2, "only the newest challenge is sent"
    assert (await ask(api, "GET", path, 200, token))["subscription"]["state"] == "active"


async def test_a_new_address_is_used_once_it_is_proved(api: Client, store, clock) -> None:
    token, path, _ = await made_one(api)
    await deliver(store, clock, Receiver())
    new = "https://other.example/hook"
    changed = await ask(api, "PATCH", path, 200, token, json={"url": new})
    assert (changed["subscription"]["url"], changed["subscription"]["pending_url"]) == (URL, new)
    await ask(api, "POST", f"{path}/test", 202, token)
    silent = Receiver("nothing")
    await deliver(store, clock, silent)
    assert {(url, told["type"]) for url, told in silent.got} == {
        (new, "subscription.challenge"),
        (URL, "exercise.subscription.test"),
    }
    await ask(api, "POST", f"{path}/challenge", 202, token)
    await deliver(store, clock, Receiver())
    after = (await ask(api, "GET", path, 200, token))["subscription"]
    assert (after["url"], after["pending_url"], after["state"]) == (new, "", "active")


async def test_the_page_of_a_challenge_proves_nothing_by_being_opened(api: Client, store, clock) -> None:
    token, path, _ = await made_one(api)
    receiver = Receiver("nothing")
    await deliver(store, clock, receiver)
    code = receiver.got[0][1]["data"]["challenge"]
    async with api.get(f"{path}/confirm?code={code}") as response:
        text = await response.text()
        assert response.status == 200
        assert f'action="?code={code}"' in text
        assert "script" not in response.headers["Content-Security-Policy"]
    assert (await ask(api, "GET", path, 200, token))["subscription"]["state"] == "unverified"
    async with api.get(f"{path}/confirm?code=%3Cscript%3E") as response:
        assert response.status == 400


async def test_a_disabled_one_says_why_and_goes_on_where_it_stopped(api: Client, store, clock) -> None:
    token, path, _ = await made_one(api)
    await deliver(store, clock, Receiver())
    for _ in range(3):
        await ask(api, "POST", f"{path}/test", 202, token)

    class Gone(Receiver):
        async def post(self, url, headers, body) -> Answered:
            return Answered(410)

    await deliver(store, clock, Gone())
    shown = (await ask(api, "GET", path, 200, token))["subscription"]
    assert (shown["state"], shown["notice"]) == ("disabled", "the receiver says that it is gone (status 410)")
    await ask(api, "POST", f"{path}/test", 202, token)
    again = await ask(api, "PATCH", path, 200, token, json={"state": "active"})
    assert (again["subscription"]["notice"], again["subscription"]["waiting"]) == ("", 4)
    receiver = Receiver()
    await deliver(store, clock, receiver)
    assert [told["data"]["sequence"] for _, told in receiver.got] == [1, 2, 3, 4], "nothing is lost"


async def test_channels_formats_and_contacts_that_do_not_fit(serve, store, clock) -> None:
    api = await serve(channels=("webhook", "plain", "email"))
    mail = "mailto:somebody@example.org"
    for asked in (
        {"url": URL, "channel": "email"},
        {"url": mail, "channel": "plain"},
        {"url": "mailto:a@b,c@d", "channel": "email"},
        {"url": URL, "channel": "plain", "format": "cap"},
        {"url": URL, "contact": "nobody"},
        {"url": URL, "channel": "pigeon"},
        {"url": URL, "filter": {"sites": ["no-such-site"]}},
    ):
        await ask(api, "POST", "/v1/subscriptions", 422, json=asked)
    told = await ask(
        api,
        "POST",
        "/v1/subscriptions",
        201,
        json={"url": mail, "channel": "email", "contact": "owner@example.org", "filter": {"sites": ["jp-tomari"]}},
    )
    assert told["subscription"]["channel"] == "email"
    row = await deliveries.subscription(store, told["subscription"]["id"])
    (near,) = json.loads(row.filter)["near"]
    assert near[2] == 30_000
    silent = await serve()
    await ask(silent, "POST", "/v1/subscriptions", 422, json={"url": mail, "channel": "email"})


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
