import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.departure import DepartureParameters, applies, departure, in_own_unit, parameters_of, rederived, yardstick

P = DepartureParameters()
T0 = 1_790_000_000


def run(values, *, step=600, now_after=600):
    end = T0 + step * np.arange(len(values), dtype=np.int64)
    return departure(end, np.asarray(values, float), int(end[-1]) + now_after, P)


def background(n=200, seed=1):
    return np.random.default_rng(seed).normal(50, 0.5, n)


def test_two_consecutive_readings_depart_and_one_does_not():
    assert run(np.append(background(), [50.0, 90.0])) is None
    found = run(np.append(background(), [85.0, 90.0]))
    assert found is not None
    assert found.value == (85.0, 90.0)
    assert found.trigger == pytest.approx(35, abs=0.5)
    assert found.yardstick.scale == 0.8  # the floor: 1.4826 MAD of this noise is 0.5


def test_the_two_gates():
    assert run(np.append(background(), [62.9, 62.9])).gate.rise == 12.0
    assert run(np.append(background(), [61.0, 61.0])) is None
    noisy = np.random.default_rng(2).normal(50, 3.0, 200)
    assert run(np.append(noisy, [64.0, 64.0])) is None  # z below both gates
    assert run(np.append(noisy, [75.0, 75.0])).gate.rise == 15.0


def test_a_heavy_tail_widens_the_scale():
    spiky = background()
    spiky[::40] += 60
    assert run(np.append(spiky, [85.0, 90.0])) is None
    assert run(np.append(spiky, [160.0, 170.0])) is not None


def test_not_enough_past_is_no_baseline_and_no_departure():
    assert run(np.append(background(45), [90.0, 90.0])) is None
    assert yardstick(np.arange(49), np.ones(49), P) is None
    assert yardstick(np.arange(50), np.ones(50), P).count == 48


def test_old_or_far_apart_readings_are_not_now():
    values = np.append(background(), [85.0, 90.0])
    assert run(values, now_after=201 * 60) is None
    end = T0 + 600 * np.arange(len(values), dtype=np.int64)
    end[-1] = end[-2] + 201 * 60
    assert departure(end, values, int(end[-1]), P) is None


def test_only_dose_rates_in_their_own_dimension():
    assert applies("air_dose_rate_as_published", "uSv/h")
    assert applies("absorbed_dose_rate_in_air", "nGy/h")
    assert not applies("count_rate", "{counts}/min")
    assert not applies("air_kerma_rate", "uSv/h")
    assert not applies("exposure_rate", "uR/h")
    assert in_own_unit("air_dose_rate_as_published", "uSv/h", np.array([0.07]))[0] == 70.0


@given(st.lists(st.integers(0, 500), min_size=50, max_size=120), st.integers(1, 400))
def test_shifting_every_reading_changes_no_decision(values, shift):
    a, b = run(values), run(np.asarray(values) + shift)
    assert (a is None) == (b is None)
    if a:
        assert a.rise == b.rise


def test_a_decision_is_made_again_from_columns_also_over_a_floor(world):
    world.quiet("d", level=0.078, noise=0.005, unit="uSv/h", floor=0.2, tail=(0.26, 0.27))
    arrays = world.arrays()
    found = rederived(arrays, 0, [int(t) for t in arrays.end_s[-2:]], P)
    assert found.value == (260.0, 270.0) and found.yardstick.median == 200.0
    assert found.rise == pytest.approx((60.0, 70.0))


def test_parameters_come_back_from_what_an_event_keeps():
    kept = {
        "gates": [{"rise": 15.0, "z": 5.0}, {"rise": 12.0, "z": 7.0}],
        "history": 500,
        "skip": 2,
        "least": 48,
        "pair_within_s": 12000,
    }
    kept |= {"fresh_within_s": 12000, "scale_floor": 0.8, "span_s": 1_728_000, "resolve": {"readings": 2}}
    assert parameters_of(kept) == P
    with pytest.raises(KeyError):
        parameters_of({"gates": []})
