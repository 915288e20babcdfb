"""The log of batches: proofs that lead to signed roots, and no edit, drop or back-date that `verify` does not name."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import stat
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.readings import Quake, Sample, SampleResult
from domain.states import Censoring
from store import heads, log, maintenance, merkle
from store.compact import compact
from store.engine import Store, StoreRefused, open_store
from store.packed import Blocks, blocks_of, store_blocks
from store.verify import Verdict, verify
from store.write import commit_batch, withdraw
from tests.store.builders import FEED, NO_AREAS, a_batch, a_series, a_station, readings


def a_sample(key: str, value: float) -> Sample:
    result = SampleResult(
        f"{FEED}:{key}:r", "", "Cs-137", "activity_concentration", "Bq/kg", value, Censoring.NONE, text=str(value)
    )
    return Sample(
        f"{FEED}:{key}", f"{FEED}:1", "seawater", 0, 600, "1970", "minute", "UTC", False, results=(result, result)
    )


def a_quake(title: str) -> Quake:
    return Quake(f"{FEED}:q", "event", "issued", title, "off", 0, 10, 35.0, 140.0, 10.0, 5.0, "5.0", "4")


async def fill(store: Store) -> None:
    """A history with everything in it: new, same, corrected, filed in the past, withdrawn and back, samples, bulletins, re-read."""
    await commit_batch(store, a_batch([("1", 0, 0.04), ("2", 0, 0.06), ("1", 600, None)], 1000), NO_AREAS)
    await commit_batch(store, a_batch([("1", 0, 0.05), ("2", 0, 0.06)], 2000), NO_AREAS)
    await commit_batch(store, a_batch([("1", 0, 0.045)], 1500), NO_AREAS)
    await withdraw(store, a_batch(received_s=3000), {a_series("2").uid: (0,)}, "instrument fault")
    await commit_batch(store, a_batch([("2", 0, 0.07)], 4000), NO_AREAS)
    await commit_batch(store, a_batch([("2", 0, 0.065)], 2500), NO_AREAS)
    text = replace(readings([("1", 1200, 0.5, -1), ("2", 1200, 0.1)]), texts={0: "5.0E-01"})
    await commit_batch(store, a_batch(received_s=5000, harvest={"readings": text}), NO_AREAS)
    for received_s, value, title in ((6000, 1.5, "a"), (7000, 1.6, "b")):
        harvest = {"stations": (a_station("1"),), "samples": (a_sample("s", value),), "quakes": (a_quake(title),)}
        await commit_batch(store, a_batch(received_s=received_s, harvest=harvest), NO_AREAS)
    again = a_batch([("1", 1800, 0.04)], 8000)
    await commit_batch(store, again, NO_AREAS)
    mended = replace(again, harvest=replace(again.harvest, readings=readings([("1", 1800, 0.4), ("2", 1800, 0.1)])))
    await commit_batch(store, mended, NO_AREAS)


def codes(verdict: Verdict) -> set[str]:
    return {flaw.code for flaw in verdict.flaws}


async def test_an_honest_store_is_found_honest_and_the_same_history_has_the_same_root(
    store: Store, tmp_path: Path
) -> None:
    assert (await verify(store)).leaves == 0
    await fill(store)
    verdict = await verify(store)
    assert verdict.flaws == ()
    assert (verdict.leaves, verdict.before_the_log) == (11, 0)
    other = await open_store(f"sqlite+aiosqlite:///{tmp_path / 'other.db'}")
    try:
        await fill(other)
        assert (await verify(other)).root == verdict.root
    finally:
        await other.close()


async def test_the_same_batch_again_adds_no_leaf(store: Store) -> None:
    batch = a_batch([("1", 0, 0.04)])
    await commit_batch(store, batch, NO_AREAS)
    await commit_batch(store, batch, NO_AREAS)
    assert (await verify(store)).leaves == 1


async def test_proofs_lead_to_the_signed_root(store: Store, tmp_path: Path) -> None:
    key = heads.signing_key(tmp_path / "log.key")
    assert await heads.sign(store, key, 500) is None
    await commit_batch(store, a_batch([("1", 0, 0.04)], 1000), NO_AREAS)
    old = await heads.sign(store, key, 1000)
    await fill(store)
    assert await heads.sign(store, key, 4599) is None
    new = await heads.sign(store, key, 4600)
    assert old is not None
    assert new is not None
    assert [one.at_s for one in await heads.heads(store)] == [4600, 1000]
    assert old.is_authentic
    assert not replace(old, size=2).is_authentic
    for number in range(new.size):
        proof = await log.inclusion(store, number)
        merkle.verify_inclusion(proof.leaf, number, proof.size, proof.path, new.root)
    between = await log.consistency(store, old.size, new.size)
    merkle.verify_consistency(old.size, new.size, old.root, new.root, between.path)
    found = await log.leaf_of_batch(store, f"{FEED}@1970-01-01T00:33:20+00:00", "https://x.example/a", f"{2000:064x}")
    assert found == 2  # the first answer was read again, which is a leaf of its own
    for asked in ((new.size, None), (0, new.size + 1)):
        with pytest.raises(IndexError):
            await log.inclusion(store, *asked)


def test_the_key_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "log.key"
    made = heads.signing_key(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert heads.public_half(heads.signing_key(path)) == heads.public_half(made)
    path.write_text("no key")
    with pytest.raises(StoreRefused, match="cannot be read"):
        heads.signing_key(path)


async def test_what_the_heads_give_away(store: Store, tmp_path: Path) -> None:
    await fill(store)
    key = heads.signing_key(tmp_path / "log.key")
    head = await heads.sign(store, key, 9000)
    assert head is not None
    assert (await verify(store, public_keys=frozenset({head.public_key}))).flaws == ()
    assert codes(await verify(store, public_keys=frozenset({b"other"}))) == {"signed_by_another_key"}
    assert codes(await verify(store, heads=[replace(head, size=99)])) == {"signature_false"}
    for text, code in (
        (heads.head_text(99, head.root, 1), "log_cut"),
        (heads.head_text(2, head.root, 1), "log_rewritten"),
    ):
        size = int(text.split(b"\n")[1])
        kept = heads.Head(1, size, head.root, head.public_key, key.sign(text))
        assert codes(await verify(store, heads=[kept])) == {code}


#: What an intruder with the file in hand may do, and what is found then.
DEEDS = {
    "UPDATE readings SET value = 0.03 WHERE end_s = 1800": "batch_changed",
    "UPDATE series SET unit = 'nSv/h'": "batch_changed",
    "UPDATE answers SET received_s = received_s - 60 WHERE leaf = 6": "batch_changed",
    "DELETE FROM readings WHERE end_s = 600": "batch_changed",
    "DELETE FROM revisions WHERE reason = 'withdrawn'": "batch_changed",
    "DELETE FROM answers WHERE leaf = 0": "batch_missing",
    "UPDATE answers SET leaf = NULL WHERE leaf = 4": "answer_not_in_log",
    "UPDATE revisions SET superseded_s = superseded_s + 1 WHERE reason = 'corrected'": "versions_out_of_order",
    "UPDATE samples SET superseded_s = 6999 WHERE revision = 1": "versions_out_of_order",
    "DELETE FROM log_nodes WHERE level = 1 AND number = 0": "log_hash_changed",
    "UPDATE log_state SET size = 3": "log_counter_changed",
    "INSERT INTO sample_results SELECT sample_id, 2, uid, series_id, series_uid, analyte, quantity, unit, 0.1, censoring, limit_value, text, "
    "limit_text, uncertainty, uncertainty_kind, coverage_factor, published_unit_text, laboratory, method, decay_reference_s, link "
    "FROM sample_results WHERE position = 0": "batch_changed",
}  # fmt: skip


@pytest.mark.parametrize("deed", DEEDS)
async def test_what_an_intruder_does_is_found(store: Store, deed: str) -> None:
    await fill(store)
    async with store.writing() as connection:
        await connection.exec_driver_sql(deed)
    assert DEEDS[deed] in codes(await verify(store))


async def test_a_dropped_batch_is_named(store: Store) -> None:
    await fill(store)
    async with store.writing() as connection:
        batch = (await connection.exec_driver_sql("SELECT id FROM answers WHERE leaf = 6")).scalar_one()
        await connection.exec_driver_sql(f"DELETE FROM readings WHERE batch_id = {batch}")
        await connection.exec_driver_sql(f"DELETE FROM answers WHERE id = {batch}")
    assert [(flaw.code, flaw.where) for flaw in (await verify(store)).flaws] == [
        ("batch_missing", "leaf 6: no answer in the store is this one")
    ]


async def test_a_batch_put_in_beside_the_log_is_found(store: Store) -> None:
    await fill(store)
    async with store.writing() as connection:
        await connection.exec_driver_sql(
            "INSERT INTO answers (run_id, requested_s, answered_s, received_s, status, size_bytes) VALUES (1, 1, 1, 1, 200, 0)"
        )
    assert "answer_not_in_log" in codes(await verify(store))


TRUTH = {
    "readings": None,
    "revisions": None,
    "samples": {"id", "station_id"},
    "sample_results": set(),
    "quakes": {"id"},
    "answers": {"id", "run_id", "handled_s", "claimed_s", "claimed_by"},
    "log_nodes": set(),
    "log_state": {"id"},
    "log_rereads": set(),
    "log_heads": set(),
}


@pytest.fixture(scope="module")
def filled() -> Iterator[Path]:
    """A SQLite file with the whole history in it and a signed head."""

    async def make(url: str, key: Path) -> None:
        store = await open_store(url)
        await fill(store)
        await heads.sign(store, heads.signing_key(key), 9000)
        await store.close()

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "store.db"
        asyncio.run(make(f"sqlite+aiosqlite:///{path}", Path(folder) / "log.key"))
        yield path


def _other(value: Any, column: str, draw: st.DataObject) -> Any:
    """Something else for a column, of the kind that it holds."""
    if isinstance(value, bytes):
        at = draw.draw(st.integers(0, max(0, len(value) - 1)))
        return value[:at] + bytes([value[at] ^ 1]) + value[at + 1 :]
    if isinstance(value, str):
        return draw.draw(
            st.text(st.characters(codec="ascii", categories=["L", "N"]), max_size=8).filter(lambda text: text != value)
        )
    if isinstance(value, float):
        return draw.draw(st.floats(-1e6, 1e6, allow_subnormal=False).filter(lambda number: number != value))
    flags = column in ("exercise", "zone_assumed", "not_modified")
    return (
        1 - value
        if flags
        else draw.draw(
            st.integers(-100, 100).map(lambda step: (value or 0) + step).filter(lambda number: number != value)
        )
    )


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_edit_of_any_stored_value_is_found(filled: Path, data: st.DataObject) -> None:
    table = data.draw(st.sampled_from(sorted(TRUTH)))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "store.db"
        for end in ("", "-wal"):
            if filled.with_name(filled.name + end).exists():
                shutil.copy(filled.with_name(filled.name + end), str(path) + end)
        with sqlite3.connect(path) as raw:
            raw.row_factory = sqlite3.Row
            rows = raw.execute(f"SELECT * FROM {table}").fetchall()
            row = data.draw(st.sampled_from(rows))
            keys = row.keys()
            column = data.draw(st.sampled_from([name for name in keys if name not in (TRUTH[table] or ())]))
            other = _other(row[column], column, data)
            where = " AND ".join(f"{name} IS ?" for name in keys)
            try:
                raw.execute(f"UPDATE {table} SET {column} = ? WHERE {where}", (other, *row))
            except sqlite3.IntegrityError:
                return  # the key is taken
        assert _verdict(path).flaws, (table, column, row[column], other)


def _verdict(path: Path) -> Verdict:
    async def look() -> Verdict:
        store = await open_store(f"sqlite+aiosqlite:///{path}")
        try:
            return await verify(store)
        finally:
            await store.close()

    return asyncio.run(look())


async def test_packed_history_is_held_to_the_log_too(store: Store) -> None:
    await fill(store)
    root = (await verify(store)).root
    assert await compact(store, 86400) > 0
    verdict = await verify(store)
    assert (verdict.flaws, verdict.root) == ((), root)
    later = a_batch([("1", 0, 0.9), ("1", 660, 0.1)], 20_000)  # a correction and a late reading of a packed day
    await commit_batch(store, later, NO_AREAS)
    await withdraw(store, a_batch(received_s=21_000), {a_series("2").uid: (1200,)}, "again")
    assert (await verify(store)).flaws == ()
    async with store.writing() as connection:
        found = await connection.exec_driver_sql("SELECT series_id, day, days, blob FROM packed WHERE readings > 1")
        block = (await blocks_of(connection, found.fetchall()))[0]
        assert block.content is not None
        block.content.value[-1] += 0.001
        where = (np.array([number]) for number in (block.series_id, block.day, block.days, 0))
        await store_blocks(connection, Blocks(*where, block.content))
    assert codes(await verify(store)) == {"batch_changed"}
    async with store.writing() as connection:
        await connection.exec_driver_sql("UPDATE packed SET blob = substr(blob, 1, 20)")
    assert {"packed_day_damaged", "batch_changed"} <= codes(await verify(store))


async def test_numbers_of_versions_are_never_given_twice(store: Store) -> None:
    await fill(store)
    await withdraw(store, a_batch(received_s=9000), {a_series("2").uid: (0,)}, "again")
    await commit_batch(store, a_batch([("2", 0, 0.07)], 9500), NO_AREAS)
    assert await maintenance.check(store) == []
    assert (await verify(store)).flaws == ()
