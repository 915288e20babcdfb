"""Real sweeps of Japan into the store: every distinct (series, time) of the files is there, none twice, none altered."""

from __future__ import annotations

import csv
import gzip
from datetime import datetime
from pathlib import Path

import numpy as np

from domain.readings import NO_TIME, Answer, Batch, Harvest, Readings, Series, Station
from store import maintenance, read
from store.engine import Store
from store.rows import Filter
from store.write import commit_batch
from tests.conftest import HAS_SHARED, SHARED

DAY = SHARED / "data" / "jp-nra-ramis" / "raw_sweeps" / "2026-08-15"
SWEEPS = 8
Told = dict[tuple[str, int], str]


def told_by(path: Path) -> Told:
    """Published text of each (series key, end) in one file; the first one, if a key stands twice."""
    told: Told = {}
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            if row["air_dose_rate"]:
                end_s = int(datetime.fromisoformat(row["meas_datetime"]).timestamp())
                told.setdefault((f"{row['station_id']}.{row['data_type']}", end_s), row["air_dose_rate"])
    return told


def batch_of(told: Told, received_s: int) -> Batch:
    keys = sorted({key for key, _ in told})
    place = {key: i for i, key in enumerate(keys)}
    digits = [len(text.partition(".")[2]) for text in told.values()]
    texts = {i: text for i, text in enumerate(told.values()) if f"{float(text):.{digits[i]}f}" != text}
    n = len(told)
    readings = Readings(
        tuple(Series(f"x:{key}:q:m", f"x:{key}", "x", "air_dose_rate_as_published", "uSv/h") for key in keys),
        np.array([place[key] for key, _ in told]), np.array([end_s for _, end_s in told]),
        np.array([float(text) for text in told.values()]), np.array(digits, dtype=np.int16), np.zeros(n, dtype=np.int8),
        np.full(n, np.nan), np.full(n, NO_TIME, dtype=np.int64), np.zeros(n, dtype=np.int64), texts,
    )  # fmt: skip
    answer = Answer("x", "GET", "https://x.example/", float(received_s), float(received_s), 200, sha256="ab")
    stations = tuple(Station(f"x:{key}", "x", key) for key in keys)
    return Batch("x", f"x@{received_s}", received_s, answer, Harvest(n, stations, readings), received_s)


if HAS_SHARED:

    async def test_every_reading_of_real_sweeps_is_there_once_and_unaltered(store: Store) -> None:
        files = [path for path in sorted(DAY.glob("*.csv.gz")) if path.name[4] == "."][:SWEEPS]
        expected: Told = {}
        stored = 0
        for number, path in enumerate(files):
            told = told_by(path)
            tally = await commit_batch(store, batch_of(told, 1_786_000_000 + number), {})
            assert tally.revised == 0
            stored += tally.stored
            assert tally.stored == len(told.keys() - expected.keys())
            assert tally.unchanged == len(told.keys() & expected.keys())
            expected |= told
        assert stored == len(expected)
        found: Told = {}
        after: tuple[int, str] | None = None
        while page := await read.observations(store, Filter(), 0, 2**33, after=after, limit=10_000):
            found |= {(row.series_uid.split(":")[1], row.end_s): row.text for row in page}
            after = page[-1].end_s, page[-1].series_uid
        assert found == expected
        again = await commit_batch(store, batch_of(told_by(files[-1]), 1_786_001_000), {})
        assert (again.stored, again.revised) == (0, 0)
        assert await maintenance.check(store) == []
