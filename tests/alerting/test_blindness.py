import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from alerting.blindness import Heard, blind, blind_at_s, cleared, late_s, quiet
from specs.rule import BlindnessNumbers

N = BlindnessNumbers()
T = 1_790_000_000


def heard(*ages, late=5400):
    return Heard(T - np.array(ages, dtype=np.int64), np.full(len(ages), late))


def test_only_stations_of_the_last_day_count():
    seen = quiet(heard(60, 60, 6000, 90_000, 10**7), T, N)
    assert (seen.quiet, seen.active) == (1, 3)


def test_more_than_half_quiet_is_blind_and_two_stations_are_nothing():
    assert blind(quiet(heard(*[6000] * 6, *[60] * 4), T, N), N.feed_share, N)
    assert not blind(quiet(heard(*[6000] * 5, *[60] * 5), T, N), N.feed_share, N)
    assert not blind(quiet(heard(6000, 6000), T, N), N.feed_share, N)


def test_three_polls_must_be_missed():
    assert late_s(1000, 600, 600, N) == 2400
    assert late_s(5400, 600, 600, N) == 5400


def test_silence_never_clears():
    assert not cleared(quiet(heard(*[100_000] * 10), T, N), 10, N)
    assert not cleared(quiet(heard(60, *[100_000] * 9), T, N), 10, N)
    assert cleared(quiet(heard(*[60] * 6), T, N), 10, N)


@given(st.lists(st.integers(0, 90_000), min_size=1, max_size=30), st.sampled_from([0.2, 0.5]))
def test_the_moment_told_is_the_first_one(ages, share):
    all_heard = heard(*ages)
    moment = blind_at_s(all_heard, T, share, N)
    candidates = sorted({int(m) for m in all_heard.quiet_from_s if m > T})
    first = next((m for m in candidates if blind(quiet(all_heard, m, N), share, N)), None)
    assert moment == first
