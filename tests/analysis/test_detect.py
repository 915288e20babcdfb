"""The detector's promises: cold start, order, silence, resolve, copies, odd positions, late readings, state."""

import math

import numpy as np
import pytest

from analysis.detect import Detector
from analysis.detect_places import Places
from analysis.detect_state import StateError

POLL_MIN = 50.0
WARM = 60


def stations(count=6, spacing_km=5.0, **overrides):
    rows = [
        {"id": f"s{i:02d}", "lat": 36.0 + i * spacing_km / 111.2, "lon": 140.0, "area": "08", "kind": 1}
        for i in range(count)
    ]
    for row in rows:
        row.update(overrides)
    return rows


class Story:
    """A fake clock over one detector; the noise is seeded by station id, so that order never changes a value."""

    def __init__(self, rows, seed=1):
        self.rows, self.detector = rows, Detector(rows)
        self.now = 1_000_000.0
        self.noise = {row["id"]: np.random.default_rng([seed, *row["id"].encode()]) for row in rows}
        self.alerts = []

    def poll(self, extra=None, silent=(), age=20.0, gap=POLL_MIN, radar=0.0):
        self.now += gap
        extra = extra or {}
        value = np.array([40 + round(self.noise[r["id"]].normal(), 1) + extra.get(r["id"], 0.0) for r in self.rows])
        value[[i for i, r in enumerate(self.rows) if r["id"] in silent]] = math.nan
        full = np.full(len(self.rows), 1.0)
        self.alerts = self.detector.step(self.now, value, full * age, full * radar, full * math.nan)
        return self.alerts

    def warm(self, polls=WARM):
        for _ in range(polls):
            self.poll()
        return self


def test_nothing_is_said_before_48_readings():
    story = Story(stations())
    for _ in range(40):
        assert story.poll() == []
    assert story.poll({"s00": 300.0}) == []


def test_a_quiet_network_stays_quiet():
    story = Story(stations()).warm()
    for _ in range(100):
        assert story.poll() == []


def test_one_station_is_unverified():
    story = Story(stations()).warm()
    (alert,) = story.poll({"s02": 50.0})
    assert alert["stations"] == ["s02"]
    assert alert["area"] == "08"
    assert alert["level"] == "unverified"


def test_three_stations_fire_as_one_alert_that_keeps_its_key():
    story = Story(stations()).warm()
    (first,) = story.poll({"s02": 60.0})
    (grown,) = story.poll({"s01": 60.0, "s02": 60.0, "s03": 60.0})
    assert grown["key"] == first["key"]
    assert grown["level"] == "firing"
    assert grown["stations"] == ["s01", "s02", "s03"]


def test_forty_stations_are_one_alert():
    story = Story(stations(40)).warm()
    alerts = story.poll({row["id"]: 80.0 for row in story.rows})
    assert [len(alert["stations"]) for alert in alerts] == [40]


def test_silence_makes_it_stale_and_never_ends_it():
    story = Story(stations()).warm()
    (begun,) = story.poll({"s02": 60.0})
    for _ in range(200):
        (alert,) = story.poll(silent={"s02"})
        assert alert["key"] == begun["key"]
    assert alert["level"] == "stale"
    (back,) = story.poll()
    assert back["level"] == "unverified"
    assert story.poll() == []


def test_it_ends_on_two_calm_readings_of_half_of_its_stations():
    story = Story(stations()).warm()
    high = {"s01": 60.0, "s02": 60.0, "s03": 60.0, "s04": 60.0}
    story.poll(high)
    assert len(story.poll(silent={"s01", "s02", "s03"})) == 1
    assert len(story.poll(silent={"s01", "s02", "s03"})) == 1  # one of four calm is not half
    assert len(story.poll(silent={"s01", "s02"})) == 1
    assert story.poll(silent={"s01", "s02"}) == []


def test_repeats_and_late_readings_earn_no_end():
    story = Story(stations()).warm()
    story.poll({"s02": 60.0})
    for polls in range(1, 5):
        # The same old calm stamp again and again: observed before the reading that fired.
        assert len(story.poll(age=20.0 + POLL_MIN * polls + 5.0)) == 1


@pytest.mark.parametrize("copies", [1, 3, 8])
def test_mirrored_copies_never_raise_a_level(copies):
    rows = stations()
    mirrors = [{**rows[2], "id": f"m{i}", "lat": rows[2]["lat"] + 0.0008 * i} for i in range(copies)]
    story = Story(rows + mirrors)
    for mirror in mirrors:
        story.noise[mirror["id"]] = np.random.default_rng([1, *b"s02"])
    story.warm()
    for _ in range(5):
        alerts = story.poll({"s02": 200.0, **{mirror["id"]: 200.0 for mirror in mirrors}})
        assert [alert["level"] for alert in alerts] == ["unverified"]


def test_the_order_of_stations_changes_nothing():
    rows = stations(12)
    told = []
    for order in (rows, rows[::-1], rows[5:] + rows[:5]):
        story = Story(order).warm()
        for step in range(8):
            story.poll({"s03": 30.0 * (step < 4), "s04": 25.0 * (step < 3), "s05": 40.0 * (step < 5)})
            told.append((step, story.alerts))
    third = len(told) // 3
    assert told[:third] == told[third : 2 * third] == told[2 * third :]


@pytest.mark.parametrize(("lat", "lon"), [(math.nan, math.nan), (0.0, 0.0), (math.nan, 140.0)])
def test_a_station_without_a_place_speaks_for_itself_only(lat, lon):
    story = Story(stations(lat=lat, lon=lon)).warm()
    alerts = story.poll({"s00": 80.0, "s01": 80.0, "s02": 80.0, "s03": 80.0})
    assert {alert["level"] for alert in alerts} == {"unverified"}
    assert len(alerts) == 4


@pytest.mark.parametrize(("km", "noticed"), [(None, True), (120.0, False), (400.0, True)])
def test_after_a_gap_a_small_rise_is_news_unless_a_shower_may_have_hidden_in_it(km, noticed):
    away = stations(1, lat=36.0, lon=140.0 + (km or 0.0) / 90.0)[0]
    story = Story([*stations(1), {**away, "id": "z"}]).warm()
    echo = np.array([0.0, 0.0 if km is None else 3.0])
    alerts = story.poll({"s00": 20.0}, gap=150.0, radar=echo)
    assert bool(alerts) is noticed


def test_how_far_is_told_by_distance_in_every_direction():
    rows = [
        {"id": f"{north}{east}", "lat": 36.0 + 60.0 * north / 111.2, "lon": 140.0 + 60.0 * east / 90.0}
        for north in range(-3, 4)
        for east in range(-3, 4)
    ]
    places = Places(rows)
    shower = np.zeros(len(rows), dtype=np.float32)
    shower[24] = 5.0  # in the middle
    seen = places.rain_afar(shower, 150.0) > 0
    km = places.distance(np.full(len(rows), 24), np.arange(len(rows)))
    assert seen[km <= 130].all()
    assert not seen[km >= 170].any()


def test_a_frozen_instrument_does_not_build_a_run():
    rows = [{**row, "kind": 2} for row in stations(1)]
    detector = Detector(rows)
    noise = np.random.default_rng(5)
    one = np.ones(1)
    for poll in range(WARM + 8):
        value = 80 + round(noise.normal() * 6) if poll < WARM else 113
        alerts = detector.step(50.0 * poll, one * value, one * 20, one * 0, one * math.nan)
    assert alerts == []


def test_rain_explains_a_moderate_rise_and_unknown_rain_widens():
    dry, wet, unknown = (Story(stations()).warm() for _ in range(3))
    for _ in range(3):
        wet.poll(radar=20.0)
        unknown.poll(radar=math.nan)
    assert dry.poll({"s02": 24.0})
    assert wet.poll({"s02": 24.0}, radar=20.0) == []
    assert unknown.poll({"s02": 24.0}, radar=math.nan) == []
    assert wet.poll({"s02": 90.0}, radar=20.0)


def test_saved_state_goes_on_byte_for_byte():
    story = Story(stations()).warm()
    story.poll({"s01": 60.0, "s02": 60.0, "s03": 60.0})
    saved = story.detector.save()
    again = Detector.restore(saved)
    assert again.save() == saved
    one = np.ones(6)
    for poll in range(1, 6):
        now, value = story.now + 50 * poll, one * (40 + 0.1 * poll)
        assert again.step(now, value, one, one, one) == story.detector.step(now, value, one, one, one)
    assert again.save() == story.detector.save()


def test_foreign_bytes_are_refused():
    with pytest.raises(StateError):
        Detector.restore(b"something else")


def test_memory_is_bounded():
    story = Story(stations(20)).warm(10)
    early = len(story.detector.save())
    for polls in range(300):
        story.poll({"s03": 60.0 * (polls % 9 == 0)}, silent={"s04"} if polls > 100 else ())
    assert len(story.detector.save()) < early + 4000
    assert early / 20 < 8000


def test_an_empty_network_is_no_error():
    nothing = np.zeros(0)
    assert Detector([]).step(0.0, nothing, nothing, nothing, nothing) == []


def test_two_quiet_neighbours_say_what_neither_says_alone():
    for one in ("s02", "s03"):
        assert Story(stations(spacing_km=9.0)).warm().poll({one: 10.0}) == []
    (alert,) = Story(stations(spacing_km=9.0)).warm().poll({"s02": 10.0, "s03": 10.0})
    assert alert["level"] == "unverified"
    assert alert["stations"] == ["s02", "s03"]


@pytest.mark.parametrize("count", [2, 900])
def test_a_country_that_rises_at_once_is_one_alert(count):
    story = Story(stations(count, spacing_km=2.0)).warm(54)
    (alert,) = story.poll({row["id"]: 300.0 for row in story.rows})
    assert len(alert["stations"]) == count


def test_stations_without_a_place_are_judged_among_those_that_have_one():
    lost = [{"id": f"x{i}", "lat": None, "lon": None, "area": None, "kind": 3} for i in range(3)]
    story = Story(stations() + lost).warm()
    alerts = story.poll({"x1": 80.0, "s02": 80.0})
    assert {tuple(alert["stations"]) for alert in alerts} == {("x1",), ("s02",)}


def test_a_clock_that_jumps_back_and_empty_polls_earn_nothing():
    story = Story(stations()).warm()
    (begun,) = story.poll({"s02": 60.0})
    nothing = np.full(6, math.nan)
    for now in (story.now - 500.0, story.now, story.now + 10.0):
        (alert,) = story.detector.step(now, nothing, nothing, nothing, nothing)
        assert (alert["key"], alert["level"]) == (begun["key"], "unverified")
