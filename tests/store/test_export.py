"""A store as files and back: equal row for row, on either engine, as known now and at any moment; and only what an audience may have."""

from __future__ import annotations

import json
import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.readings import NO_TIME, StationMark
from store import export_columns, export_manifest, maintenance, read
from store.compact import compact
from store.engine import Store, open_store
from store.export_manifest import Licence, NoExport
from store.exporting import Scope, export
from store.importing import import_export
from store.importing_tables import ImportRefused
from store.packing import Day, day_of
from store.rows import Filter
from store.verify import verify
from store.write import commit_batch
from tests.databases import drop_postgres, fresh_postgres
from tests.store.builders import FEED, NO_AREAS, a_batch, a_series, a_station
from tests.store.test_log import fill
from tests.store.test_packed import rich
from tests.store.test_packing import assert_same

DAY_S = 86400
NOW_S = 40 * DAY_S
MOMENTS = (None, 1200, 2600, 4500, 4 * DAY_S, 20 * DAY_S, NOW_S)
EVERYTHING = Scope("internal")


@pytest.fixture
async def other(request: pytest.FixtureRequest, store: Store, tmp_path: Path) -> AsyncIterator[Store]:
    """An empty store on the engine that `store` is not."""
    if store.is_sqlite:
        admin = request.getfixturevalue("postgres_server")
        url = fresh_postgres(admin, request.getfixturevalue("migrated_postgres"))
    else:
        shutil.copy(request.getfixturevalue("migrated_sqlite"), tmp_path / "other.db")
        admin, url = "", f"sqlite+aiosqlite:///{tmp_path / 'other.db'}"
    opened = await open_store(url)
    yield opened
    await opened.close()
    if admin:
        drop_postgres(admin, url)


async def told(store: Store) -> dict[str, Any]:
    """Everything that the store says of its history."""
    said: dict[str, Any] = {
        "stations": await read.stations(store, Filter()),
        "series": await read.series_list(store, Filter()),
    }
    for at_s in MOMENTS:
        said[f"observations {at_s}"] = await read.observations(
            store, Filter(), -(2**33), 2**33, as_of_s=at_s, limit=100_000
        )
        said[f"latest {at_s}"] = await read.latest(store, Filter(), as_of_s=at_s)
        said[f"samples {at_s}"] = await read.samples(store, Filter(), -(2**33), 2**33, as_of_s=at_s)
        said[f"quakes {at_s}"] = await read.quakes(store, -(2**33), 2**33, as_of_s=at_s)
    for row in said["series"]:
        said[f"versions {row.series.uid}"] = await read.versions(store, row.series.uid, -(2**33), 2**33)
        said[f"days {row.series.uid}"] = await read.buckets(store, [row.series.uid], -(2**33), 2**33, "1d")
    said["runs"] = await read.runs(store, FEED)
    for run in said["runs"]:
        said[f"refusals {run.uid}"] = await read.refusals(store, run.uid)
        said[f"answers {run.uid}"] = await read.answers(store, run.uid)
    said["health"] = await read.feed_health(store)
    return said


async def fill_with_everything(store: Store) -> None:
    await fill(store)
    await commit_batch(store, rich(), NO_AREAS)
    marks = {
        "stations": (a_station("1", names=(("ja", "福島"),), latitude_deg=37.5),),
        "marks": (StationMark(f"{FEED}:2", "missing"),),
    }
    rows = [(key, day * DAY_S + 600, day / 10) for day in range(10, 36) for key in "123"]
    await commit_batch(store, a_batch(rows, 36 * DAY_S), NO_AREAS)
    await commit_batch(store, a_batch([("1", 11 * DAY_S + 600, 9.5)], 37 * DAY_S, harvest=marks), NO_AREAS)
    await compact(store, 30 * DAY_S)


async def test_what_is_exported_and_imported_is_equal_row_for_row(store: Store, other: Store, tmp_path: Path) -> None:
    await fill_with_everything(store)
    before = await told(store)
    manifest = await export(store, tmp_path / "out", EVERYTHING, NOW_S)
    assert manifest.complete
    assert {part.name for part in manifest.parts.values() if part.kind == "readings"} == {"1970-01", "1970-02"}
    result = await import_export(other, tmp_path / "out", NOW_S)
    after = await told(other)
    assert {name for name in before if before[name] != after[name]} == set()
    assert result.readings == len(before["observations None"]) == manifest.rows
    assert await maintenance.check(other) == []
    assert (await verify(other)).root == (await verify(store)).root
    assert (await verify(other)).flaws == ()
    assert (await maintenance.stats(other)).rows["readings"] < 3 * 4  # only days that a collector may still write into

    again = await import_export(other, tmp_path / "out", NOW_S)
    assert (again.readings, again.done_before) == (0, len(again.parts))
    assert await told(other) == after
    # and the store lives on
    await commit_batch(other, a_batch([("1", 36 * DAY_S, 1.0), ("1", 12 * DAY_S + 600, 7.0)], 41 * DAY_S), NO_AREAS)
    assert await compact(other, 38 * DAY_S) > 0
    assert await maintenance.check(other) == []


async def test_an_export_run_again_writes_only_what_changed(store: Store, tmp_path: Path) -> None:
    await fill_with_everything(store)
    first = await export(store, tmp_path, EVERYTHING, NOW_S)
    stamps = {path: (tmp_path / path).stat().st_mtime_ns for path in first.parts}
    (tmp_path / "readings/1970-01.parquet").write_bytes(b"torn")
    second = await export(store, tmp_path, EVERYTHING, NOW_S)
    assert {path: part.sha256 for path, part in second.parts.items()} == {
        path: part.sha256 for path, part in first.parts.items()
    }
    moved = {path for path in stamps if (tmp_path / path).stat().st_mtime_ns != stamps[path]}
    assert moved == {"readings/1970-01.parquet"}

    await commit_batch(store, a_batch([("1", 33 * DAY_S, 1.0)], 39 * DAY_S), NO_AREAS)
    third = await export(store, tmp_path, EVERYTHING, NOW_S)
    assert third.parts["readings/1970-01.parquet"] == second.parts["readings/1970-01.parquet"]
    assert third.parts["readings/1970-02.parquet"].rows == second.parts["readings/1970-02.parquet"].rows + 1
    for path, part in third.parts.items():
        assert export_manifest.digest(tmp_path / path) == part.sha256
    assert export_manifest.read(tmp_path) == third


async def test_an_import_joins_what_other_feeds_have_and_contradicts_nobody(
    store: Store, other: Store, tmp_path: Path
) -> None:
    rows = [("2", 600, 0.5), ("3", 9 * DAY_S, 0.25)]
    await commit_batch(store, a_batch([*rows, ("2", 1200, 0.75), ("9", 600, 2.0)], NOW_S), NO_AREAS)
    await compact(store, 36 * DAY_S)
    await export(store, tmp_path / "out", EVERYTHING, NOW_S)

    await commit_batch(other, a_batch([("1", 600, 1.0)], 1000), NO_AREAS)
    mine = await read.observations(other, Filter(), 0, 2**33)
    result = await import_export(other, tmp_path / "out", NOW_S)
    assert result.readings == 4
    both = await read.observations(other, Filter(), 0, 2**33)
    assert sorted(both, key=str) == sorted(mine + await read.observations(store, Filter(), 0, 2**33), key=str)
    assert await maintenance.check(other) == []
    verdict = await verify(other)
    assert (verdict.flaws, verdict.before_the_log) == ((), 1)

    await commit_batch(store, a_batch([("2", 600, 0.6)], NOW_S + 10), NO_AREAS)
    await export(store, tmp_path / "out", EVERYTHING, NOW_S)
    with pytest.raises(ImportRefused, match=r"has another value here for 1970-01-01T00:10:00Z"):
        await import_export(other, tmp_path / "out", NOW_S)
    assert await read.observations(other, Filter(), 0, 2**33) == both


async def test_only_what_an_audience_may_have_goes_out(sqlite_store: Store, tmp_path: Path) -> None:
    await fill_with_everything(sqlite_store)
    secret = a_series("9")
    batch = a_batch([("9", 600, 5.0)], NOW_S)
    harvest = replace(
        batch.harvest,
        stations=(replace(a_station("9", names=(("en", "Hidden"),), latitude_deg=1.0), uid="closed:9", namespace="closed", key="9"),),
        readings=replace(batch.harvest.readings, series=(replace(secret, uid="closed:9:q:air", station_uid="closed:9", feed_id="closed"),)),
    )  # fmt: skip
    await commit_batch(sqlite_store, replace(batch, feed_id="closed", run_uid="closed@1", harvest=harvest), NO_AREAS)
    licence = Licence(FEED, "test", "Source: test", "CC0 1.0", "https://x.example/cc0", "yes")
    scope = Scope("public", (licence,), ("closed",), (FEED,))
    manifest = await export(sqlite_store, tmp_path, scope, NOW_S)
    assert (manifest.audience, manifest.withheld_feeds, manifest.licences) == ("public", ("closed",), (licence,))
    assert not any("log" in path for path in manifest.parts)
    for path in manifest.parts:
        content = json.dumps(pq.read_table(tmp_path / path).to_pylist(), default=str)
        assert "closed" not in content, path
        assert "Hidden" not in content, path
    assert json.loads((tmp_path / "manifest.json").read_bytes())["withheld_feeds"] == ["closed"]
    with pytest.raises(NoExport, match="another audience"):
        await export(sqlite_store, tmp_path, EVERYTHING, NOW_S)


@pytest.mark.parametrize(
    ("path", "content", "says"),
    [
        ("manifest.json", b"{", "holds no readable manifest"),
        ("manifest.json", b'{"format": "other"}', "is no manifest of an export"),
        ("manifest.json", b'{"format": "radcommons-export", "version": 99}', "another version of this program"),
        ("manifest.json", b'{"format": "radcommons-export", "version": 1, "parts": []}', "is damaged"),
        ("readings/1970-01.parquet", b"PAR1", "is missing or is not the file"),
        ("tables/series.parquet", b"", "is missing or is not the file"),
    ],
)
async def test_files_that_are_not_what_the_manifest_says_are_refused(
    sqlite_store: Store, tmp_path: Path, path: str, content: bytes, says: str
) -> None:
    await commit_batch(sqlite_store, a_batch([("1", 600, 1.0)], 1000), NO_AREAS)
    await export(sqlite_store, tmp_path, EVERYTHING, NOW_S)
    (tmp_path / path).write_bytes(content)
    with pytest.raises((NoExport, ImportRefused), match=says):
        await import_export(sqlite_store, tmp_path, NOW_S)


async def test_an_unfinished_export_and_one_of_a_newer_program_are_refused(sqlite_store: Store, tmp_path: Path) -> None:
    await commit_batch(sqlite_store, a_batch([("1", 600, 1.0)], 1000), NO_AREAS)
    manifest = await export(sqlite_store, tmp_path, EVERYTHING, NOW_S)
    export_manifest.write(tmp_path, replace(manifest, complete=False))
    with pytest.raises(ImportRefused, match="was not finished"):
        await import_export(sqlite_store, tmp_path, NOW_S)
    export_manifest.write(tmp_path, replace(manifest, schema="9999"))
    with pytest.raises(ImportRefused, match="schema 9999"):
        await import_export(sqlite_store, tmp_path, NOW_S)
    outside = replace(manifest.parts["tables/series.parquet"], path="../series.parquet")
    export_manifest.write(tmp_path, replace(manifest, parts={outside.path: outside}))
    with pytest.raises(NoExport, match="leads out of the folder"):
        await import_export(sqlite_store, tmp_path, NOW_S)


NUMBER = st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False), st.decimals(-5, 5, places=3).map(float))
VERSION = st.tuples(
    st.integers(-(10**9), 10**10), NUMBER, st.integers(1, 10**9), st.integers(-1, 15), st.integers(0, 2**17), st.integers(0, 3),
    st.integers(1, 99), st.one_of(st.none(), st.integers(-(10**6), 10**6)), NUMBER, st.one_of(st.none(), st.text(max_size=4)),
    st.integers(0, 10**10),
)  # fmt: skip


@settings(deadline=None)
@given(st.lists(VERSION, max_size=12), st.sampled_from([1, 3]))
def test_columns_come_back_as_they_went(versions: list[tuple[Any, ...]], series: int) -> None:
    rows = [(version[0], i % series + 1, *version[1:]) for i, version in enumerate(versions)]
    content: Day = day_of(rows)
    numbers = np.array([row[1] for row in rows], dtype=np.int64)
    names = {number: f"s{number}" for number in range(1, series + 1)}
    table = export_columns.table(numbers, content, names, frozenset({2}))
    place, uids, back = export_columns.columns(table)
    assert_same(back, content)
    assert [uids[i] for i in place] == [names[number] for number in numbers.tolist()]
    assert table["exercise"].to_pylist() == [number == 2 for number in numbers.tolist()]
    assert NO_TIME not in {one.timestamp() for one in table["published"].to_pylist() if one is not None}
