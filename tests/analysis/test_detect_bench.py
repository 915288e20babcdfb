"""The bench: drift of the simulated slice, and what we say about the days that are on record."""

import dataclasses

import numpy as np
import pytest

from bench.alarms import inject, ramis, run, simulate

SHARED = ramis.shared_folder()


def test_the_simulated_slice_does_not_drift():
    figures = simulate.drift_figures()
    assert figures["episodes"] == 0
    assert figures["false_calm"] == 0
    for name, value, tolerance in simulate.PINNED:
        assert figures[name] == pytest.approx(value, abs=tolerance), name


def test_events_are_the_same_for_the_same_seed():
    replay = simulate.country()
    span = (float(replay.now_min[0]) + 5000, float(replay.now_min[-1]) - 720)
    one, two = (inject.draw(replay, 5, 1, 4, *span) for _ in range(2))
    assert [event.onset_min for event in one[0]] == [event.onset_min for event in two[0]]
    first, second = (inject.apply(replay, one[0], 9).value for _ in range(2))
    assert np.array_equal(first, second, equal_nan=True)


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
