import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.freshness import BLIND, Standing, Standings, freshness
from domain.states import FeedState, Freshness

NOW = 1_790_000_000
OK = Standing(FeedState.OK, 600, 900, 5400, 43_200, NOW - 60)


@pytest.mark.parametrize(
    ("age", "expected"), [(60, "fresh"), (5400, "fresh"), (5401, "late"), (43_200, "late"), (43_201, "silent")]
)
def test_age_against_the_feeds_schedule(age, expected):
    assert freshness(NOW - age, NOW, OK).value == expected


def test_never_and_a_habit_longer_than_the_feeds():
    assert freshness(None, NOW, OK) is Freshness.NEVER
    assert freshness(NOW - 8000, NOW, OK, 3600.0) is Freshness.FRESH
    assert freshness(NOW - 10_000, NOW, OK, 3600.0) is Freshness.LATE


def test_while_a_feed_is_blind_its_stations_are_not_dead():
    blocked = Standing(FeedState.BLOCKED, 600, 900, 5400, 43_200, NOW - 50_000)
    assert freshness(NOW - 51_000, NOW, blocked) is Freshness.FEED_LATE
    assert freshness(NOW - 100_000, NOW, blocked) is Freshness.SILENT
    assert freshness(NOW - 60, NOW, blocked) is Freshness.FRESH


def test_a_publisher_that_goes_on_with_old_lists_is_late_and_its_stations_are_not():
    late = Standing(FeedState.LATE, 600, 900, 5400, 43_200, NOW - 60)
    assert freshness(NOW - 6600, NOW, late) is Freshness.FEED_LATE
    assert freshness(NOW - 90_000, NOW, late) is Freshness.SILENT


def test_a_feed_that_nobody_described_was_never_run():
    assert Standings().of("x").state is FeedState.NEVER_RUN


@given(st.integers(0, 200_000), st.integers(0, 200_000), st.sampled_from(sorted(BLIND)))
def test_growing_older_never_makes_fresh(age, more, state):
    standing = Standing(state, 600, 900, 5400, 43_200, NOW - 1000)
    order = [Freshness.FRESH, Freshness.FEED_LATE, Freshness.LATE, Freshness.SILENT]
    now, later = freshness(NOW - age, NOW, standing), freshness(NOW - age - more, NOW, standing)
    assert order.index(later) >= order.index(now)
