"""Figures of section 7 from what was listed at each poll: false alarms, detection, time to detect, false calm."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from bench.alarms.inject import GEOMETRIES, SHAPES, SIZES, TAIL_MIN, Event
from bench.alarms.ramis import Replay

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]

MERGE_MIN = 360.0
YEAR_MIN = 365.25 * 1440.0


@dataclass
class Figures:
    """One row of the table. Rates per year; detection by size as found/all; minutes for TTD and its floor."""

    name: str
    false_pref_year: float = float("nan")
    false_station_year: float = float("nan")
    episodes: int = 0
    prefecture_years: float = float("nan")
    found: dict[float, list[bool]] = field(default_factory=dict)
    found_wet: dict[float, list[bool]] = field(default_factory=dict)
    delay: dict[float, list[float]] = field(default_factory=dict)
    excess: dict[float, list[float]] = field(default_factory=dict)
    floor: dict[float, list[float]] = field(default_factory=dict)
    detected: list[tuple[Event, bool, float]] = field(default_factory=list)


def episodes(replay: Replay, listed: Bools, begin_min: float, end_min: float) -> list[tuple[str, float, float]]:
    """Merged episodes (area, first and last minute) that begin in the span. listed: (T, S) station in an alert."""
    areas = np.array([row["area"] for row in replay.stations])
    found: list[tuple[str, float, float]] = []
    for area in np.unique(areas):
        on = replay.now_min[listed[:, areas == area].any(axis=1)]
        if on.size == 0:
            continue
        breaks = np.flatnonzero(np.diff(on) > MERGE_MIN)
        first = on[np.concatenate([[0], breaks + 1])]
        last = on[np.concatenate([breaks, [len(on) - 1]])]
        found += [(str(area), a, b) for a, b in zip(first, last, strict=True) if begin_min <= a < end_min]
    return found


def years(replay: Replay, begin_min: float, end_min: float) -> float:
    """Prefecture-years of a span."""
    return len({row["area"] for row in replay.stations}) * (end_min - begin_min) / YEAR_MIN


def bounds(figures: Figures) -> tuple[float, float]:
    """95 % bounds on the rate per prefecture-year, Poisson: what as few episodes as these leave open."""
    count, span = figures.episodes, figures.prefecture_years
    low = _poisson_mean(count - 1, 0.975) if count else 0.0
    return round(low / span, 2), round(_poisson_mean(count, 0.025) / span, 2)


def _poisson_mean(count: int, share: float) -> float:
    """The mean at which `count` or fewer turn up with probability `share`; by halving."""
    low, high = 0.0, count + 10.0 * math.sqrt(count + 1.0) + 10.0
    for _ in range(60):
        middle = (low + high) / 2
        terms = (math.exp(k * math.log(max(middle, 1e-300)) - middle - math.lgamma(k + 1.0)) for k in range(count + 1))
        low, high = (middle, high) if sum(terms) > share else (low, middle)
    return (low + high) / 2


def false_alarms(figures: Figures, replay: Replay, listed: Bools, begin_min: float, end_min: float) -> None:
    """Rates over the clean replay, per prefecture-year and station-year of usable stations."""
    figures.prefecture_years = years(replay, begin_min, end_min)
    figures.episodes = len(episodes(replay, listed, begin_min, end_min))
    figures.false_pref_year = figures.episodes / figures.prefecture_years
    usable = np.isfinite(replay.value).sum(axis=0) >= 100
    on = listed.copy()
    on[replay.now_min < begin_min] = False
    starts = (on[1:] & ~on[:-1]).sum() + on[0].sum()
    figures.false_station_year = float(starts) / (float(usable.sum()) * (end_min - begin_min) / YEAR_MIN)


def detection(figures: Figures, replay: Replay, listed: Bools, events: Iterable[Event]) -> None:
    """Add one round of events: found when a reached station is newly listed between onset and the end plus 2 h."""
    observed = replay.now_min[:, None] - replay.age_min
    for event in events:
        window = np.flatnonzero((replay.now_min >= event.onset_min) & (replay.now_min <= event.end_min + TAIL_MIN))
        before = max(int(np.searchsorted(replay.now_min, event.onset_min)) - 1, 0)
        who = event.who[event.share >= 0.1]
        new = listed[np.ix_(window, who)] & ~listed[before, who]
        hit = np.flatnonzero(new.any(axis=1))
        rises = np.stack([event.rise(observed[window, column], m) for m, column in enumerate(event.who)], axis=1)
        seen = np.flatnonzero((np.nan_to_num(rises) >= event.size / 2).any(axis=1))
        floor = replay.now_min[window[seen[0]]] - event.onset_min if seen.size else np.nan
        delay = replay.now_min[window[hit[0]]] - event.onset_min if hit.size else np.nan
        _note(figures, event, bool(hit.size), float(delay), float(floor))


def _note(figures: Figures, event: Event, found: bool, delay: float, floor: float) -> None:
    figures.found.setdefault(event.size, []).append(found)
    figures.detected.append((event, found, delay))
    if event.wet:
        figures.found_wet.setdefault(event.size, []).append(found)
    if np.isfinite(floor):
        figures.floor.setdefault(event.size, []).append(floor)
    if found:
        figures.delay.setdefault(event.size, []).append(delay)
        if np.isfinite(floor):
            figures.excess.setdefault(event.size, []).append(delay - floor)


def header() -> str:
    """Head of the Markdown table."""
    sizes = " | ".join(f"Pd +{size:.0f}" for size in SIZES)
    return (
        f"| method | FA/pref-yr | FA/station-yr | {sizes} | Pd +50 rain | TTD +50/+100/+500 (floor) | excess +50 |\n"
        f"|---|---|---|{'---|' * len(SIZES)}---|---|---|"
    )


def row(figures: Figures) -> str:
    """One line of the table."""
    rates = " | ".join(_share(figures.found.get(size, [])) for size in SIZES)
    wet = figures.found_wet.get(50.0, [])
    times = "/".join(_median(figures.delay.get(size, [])) for size in SIZES[1:])
    floors = "/".join(_median(figures.floor.get(size, [])) for size in SIZES[1:])
    return (
        f"| {figures.name} | {figures.false_pref_year:.2f} ({figures.episodes}) | {figures.false_station_year:.3f} "
        f"| {rates} | {_share(wet)} ({len(wet)}) | {times} ({floors}) | {_median(figures.excess.get(50.0, []))} |"
    )


def _share(found: list[bool]) -> str:
    return f"{np.mean(found):.2f}" if found else "-"


def _median(minutes: list[float]) -> str:
    return f"{np.median(minutes):.0f}" if minutes else "-"


def breakdown(figures: Figures) -> list[str]:
    """Detection by geometry, by shape and for silenced events, one line each."""
    parts = {
        **{kind: [row for row in figures.detected if row[0].geometry == kind] for kind in GEOMETRIES},
        **{kind: [row for row in figures.detected if row[0].shape == kind] for kind in SHAPES},
        "in rain": [row for row in figures.detected if row[0].wet],
        "silenced": [row for row in figures.detected if row[0].silenced],
    }
    lines = []
    for name, rows in parts.items():
        by_size = [[found for event, found, _ in rows if event.size == size] for size in SIZES]
        lines.append(
            f"{name}: " + ", ".join(f"+{s:.0f} {_share(f)} ({len(f)})" for s, f in zip(SIZES, by_size, strict=True))
        )
    return lines
