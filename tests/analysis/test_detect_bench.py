"""The bench: drift of the simulated slice, and what we say about the days that are on record."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from analysis.detect import VERSION
from analysis.detect_channels import Gates
from bench.alarms import inject, measured, mixes, ramis, run, score, simulate

SHARED = ramis.shared_folder()


def test_the_simulated_slice_does_not_drift():
    assert simulate.drifted(simulate.drift_figures()) == []


def test_a_blunter_and_a_hastier_detector_are_noticed():
    blunt = Gates(one=(60.0, 14.0), run_rise=(40.0,) * 5, two_quiet=(40.0, 9.0, 12.0))
    assert "pd_50" in simulate.drifted(simulate.drift_figures(blunt))
    hasty = Gates(one=(1.0, 2.5), one_record=0.0)
    assert "episodes" in simulate.drifted(simulate.drift_figures(hasty))


def test_bounds_of_a_poisson_rate():
    three = score.Figures("three", episodes=3, prefecture_years=1.0)
    none = score.Figures("none", episodes=0, prefecture_years=2.0)
    assert score.bounds(three) == pytest.approx((0.62, 8.77), abs=0.01)
    assert score.bounds(none) == pytest.approx((0.0, 1.84), abs=0.01)


def test_measured_figures_are_written_beside_those_of_other_rules(tmp_path):
    replay = simulate.country()
    figures = score.Figures("ours", episodes=1, prefecture_years=2.0, false_pref_year=0.5, false_station_year=0.01)
    figures.found = {50.0: [True, False]}
    path = tmp_path / "measured_rules.json"
    path.write_text('{"other": {"kept": true}}')
    measured.write(path, replay, measured.Found(figures, figures, 0, "hard", 3))
    told = json.loads(path.read_text())
    assert told["other"] == {"kept": True}
    assert told["rise-detector"]["found"]["+50 nSv/h"] == {"events": 2, "share": 0.5}
    assert told["rise-detector"]["found"]["+20 nSv/h"] == {"events": 0, "share": None}
    assert told["rise-detector"]["data"]["stations"] == simulate.STATIONS


def test_events_are_the_same_for_the_same_seed():
    replay = simulate.country()
    span = (float(replay.now_min[0]) + 5000, float(replay.now_min[-1]) - 720)
    one, two = (mixes.draw(replay, mixes.HARD, 5, 1, 4, *span) for _ in range(2))
    assert [event.onset_min for event in one[0]] == [event.onset_min for event in two[0]]
    first, second = (inject.apply(replay, one[0], 9).value for _ in range(2))
    assert np.array_equal(first, second, equal_nan=True)


def test_the_figures_that_are_served_are_those_of_this_version():
    told = json.loads((Path(__file__).parents[2] / "config" / "measured_rules.json").read_text())[measured.RULE]
    assert told["detector_version"] == VERSION
    assert told["data"]["from"] < told["data"]["to"]


def corner(areas, polls):
    """The open data of a few prefectures, the first `polls` sweeps."""
    whole = ramis.load(SHARED)
    keep = np.array([row["area"] in areas for row in whole.stations])
    cut = {name: getattr(whole, name)[:polls][:, keep] for name in ("value", "age_min", "radar", "gauge")}
    chosen = [row for row, kept in zip(whole.stations, keep, strict=True) if kept]
    return dataclasses.replace(whole, stations=chosen, now_min=whole.now_min[:polls], **cut)


# Where the open data is not mounted these are not collected; nothing is skipped in silence where it is.
if SHARED is not None:

    def test_what_we_say_about_the_days_on_record():
        replay = corner({"18", "32"}, 356)
        watched = run.watch(replay)
        late = {key: a for key, a in watched.alerts.items() if a["begin"] > 180}
        step = next(a for a in late.values() if a["stations"] == ["18510544600"])
        assert step["levels"][0] == "unverified"
        assert "firing" not in step["levels"]
        # +1,344 nSv/h once, already 86 min old, then silence for good: one old reading is not published.
        assert not any("32510469120" in a["stations"] for a in late.values())
        day = np.flatnonzero((replay.now_min >= 29_754_180) & (replay.now_min < 29_755_620))  # 2026-07-29 in Japan
        assert not any(a["begin"] in day for a in late.values())
        assert watched.false_calm == []
