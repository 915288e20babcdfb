"""Rights are data: whatever the verdicts are, no record of a feed that may not be passed on reaches a public audience by any exit.

Every GET operation of the service is walked in every format, with ids of the withheld feed where it takes ids. A record is known by its
number, which stands nowhere else, and by the name of its station.
"""

from __future__ import annotations

import asyncio
import io
import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import xarray as xr
from aiohttp.test_utils import TestClient, TestServer
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from api.app import OPERATIONS, create_app
from api.operation import Operation
from api.settings import ApiSettings
from domain.clock import VirtualClock
from domain.readings import Harvest, Sample, Series, Station
from domain.states import Audience, Censoring, Redistribute
from store.engine import Store, open_store
from tests.api import made
from tests.api.test_alerts import raise_alert

NUMBERS = {"jp-made": "51.3271", "kr-made": "86.4193", "sea-made": "7.31962", "xx-drill": "92.5183"}
AT = made.NOW - 700
WINDOW = {"from": "2026-08-14T00:00:00Z", "to": "2026-08-16T00:00:00Z"}
EXTRA = {"step": "6h", "window": "24h", "end": "2026-08-15T00:10:00Z", "old": "1", "new": "2", "code": "x"}
#: The stream stays open and is heard apart (`heard`); the other is the caller's own receipt.
NOT_WALKED = frozenset({"/v1/stream", "/v1/subscriptions/{id}/confirm"})


def station_of(feed_id: str) -> Station:
    near = made.BUSAN if feed_id == "kr-made" else made.FUKUSHIMA
    return replace(near, uid=f"{feed_id}:zq", namespace=feed_id, key="zq", names=(("en", f"ZQ-{feed_id}"),))


def series_of(feed_id: str) -> Series:
    if feed_id == "sea-made":
        return made.series(
            station_of(feed_id),
            "activity_concentration_in_water",
            "Bq/L",
            medium="sea_water",
            analyte="Cs-137",
            window_s=0,
        )
    return replace(made.series(station_of(feed_id), unit="nSv/h"), exercise=feed_id == "xx-drill")


def harvest_of(feed_id: str) -> Harvest:
    at, series, text = station_of(feed_id), series_of(feed_id), NUMBERS[feed_id]
    if feed_id != "sea-made":
        rows = [(series, AT - 600 * back, float(text), text) for back in range(3)]
        return Harvest(read=3, stations=(at,), readings=made.readings(rows))
    result = replace(made.result("zq", "Cs-137", float(text), Censoring.NONE, text), series_uid=series.uid)
    sample = Sample(
        "zq", at.uid, "sea_water", AT, AT, "2026/8/15", "day", "Asia/Tokyo", zone_assumed=False, results=(result,)
    )
    return Harvest(read=1, stations=(at,), series=(series,), samples=(sample,))


@pytest.fixture(scope="module")
def world(filled: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The made world, with one unmistakable number from each feed, and an alert that stands on the Korean one."""
    path = tmp_path_factory.mktemp("rights") / "made.db"
    shutil.copy(filled, path)

    async def add() -> None:
        store = await open_store(f"sqlite+aiosqlite:///{path}")
        for number, feed_id in enumerate(NUMBERS):
            batch = made.batch(feed_id, AT + 100 + number, harvest_of(feed_id), url="https://publisher.example/zq")
            await made.commit(store, replace(batch, exercise=feed_id == "xx-drill"))
        await raise_alert(store, feed="kr-made")
        await store.close()

    asyncio.run(add())
    return f"sqlite+aiosqlite:///{path}"


def walked(feed_id: str) -> Iterator[tuple[Operation, str, dict[str, str]]]:
    """Every question that can be asked, in every format, about the records of one feed; what names no feed is asked once."""
    at, series = station_of(feed_id).uid, series_of(feed_id).uid
    for operation in OPERATIONS:
        if operation.method != "GET" or operation.path in NOT_WALKED or operation.scope:
            continue
        if "{id}" not in operation.path and feed_id != "kr-made":
            continue
        for given_id in _ids(operation.path, feed_id, at, series):
            path = operation.path
            for name, example_id in (operation.path_examples or {}).items():
                path = path.replace(f"{{{name}}}", given_id if name == "id" else example_id)
            query = {
                one.name: WINDOW.get(one.name, EXTRA.get(one.name, "")) for one in operation.params if one.required
            }
            query |= {name: text for name, text in WINDOW.items() if name in {one.name for one in operation.params}}
            if operation.path.endswith("/history"):
                query |= {"from": "2026-08-15T01:00:00Z", "to": "2026-08-15T03:00:00Z", "step": "1h"}
            if "limit" in {one.name for one in operation.params}:
                query["limit"] = "200"
            if "series" in query:
                query["series"] = series
            for word in operation.formats:
                yield operation, path, query | ({"f": word} if len(operation.formats) > 1 else {})


def _ids(path: str, feed_id: str, station: str, series: str) -> tuple[str, ...]:
    kind = path.split("/")[2].split(".", maxsplit=1)[0] if path.startswith("/v1/") and "{" in path else ""
    region = "KR-26" if feed_id == "kr-made" else "JP-07"
    site = "kr-kori" if feed_id == "kr-made" else "jp-fukushima-daiichi"
    known = {"stations": (station,), "series": (series,), "feeds": (feed_id,), "samples": ("zq",), "regions": (region,)}
    return {**known, "sites": (site,), "alerts": ("al-0123456789abcdef01234567",)}.get(kind, ("x",))


def text_of(body: bytes, kind: str) -> str:
    """Everything that a body says, also where it says it in binary."""
    if kind == "application/vnd.apache.parquet":
        table = pq.read_table(io.BytesIO(body))
        return f"{table.to_pydict()} {table.schema.metadata}"
    if kind == "application/x-netcdf":
        data = xr.open_dataset(io.BytesIO(body), engine="h5netcdf")
        return " ".join(f"{name} {data[name].values.tolist()}" for name in data.variables) + str(data.attrs)
    return body.decode("utf-8", errors="replace")


async def exits(store: Store, rights: dict[str, Redistribute], audience: Audience) -> dict[str, list[str]]:
    """Feed -> the questions whose answers hold its number or the name of its station."""
    feeds = tuple(
        feed.model_copy(
            update={"rights": feed.rights.model_copy(update={"redistribute": rights.get(feed.id, Redistribute.YES)})}
        )
        for feed in made.FEEDS
    )
    options = ApiSettings(audience=audience, warm_up=False)
    app = create_app(store, replace(made.config(), feeds=feeds), options, VirtualClock(made.NOW))
    told: dict[str, list[str]] = {feed_id: [] for feed_id in NUMBERS}
    async with TestClient(TestServer(app)) as client:
        for feed_id in NUMBERS:
            for _, path, query in walked(feed_id):
                async with client.get(path, params=query) as response:
                    assert response.status in (200, 404, 503), f"{path} {query}: {await response.text()}"
                    said = text_of(await response.read(), response.content_type) + json.dumps(dict(response.headers))
                for other, number in NUMBERS.items():
                    if number in said or f"ZQ-{other}" in said:
                        told[other].append(f"{path} {query}")
        said = await heard(client)
    for feed_id, number in NUMBERS.items():
        if number in said or f"ZQ-{feed_id}" in said:
            told[feed_id].append("/v1/stream")
    return told


async def heard(client: TestClient[Any, Any]) -> str:
    """The stream from the first second on, up to the end of what it has to say: newest values, alert events, states of feeds."""
    said = ""
    async with client.get("/v1/stream", headers={"Last-Event-ID": "1"}) as response:
        assert response.status == 200
        async for line in response.content:
            said += line.decode()
            if line.startswith(b"event: as_of"):
                break
    return said


VERDICTS = st.fixed_dictionaries({feed_id: st.sampled_from(Redistribute) for feed_id in NUMBERS})


@settings(max_examples=1, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@example(rights=dict.fromkeys(NUMBERS, Redistribute.INTERNAL))
@given(rights=VERDICTS)
def test_nothing_that_may_not_be_passed_on_leaves_by_any_exit(world: str, rights: dict[str, Redistribute]) -> None:
    async def walk() -> dict[str, list[str]]:
        store = await open_store(world)
        try:
            return await exits(store, rights, Audience.PUBLIC)
        finally:
            await store.close()

    told: dict[str, list[str]] = asyncio.run(walk())
    for feed_id, found in told.items():
        if rights[feed_id] is not Redistribute.YES:
            assert found == [], f"{feed_id} is {rights[feed_id]}"


def test_the_walk_would_see_it(world: str) -> None:
    """To its operator the same service tells every one of the numbers, in every format that carries values."""

    async def walk() -> dict[str, list[str]]:
        store = await open_store(world)
        try:
            return await exits(store, dict.fromkeys(NUMBERS, Redistribute.INTERNAL), Audience.INTERNAL)
        finally:
            await store.close()

    told: dict[str, list[Any]] = asyncio.run(walk())
    assert all(len(found) >= 5 for found in told.values()), {feed_id: len(found) for feed_id, found in told.items()}
    assert all("/v1/stream" in told[feed_id] for feed_id in ("jp-made", "kr-made"))
    for word in ("csv", "ndjson", "geojson", "netcdf", "parquet"):
        assert any(f"'f': '{word}'" in line for line in told["kr-made"]), word
