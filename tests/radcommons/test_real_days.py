"""Real days of Japan end to end: nothing lost, nothing twice, nothing altered; a late publisher is one state and no dead country."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

from aiohttp.test_utils import TestClient, TestServer

from api.app import create_app
from api.settings import ApiSettings
from collector.archive import ArchiveReader
from collector.pipeline import Pipeline
from collector.replay import Replay, Replayed
from domain.clock import VirtualClock
from store import maintenance, read
from store.engine import Store, open_store
from store.rows import Filter
from tests.conftest import HAS_SHARED
from tests.radcommons import made, real_days

#: All 48 sweeps of the day are replayed when asked for (make replay-day); else five that lie apart.
WHOLE = bool(os.environ.get("RADCOMMONS_WHOLE_DAY"))
DAY = "2026-08-15"

if HAS_SHARED:

    async def replayed(url: str, folder: Path) -> tuple[Store, Replayed, VirtualClock]:
        store = await open_store(url)
        clock = VirtualClock()
        result = await Replay(Pipeline(store, made.config(), clock), clock).run(ArchiveReader([folder]))
        return store, result, clock

    async def stored(store: Store, quantity: str) -> dict[real_days.Key, list[tuple[float, str]]]:
        """Every reading of a quantity by the publisher's own name of its series."""
        found: dict[real_days.Key, list[tuple[float, str]]] = {}
        after = None
        while True:
            page = await read.observations(
                store, Filter(quantities=frozenset({quantity})), 0, 2**40, after=after, limit=10_000
            )
            for row in page:
                station, *rest = row.series_uid.removeprefix("jp-nra-ramis:").split(":")
                window = next((part[1:] for part in rest if part[0] == "w" and part[1:].isdigit()), "")
                assert row.value is not None
                found.setdefault((f"{station}{int(window):03d}", quantity, row.end_s), []).append((row.value, row.text))
            if len(page) < 10_000:
                return found
            after = (page[-1].end_s, page[-1].series_uid)

    async def test_every_distinct_reading_of_the_files_is_in_the_store_once_and_unaltered(
        sqlite_copy: str, tmp_path: Path
    ) -> None:
        clocks = real_days.sweeps(DAY) if WHOLE else real_days.sweeps(DAY)[::10]
        expected, cells = real_days.counted(DAY, clocks)
        store, result, _ = await replayed(sqlite_copy, real_days.archive(tmp_path / "archive", DAY, clocks))
        for quantity in real_days.FIELDS.values():
            wanted = {key: [value] for key, value in expected.items() if key[1] == quantity}
            assert await stored(store, quantity) == wanted
        count = result.feeds["jp-nra-ramis"]
        assert count.states == Counter(ok=len(clocks))
        assert not count.tally.refused
        assert count.tally.revised == 0
        winds = await read.arrays(store, Filter(quantities=frozenset({"wind_from_direction"})), 0, 2**40)
        assert count.tally.stored == len(expected) + len(winds.end_s)
        assert cells <= count.tally.stored + count.tally.unchanged
        assert await maintenance.check(store) == []
        print(
            f"{len(clocks)} sweeps: {len({key[:2] for key in expected})} series, {len(expected)} readings of {cells} cells, {count.tally}"
        )
        await store.close()

    async def test_the_late_hours_of_the_publisher_are_one_feed_state_and_no_dead_stations(
        sqlite_copy: str, tmp_path: Path
    ) -> None:
        clocks = ["0313", "0651", "0744", "0843", "1009"]
        folder = real_days.archive(tmp_path / "archive", "2026-07-29", clocks)
        store, result, clock = await replayed(sqlite_copy, folder)
        runs = sorted(await read.runs(store, "jp-nra-ramis"), key=lambda run: run.started_s)
        assert [run.state.value for run in runs] == ["ok", "late", "late", "late", "late"]
        assert result.feeds["jp-nra-ramis"].last_state == "late"
        health = (await read.feed_health(store))["jp-nra-ramis"]
        assert health.state.value == "late"
        app = create_app(store, made.config(), ApiSettings(), clock)
        async with TestClient(TestServer(app)) as client:
            answer = await (await client.get("/v1/latest?quantity=air_dose_rate_as_published&limit=10000")).json()
        fresh_before = await heard_between(store, runs[0].started_s - 2400, runs[0].started_s)
        states = Counter(row["freshness"] for row in answer["latest"] if row["series"] in fresh_before)
        assert sum(states.values()) > 4000
        assert set(states) <= {"fresh", "feed_late"}, states
        await store.close()

    async def heard_between(store: Store, from_s: int, to_s: int) -> set[str]:
        found = await read.arrays(store, Filter(quantities=frozenset({"air_dose_rate_as_published"})), from_s, to_s)
        return {found.series[i].series.uid for i in set(found.index.tolist())}
