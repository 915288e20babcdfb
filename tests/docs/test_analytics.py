"""The analysis that docs/analytics.md shows is run as it stands there, and its numbers are those of our own computation."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from domain.flags import UNFIT, Qc
from domain.states import CENSORING_CODES, Censoring
from store import read
from store.compact import compact
from store.engine import Store
from store.export_zarr import write_groups
from store.exporting import Scope, export
from store.rows import Filter
from store.write import commit_batch
from tests.databases import migrated_sqlite, sqlite_copy, sqlite_store
from tests.store.builders import NO_AREAS, a_batch, a_station, readings

__all__ = ["migrated_sqlite", "sqlite_copy", "sqlite_store"]

DOCUMENT = Path(__file__).parents[2] / "docs" / "analytics.md"
QUANTITY, UNIT = "air_dose_rate_as_published", "uSv/h"
GROUP = f"jp-test.{QUANTITY}.uSv_h"
DAY_S = 86400
BEGIN_S = int(np.datetime64("2025-12-20T00:00:00", "s").astype(np.int64))
QUANTILES = [0.05, 0.25, 0.5, 0.75, 0.95]


def shown(name: str) -> Any:
    """A function of the document, from the block that defines it."""
    block = next(
        one
        for one in re.findall(r"```python\n(.*?)```", DOCUMENT.read_text("utf-8"), re.DOTALL)
        if f"def {name}(" in one
    )
    names: dict[str, Any] = {}
    exec(compile(block, str(DOCUMENT), "exec"), names)
    return names[name]


async def exported(store: Store, folder: Path) -> None:
    """Two winters' ends of five stations in two prefectures and one of none, with values that may not be averaged among them."""
    rng = np.random.default_rng(3)
    rows = [
        (key, BEGIN_S + step * 7200, round(0.04 + 0.01 * rng.random(), 4)) for key in "123456" for step in range(300)
    ]
    n = len(rows)
    rows[5] = (*rows[5][:2], None)
    censoring = np.zeros(n, dtype=np.int8)
    censoring[::17] = CENSORING_CODES.index(Censoring.BELOW)
    censoring[1::29] = CENSORING_CODES.index(Censoring.DERIVED)
    qc = np.where(np.arange(n) % 13 == 0, int(Qc.STUCK), int(Qc.ZONE_ASSUMED)).astype(np.int64)
    codes = {"1": "JP-07", "2": "JP-07", "3": "JP-07", "4": "JP-13", "5": "JP-13", "6": ""}
    stations = tuple(
        a_station(key, region_code=code, names=(("ja", f"局{key}"),), latitude_deg=37.0) for key, code in codes.items()
    )
    harvest = {"readings": readings(rows, censoring=censoring, qc=qc), "stations": stations}
    await commit_batch(store, a_batch(rows, BEGIN_S + 40 * DAY_S, harvest=harvest), NO_AREAS)
    await compact(store, BEGIN_S + 15 * DAY_S)
    await export(store, folder, Scope("internal"), 2**31)
    await write_groups(folder)


async def our_own(store: Store) -> list[tuple[str, int, int, list[float]]]:
    arrays = await read.arrays(store, Filter(), 0, 2**33)
    fit = np.isfinite(arrays.value) & np.isin(arrays.censoring, [0, CENSORING_CODES.index(Censoring.DERIVED)])
    fit &= (arrays.qc & int(UNFIT)) == 0
    region = np.array([row.station.station.region_code for row in arrays.series])[arrays.index]
    year = arrays.end_s.astype("datetime64[s]").astype("datetime64[Y]").astype(int) + 1970
    found = []
    for code, number in sorted({pair for pair in zip(region.tolist(), year.tolist(), strict=True) if pair[0]}):
        values = arrays.value[fit & (region == code) & (year == number)]
        found.append((code, number, len(values), np.quantile(values, QUANTILES).tolist()))
    return found


async def test_both_ways_give_our_own_numbers(sqlite_store: Store, tmp_path: Path) -> None:
    await exported(sqlite_store, tmp_path)
    expected = await our_own(sqlite_store)
    assert [row[:2] for row in expected] == [("JP-07", 2025), ("JP-07", 2026), ("JP-13", 2025), ("JP-13", 2026)]
    for found in (shown("by_duckdb")(str(tmp_path), QUANTITY, UNIT), shown("by_dask")(str(tmp_path / "zarr" / GROUP))):
        assert [row[:3] for row in found] == [row[:3] for row in expected]
        for row, ours in zip(found, expected, strict=True):
            assert list(row[3]) == pytest.approx(ours[3], rel=1e-12)
    assert "65743" in DOCUMENT.read_text("utf-8")
    assert int(UNFIT) == 65743


async def test_a_grid_is_what_the_store_holds_and_says_what_it_is(sqlite_store: Store, tmp_path: Path) -> None:
    await exported(sqlite_store, tmp_path)
    grid = xr.open_zarr(tmp_path / "zarr" / GROUP)
    assert (grid.attrs["Conventions"], grid.attrs["featureType"], grid.attrs["feed"]) == (
        "CF-1.12",
        "timeSeries",
        "jp-test",
    )
    assert grid["value"].attrs["units"] == UNIT
    assert grid["series_uid"].attrs["cf_role"] == "timeseries_id"
    assert len(grid["qc"].attrs["flag_masks"]) == len(grid["qc"].attrs["flag_meanings"].split())
    assert dict(zip(grid["censoring"].attrs["flag_meanings"].split(), grid["censoring"].attrs["flag_values"], strict=True)) == {
        "absent": -1, **{code.value: number for number, code in enumerate(CENSORING_CODES)}
    }  # fmt: skip
    assert grid["station_name"].values.tolist()[0] == "局1"
    arrays = await read.arrays(sqlite_store, Filter(), 0, 2**33)
    place = {uid: i for i, uid in enumerate(grid["series_uid"].values.tolist())}
    rows = np.array([place[row.series.uid] for row in arrays.series])[arrays.index]
    at = np.searchsorted(grid["time"].values.astype("datetime64[s]").astype(np.int64), arrays.end_s)
    for name in ("value", "qc", "censoring", "limit"):
        np.testing.assert_array_equal(grid[name].values[rows, at], getattr(arrays, name))
    assert int((grid["censoring"].values >= 0).sum()) == len(arrays.end_s)


async def test_grids_that_stand_stay_and_damaged_ones_are_made_again(sqlite_store: Store, tmp_path: Path) -> None:
    await exported(sqlite_store, tmp_path)
    before = (await write_groups(tmp_path)).parts
    chunk = next(
        path
        for path in sorted((tmp_path / "zarr" / GROUP / "value").rglob("*"))
        if path.is_file() and path.name != "zarr.json"
    )
    stamp = (tmp_path / "zarr" / GROUP / "zarr.json").stat().st_mtime_ns
    assert (await write_groups(tmp_path)).parts == before
    assert (tmp_path / "zarr" / GROUP / "zarr.json").stat().st_mtime_ns == stamp
    chunk.write_bytes(b"torn")
    assert (await write_groups(tmp_path)).parts == before
    assert xr.open_zarr(tmp_path / "zarr" / GROUP)["value"].notnull().any()
