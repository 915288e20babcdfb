import numpy as np
import pytest

from analysis.baseline import BaselineState, baselines, scale_floor
from analysis.cube import cube
from analysis.grouped import quantiles
from domain.flags import Qc


def test_cube_holds_every_reading_once_with_its_unit(world):
    world.quiet("a", n=5)
    world.quiet("b", n=3, age=900, quantity="absorbed_dose_rate_in_air", unit="nGy/h", qc=int(Qc.SPIKE))
    arrays = world.arrays()
    ds = cube(arrays)
    assert ds.sizes == {"series": 2, "time": 8}
    assert int(np.isfinite(ds["value"]).sum()) == 8
    assert list(ds["unit"].values) == ["nSv/h", "nGy/h"] and "units" not in ds["value"].attrs
    assert int(ds["measured"].sum()) == 8 and "spike" in ds["qc"].attrs["flag_meanings"]
    assert float(ds["value"].sel(series=arrays.series[0].series.uid).dropna("time")[-1]) == arrays.value[4]


def test_cube_of_nothing(world):
    assert cube(world.arrays()).sizes == {"series": 0, "time": 0}


def test_grouped_quantiles_equal_numpys():
    rng = np.random.default_rng(3)
    index = np.sort(rng.integers(0, 20, 500))
    value = rng.normal(size=500)
    got = quantiles(index, value, 22, (0.1, 0.5, 0.99))
    for group in range(22):
        mine = value[index == group]
        if len(mine):
            assert got[group] == pytest.approx(np.quantile(mine, (0.1, 0.5, 0.99)))
        else:
            assert np.isnan(got[group]).all()


def test_baseline_leaves_the_newest_out_and_has_a_state():
    index = np.repeat([0, 1, 2], [60, 30, 10])
    value = np.concatenate((np.full(58, 50.0), [500, 500], np.full(30, 7.0), np.full(10, 1.0)))
    found = baselines(index, np.arange(100), value, np.array([0.8, 0.8, np.nan]))
    assert list(found.count) == [58, 28, 8]
    assert found.median[0] == 50 and found.scale[0] == 0.8 and found.scale[2] == pytest.approx(0.02)
    assert [found.state(row) for row in range(3)] == [
        BaselineState.DETECTION,
        BaselineState.SUMMARY,
        BaselineState.NONE_YET,
    ]


def test_scale_floor_in_the_published_unit():
    assert scale_floor("air_dose_rate_as_published", "uSv/h", np.zeros(1))[0] == pytest.approx(0.0008)
    assert scale_floor("count_rate", "{counts}/min", np.full(1, 100.0))[0] == 2.0
