"""Answers with a ready head say the same, header by header, as those that aiohttp puts together."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from api.prepared import Prepared
from domain.clock import VirtualClock
from domain.readings import Harvest
from domain.states import Audience
from store.engine import Store
from tests.api import made
from tests.api.conftest import Client

PATHS = (
    "/v1/latest?limit=5",
    "/v1/latest?f=csv",
    "/v1/latest?f=geojson&region=JP-07",
    "/v1/regions/JP-07/summary",
    "/v1/stations",
)
CODINGS = ("identity", "gzip", "br", "zstd", "zstd;q=0.2, gzip")
_OF_THE_MOMENT = ("date", "connection", "ratelimit-remaining", "ratelimit-reset")

Answer = tuple[int, dict[str, str], bytes]


async def ask(client: Client, path: str, headers: Mapping[str, str]) -> Answer:
    """Status, headers and the bytes on the wire."""
    async with client.get(path, headers=headers, auto_decompress=False) as response:
        same = {name.lower(): text for name, text in response.headers.items() if name.lower() not in _OF_THE_MOMENT}
        return response.status, same, await response.read()


@pytest.mark.parametrize("audience", list(Audience))
@pytest.mark.parametrize("path", PATHS)
async def test_ready_answers_equal_those_put_together(serve, audience: Audience, path: str) -> None:
    api = await serve(audience=audience, requests_per_minute=10_000)
    for coding in CODINGS:
        wanted = {"Accept-Encoding": coding}
        ready = await ask(api, path, wanted)
        assert ready == await ask(api, path, {**wanted, "Connection": "close"})
        assert ready[0] == 200
        assert ready[1]["ratelimit-limit"] == "10000"
        known = {**wanted, "If-None-Match": ready[1]["etag"]}
        unchanged = await ask(api, path, known)
        assert unchanged == await ask(api, path, {**known, "Connection": "close"})
        assert (unchanged[0], unchanged[2]) == (304, b"")


async def test_a_ready_answer_dates_itself_and_keeps_the_connection(api: Client, monkeypatch) -> None:
    made_ready: list[int] = []

    class Noted(Prepared):
        def __init__(self, status: int, head: bytes, body: bytes) -> None:
            super().__init__(status, head, body)
            made_ready.append(status)

    monkeypatch.setattr("api.caching.Prepared", Noted)
    async with api.get(PATHS[0]) as first, api.get(PATHS[0], headers={"Connection": "close"}) as second:
        assert len(first.headers["Date"]) == len(second.headers["Date"]) == len("Wed, 25 Nov 2026 04:00:00 GMT")
        assert ("Connection" in first.headers, second.headers["Connection"]) == (False, "close")
    assert made_ready == [200]


async def test_an_audience_never_hears_the_answer_of_another(serve) -> None:
    own, public = await serve(), await serve(audience=Audience.PUBLIC)
    for path in ("/v1/latest", "/v1/regions/KR-26/summary"):
        for _ in range(2):  # the second time from kept bytes
            answers = [await ask(client, path, {"Accept-Encoding": "identity"}) for client in (own, public)]
            assert answers[0][1]["etag"] != answers[1][1]["etag"]
            assert b'"audience":"internal"' in answers[0][2]
            assert b'"audience":"public"' in answers[1][2]


async def test_after_a_new_batch_a_ready_answer_is_the_new_one(api: Client, store: Store, clock: VirtualClock) -> None:
    for path in ("/v1/latest", "/v1/regions/JP-07/summary"):
        before = await ask(api, path, {})
        assert before == await ask(api, path, {})
        clock.advance_to(clock.now_s() + 600)
        now_s = int(clock.now_s())
        harvest = Harvest(read=4, stations=(made.FUKUSHIMA,), readings=made.readings(made.sweep(now_s - 60)))
        await made.commit(store, made.batch("jp-made", now_s, harvest))
        after = await ask(api, path, {"If-None-Match": before[1]["etag"]})
        assert after[0] == 200
        assert after[1]["etag"] != before[1]["etag"]
        assert after == await ask(api, path, {"Connection": "close"})


async def test_a_head_and_an_older_client_are_answered_too(api: Client) -> None:
    whole = await ask(api, PATHS[0], {"Accept-Encoding": "identity"})
    async with api.head(PATHS[0], headers={"Accept-Encoding": "identity"}) as response:
        assert response.headers["Content-Length"] == str(len(whole[2]))
        assert response.headers["ETag"] == whole[1]["etag"]
