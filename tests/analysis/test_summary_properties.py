"""What may happen to a summary's inputs without it growing calmer, and what may happen to them without it changing at all."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.freshness import Standing
from analysis.regional import summarise
from analysis.summary import AreaName, Summary
from api.routes.summaries import most_urgent
from domain.flags import Qc
from domain.states import FeedState, RegionState
from tests.analysis.conftest import NOW, World

AREA = AreaName("JP-18", {"en": "Fukui"})
TAILS = {
    "calm": (),
    "rain-like": (72.0, 70.0),
    "rise": (82.0, 85.0),
    "far": (400.0, 420.0),
    "hour": (90.0,) * 8,
    "day": (95.0,) * 140,
}
POSTS = st.lists(
    st.tuples(st.sampled_from(sorted(TAILS)), st.integers(100, 420), st.booleans()), min_size=1, max_size=9
)
LOSSES = ("silent", "no rows", "newest missing", "newest unfit", "older by hours")
#: A state that says more alarm, or less knowledge, never ranks below a calmer one.
RANK = {RegionState.NORMAL: 0, RegionState.INSUFFICIENT: 1, RegionState.ELEVATED: 2, RegionState.HIGH: 3}


def told(world: World) -> Summary:
    [found] = summarise(AREA, world.arrays(), world.standings(), now_s=world.now, window_s=3 * 3600)
    return found


def built(
    posts: list[tuple[str, int, bool]], losses: dict[int, str] | None = None, feed: Standing | None = None
) -> World:
    """Posts 3 km apart: a past of some length, a tail, perhaps a coarse quantum; and what befalls some of them."""
    world = World()
    world.feeds |= {"f": feed} if feed else {}
    for at, (tail, n, coarse) in enumerate(posts):
        rng = np.random.default_rng(at)
        past = np.concatenate((rng.normal(50, 0.6, n), TAILS[tail]))
        values, qc, age = (np.round(past, -1) if coarse else np.round(past, 1)), 0, 600
        match (losses or {}).get(at):
            case "silent":
                age = 20_000
            case "no rows":
                values = values[:0]
            case "newest missing":
                values, age = values[:-12], 600 + 12 * 600
            case "older by hours":
                age = 8 * 3600
            case "newest unfit":
                qc = int(Qc.STUCK)
        world.add(f"s{at}", values, lat=35.0 + 0.03 * at, age=age, qc=qc)
    return world


@settings(max_examples=50, deadline=None)
@given(POSTS, st.data())
def test_losing_readings_never_makes_an_area_calm(posts, data) -> None:
    lost = data.draw(st.dictionaries(st.integers(0, len(posts) - 1), st.sampled_from(LOSSES), min_size=1))
    before, after = told(built(posts)), told(built(posts, lost))
    if after.state is RegionState.NORMAL:
        assert before.state is RegionState.NORMAL, (posts, lost)
    assert after.expected == before.expected, "who fell silent is still expected"
    assert after.fresh <= before.fresh
    assert after.coverage <= before.coverage or after.coverage == 0 or before.coverage == 0


@settings(max_examples=30, deadline=None)
@given(POSTS, st.sets(st.integers(0, 8)), st.data())
def test_losing_readings_of_one_kind_never_makes_the_whole_answer_calm(posts, at_sea, data) -> None:
    """The one state that a region, a sea area or a ring of a site is told with, over land and sea together."""
    lost = data.draw(st.dictionaries(st.integers(0, len(posts) - 1), st.sampled_from(LOSSES), min_size=1))

    def whole(world: World) -> RegionState:
        for at, (like, *_) in enumerate(world.rows):
            medium = "air_over_sea" if at in at_sea else "air_over_land"
            world.rows[at] = (replace(like, series=replace(like.series, medium=medium)), *world.rows[at][1:])
        found = summarise(AREA, world.arrays(), world.standings(), now_s=world.now, window_s=3 * 3600)
        return RegionState(most_urgent(one.state for one in found))

    if whole(built(posts, lost)) is RegionState.NORMAL:
        assert whole(built(posts)) is RegionState.NORMAL, (posts, at_sea, lost)


@settings(max_examples=25, deadline=None)
@given(
    POSTS, st.sampled_from([FeedState.LATE, FeedState.BLOCKED, FeedState.MISREAD, FeedState.EMPTY]), st.integers(0, 30)
)
def test_a_feed_that_goes_blind_never_makes_an_area_calm(posts, state, hours) -> None:
    standing = Standing(state, 600, 1200, 5400, 86400, NOW - hours * 3600)
    before = told(built(posts))
    world = built(posts, dict.fromkeys(range(len(posts)), "silent"), standing)
    assert told(world).state is not RegionState.NORMAL
    assert told(world).expected == before.expected


@settings(max_examples=25, deadline=None)
@given(POSTS, st.integers(0, 3 * 86400))
def test_the_passing_of_time_alone_never_makes_an_area_calm(posts, later_s) -> None:
    world = built(posts)
    [before] = summarise(AREA, world.arrays(), world.standings(), now_s=NOW, window_s=10800)
    [after] = summarise(AREA, world.arrays(), world.standings(), now_s=NOW + later_s, window_s=10800)
    if after.state is RegionState.NORMAL:
        assert before.state is RegionState.NORMAL


@settings(max_examples=20, deadline=None)
@given(POSTS, st.data())
def test_mirrored_copies_change_nothing(posts, data) -> None:
    copied = data.draw(st.sets(st.integers(0, len(posts) - 1), min_size=1))
    once, twice = built(posts), built(posts)
    for at in copied:
        like, end, value, qc, censoring = once.rows[at]
        if len(value) < 200:
            continue  # too short a past to tell a copy from a coincidence
        if len(np.unique(value[-140:-16])) < 3:
            continue  # a constant cannot be told from another constant
        station = replace(like.station.station, uid=f"z:{at}", key=str(at))
        series = replace(like.series, uid=f"z:{at}:copy", station_uid=station.uid)
        copy = replace(like, series=series, station=replace(like.station, station=station))
        twice.rows.append((copy, end, value, qc, censoring))
    one, other = told(once), told(twice)
    same = (
        "state",
        "reasons",
        "expected",
        "fresh",
        "judged",
        "coverage",
        "quantiles",
        "departures",
        "lowest",
        "highest",
    )
    assert {name: getattr(one, name) for name in same} == {name: getattr(other, name) for name in same}


@settings(max_examples=20, deadline=None)
@given(POSTS, st.data())
def test_how_units_are_spelt_changes_nothing(posts, data) -> None:
    spelt = built(posts)
    units = data.draw(st.lists(st.sampled_from(["nSv/h", "uSv/h", "mSv/h"]), min_size=len(posts), max_size=len(posts)))
    factor = {"nSv/h": 1.0, "uSv/h": 1e-3, "mSv/h": 1e-6}
    spelt.rows = [
        (replace(like, series=replace(like.series, unit=unit)), end, value * factor[unit], qc, censoring)
        for (like, end, value, qc, censoring), unit in zip(spelt.rows, units, strict=True)
    ]
    one, other = told(built(posts)), told(spelt)
    same = ("state", "reasons", "expected", "fresh", "judged", "coverage", "sentences", "excluded")
    assert {name: getattr(one, name) for name in same} == {name: getattr(other, name) for name in same}
    if one.quantiles:
        assert other.quantiles is not None
        np.testing.assert_allclose(other.quantiles, one.quantiles, rtol=1e-9)


@settings(max_examples=25, deadline=None)
@given(st.integers(3, 10), st.integers(1, 30), st.sampled_from([30.0, 60.0, 300.0]))
def test_a_rise_is_told_for_as_long_as_it_lasts_up_to_a_day(count, hours, rise) -> None:
    world = World()
    for at in range(count):
        values = np.round(np.random.default_rng(at).normal(50, 0.6, 700), 1)
        values[-min(hours, 23) * 6 :] += rise
        world.add(f"s{at}", values, lat=35.0 + 0.03 * at)
    assert RANK[told(world).state] >= RANK[RegionState.ELEVATED]
