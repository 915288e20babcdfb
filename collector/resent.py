"""The same text again. Publishers are asked more often than they have news; what their last answer gave need not be made a second time.

A memory and nothing else: it is used only where reading again could not give anything else, and losing it loses nothing. The answer
itself, its digest, its run and its counts are recorded as ever, and what depends on the time of receipt is judged anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from collector.harmonise_readings import Context, SeriesBook
from collector.harmonise_stations import Known, StationBook
from domain.flags import Qc
from domain.readings import Harvest
from domain.reasons import Refusal
from specs.feed import Form

#: Bodies remembered per feed; the oldest go first.
_MOST_BYTES = 32 << 20

_Sheet = tuple[str, tuple[tuple[str, str], ...]]


@dataclass(frozen=True, slots=True)
class _Kept:
    """An answer's text, what it gave, and all that this depended on."""

    body: bytes
    harvest: Harvest
    received_s: int
    listed: frozenset[str]
    changes: tuple[int, int]
    shown: Mapping[int, Known]


class Resent:
    """The last answers of one feed, one for each address."""

    def __init__(self, stations: StationBook, series: SeriesBook) -> None:
        self._stations, self._series = stations, series
        self._kept: dict[_Sheet, _Kept] = {}

    def recall(self, form: Form, context: Context, body: bytes) -> Harvest | None:
        """What this text gave when it came last, if it would give the same today; None when it has to be read."""
        kept = self._kept.get(_sheet(form, context))
        if kept is None or context.received_s < kept.received_s or kept.changes != self._changes:
            return None
        if kept.listed != context.listed or kept.body != body:
            return None
        self._stations.show(kept.shown)
        return kept.harvest

    def keep(self, form: Form, context: Context, body: bytes, harvest: Harvest) -> None:
        """Remember what a text gave, unless the time of receipt had a part in it."""
        sheet = _sheet(form, context)
        self._kept.pop(sheet, None)
        if not _timeless(form, harvest):
            return
        shown = self._stations.shown
        self._kept[sheet] = _Kept(body, harvest, context.received_s, context.listed, self._changes, shown)
        while sum(len(one.body) for one in self._kept.values()) > _MOST_BYTES:
            del self._kept[next(iter(self._kept))]

    @property
    def _changes(self) -> tuple[int, int]:
        return self._stations.changes, self._series.changes


def _sheet(form: Form, context: Context) -> _Sheet:
    return form.id, tuple(sorted(context.variables.items()))


def _timeless(form: Form, harvest: Harvest) -> bool:
    """Whether the same text at a later time gives the same: readings whose stamps name the moment, none of them ahead of us."""
    if not form.measures or form.time is None or form.time.lacks is not None or form.time.column == "$received":
        return False
    ahead = harvest.readings is not None and np.any(harvest.readings.qc & int(Qc.FUTURE_STAMP))
    return not ahead and Refusal.TIME_IN_FUTURE not in harvest.refused
