"""Whether the versions of one thing follow each other: each ends when, and by what, the next one came; only the last one stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby, pairwise
from typing import Any

import numpy as np

from domain.readings import IntArray

CORRECTED, WITHDRAWN, STANDS, STRANGE = 0, 1, 2, 3
_REASONS = {"corrected": CORRECTED, "withdrawn": WITHDRAWN}


@dataclass(slots=True)
class Chain:
    """Versions of readings that have more than one, as columns; add superseded ones first, then what stands under the same keys."""

    _parts: list[IntArray] = field(
        default_factory=list
    )  # rows: series, end, received, batch, revision, until, by, reason
    _keys: set[tuple[int, int]] = field(default_factory=set)

    def superseded(self, rows: Sequence[Any]) -> None:
        """Add rows of `revisions`: (series_id, end_s, received_s, batch_id, revision, superseded_s, superseded_by, reason, note)."""
        told = [
            (*row[:7], STRANGE if row[7] == "corrected" and row[8] else _REASONS.get(row[7], STRANGE)) for row in rows
        ]
        self._parts.append(np.array(told, dtype=np.int64).reshape(-1, 8))
        self._keys |= {(row[0], row[1]) for row in rows}

    def stands(
        self, series_id: IntArray, end_s: IntArray, received_s: IntArray, batch_id: IntArray, revision: IntArray
    ) -> None:
        """Add what stands; readings with one version only are passed over."""
        if not self._keys:
            return
        listed = enumerate(zip(series_id.tolist(), end_s.tolist(), strict=True))
        chosen = [i for i, key in listed if key in self._keys]
        none, kind = np.zeros(len(chosen), dtype=np.int64), np.full(len(chosen), STANDS)
        columns = [column[chosen] for column in (series_id, end_s, received_s, batch_id, revision)]
        self._parts.append(np.stack([*columns, none, none, kind], axis=1))

    def broken(self, received_of: dict[int, int]) -> list[tuple[int, int]]:
        """Keys (series_id, end_s) whose versions do not follow each other; `received_of` tells when each batch was received."""
        if not self._parts:
            return []
        rows = np.concatenate(self._parts)
        rows = rows[np.lexsort([rows[:, i] for i in (4, 3, 2, 1, 0)])]
        until, by, kind = rows[:, 5], rows[:, 6], rows[:, 7]
        last = np.ones(len(rows), dtype=bool)
        last[:-1] = (rows[1:, :2] != rows[:-1, :2]).any(axis=1)
        after = np.roll(rows, -1, axis=0)
        fits = np.where(
            kind == CORRECTED,
            ~last & (until == after[:, 2]) & (by == after[:, 3]),
            np.where(kind == WITHDRAWN, last | (until <= after[:, 2]), (kind == STANDS) & last),
        )
        ended = kind != STANDS
        fits[ended] &= until[ended] == np.array([received_of.get(int(one), -(2**62)) for one in by[ended]])
        return sorted({(int(row[0]), int(row[1])) for row in rows[~fits]})


def follows(versions: Sequence[tuple[str, int, int, int, int | None]]) -> list[str]:
    """Uids of samples or bulletins whose versions (uid, received_s, batch_id, revision, superseded_s) do not follow each other."""
    broken: list[str] = []
    for uid, group in groupby(sorted(versions, key=lambda row: row[:4]), key=lambda row: row[0]):
        line = list(group)
        fits = all(one[4] == after[1] for one, after in pairwise(line)) and line[-1][4] is None
        if not fits:
            broken.append(uid)
    return broken
