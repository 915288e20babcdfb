from hypothesis import given
from hypothesis import strategies as st

from alerting.blindness import (
    Poll,
    PollLog,
    Station,
    area_is_back,
    area_is_blind,
    feed_is_back,
    feed_is_blind,
    quiet,
    quiet_before_s,
    unheard_at_s,
)
from domain.states import FeedState
from specs.rule import BlindnessNumbers

N = BlindnessNumbers()
T = 1_790_000_000
OK, LATE = FeedState.OK, FeedState.LATE


def log(*states):
    found = PollLog()
    for number, state in enumerate(states):
        found.add(Poll("f", T + 600 * number, T + 600 * number + 20, state))
    return found


def test_three_polls_in_a_row_not_on_time_are_blind_whatever_their_states():
    assert not feed_is_blind(log(OK, LATE, LATE), N)
    assert feed_is_blind(log(OK, LATE, FeedState.BLOCKED, FeedState.EMPTY), N)
    assert not feed_is_blind(log(LATE, LATE, OK, LATE, LATE), N)
    assert not feed_is_blind(log(*[FeedState.PAUSED] * 5), N)
    assert feed_is_back(log(LATE, LATE, LATE, OK)) and not feed_is_back(log())


def test_no_poll_at_all_is_news_after_a_while():
    assert unheard_at_s(log(OK), 3600) == T + 20 + 3600 + 1
    assert unheard_at_s(log(), 3600) is None


def test_a_station_is_quiet_when_it_was_late_at_each_of_the_last_polls_on_time():
    assert quiet_before_s(log(OK, OK), 5400, N) is None
    before = quiet_before_s(log(OK, LATE, OK, OK), 5400, N)
    assert before == T - 5400
    at = T + 1820
    seen = quiet(
        [Station(T - 5401, before), Station(T - 5399, before), Station(T - 90_000, before), Station(T, None)], at, N
    )
    assert (seen.quiet, seen.active) == (1, 3)


def stations(silent, heard):
    return [Station(T - 9000, T - 5400)] * silent + [Station(T, T - 5400)] * heard


def test_a_fifth_of_an_area_is_an_alert_and_readings_end_it():
    assert area_is_blind(quiet(stations(3, 7), T, N), N)
    assert not area_is_blind(quiet(stations(2, 8), T, N), N)
    assert not area_is_blind(quiet(stations(2, 2), T, N), N)
    assert area_is_back(quiet(stations(0, 10), T, N), 10, N)
    assert not area_is_back(quiet(stations(2, 8), T, N), 10, N)


@given(st.lists(st.tuples(st.integers(0, 100_000), st.booleans()), max_size=20), st.integers(0, 20))
def test_a_station_less_never_brings_an_area_back(seen, heard_of):
    some = [Station(T - age, T - 5400) for age, _ in seen]
    fewer = [station for station, (_, kept) in zip(some, seen, strict=True) if kept or T - station.newest_s > 5400]
    if not area_is_back(quiet(some, T, N), heard_of, N):
        assert not area_is_back(quiet(fewer, T, N), heard_of, N)


def test_silence_alone_never_ends_an_areas_alert():
    silent = stations(0, 10)
    for hours in range(2, 60):
        assert not area_is_back(quiet([Station(s.newest_s - hours * 3600, T - 5400) for s in silent], T, N), 10, N)
