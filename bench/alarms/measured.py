"""Our own figures as a file: what `/v1/alert-rules/{id}` says under `measured`, with the data they come from."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from analysis.detect import VERSION
from bench.alarms.inject import SIZES
from bench.alarms.ramis import Replay
from bench.alarms.rounds import span
from bench.alarms.score import Figures, bounds, years

RULE = "rise-detector"


@dataclass(frozen=True)
class Found:
    """What one run found: all published, the corroborated part, alerts that ended unearned, and the events' origin."""

    published: Figures
    firing: Figures
    false_calm: int
    mix: str
    seed: int


def write(path: Path, replay: Replay, found: Found) -> None:
    """Put the figures of the detector's rule into the file; other rules in it are left as they are."""
    held: dict[str, Any] = json.loads(path.read_text()) if path.is_file() else {}
    held[RULE] = document(replay, found)
    path.write_text(json.dumps(held, indent=2, ensure_ascii=False, sort_keys=True) + "\n")


def document(replay: Replay, found: Found) -> dict[str, Any]:
    """The JSON of one rule: rates per year, shares of events found, minutes."""
    begin, end = span(replay)
    published = found.published
    return {
        "detector_version": VERSION,
        "data": {
            "network": "NRA RAMIS, air dose rate, Japan",
            "from": _day(begin),
            "to": _day(end),
            "polls": int((replay.now_min >= begin).sum()),
            "median_minutes_between_polls": round(float(np.median(np.diff(replay.now_min)))),
            "stations": len(replay.stations),
            "prefecture_years": round(years(replay, begin, end), 2),
        },
        "events": {
            "origin": "simulated: releases laid over the real readings, never shown as readings",
            "mix": found.mix,
            "seed": found.seed,
            "count": len(published.detected),
        },
        "false_alarms_per_prefecture_year": _rate(published),
        "false_alarms_per_prefecture_year_firing": _rate(found.firing),
        "false_alarms_per_station_year": round(published.false_station_year, 4),
        "found": {f"+{size:.0f} nSv/h": _share(published.found.get(size, [])) for size in SIZES},
        "found_in_rain": {f"+{size:.0f} nSv/h": _share(published.found_wet.get(size, [])) for size in SIZES},
        "minutes_to_detect_median": {f"+{size:.0f} nSv/h": _middle(published.delay.get(size, [])) for size in SIZES},
        "minutes_until_data_showed_half_median": {
            f"+{size:.0f} nSv/h": _middle(published.floor.get(size, [])) for size in SIZES
        },
        "ended_without_readings": found.false_calm,
        "command": f"python -m bench.alarms table --mix {found.mix} --seed {found.seed}",
    }


def _rate(figures: Figures) -> dict[str, float | int]:
    low, high = bounds(figures)
    return {
        "episodes": figures.episodes,
        "rate": round(figures.false_pref_year, 2),
        "low_95": round(low, 2),
        "high_95": round(high, 2),
    }


def _share(found: list[bool]) -> dict[str, float | int | None]:
    return {"share": round(float(np.mean(found)), 3) if found else None, "events": len(found)}


def _middle(minutes: list[float]) -> int | None:
    return round(float(np.median(minutes))) if minutes else None


def _day(minute: float) -> str:
    return str((np.datetime64("1970-01-01T09:00") + np.timedelta64(int(minute), "m")).astype("datetime64[D]"))
