import numpy as np
import pytest

from analysis.regional import summarise
from analysis.twins import propose
from tests.analysis.test_regional import AREA

WAVE = 50 + 5 * np.sin(np.arange(300) / 9)


def told(world, twins=None):
    found = summarise(AREA, world.arrays(), world.standings(), now_s=world.now, window_s=86400, twins=twins or {})
    assert len(found) == 1
    return found[0]


def test_a_confirmed_twin_counts_once(world):
    for key in "abc":
        world.quiet(key)
    world.add("d", WAVE)
    world.add("e", WAVE * 1.01)
    assert told(world).expected == 5
    s = told(world, {"n:d": "n:d", "n:e": "n:d"})
    assert (s.expected, s.fresh, s.judged) == (4, 4, 4)


def test_of_two_paths_the_one_that_is_heard_counts(world):
    for key in "abc":
        world.quiet(key)
    world.add("d", WAVE, age=20 * 3600)
    world.add("e", WAVE, age=600)
    assert told(world, {"n:d": "n:d", "n:e": "n:d"}).fresh == 4, "the first path is silent, the instrument is not"


def test_a_twin_that_is_alone_in_the_area_still_counts(world):
    for key in "abc":
        world.quiet(key)
    assert told(world, {"n:a": "elsewhere:1"}).expected == 3


@pytest.mark.parametrize("unit", ["nSv/h", "uSv/h"])
def test_near_stations_of_unlike_feeds_in_step_are_proposed(world, unit):
    world.add("a", WAVE, lat=36.0, lon=136.0)
    world.add("b", WAVE / (1000 if unit == "uSv/h" else 1), unit=unit, lat=36.001, lon=136.001, feed="g")
    (pair,) = propose(world.arrays())
    assert (pair.first, pair.second) == ("n:a", "n:b")
    assert pair.distance_m == pytest.approx(143, abs=6)
    assert pair.correlation > 0.99 and pair.equal_share == 1.0 and pair.hours > 40


@pytest.mark.parametrize(
    ("at", "values", "feed_id"),
    [
        ((36.2, 136.0), WAVE, "g"),  # too far
        ((36.001, 136.0), WAVE, "f"),  # the same feed: two posts of one publisher
        ((36.001, 136.0), 80 + 5 * np.cos(np.arange(300) / 4), "g"),  # near, but another instrument
        ((36.001, 136.0), WAVE[:3], "g"),  # too little to say anything
        ((None, None), WAVE, "g"),
    ],
)
def test_what_does_not_go_together_is_not_proposed(world, at, values, feed_id):
    world.add("a", WAVE, lat=36.0, lon=136.0)
    world.add("b", values, lat=at[0], lon=at[1], feed=feed_id)
    assert propose(world.arrays()) == ()
