import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.censored import censored_quantiles, kaplan_meier
from analysis.sampled import summarise_samples
from analysis.summary import AreaName
from domain.readings import Sample, SampleResult
from domain.states import Censoring, RegionState


def efron(detected, limits):
    """The same estimate another way: Efron's redistribution of each censored result's weight over the results that may lie below it."""
    rows = sorted(
        [(value, 1) for value in detected] + [(limit, 0) for limit in limits], key=lambda row: (-row[0], -row[1])
    )
    weight = [1.0 / len(rows)] * len(rows)
    lost = 0.0
    for at, (_, is_detected) in enumerate(rows):
        if not is_detected:
            rest = len(rows) - at - 1
            if rest:
                for later in range(at + 1, len(rows)):
                    weight[later] += weight[at] / rest
            else:
                lost += weight[at]
            weight[at] = 0.0
    return {
        value: sum(w for (v, d), w in zip(rows, weight, strict=True) if d and v <= value) for value, d in rows if d
    }, lost


whole = st.lists(st.integers(1, 9), max_size=12)


@given(st.lists(st.integers(1, 9), min_size=1, max_size=12), whole)
def test_kaplan_meier_equals_efrons_redistribution(detected, limits):
    # Efron's weights are for results strictly ordered: a result "< 5" is put below a 5
    values, share = kaplan_meier(np.array(detected, float), np.array(limits, float))
    expected, lost = efron(detected, limits)
    assert [expected[value] + lost for value in values] == pytest.approx(list(share))


@given(st.lists(st.floats(0.1, 9), min_size=1, max_size=30))
def test_without_limits_it_is_the_plain_distribution(detected):
    got = censored_quantiles(np.array(detected), np.zeros(0), (0.25, 0.5, 0.75))
    assert list(got) == [float(np.quantile(detected, q, method="inverted_cdf")) for q in (0.25, 0.5, 0.75)]


def test_what_lies_below_the_lowest_detected_value_is_not_told():
    assert censored_quantiles(np.array([10.0]), np.array([1.0, 2.0, 3.0]), (0.5, 0.95)) == (None, 10.0)
    assert censored_quantiles(np.zeros(0), np.array([1.0]), (0.5,)) == (None,)


def a_sample(key, value, censoring=Censoring.NONE, limit=None, unit="Bq/L"):
    result = SampleResult(f"r{key}", f"s{key}", "H-3", "activity_concentration_in_water", unit, value, censoring, limit)
    return Sample(
        f"p{key}",
        f"st{key % 2}",
        "sea_water",
        1000 + key,
        1000 + key,
        "",
        "day",
        "Asia/Tokyo",
        False,
        results=(result,),
    )


def test_a_summary_counts_and_never_speaks_of_now():
    listed = [
        a_sample(1, 5.0),
        a_sample(2, 7000.0, unit="mBq/L"),
        a_sample(3, None, Censoring.BELOW, 0.5),
        a_sample(4, None, Censoring.NOT_MEASURED),
    ]
    (one,) = summarise_samples(AreaName("sea-x", {"en": "X"}), listed, from_s=0, to_s=90_000)
    assert (one.results, one.detected, one.below, dict(one.other), one.stations) == (4, 2, 1, {"not_measured": 1}, 2)
    assert one.quantiles == (None, None, 5.0, 7.0, 7.0)
    assert one.state is RegionState.INSUFFICIENT and one.newest_s == 1004
    assert "detected in 2" in one.sentences["en"] and "24 h old" in one.sentences["en"]


def test_a_result_below_a_limit_that_nobody_states_makes_quantiles_untold():
    (one,) = summarise_samples(
        AreaName("x", {}), [a_sample(1, 5.0), a_sample(2, None, Censoring.NOT_DETECTED)], from_s=0, to_s=2000
    )
    assert one.quantiles == (None,) * 5 and one.below == 1
