"""From any version of any reading to a signed head, checked with nothing but hashes; what was edited gets no proof."""

from __future__ import annotations

import hashlib
import json
import struct
from pathlib import Path

import pytest

from store import heads, merkle, read
from store.compact import compact
from store.engine import Store
from store.evidence import Disagrees, Evidence, NotInLog, evidence
from store.leaf import BLOCK_ROWS
from store.rows import Filter
from store.write import commit_batch
from tests.store.builders import NO_AREAS, a_batch, a_series
from tests.store.test_log import fill


def told(found: Evidence) -> tuple[int, float, int]:
    """End, value and revision as the block says them, once block, entry, path and signature have been held to each other."""
    series, end_s, value, *_ = struct.unpack("<16sqddqqihbb", found.block[64 * found.row : 64 * found.row + 64])
    names = f"{found.series.uid}\n{found.series.unit}\n{found.series.station_uid}\n"
    assert series == hashlib.sha256(names.encode()).digest()[:16]
    digest = json.loads(found.entry)["readings"][1 + found.block_number]
    assert hashlib.sha256(found.block).hexdigest() == digest
    leaf = hashlib.sha256(b"\0" + found.entry).digest()
    merkle.verify_inclusion(leaf, found.proof.number, found.proof.size, found.proof.path, found.proof.root)
    if found.head is not None:
        assert found.head.is_authentic
        assert (found.head.root, found.head.size) == (found.proof.root, found.proof.size)
    return end_s, value, found.revision


async def every_version(store: Store) -> int:
    count = 0
    for key in ("1", "2"):
        for row in await read.versions(store, a_series(key).uid, 0, 10_000):
            one = row.observation
            found = await evidence(store, one.series_uid, one.end_s, revision=one.revision)
            assert found is not None
            end_s, value, revision = told(found)
            assert (end_s, revision) == (one.end_s, one.revision)
            assert value == one.value or (one.value is None and value != value)
            count += 1
    return count


async def test_every_version_of_every_reading_leads_to_a_signed_head(store: Store, tmp_path: Path) -> None:
    await fill(store)
    found = await evidence(store, a_series("1").uid, 0)
    assert found is not None
    assert found.head is None  # nothing is signed yet, and the answer says so
    await heads.sign(store, heads.signing_key(tmp_path / "log.key"), 9000)
    assert await every_version(store) == 12
    assert await compact(store, 86400) > 0
    assert await every_version(store) == 12


async def test_an_older_head_is_answered_for_its_own_tree(store: Store, tmp_path: Path) -> None:
    key = heads.signing_key(tmp_path / "log.key")
    await commit_batch(store, a_batch([("1", 0, 0.04)], 1000), NO_AREAS)
    await heads.sign(store, key, 1000)
    await fill(store)
    await heads.sign(store, key, 9000)
    for size, at_s in ((1, 1000), (None, 9000)):
        found = await evidence(store, a_series("1").uid, 0, as_of_s=1000, size=size)
        assert found is not None
        assert found.head is not None
        assert found.head.at_s == at_s
        told(found)
    with pytest.raises(IndexError):
        await evidence(store, a_series("1").uid, 1800, size=1)


async def test_a_large_batch_gives_one_block(store: Store) -> None:
    rows = [(str(key), 600, key / 1000) for key in range(BLOCK_ROWS + 40)]
    await commit_batch(store, a_batch(rows), NO_AREAS)
    found = [await evidence(store, a_series(str(key)).uid, 600) for key in range(0, BLOCK_ROWS + 40, 11)]
    for key, one in zip(range(0, BLOCK_ROWS + 40, 11), found, strict=True):
        assert one is not None
        assert len(one.block) <= 64 * BLOCK_ROWS
        assert told(one)[1] == key / 1000
    assert {one.block_number for one in found if one} == {0, 1}


async def test_what_is_not_there_is_said(store: Store) -> None:
    await fill(store)
    uid = a_series("1").uid
    assert await evidence(store, "nothing", 0) is None
    assert await evidence(store, uid, 1) is None
    assert await evidence(store, uid, 0, as_of_s=999) is None
    async with store.writing() as connection:
        await connection.exec_driver_sql("UPDATE answers SET leaf = NULL WHERE leaf = 0")
    with pytest.raises(NotInLog):
        await evidence(store, uid, 600)


async def test_an_edited_batch_gets_no_proof(store: Store) -> None:
    await fill(store)
    async with store.writing() as connection:
        await connection.exec_driver_sql("UPDATE readings SET value = 0.03 WHERE end_s = 600")
    with pytest.raises(Disagrees, match="leaf 0"):
        await evidence(store, a_series("1").uid, 600)
    assert (
        len(await read.observations(store, Filter(), 600, 601)) == 1
    )  # it is told as it stands; what is refused is the proof
