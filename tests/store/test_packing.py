"""A packed day gives back exactly what went in; damaged bytes are named, never guessed at."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.readings import NO_TIME
from store.packing import Corrupt, Day, Receipts, joined, pack, pack_blocks, pack_receipts, taken, unpack
from store.unpacking import receipts_of, unpack_receipts

WHOLE = st.one_of(st.integers(-5, 5), st.integers(-(2**40), 2**40), st.just(NO_TIME))
NUMBER = st.one_of(
    st.just(float("nan")), st.floats(allow_nan=False), st.decimals(-100, 100, places=3).map(float), st.integers(0, 500).map(float)
)  # fmt: skip


@st.composite
def days(draw: st.DrawFn) -> Day:
    n = draw(st.integers(0, 12))
    whole = lambda: np.array(draw(st.lists(WHOLE, min_size=n, max_size=n)), dtype=np.int64)  # noqa: E731
    numbers = lambda: np.array(draw(st.lists(NUMBER, min_size=n, max_size=n)), dtype=np.float64)  # noqa: E731
    texts = draw(st.dictionaries(st.integers(0, max(0, n - 1)), st.text(max_size=5), max_size=3)) if n else {}
    return Day(
        np.sort(whole()), numbers(), whole(), whole(), whole(), whole(), whole(), whole(), whole(), numbers(), texts
    )


def assert_same(left: Day, right: Day) -> None:
    for item in dataclasses.fields(Day):
        one, other = getattr(left, item.name), getattr(right, item.name)
        assert one == other if item.name == "texts" else one.tobytes() == other.tobytes(), item.name


@settings(deadline=None)
@given(st.lists(days().filter(len), min_size=1, max_size=4))
def test_what_comes_out_is_what_went_in_however_many_are_packed_together(listed: list[Day]) -> None:
    starts = np.cumsum([0, *map(len, listed[:-1])]).astype(np.int64)
    together = joined(listed)
    for day, alone in zip(listed, pack_blocks(together, starts), strict=True):
        assert_same(unpack(alone), day)
        assert alone == pack(day)
    batches = np.unique(together.batch_id)
    receipts = Receipts(batches, batches // 2)  # any function of the batch
    came = dataclasses.replace(together, received_after_s=together.batch_id // 2 - together.end_s)
    known = {7: unpack_receipts(pack_receipts(receipts))}
    for day, shared, start in zip(listed, pack_blocks(came, starts, (7, receipts)), starts.tolist(), strict=True):
        expected = taken(came, np.arange(start, start + len(day)))
        assert receipts_of(shared) == 7
        assert_same(unpack(shared, None, known), expected)
        with pytest.raises(Corrupt, match="receipts, number 7"):
            unpack(shared)
        few = unpack(shared, frozenset({"qc"}))
        assert (len(few.batch_id), few.qc.tolist()) == (0, expected.qc.tolist())


@settings(deadline=None)
@given(days())
def test_one_comes_back_too_and_an_empty_one(day: Day) -> None:
    assert_same(unpack(pack(day)), day)


@pytest.mark.parametrize("damage", [b"", b"Q1", b"Q1x", b"R1abc"])
def test_damaged_receipts_are_named(damage: bytes) -> None:
    with pytest.raises(Corrupt):
        unpack_receipts(damage)


def a_day(seed: int = 1) -> Day:
    """144 readings as a national feed brings them: three decimals, a batch each, publisher's stamps 4 to 23 minutes after."""
    random = np.random.default_rng(seed)
    n = 144
    zeros = np.zeros(n, dtype=np.int64)
    value = np.round(0.04 + 0.003 * random.standard_normal(n), 3)
    published = 60 * random.integers(4, 24, n)
    batch = 5_000_000 + 4 * np.arange(n) + random.integers(0, 4, n)
    received = 240 + random.integers(0, 3, n)  # polled every ten minutes, answered within seconds
    nans = np.full(n, np.nan)
    return Day(np.arange(n) * 600, value, batch, zeros + 3, zeros, zeros, zeros + 1, published, received, nans, {})


def test_a_day_with_jitter_in_every_column_takes_under_three_bytes_a_reading() -> None:
    size = sum(len(pack(a_day(seed))) for seed in range(20)) / (20 * 144)
    assert size <= 2.7


@pytest.mark.parametrize("at", [0, 2, 20, -1])
def test_damage_is_named(at: int) -> None:
    packed = bytearray(pack(a_day()))
    packed[at] ^= 0xFF
    with pytest.raises(Corrupt):
        unpack(bytes(packed))
    with pytest.raises(Corrupt):
        unpack(bytes(pack(a_day())[:at]))
