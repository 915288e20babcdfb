"""Binary COPY: what is sent is what stands, for every shape of row; array literals."""

from __future__ import annotations

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.readings import NO_TIME
from store.copying import array_text, block_of, block_of_versions
from store.engine import Store, open_store
from store.incoming import COLUMNS, Incoming, versions_of

_NUMBER = st.none() | st.floats(allow_nan=False, allow_infinity=False)
_ROW = st.tuples(
    _NUMBER, st.integers(-1, 12), st.integers(0, 2**31 - 1), st.integers(0, 7), st.none() | st.integers(-(10**6), 10**6),
    _NUMBER, st.none() | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12),
)  # fmt: skip


def _incoming(rows: list[tuple[object, ...]]) -> Incoming:
    value, digits, qc, censoring, published, limit, texts = zip(*rows, strict=True)
    ids = np.arange(1, len(rows) + 1)
    return Incoming(
        ids,
        np.full(len(rows), 600),
        ids,
        np.array(value, dtype=np.float64),
        np.array(digits),
        np.array(censoring),
        np.array(limit, dtype=np.float64),
        np.array([NO_TIME if one is None else 600 + one for one in published]),
        np.array(qc),
        {i: text for i, text in enumerate(texts) if text is not None},
    )


async def _copied(url: str, block: bytes) -> list[tuple[object, ...]]:
    store = await open_store(url)
    try:
        async with store.writing() as connection:
            raw = (await connection.get_raw_connection()).driver_connection
            assert raw is not None
            async with (
                raw.cursor() as cursor,
                cursor.copy(f"COPY readings ({COLUMNS}) FROM STDIN (FORMAT BINARY)") as copy,
            ):
                await copy.write(block)
            found = await connection.exec_driver_sql(f"SELECT {COLUMNS} FROM readings ORDER BY series_id")
            listed = [tuple(row) for row in found]
            await connection.exec_driver_sql("DELETE FROM readings")
            return listed
    finally:
        await store.close()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(_ROW, min_size=1, max_size=12))
async def test_what_is_sent_is_what_stands(postgres_copy: str, rows: list[tuple[object, ...]]) -> None:
    given_rows = _incoming(rows)
    versions = versions_of(given_rows, 7)
    await _partition(postgres_copy)
    assert await _copied(postgres_copy, block_of(given_rows, 7)) == versions
    assert await _copied(postgres_copy, block_of_versions(versions)) == versions


async def _partition(url: str) -> None:
    store: Store = await open_store(url)
    async with store.writing() as connection:
        await connection.exec_driver_sql(
            "CREATE TABLE IF NOT EXISTS readings_all PARTITION OF readings FOR VALUES FROM (0) TO (1000)"
        )
    await store.close()


def test_array_literals() -> None:
    assert array_text(np.array([], dtype=np.int64)) == "{}"
    assert array_text({3: 1, -4: 2}) == "{3,-4}"
