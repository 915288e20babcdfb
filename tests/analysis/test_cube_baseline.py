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
    assert list(found.count) == [30, 24, 8], "half of a short past is left out, while 24 readings remain"
    assert found.median[0] == 50 and found.scale[0] == 0.8 and found.scale[2] == pytest.approx(0.02)
    assert [found.state(row) for row in range(3)] == [
        BaselineState.SUMMARY,
        BaselineState.SUMMARY,
        BaselineState.NONE_YET,
    ]


def test_scale_floor_in_the_published_unit():
    assert scale_floor("air_dose_rate_as_published", "uSv/h", np.zeros(1))[0] == pytest.approx(0.0008)
    assert scale_floor("count_rate", "{counts}/min", np.full(1, 100.0))[0] == 2.0


DAY = 144  # readings at ten minutes


def _past(*levels: tuple[int, float]) -> np.ndarray:
    """Days of readings at a level each, three values wide."""
    return np.concatenate([level + np.arange(days * DAY) % 3 for days, level in levels]).astype(float)


def _one(value: np.ndarray, **options: object):
    ends = np.arange(len(value), dtype=np.int64) * 600
    return baselines(np.zeros(len(value), np.int64), ends, value, np.array([0.8]), **options)


def test_a_rise_of_hours_does_not_become_its_own_yardstick():
    value = _past((4, 50.0))
    value[-20:] += 200
    found = _one(value)
    assert found.median[0] == 51 and found.scale[0] < 2
    assert found.newest_s[0] == (len(value) - DAY - 1) * 600


def test_of_two_levels_the_lower_one_is_the_yardstick():
    stepped_up, stepped_down = _one(_past((2, 50.0), (2, 90.0))), _one(_past((2, 90.0), (2, 50.0)))
    assert stepped_up.split[0] and stepped_down.split[0]
    assert stepped_up.median[0] == stepped_down.median[0] == 51
    assert not _one(_past((4, 50.0))).split[0]


def test_a_registered_change_of_method_ends_a_past():
    value = _past((2, 50.0), (2, 90.0))
    found = _one(value, since_s=np.array([2 * DAY * 600]))
    assert found.median[0] == 91 and not found.split[0]
    assert found.oldest_s[0] == 2 * DAY * 600


def test_quantised_and_constant_series_have_the_floor_as_their_scale():
    assert _one(np.full(4 * DAY, 40.0)).scale[0] == 0.8
    coarse = np.where(np.arange(4 * DAY) % 7 == 0, 50.0, 40.0)
    assert _one(coarse).median[0] == 40 and _one(coarse).scale[0] == pytest.approx(10 / 3)
