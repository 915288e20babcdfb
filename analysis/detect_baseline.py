"""What is ordinary at a station: trailing median, heavy-tail scale and quantum from its own last readings."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Singles = NDArray[np.float32]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

KEPT = 512
NEWEST_SKIPPED = 2
FEWEST = 48
REFRESH_AFTER = 6
MOST_REFRESHED = 1536
SPACING_MIN = 20.0
SMALLEST_SCALE = 0.8


class Baseline:
    """Rings of the last 512 accepted readings (nSv/h) and residuals of S stations, and the figures made of them."""

    def __init__(self, count: int) -> None:
        self.value: Singles = np.full((count, KEPT), np.nan, dtype=np.float32)
        self.residual: Singles = np.full((count, KEPT), np.nan, dtype=np.float32)
        self.pending: Singles = np.full((count, NEWEST_SKIPPED, 2), np.nan, dtype=np.float32)
        self.filled: Ints = np.zeros(count, dtype=np.int64)
        self.since: Ints = np.zeros(count, dtype=np.int64)
        self.stored_min: Floats = np.full(count, -np.inf)
        self.median: Singles = np.full(count, np.nan, dtype=np.float32)
        self.scale: Singles = np.full(count, np.nan, dtype=np.float32)
        self.quantum: Singles = np.full(count, np.nan, dtype=np.float32)
        self.top: Singles = np.full(count, np.nan, dtype=np.float32)

    def ready(self) -> Bools:
        """(S,) stations with enough history to be judged at all."""
        return np.asarray((self.filled >= FEWEST) & np.isfinite(self.scale))

    def store(self, accepted: Bools, value: Singles, residual: Singles, observed_min: Floats) -> None:
        """Queue readings; each joins the ring two accepted readings later, so that it never judges itself.

        Ten-minute polls would fill the ring in three days and make a slow release ordinary: keep one per 20 min.
        """
        rows = np.flatnonzero(accepted & (observed_min - self.stored_min >= SPACING_MIN))
        if rows.size == 0:
            return
        leaving = self.pending[rows, 0].copy()
        self.pending[rows, :-1] = self.pending[rows, 1:]
        self.pending[rows, -1, 0] = value[rows]
        self.pending[rows, -1, 1] = residual[rows]
        self.stored_min[rows] = observed_min[rows]
        there = np.isfinite(leaving[:, 0])
        rows, leaving = rows[there], leaving[there]
        slot = self.filled[rows] % KEPT
        self.value[rows, slot] = leaving[:, 0]
        self.residual[rows, slot] = leaving[:, 1]
        self.filled[rows] += 1
        self.since[rows] += 1

    def refresh(self) -> None:
        """Recompute the figures of stations with at least six new readings since the last time."""
        rows = np.flatnonzero((self.since >= REFRESH_AFTER) & (self.filled >= FEWEST))
        # All stations ripen in the same poll; a part per step, longest waiting first, keeps every step short.
        rows = rows[np.argsort(-self.since[rows], kind="stable")][:MOST_REFRESHED]
        for part in range(0, len(rows), 512):
            self._refresh(rows[part : part + 512])

    def _refresh(self, rows: Ints) -> None:
        used = int(min(KEPT, self.filled[rows].max(initial=0)))
        held = np.sort(self.value[rows, :used], axis=1)
        many = np.minimum(self.filled[rows], used)
        self.median[rows] = _middle(held, many)
        step = np.diff(held, axis=1)
        self.quantum[rows] = np.min(np.where(step > 1e-3, step, np.inf), axis=1, initial=np.inf)
        self._refresh_scale(rows, used, held)
        self.since[rows] = 0

    def _refresh_scale(self, rows: Ints, used: int, values: Singles) -> None:
        held = np.sort(self.residual[rows, :used], axis=1)
        many = np.isfinite(held).sum(axis=1)
        centre = _middle(held, many)
        spread = np.float32(1.4826) * _middle(np.sort(np.abs(held - centre[:, None]), axis=1), many)
        line = np.arange(len(rows))
        tail = held[line, np.maximum(np.ceil(0.99 * many).astype(np.int64) - 1, 0)] / 3
        third = held[line, np.maximum(many - 3, 0)]
        quantum = self.quantum[rows]
        grain = np.where(np.isfinite(quantum), np.minimum(quantum, 10.0) * 0.29, 0.0)
        scale = np.fmax(np.fmax(spread, tail), np.maximum(grain, SMALLEST_SCALE))
        self.scale[rows] = scale
        self.top[rows] = third
        young = np.flatnonzero(many < FEWEST // 2)
        if young.size:
            # Before a station has residuals the plain spread of its values must do.
            off = np.sort(np.abs(values[young] - self.median[rows[young], None]), axis=1)
            rough = np.float32(1.4826) * _middle(off, np.minimum(self.filled[rows[young]], used))
            self.scale[rows[young]] = np.maximum(rough, SMALLEST_SCALE)
            self.top[rows[young]] = np.nan


def _middle(ordered: Singles, many: Ints) -> Singles:
    """(rows,) median of each ascending row of which only the first `many` entries are numbers."""
    line = np.arange(len(ordered))
    last = ordered.shape[1] - 1
    low = ordered[line, np.clip((many - 1) // 2, 0, last)]
    high = ordered[line, np.clip(many // 2, 0, last)]
    return np.asarray((low + high) / 2, dtype=np.float32)
