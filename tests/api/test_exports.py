"""Large windows are written in the background, part by part, and downloads that broke go on."""

from __future__ import annotations

import asyncio
import csv
import hashlib
import io
import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from api.exports import EXPORTS
from domain.readings import Harvest
from tests.api import made
from tests.api.conftest import Client, body

QUERY = {"from": "2026-08-14T00:00:00Z", "to": "2026-08-16T00:00:00Z"}


async def ordered(api: Client, word: str, status: int = 202, **query: str) -> Any:
    async with api.post("/v1/exports", json={"format": word, "query": QUERY | query}) as response:
        told = await response.json()
        assert response.status == status, told
        return told if status != 202 else told["export"]


async def done(api: Client, export_id: str) -> Any:
    for _ in range(500):
        told = (await body(api, f"/v1/exports/{export_id}"))["export"]
        if told["state"] in ("done", "failed"):
            return told
        await asyncio.sleep(0.01)
    raise AssertionError(told)


async def fetched(api: Client, path: str, **headers: str) -> tuple[int, bytes]:
    async with api.get(path, headers=headers) as response:
        return response.status, await response.read()


async def test_an_export_holds_every_row_of_the_window(api: Client) -> None:
    rows = (await body(api, f"/v1/observations?from={QUERY['from']}&to={QUERY['to']}&limit=10000"))["observations"]
    wanted = sorted((row["series"], row["phenomenon_end"], row["published"]["text"]) for row in rows)
    held: dict[str, list[tuple[str, str, str]]] = {}
    for word in ("csv", "ndjson", "parquet"):
        told = await done(api, (await ordered(api, word))["id"])
        assert (told["state"], told["parts_done"], told["progress"], told["rows"]) == ("done", 8, 1.0, len(rows)), told
        _, content = await fetched(api, told["file"])
        assert (len(content), hashlib.sha256(content).hexdigest()) == (told["size_bytes"], told["sha256"])
        if word == "csv":
            listed: Any = csv.DictReader(io.StringIO(content.decode()))
            held[word] = [(row["series"], row["phenomenon_end"], row["published_text"]) for row in listed]
        elif word == "ndjson":
            lines = map(json.loads, content.splitlines())
            held[word] = [(row["series"], row["phenomenon_end"], row["published"]["text"]) for row in lines]
        else:
            frame = pq.read_table(io.BytesIO(content)).to_pandas()
            assert frame.value.dtype == float
            assert frame.exercise.dtype == bool
            held[word] = list(zip(frame.series, frame.phenomenon_end, frame.published_text, strict=True))
    assert {word: sorted(found) for word, found in held.items()} == dict.fromkeys(held, wanted)


async def test_a_broken_download_goes_on(api: Client) -> None:
    told = await done(api, (await ordered(api, "csv", region="JP-07"))["id"])
    _, whole = await fetched(api, told["file"])
    first = await fetched(api, told["file"], Range="bytes=0-99")
    rest = await fetched(api, told["file"], Range="bytes=100-")
    assert (first[0], rest[0]) == (206, 206)
    assert first[1] + rest[1] == whole


async def test_a_stopped_service_goes_on_after_the_last_whole_part(serve, tmp_path: Path, monkeypatch) -> None:
    first = await serve(export_folder=tmp_path)
    exports, stopped = first.server.app[EXPORTS], asyncio.Event()
    real = type(exports)._part

    async def part(self: Any, job: Any, *rest: Any) -> None:
        if job.parts_done == 3 and not stopped.is_set():
            stopped.set()
            raise asyncio.CancelledError
        await real(self, job, *rest)

    monkeypatch.setattr(type(exports), "_part", part)
    export_id = (await ordered(first, "csv"))["id"]
    await stopped.wait()
    await first.close()
    second = await serve(export_folder=tmp_path)
    told = await done(second, export_id)
    assert (told["state"], told["parts_done"]) == ("done", 8)
    again = await done(second, (await ordered(second, "csv"))["id"])
    assert again["sha256"] == told["sha256"], "the same as one that was never stopped"


async def test_later_corrections_are_not_in_it(api: Client, store: Any) -> None:
    first = await done(api, (await ordered(api, "ndjson"))["id"])
    rows = made.readings([(made.DOSE_F, made.NOW - 1800, 0.4, "0.4")])
    await made.commit(
        store, made.batch("jp-made", made.NOW + 600, Harvest(read=1, stations=(made.FUKUSHIMA,), readings=rows))
    )
    again = await done(api, (await ordered(api, "ndjson", as_of=first["as_of"]))["id"])
    assert again["sha256"] == first["sha256"]


async def test_the_public_gets_only_what_may_be_passed_on(public: Client) -> None:
    told = await done(public, (await ordered(public, "csv"))["id"])
    _, content = await fetched(public, told["file"])
    assert b"jp-made" in content
    assert b"kr-made" not in content


@pytest.mark.parametrize(
    ("word", "query", "status", "code", "param"),
    [
        ("csv", {"regoin": "JP-07"}, 400, "unknown_parameter", "regoin"),
        ("csv", {"region": "JP-99"}, 404, "unknown_name", "region"),
        ("csv", {"from": "2026-08-14T00:00:00"}, 400, "naive_time", "from"),
        ("csv", {"to": "2026-08-13T00:00:00Z"}, 422, "window_reversed", "to"),
        ("csv", {"from": "2020-08-14T00:00:00Z"}, 422, "not_meaningful", "query.to"),
        ("xlsx", {}, 422, "not_meaningful", ""),
    ],
)
async def test_what_cannot_be_written_is_refused_at_once(
    api: Client, word: str, query: dict[str, str], status: int, code: str, param: str
) -> None:
    told = await ordered(api, word, status, **query)
    assert (told["code"], told["param"]) == (code, param)


@pytest.mark.parametrize("export_id", ["nothing", "%2e%2e%2fjob"])
async def test_an_unknown_export(api: Client, export_id: str) -> None:
    async with api.get(f"/v1/exports/{export_id}") as response:
        assert response.status == 404
