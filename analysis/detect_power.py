"""How small a rise would have been noticed: the detector's own channels over each station's own noise, with a step on top. Pure.

So that "nothing was flagged" has a size. A step that stays; each station by itself, which is the least that can be said: stations
that rise together are noticed sooner.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np

from analysis.detect_channels import RECENT, Recent, weigh
from analysis.detect_watch import Watch
from domain.readings import FloatArray

WITHIN_MIN = 60.0
#: A step is noticed when it is in this share of the draws.
SURE = 0.9
LARGEST = 2000.0
_DRAWS, _HALVINGS, _SEED = 20, 7, 20_260_729
_AGE_MIN = 20.0


@dataclass(frozen=True, slots=True)
class Power:
    """At `at_min` (epoch minutes): series uid -> smallest step in nSv/h noticed within an hour, of the series that answer and can be
    judged; `mute` answer but cannot be judged yet. inf: not even the largest step tried.
    """

    at_min: float
    smallest: dict[str, float]
    mute: frozenset[str]


def power(watch: Watch, uids: Collection[str]) -> Power:
    """What each of these series, if it answers now, would have noticed within an hour, by simulation with the detector's thresholds."""
    d = watch.detector
    asked = np.zeros(len(d.order), dtype=np.bool_)
    asked[[watch.place[uid] for uid in uids if uid in watch.place]] = True
    answering = asked & np.isfinite(d.seen) & (d.seen >= d.now - d.gates.fresh_min)
    ready = d.base.ready()
    rows = np.flatnonzero(answering & ready)
    names = [watch.uids[number] for number in d.order.tolist()]
    step = _smallest(d, rows) if rows.size else np.zeros(0)
    mute = np.flatnonzero(answering & ~ready)
    return Power(
        float(d.now),
        {names[row]: float(size) for row, size in zip(rows.tolist(), step.tolist(), strict=True)},
        frozenset(names[row] for row in mute.tolist()),
    )


def _smallest(d: Any, rows: Any) -> FloatArray:
    gap = float(np.clip(np.median(d.gaps), 5.0, WITHIN_MIN))
    polls = min(RECENT, max(1, int(WITHIN_MIN // gap)))
    noise: FloatArray = _noise(d.base.residual[rows], polls)
    low, high = np.zeros(len(rows)), np.full(len(rows), LARGEST)
    for _ in range(_HALVINGS):
        middle = np.sqrt(np.maximum(low, 2.0) * high)
        seen = _share(d, rows, noise, middle, gap, polls) >= SURE
        low, high = np.where(seen, low, middle), np.where(seen, middle, high)
    return np.asarray(np.where(high >= LARGEST, np.inf, np.round(high, 1)), dtype=np.float64)


def _noise(residual: Any, polls: int) -> FloatArray:
    """(draws, S, RECENT + polls) residuals of each station, drawn from its own past by a fixed seed."""
    random = np.random.default_rng(_SEED)
    held = np.sort(residual, axis=1)  # what is not there sorts to the end
    many = np.isfinite(held).sum(axis=1)
    pick = random.random((_DRAWS, len(held), RECENT + polls)) * np.maximum(many, 1)[None, :, None]
    drawn = held[np.arange(len(held))[None, :, None], pick.astype(np.int64)]
    return np.asarray(np.nan_to_num(drawn), dtype=np.float64)


def _share(d: Any, rows: Any, noise: FloatArray, step: FloatArray, gap: float, polls: int) -> FloatArray:
    """(S,) share of the draws in which the station triggers by itself at one of the polls of the hour."""
    found = np.zeros(len(rows))
    for draw in noise:
        hit = np.zeros(len(rows), dtype=np.bool_)
        for poll in range(1, polls + 1):
            hit |= _triggers(d, rows, draw[:, poll : poll + RECENT], step, gap, poll)
        found += hit
    return np.asarray(found / len(noise), dtype=np.float64)


def _triggers(d: Any, rows: Any, drawn: FloatArray, step: FloatArray, gap: float, since: int) -> Any:
    count = len(rows)
    lifted = np.arange(RECENT) < since  # newest first: so many polls since the step
    recent = Recent(count)
    recent.rise = (drawn + np.where(lifted[None, :], step[:, None], 0.0)).astype(np.float32)
    recent.value = (recent.rise + d.base.median[rows][:, None] + np.arange(RECENT)[None, :] * 1e-3).astype(np.float32)
    recent.allowed = np.repeat(d.rain.allowance()[rows][:, None], RECENT, axis=1)
    recent.scale = np.repeat(d.base.scale[rows][:, None], RECENT, axis=1)
    recent.observed = d.now - _AGE_MIN - gap * np.arange(RECENT)[None, :] * np.ones((count, 1))
    nowhere: Any = SimpleNamespace(placed=np.zeros(count, dtype=np.bool_))  # alone: no neighbour helps
    alone = np.full((count, d.choir.shape[1]), -1, dtype=np.int64)
    evidence = weigh(
        recent,
        np.ones(count, dtype=np.bool_),
        np.full(count, _AGE_MIN, dtype=np.float32),
        np.arange(count),
        alone,
        d.base.top[rows],
        d.base.quantum[rows],
        nowhere,
        d.now,
        bool(gap <= d.gates.soon_min),
        d.gates,
    )
    return evidence.any()
