"""The detector over named series: a network that grows, a state that goes on, rain from columns, and the size of nothing."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from alerting.history import History
from analysis.detect_feed import Poll, RainNow, RainSources, newest_of, poll_of, rain_of
from analysis.detect_power import power
from analysis.detect_watch import Watch, digest_of
from domain.flags import Qc
from domain.readings import NO_TIME

START_S = 1_790_000_400
STEP_S = 1800


def stations(count, first=0):
    return [
        {"id": f"s{number:02}", "station": f"s{number:02}", "lat": 35.0 + 0.1 * number, "lon": 136.0, "area": "JP-18", "kind": 1}
        for number in range(first, first + count)
    ]  # fmt: skip


def dry(count):
    return RainNow(np.zeros(count), np.full(count, np.nan), START_S, np.full(count, NO_TIME))


def walked(watch, polls, *, start=0, lift=None):
    """Step through quiet polls (with `lift` nSv/h on s00); the last answer."""
    active = ()
    for number in range(start, start + polls):
        at_s = START_S + number * STEP_S
        value = {
            uid: (at_s - 300, 50.0 + ((number * 7 + place * 3) % 11 - 5) / 10) for place, uid in enumerate(watch.uids)
        }
        if lift is not None:
            value["s00"] = (at_s - 300, value["s00"][1] + lift)
        active = watch.step(poll_of(watch.uids, watch.given_s, value, dry(len(watch.uids)), at_s))
    return active


@pytest.fixture(scope="module")
def ready():
    watch = Watch.over(stations(6))
    walked(watch, 70)
    return watch.save()


def test_a_saved_watch_goes_on_to_the_same_bytes(ready):
    one, two = Watch.restore(ready), Watch.restore(ready)
    assert one.save() == ready
    assert walked(one, 3, start=70, lift=80.0) == walked(two, 3, start=70, lift=80.0)
    assert digest_of(one.save()) == digest_of(two.save())


def test_stations_that_join_leave_the_others_as_they_were(ready):
    alone, grown = Watch.restore(ready), Watch.restore(ready)
    assert not grown.join(stations(6))
    assert grown.join([{**stations(1)[0], "id": "a0", "station": "a0", "lat": np.nan, "lon": np.nan}, *stations(2, 20)])
    assert grown.uids[:6] == alone.uids
    assert [grown.median(uid) for uid in alone.uids] == [alone.median(uid) for uid in alone.uids]
    assert grown.median("a0") is None
    (said,) = walked(alone, 1, start=70, lift=80.0)
    (also,) = walked(grown, 1, start=70, lift=80.0)
    assert (said.series, said.level) == (also.series, also.level) == (("s00",), "unverified")
    assert grown.weighed("s00").median == alone.weighed("s00").median
    assert Watch.restore(grown.save()).save() == grown.save()


def test_an_open_alert_survives_the_growth_of_the_network(ready):
    watch = Watch.restore(ready)
    (said,) = walked(watch, 1, start=70, lift=80.0)
    watch.join([{**one, "id": f"b{one['id']}"} for one in stations(3, 40)])
    (still,) = walked(watch, 1, start=71, lift=80.0)
    assert (still.key, still.series) == (said.key, said.series)


def test_only_what_is_newer_is_given(ready):
    watch = Watch.restore(ready)
    again = {uid: (int(watch.given_s[place]), 50.0) for place, uid in enumerate(watch.uids)}
    poll = poll_of(watch.uids, watch.given_s, again, dry(6), START_S + 70 * STEP_S)
    assert poll.fresh == 0
    assert np.isnan(poll.value).all()
    assert poll.digest() != Poll(poll.at_s + 1, poll.end_s, poll.value, poll.rain).digest()


def row(feed, station, quantity, *, window_s=600, lat=35.0, lon=136.0, exercise=False):
    place = SimpleNamespace(uid=station, latitude_deg=lat, longitude_deg=lon)
    series = SimpleNamespace(
        uid=f"{station}:{quantity}", feed_id=feed, quantity=quantity, window_s=window_s, exercise=exercise
    )
    return SimpleNamespace(series=series, station=SimpleNamespace(station=place, exercise=exercise))


def rain(rows, at_s, *values):
    index = np.array([number for number, *_ in values], np.int64)
    columns = SimpleNamespace(
        series=rows,
        index=index,
        end_s=np.array([at_s - age_s for _, age_s, _ in values], np.int64),
        value=np.array([value for *_, value in values], np.float64),
    )
    sources = RainSources("radar", ("gauges",), 10_000.0, 1800)
    return rain_of(stations(3), columns, sources, at_s)


def test_radar_that_leaves_a_station_out_had_no_rain_there_and_an_old_image_says_nothing():
    rows = [row("radar", "s00", "precipitation_rate")]
    now = rain(rows, START_S, (0, 60, 7.5))
    assert now.radar.tolist() == [7.5, 0.0, 0.0]
    assert now.radar_s == START_S - 60
    old = rain(rows, START_S, (0, 1800, 7.5))
    assert np.isnan(old.radar).all()
    assert old.radar_s is None


def test_a_gauge_speaks_for_its_own_station_first_then_for_those_near():
    rows = [
        row("gauges", "s00", "precipitation_amount"), row("gauges", "g1", "precipitation_rate", lat=35.12),
        row("gauges", "x", "precipitation_rate", exercise=True), row("other", "s02", "precipitation_rate", lat=35.2),
    ]  # fmt: skip
    now = rain(rows, START_S, (0, 60, 0.5), (1, 60, 2.0), (2, 60, 90.0), (3, 60, 90.0))
    assert now.gauge[:2].tolist() == [3.0, 2.0]  # 0.5 mm in ten minutes; 2 km away
    assert now.gauge[2] == 2.0  # 9 km away
    assert np.isnan(now.radar).all()


def test_outside_a_stated_range_the_detector_sees_what_was_published_and_no_other_rule_does():
    dosimeter = row("network", "s00", "air_dose_rate_as_published")
    dosimeter.series.unit, dosimeter.series.floor = "uSv/h", 0.2
    columns = SimpleNamespace(
        series=[dosimeter],
        index=np.zeros(4, np.int64),
        end_s=START_S - np.array([1800, 1200, 600, 60]),
        value=np.array([0.078, 0.128, 20.0, 0.9]),
        censoring=np.zeros(4, np.int8),
        qc=np.array([Qc.BELOW_RANGE, Qc.BELOW_RANGE, Qc.ABOVE_RANGE, Qc.BELOW_RANGE | Qc.GROSS_RANGE], np.int64),
    )
    (found,) = newest_of(columns, START_S).values()
    assert found == (START_S - 600, pytest.approx(20_000.0))
    for watched, values in ((frozenset({"network"}), [78.0, 128.0, 20_000.0]), (frozenset(), [200.0, 200.0])):
        history = History(watched)
        history.take(columns, START_S - 3600, START_S)
        (trail,) = history.trails.values()
        assert trail.value.tolist() == pytest.approx(values)


def test_nothing_has_a_size_and_a_noisy_or_mute_station_shows_less(ready):
    watch = Watch.restore(ready)
    found = power(watch, watch.uids)
    assert set(found.smallest) == set(watch.uids)
    size = found.smallest["s00"]
    assert 5.0 < size < 40.0
    assert walked(Watch.restore(ready), 2, start=70, lift=1.5 * size)
    assert power(watch, ["s01"]).smallest.keys() == {"s01"}
    watch.join(stations(1, 30))
    assert power(watch, ["s30"]).smallest == {}
