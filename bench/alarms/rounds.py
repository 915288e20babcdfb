"""Replays with events laid over them: many events in one pass, far enough apart not to be seen in each other."""

from __future__ import annotations

from bench.alarms import inject, mixes
from bench.alarms.ramis import Replay

WARM_UP_MIN = 10 * 1440.0

Rounds = list[tuple[list[inject.Event], Replay]]


def span(replay: Replay) -> tuple[float, float]:
    """First and last minute that are scored: everything after ten days of warm-up."""
    return float(replay.now_min[0]) + WARM_UP_MIN, float(replay.now_min[-1])


def drawn(replay: Replay, mix: mixes.Mix, seed: int, rounds: int, per_round: int) -> Rounds:
    """The rounds of one seed: their events and the replay that holds them."""
    begin, end = span(replay)
    events = mixes.draw(replay, mix, seed, rounds, per_round, begin, end - 720)
    return [(found, inject.apply(replay, found, seed * 1000 + place)) for place, found in enumerate(events)]
