"""What is written while it is read: whole windows, and events that a client can resume."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from collections.abc import AsyncIterator
from typing import Any

from domain.readings import Harvest
from domain.states import FeedState
from tests.api import made
from tests.api.conftest import Client, body

WINDOW = "from=2026-08-01T00:00:00Z&to=2026-08-16T00:00:00Z"


async def test_a_whole_window_is_every_row_of_the_walk(api: Client) -> None:
    rows = (await body(api, f"/v1/observations?{WINDOW}&limit=10000"))["observations"]
    async with api.get(f"/v1/observations?{WINDOW}&f=ndjson") as response:
        assert [json.loads(line) for line in (await response.text()).splitlines()] == rows
    async with api.get(f"/v1/observations?{WINDOW}&f=csv") as response:
        table = list(csv.DictReader(io.StringIO(await response.text())))
    assert [(row["series"], row["published_text"]) for row in table] == [
        (row["series"], row["published"]["text"]) for row in rows
    ]
    async with api.get(f"/v1/observations?{WINDOW}&f=ndjson&limit=5") as response:
        assert len((await response.text()).splitlines()) == 5


async def test_a_whole_window_names_the_feeds_that_it_leaves_out(public: Client) -> None:
    async with public.get(f"/v1/observations?{WINDOW}&f=ndjson") as response:
        assert response.headers["Radcommons-Withheld-Feeds"] == "kr-made"
        assert "kr-made" not in await response.text()


async def test_an_answer_that_breaks_is_not_taken_for_a_whole_one(api: Client, monkeypatch) -> None:
    from aiohttp import ClientError

    from store import read

    real, calls = read.observations, []

    async def breaks(*args: Any, **more: Any) -> Any:
        calls.append(1)
        if len(calls) > 1:
            raise RuntimeError("the disk is gone")
        return (await real(*args, **more))[:50]

    monkeypatch.setattr(read, "observations", breaks)
    try:
        async with api.get(f"/v1/observations?{WINDOW}&f=ndjson") as response:
            await response.text()
    except ClientError:
        return
    raise AssertionError("the client could not tell")


async def _events(response: Any) -> AsyncIterator[tuple[str, Any, str]]:
    kind = data = ident = ""
    async for raw in response.content:
        line = raw.decode().rstrip("\n")
        if line.startswith("event: "):
            kind = line[7:]
        elif line.startswith("data: "):
            data = line[6:]
        elif line.startswith("id: "):
            ident = line[4:]
        elif not line and kind:
            yield kind, json.loads(data), ident
            kind = data = ident = ""


async def _batch(events: AsyncIterator[tuple[str, Any, str]]) -> tuple[list[tuple[str, Any]], str]:
    """Events up to the end of a batch, and the id to resume from."""
    found = []
    async with asyncio.timeout(20):
        async for kind, data, ident in events:
            if kind == "as_of":
                return found, ident
            found.append((kind, data))
    raise AssertionError("the stream ended")


async def _new_value(store: Any, at_s: int, value: float) -> None:
    harvest = Harvest(
        read=1, stations=(made.FUKUOKA,), readings=made.readings([(made.DOSE_K, at_s - 30, value, f"{value:.0f}")])
    )
    await made.commit(store, made.batch("jp-made", at_s, harvest), FeedState.LATE)


async def test_new_values_and_states_arrive_and_a_client_resumes(serve, store, clock) -> None:
    api = await serve(stream_every_s=0.01)
    async with api.get("/v1/stream?region=JP-40") as response:
        assert response.content_type == "text/event-stream"
        events = _events(response)
        first, ident = await _batch(events)
        assert {kind for kind, _ in first} == {"feed"}, "what was there before is not news"
        clock.advance_to(made.NOW + 100)
        await _new_value(store, made.NOW + 60, 41.0)
        kinds: list[tuple[str, Any]] = []
        while not any(kind == "latest" for kind, _ in kinds):
            more, ident = await _batch(events)
            kinds += more
        rows = next(data for kind, data in kinds if kind == "latest")
        assert [(row["value"], row["station"]) for row in rows] == [(41.0, made.FUKUOKA.uid)]
    await _new_value(store, made.NOW + 80, 42.0)
    async with api.get("/v1/stream?region=JP-40", headers={"Last-Event-ID": ident}) as response:
        missed, _ = await _batch(_events(response))
    assert [[row["value"] for row in data] for kind, data in missed if kind == "latest"] == [[42.0]]


async def test_a_resume_from_nowhere_is_refused(api: Client) -> None:
    told = await body(api, "/v1/stream", 400, **{"Last-Event-ID": "abc"})
    assert (told["code"], told["param"]) == ("bad_value", "Last-Event-ID")


async def test_too_many_listeners(serve) -> None:
    api = await serve(stream_every_s=0.01, most_streams=1)
    async with api.get("/v1/stream") as first:
        assert first.status == 200
        await anext(_events(first))
        assert (await body(api, "/v1/stream", 503))["code"] == "not_available"
