import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.freshness import Standing
from analysis.regional import summarise
from analysis.summary import AreaName, Finding
from domain.flags import Qc
from domain.reasons import Untold
from domain.states import FeedState, RegionState

AREA = AreaName("JP-18", {"en": "Fukui", "ja": "福井県", "ko": "후쿠이현", "zh": "福井县"})


def told(world, window_s=86400):
    return summarise(AREA, world.arrays(), world.standings(), now_s=world.now, window_s=window_s)


def one(world, **kw):
    found = told(world, **kw)
    assert len(found) == 1
    return found[0]


def test_quiet_stations_are_normal_and_counted(world):
    for key in "abcde":
        world.quiet(key)
    s = one(world)
    assert (s.state, s.expected, s.fresh, s.judged, s.coverage) == (RegionState.NORMAL, 5, 5, 5, 1.0)
    assert s.quantiles[2] == pytest.approx(50, abs=1)
    assert s.lowest.value <= s.quantiles[0] <= s.highest.value
    assert "Fukui" in s.sentences["en"] and "5 of 5" in s.sentences["en"] and "10 min old" in s.sentences["en"]
    assert set(s.sentences) == {"en", "ja", "ko", "zh"}
    assert "福井県" in s.sentences["ja"] and "5地点中5地点" in s.sentences["ja"]


def test_no_stations_is_an_empty_answer_not_a_calm_one(world):
    assert told(world) == ()


def test_units_of_one_quantity_are_compared_after_conversion_and_kinds_never(world):
    world.quiet("a")
    world.add("b", np.full(100, 0.07), unit="uSv/h")
    world.quiet("c", quantity="absorbed_dose_rate_in_air", unit="nGy/h")
    first, second = told(world)
    assert {first.kind.quantity, second.kind.quantity} == {"air_dose_rate_as_published", "absorbed_dose_rate_in_air"}
    as_published = first if first.kind.quantity == "air_dose_rate_as_published" else second
    assert as_published.expected == 2 and as_published.highest.value == 70.0


def test_a_rise_at_one_station_is_elevated_and_says_that_it_is_alone(world):
    for key in "abcd":
        world.quiet(key)
    world.quiet("e", tail=(90, 95))
    s = one(world)
    assert s.state is RegionState.ELEVATED
    assert Finding.ONE_STATION_ONLY in s.reasons
    assert s.departures.count_above == 1 and s.departures.stations_above == ("n:e",)


def test_two_far_above_are_high(world):
    for key in "abc":
        world.quiet(key)
    world.quiet("d", tail=(400, 420))
    world.quiet("e", tail=(300, 320))
    assert one(world).state is RegionState.HIGH


def test_rain_near_explains_a_small_rise_but_not_a_large_one(world):
    for key in "abcd":
        world.quiet(key)
    world.quiet("e", tail=(70, 75))
    world.add("gauge", [0.0, 3.0], quantity="precipitation_rate", unit="mm/h", medium="weather")
    s = one(world)
    assert (s.state, s.rain_explained) == (RegionState.NORMAL, 1.0)
    assert Finding.RISE_EXPLAINED_BY_RAIN in s.reasons
    world.rows = [row for row in world.rows if ":e:" not in row[0].series.uid]
    world.quiet("e", tail=(150, 155))
    assert one(world).state is RegionState.ELEVATED


def test_without_rain_data_a_rise_is_not_explained(world):
    for key in "abcd":
        world.quiet(key)
    world.quiet("e", tail=(70, 75))
    s = one(world)
    assert s.state is RegionState.ELEVATED and s.rain_explained is None and Finding.RAIN_UNKNOWN in s.reasons


def test_silence_after_a_rise_is_not_calm(world):
    for key in "abcdefgh":
        world.quiet(key)
    world.quiet("z", tail=(150, 155), age=20_000)
    s = one(world)
    assert s.state is RegionState.INSUFFICIENT and Finding.LAST_SEEN_ABOVE in s.reasons
    assert s.excluded[Untold.LATE] == 1


def test_a_blind_feed_makes_nobody_calm_or_dead(world):
    world.feeds["f"] = Standing(FeedState.LATE, 600, 1200, 5400, 86400, world.now - 10_000)
    for key in "abcde":
        world.quiet(key, age=11_000)
    s = one(world)
    assert s.state is RegionState.INSUFFICIENT
    assert s.excluded == {Untold.FEED_BLIND: 5}
    assert Untold.FEED_BLIND in s.reasons


@pytest.mark.parametrize(("age_s", "state"), [(9_000, RegionState.NORMAL), (11_400, RegionState.INSUFFICIENT)])
def test_a_slow_habit_excuses_no_reading_from_before_the_window(world, age_s, state):
    for key in "abcd":
        world.quiet(key, step=4800, age=age_s)  # late by the feed's word, not by a habit of eighty minutes
    assert one(world, window_s=3 * 3600).state is state


def test_too_few_no_baseline_and_unstated_units_cannot_be_told(world):
    world.quiet("a")
    world.quiet("b")
    assert Untold.TOO_FEW_STATIONS in one(world).reasons
    for key in "cdef":
        world.quiet(key, n=20)
    s = one(world)
    assert s.state is RegionState.INSUFFICIENT and Untold.NO_BASELINE in s.reasons and s.fresh == 6 and s.judged == 2


def test_unit_not_stated_has_no_quantiles(world):
    for key in "abcde":
        world.quiet(key, quantity="detector_output_unit_not_stated", unit="{unstated}")
    s = one(world)
    assert s.state is RegionState.INSUFFICIENT and s.quantiles is None and s.reasons == (Untold.UNIT_NOT_STATED,)


def test_flagged_and_censored_readings_are_excluded_with_their_reason(world):
    for key in "abcde":
        world.quiet(key)
    world.quiet("low", qc=int(Qc.BELOW_RANGE))
    world.quiet("bad", qc=int(Qc.GROSS_RANGE))
    world.quiet("nd", censoring=3)
    s = one(world)
    assert s.excluded == {Untold.BELOW_RANGE: 2, Untold.QC_FAILED: 1}
    assert s.fresh == 5 and s.expected == 8
    assert s.censored == {"not_detected": 1}


def test_dosimeters_below_their_floor_are_an_answer_that_lowers_no_coverage(world):
    for key in "abc":
        world.quiet(key)
    for key in range(20):
        world.quiet(f"d{key}", level=78, noise=5, floor=200.0)
    s = one(world)
    assert (s.state, s.expected, s.judged, s.coverage) == (RegionState.NORMAL, 23, 3, 1.0)
    assert s.excluded == {Untold.BELOW_RANGE: 20} and Untold.BELOW_RANGE in s.reasons
    assert "3 of 23" in s.sentences["en"] and "20 more read below their detector's floor" in s.sentences["en"]
    assert s.quantiles[4] < 60  # the numbers below a floor are no measurements


def test_a_dosimeter_that_comes_out_above_its_floor_is_seen(world):
    for key in "abc":
        world.quiet(key)
    world.quiet("d", level=78, noise=5, floor=200.0, tail=(260.0, 270.0))
    s = one(world)
    assert s.state is RegionState.ELEVATED and s.departures.stations_above == ("n:d",)
    assert s.departures.largest == pytest.approx(70.0)  # over the floor: never larger than it really was


def test_a_saturated_detector_is_never_calm(world):
    for key in "abcde":
        world.quiet(key)
    world.quiet("sat", qc=int(Qc.ABOVE_RANGE))
    s = one(world)
    assert s.state is RegionState.ELEVATED and Finding.ABOVE_DETECTOR_RANGE in s.reasons


def test_averaging_windows_and_mirrors_of_one_station_count_once(world):
    for key in "abcde":
        world.quiet(key)
    before = one(world)
    rng = np.random.default_rng(1)
    world.add("a", rng.normal(80, 1, 200), window=60)
    assert one(world).expected == 5 and one(world).quantiles == before.quantiles
    row, _, value, *_ = world.rows[0]
    world.add("copy", value, namespace="other", lat=row.station.station.latitude_deg + 0.001)
    s = one(world)
    assert (
        s.expected == 5
        and s.excluded == {Untold.MIRROR: 1}
        and s.quantiles == before.quantiles
        and s.state is before.state
    )


def test_exercise_rows_are_summarised_apart_and_marked(world):
    for key in "abc":
        world.quiet(key)
        world.quiet(key + "x", exercise=True)
    real, drill = told(world)
    assert not real.kind.exercise and drill.kind.exercise and drill.sentences["en"].startswith("[EXERCISE]")


def test_a_station_that_no_answer_names_for_a_month_is_not_expected(world):
    for key in "abc":
        world.quiet(key)
    world.quiet("old", last_seen=world.now - 40 * 86400, age=40 * 86400)
    assert one(world).expected == 3


def test_the_word_safe_is_in_no_sentence(world):
    for key in "abc":
        world.quiet(key)
    for text in one(world).sentences.values():
        assert not any(word in text.casefold() for word in ("safe", "安全", "안전", "安心"))


RANK = {RegionState.HIGH: 3, RegionState.ELEVATED: 3, RegionState.INSUFFICIENT: 2, RegionState.NORMAL: 1}


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 1), st.sampled_from([0, 0, 20, 120, "low"])), min_size=1, max_size=12),
    st.data(),
)
def test_silence_never_moves_a_state_towards_normal(stations, data):
    world, later = WORLD(), WORLD()
    gone = data.draw(st.sets(st.integers(0, len(stations) - 1)))
    for at, (silent, rise) in enumerate(stations):
        low = {"floor": 200.0} if rise == "low" else {}
        tail = (50 + rise, 51 + rise) if rise and not low else ()
        world.quiet(f"s{at}", n=60, tail=tail, age=20_000 if silent else 600, **low)
        later.quiet(f"s{at}", n=60, tail=tail, age=20_000 if silent or at in gone else 600, **low)
    assert RANK[one(later).state] >= min(RANK[one(world).state], RANK[RegionState.INSUFFICIENT])


WORLD = None


@pytest.fixture(autouse=True)
def _world_class(new_world):
    globals()["WORLD"] = new_world


def test_a_feed_that_fell_silent_for_months_leaves_its_stations_expected_and_missing(world):
    for key in "abc":
        world.quiet(key)
    found = summarise(AREA, world.arrays(), world.standings(), now_s=world.now + 100 * 86400, window_s=86400)
    assert len(found) == 1
    assert (found[0].state, found[0].expected, found[0].fresh) == (RegionState.INSUFFICIENT, 3, 0)
