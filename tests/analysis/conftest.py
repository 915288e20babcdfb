"""Small worlds of stations for the tests of this room: columns as the store would answer them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest

from analysis.freshness import Standing, Standings
from domain.flags import Qc
from domain.readings import Series, Station
from domain.states import FeedState

NOW = 1_790_000_000


@dataclass
class FakeStation:
    station: Station
    areas: tuple[str, ...] = ("JP-18",)
    last_seen_s: int = NOW
    exercise: bool = False
    mark: str = ""


@dataclass
class FakeSeries:
    series: Series
    station: FakeStation


@dataclass
class FakeArrays:
    series: tuple = ()
    index: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    end_s: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    value: np.ndarray = field(default_factory=lambda: np.zeros(0))
    censoring: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int8))
    limit: np.ndarray = field(default_factory=lambda: np.zeros(0))
    qc: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))


class World:
    """Adds series one by one; `arrays()` gives the columns."""

    def __init__(self):
        self.now = NOW
        self.rows = []
        self.feeds = {"f": Standing(FeedState.OK, 600, 1200, 5400, 86400, NOW)}

    def add(
        self,
        key,
        values,
        *,
        step=600,
        age=600,
        quantity="air_dose_rate_as_published",
        unit="nSv/h",
        lat=35.7,
        lon=136.0,
        window=600,
        qc=0,
        censoring=0,
        exercise=False,
        feed="f",
        medium="air_over_land",
        instrument="",
        last_seen=NOW,
        namespace="n",
        floor=None,
    ):
        station = FakeStation(
            Station(f"{namespace}:{key}", namespace, key, latitude_deg=lat, longitude_deg=lon),
            last_seen_s=last_seen,
            exercise=exercise,
        )
        series = Series(
            f"{namespace}:{key}:{quantity}:{medium}:{unit}:{window}:{instrument}",
            station.station.uid,
            feed,
            quantity,
            unit,
            medium=medium,
            window_s=window,
            instrument=instrument,
            exercise=exercise,
            floor=floor,
        )
        end = NOW - age - step * np.arange(len(values), dtype=np.int64)[::-1]
        if floor is not None:  # as quality control does
            qc = np.where(np.asarray(values, float) < floor, int(Qc.BELOW_RANGE), 0)
        self.rows.append((FakeSeries(series, station), end, np.asarray(values, float), qc, censoring))
        return series.uid

    def quiet(self, key, n=200, level=50.0, noise=0.5, seed=0, tail=(), **kw):
        rng = np.random.default_rng([seed, *map(ord, key)])
        return self.add(key, np.concatenate((rng.normal(level, noise, n), tail)), **kw)

    def arrays(self):
        if not self.rows:
            return FakeArrays()
        rows = sorted(self.rows, key=lambda row: row[0].series.uid)
        sizes = [len(end) for _, end, *_ in rows]

        def filled(column, kind):
            parts = []
            for size, row in zip(sizes, rows, strict=True):
                part = np.zeros(size, kind)
                if np.ndim(row[column]):
                    part[:] = row[column]
                elif size:
                    part[-1] = row[column]
                parts.append(part)
            return np.concatenate(parts)

        return FakeArrays(
            tuple(row[0] for row in rows),
            np.repeat(np.arange(len(rows)), sizes),
            np.concatenate([row[1] for row in rows]),
            np.concatenate([row[2] for row in rows]),
            filled(4, np.int8),
            np.full(sum(sizes), np.nan),
            filled(3, np.int64),
        )

    def standings(self):
        return Standings(self.feeds)


@pytest.fixture
def world():
    return World()


@pytest.fixture
def new_world():
    return World
