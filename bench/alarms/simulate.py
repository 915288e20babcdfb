"""A small country of our own: 48 stations, 12 days, rain, spikes. Seeded, so that CI can watch the figures."""

from __future__ import annotations

from typing import Any

import numpy as np

from analysis.detect_channels import Gates
from bench.alarms import inject, mixes, run, score
from bench.alarms.ramis import Replay

STATIONS = 48
DAYS = 12
POLL_MIN = 50.0
BEGIN_MIN = 29_000_000.0


def country(seed: int = 11) -> Replay:
    """Posts (sigma 1) and dosimeters (sigma 6) on a 6 x 8 grid 9 km apart, four areas, showers that drift across."""
    rng = np.random.default_rng(seed)
    place = np.arange(STATIONS)
    row, column = place // 8, place % 8
    kind = np.where(place % 3 == 0, 1, 2)
    stations: list[dict[str, Any]] = [
        {
            "id": f"sim{index:03d}",
            "lat": 36.0 + 9.0 * float(row[index]) / 111.2,
            "lon": 140.0 + 9.0 * float(column[index]) / (111.2 * 0.8),
            "area": f"{1 + int(column[index]) // 4 + 2 * (int(row[index]) // 3):02d}",
            "kind": int(kind[index]),
        }
        for index in range(STATIONS)
    ]
    polls = int(DAYS * 1440 / POLL_MIN)
    now = BEGIN_MIN + POLL_MIN * np.arange(polls) + rng.uniform(-8, 8, polls)
    radar = _showers(rng, now, row * 9.0, column * 9.0)
    age = rng.uniform(10, 30, (polls, STATIONS))
    base = np.where(kind == 1, rng.uniform(30, 60, STATIONS), rng.uniform(60, 100, STATIONS))
    noise = np.where(kind == 1, 1.0, 6.0)
    value = base + rng.normal(size=(polls, STATIONS)) * noise + _washout(now, radar)
    value = np.maximum(np.where(kind == 1, np.round(value, 1), np.round(value)), 0.0)
    lost = rng.random(value.shape) < 0.01
    value[lost], age[lost] = np.nan, np.nan
    single = np.float32
    gauge = np.full(value.shape, np.nan)
    return Replay(stations, now, value.astype(single), age.astype(single), radar.astype(single), gauge.astype(single))


def _showers(rng: np.random.Generator, now: Any, north: Any, east: Any) -> Any:
    rain = np.zeros((len(now), len(north)))
    for _ in range(14):
        start = rng.uniform(now[0], now[-1])
        speed, peak, size = rng.uniform(0.2, 0.6), rng.uniform(3, 30), rng.uniform(8, 20)
        y = rng.uniform(0, 45)
        for poll in np.flatnonzero((now >= start) & (now <= start + 240)):
            x = -20 + speed * (now[poll] - start)
            far = ((east - x) ** 2 + (north - y) ** 2) / size**2
            rain[poll] = np.maximum(rain[poll], peak * np.exp(-far))
    return np.where(rain < 0.3, 0.0, np.round(rain * 2) / 2)


def _washout(now: Any, radar: Any) -> Any:
    held = np.zeros(radar.shape)
    for poll in range(1, len(now)):
        fade = 0.5 ** ((now[poll] - now[poll - 1]) / 35.0)
        held[poll] = held[poll - 1] * fade + 4.0 * np.sqrt(radar[poll]) * (1 - fade)
    return held


def drift_figures(gates: Gates | None = None) -> dict[str, float]:
    """The figures that CI pins: episodes and detection on the simulated slice; gates: other ones than those in use."""
    replay = country()
    begin, end = float(replay.now_min[0]) + 4 * 1440, float(replay.now_min[-1])
    figures = score.Figures("simulated")
    clean = run.watch(replay, gates)
    score.false_alarms(figures, replay, clean.listed, begin, end)
    calm = len(clean.false_calm)
    for place, events in enumerate(mixes.draw(replay, mixes.HARD, 3, 6, 8, begin, end - 720)):
        part = inject.apply(replay, events, place)
        seen = run.watch(part, gates)
        score.detection(figures, part, seen.listed, events)
        calm += len(seen.false_calm)
    found = {f"pd_{size:.0f}": round(float(np.mean(rows)), 3) for size, rows in sorted(figures.found.items())}
    return {"episodes": float(figures.episodes), "false_calm": float(calm), **found}


# What the slice gave when the gates were last changed: name, value, tolerance. See docs/detection.md.
PINNED = (
    ("episodes", 0.0, 0.0),
    ("false_calm", 0.0, 0.0),
    ("pd_20", 0.25, 0.17),
    ("pd_50", 0.857, 0.13),
    ("pd_100", 1.0, 0.09),
    ("pd_500", 1.0, 0.0),
)


def drifted(figures: dict[str, float]) -> list[str]:
    """Names of the pinned figures that have left their tolerance."""
    return [name for name, value, tolerance in PINNED if abs(figures[name] - value) > tolerance]
