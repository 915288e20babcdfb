"""What was known then stays what was known then; how a number is spelt changes nothing."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from api.app import create_app, openapi_bytes
from api.settings import ApiSettings
from domain.clock import VirtualClock
from domain.readings import Harvest
from domain.states import FeedState
from store.engine import open_store
from tests.api import made
from tests.api.conftest import Client, body

THEN = "2026-08-15T02:56:00Z"
DAYS = "from=2026-08-14T00:00:00Z&to=2026-08-16T00:00:00Z"
SERIES = f"/v1/series/{made.DOSE_F.uid}/observations?{DAYS}"
#: Path of the document -> what is asked of it; `formats` of each are asked for too.
ASKED = {
    "/v1/observations": [f"/v1/observations?{DAYS}&limit=10000&as_of={THEN}"],
    "/v1/series/{id}/observations": [f"{SERIES}&as_of={THEN}"],
    "/v1/latest": [f"/v1/latest?region=JP-07,JP-40&as_of={THEN}"],
    "/v1/regions/{id}/summary": [f"/v1/regions/JP-07/summary?as_of={THEN}"],
    "/v1/samples": [f"/v1/samples?as_of={THEN}"],
    "/v1/quakes": [f"/v1/quakes?as_of={THEN}"],
}
#: A page of a walk, buckets, and steps that end by then, none of which has formats of its own to ask for.
ALSO = [
    f"/v1/observations?{DAYS}&limit=3&as_of={THEN}",
    f"{SERIES}&resolution=1h&as_of={THEN}",
    f"{SERIES}&resolution=1d&as_of={THEN}",
    f"/v1/regions/JP-40/history?from=2026-08-15T00:00:00Z&to={THEN}&step=1h",
    f"/v1/regions/JP-40/history?from=2026-08-15T00:00:00Z&to={THEN}&step=1h&f=covjson",
    "/v1/regions/JP-40/grid?at=2026-08-15T02:00:00Z",
]
#: `as_of` of a proof says which revision it is of; the tree around it goes on growing. Exports are asked for apart.
OTHERWISE = {"/v1/log/proof"}


def paths_of_then() -> list[str]:
    """Every path that takes `as_of`, in each of its formats."""
    paths = {
        path: methods["get"]
        for path, methods in json.loads(openapi_bytes(ApiSettings()))["paths"].items()
        if "get" in methods
    }
    taking = {path for path, told in paths.items() if "as_of" in {one["name"] for one in told["parameters"]}}
    assert taking - OTHERWISE == set(ASKED)
    formats = {
        path: next((one["schema"]["enum"] for one in paths[path]["parameters"] if one["name"] == "f"), ["json"])
        for path in ASKED
    }
    return [
        f"{asked}&f={word}" if len(formats[path]) > 1 else asked
        for path in ASKED
        for asked in ASKED[path]
        for word in formats[path]
    ] + ALSO


async def exported(api: Client) -> bytes:
    """The file of an export of what was known then."""
    query = {"from": "2026-08-14T00:00:00Z", "to": "2026-08-16T00:00:00Z", "as_of": THEN}
    async with api.post("/v1/exports", json={"format": "csv", "query": query}) as response:
        export = (await response.json())["export"]
    while export["state"] in ("waiting", "running"):
        await asyncio.sleep(0)
        export = (await body(api, f"/v1/exports/{export['id']}"))["export"]
    assert export["state"] == "done", export
    async with api.get(export["file"]) as response:
        return await response.read()


async def test_the_answer_as_of_then_is_the_same_bytes_before_and_after_corrections(
    api: Client, store: Any, clock: VirtualClock
) -> None:
    async def asked() -> dict[str, bytes]:
        found = {"export": await exported(api)}
        for path in paths_of_then():
            async with api.get(path) as response:
                assert response.status == 200, await response.text()
                found[path] = await response.read()
        return found

    before = await asked()
    clock.advance_to(made.NOW + 3600)
    rows = [
        (made.DOSE_F, made.NOW - 1800, 0.4, "0.4"),
        (made.DOSE_F, made.NOW - 3000, 0.4, "0.4"),
        (made.DOSE_K, made.NOW - 1200, 400.0, "400"),
    ]
    harvest = Harvest(read=3, stations=(made.FUKUSHIMA, made.FUKUOKA), readings=made.readings(rows))
    await made.commit(store, made.batch("jp-made", made.NOW + 600, harvest), FeedState.PARTIAL)
    amended = replace(made.lab().samples[0], description="corrected")
    await made.commit(store, made.batch("sea-made", made.NOW + 700, replace(made.lab(), samples=(amended,))))
    await made.commit(
        store,
        made.batch("sea-made", made.NOW + 800, Harvest(read=1, quakes=(replace(made.quake(), status="cancelled"),))),
    )
    after = await asked()
    assert [path for path in before if after[path] != before[path]] == []
    now = await body(api, f"/v1/observations?{DAYS}&limit=10000")
    assert {row["value"] for row in now["observations"] if row["revision"] > 1} >= {400.0}


@pytest.fixture
async def summaries(tmp_path):
    """Summaries of Fukuoka when its one post publishes in a unit."""
    made_of: dict[str, Any] = {}

    async def of(unit: str, per_nano: float, digits: int) -> Any:
        store = await open_store(f"sqlite+aiosqlite:///{tmp_path}/{len(made_of)}.db")
        series = made.series(made.FUKUOKA, unit=unit)
        for step in range(60):
            end_s = made.NOW - 36_600 + 600 * step
            nano = 40 + step % 3 + (30 if step > 57 else 0)
            value = round(nano * per_nano, digits)
            row = (series, end_s, value, f"{value:.{digits}f}")
            await made.commit(
                store,
                made.batch(
                    "jp-made", end_s + 300, Harvest(read=1, stations=(made.FUKUOKA,), readings=made.readings([row]))
                ),
            )
        app = create_app(store, made.config(), ApiSettings(check_s=0.0), VirtualClock(made.NOW))
        async with TestClient(TestServer(app, host="127.0.0.1")) as client:
            found = await body(client, "/v1/regions/JP-40/summary")
        await store.close()
        made_of[unit] = found
        return found

    return of


async def test_how_a_unit_is_spelt_changes_no_summary(summaries) -> None:
    nano, micro, milli = (
        await summaries("nSv/h", 1.0, 0),
        await summaries("uSv/h", 0.001, 3),
        await summaries("mSv/h", 0.000001, 6),
    )
    assert nano["summaries"][0]["state"] != "normal"
    assert nano["summaries"][0]["departure"]["above"] == 1
    assert nano == micro == milli
