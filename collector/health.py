"""What one poll of a feed says about the feed: one state and its cause, from what the answers held. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from operator import attrgetter

import numpy as np

from domain.flags import Qc
from domain.readings import Answer, Harvest, Tally
from domain.reasons import Refusal
from domain.states import FeedState
from specs.feed import FeedSpec

#: Refusals that mean: the publisher was not reached, or did not let us in. What it measures is not known.
NOT_REACHED = frozenset({
    Refusal.TIMEOUT, Refusal.CONNECTION, Refusal.TLS, Refusal.HTTP_STATUS, Refusal.BLOCKED, Refusal.REDIRECT,
    Refusal.FORBIDDEN_ADDRESS, Refusal.SECRET_MISSING, Refusal.NO_CAPTURE,
})  # fmt: skip
#: Refusals of one row or cell: the payload was read. Any other refusal of a payload means that it could not be.
OF_ROWS = frozenset({
    Refusal.NOT_A_RECORD, Refusal.NO_KEY, Refusal.BAD_NUMBER, Refusal.NOT_FINITE, Refusal.BAD_TIME, Refusal.TIME_IN_FUTURE,
    Refusal.TIME_TOO_OLD, Refusal.UNKNOWN_UNIT, Refusal.UNKNOWN_ANALYTE, Refusal.CONTRADICTS_IN_PAYLOAD,
    Refusal.FILTERED_BY_FEED,
})  # fmt: skip
#: Rows that a feed file leaves out on purpose say nothing against the publisher.
_ON_PURPOSE = frozenset({Refusal.FILTERED_BY_FEED})
_FRESHEST = 0.9
_UID, _STATION = attrgetter("uid"), attrgetter("station_uid")
_MOSTLY = 0.5


def unreadable(tally: Tally) -> bool:
    """Whether an answer gave nothing because its payload could not be read, as opposed to single rows of it."""
    return not tally.read and any(reason not in OF_ROWS for reason in tally.refused)


@dataclass(slots=True)
class Gathered:
    """What the answers of one run held, as far as a feed's state depends on it. Filled answer by answer."""

    asked: int = 0
    answered: int = 0
    not_modified: int = 0
    unread: int = 0
    rows: int = 0
    values: int = 0
    impossible: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    refused_rows: int = 0
    newest_s: dict[str, int] = field(default_factory=dict)
    stations: set[str] = field(default_factory=set)
    samples_end_s: int | None = None

    def add(self, answer: Answer, harvest: Harvest) -> None:
        """Count one answer and what was found in it."""
        if answer.failure:
            self.failures[answer.failure.value] += 1
            self.unread += answer.failure not in NOT_REACHED
            return
        self.answered += 1
        self.not_modified += answer.not_modified
        self.rows += harvest.read
        self.values += len(harvest.quakes) + sum(len(sample.results) for sample in harvest.samples)
        self._add_refusals(harvest)
        self._add_readings(harvest)
        for sample in harvest.samples:
            self.stations.add(sample.station_uid)
            self.samples_end_s = max(sample.end_s, self.samples_end_s or sample.end_s)

    def edge_s(self, alive_since_s: float) -> int | None:
        """How far the feed has come: the time that the freshest tenth of its living series has reached.

        The newest reading of all would let one quick station hide a publisher that is hours behind; and devices that died
        years ago and stay in the list (two in three of Safecast's) say nothing about it, so those are left out while any live.
        """
        if not self.newest_s:
            return self.samples_end_s
        times = np.fromiter(self.newest_s.values(), dtype=np.int64)
        living = times[times >= alive_since_s]
        return int(np.quantile(living if len(living) else times, _FRESHEST, method="lower"))

    def _add_refusals(self, harvest: Harvest) -> None:
        of_payload = [reason for reason in harvest.refused if reason not in OF_ROWS]
        self.failures.update(reason.value for reason in of_payload)
        if of_payload and not harvest.read:
            self.unread += 1
            self.answered -= 1
        counted = OF_ROWS - _ON_PURPOSE
        self.refused_rows += sum(count for reason, count in harvest.refused.items() if reason in counted)

    def _add_readings(self, harvest: Harvest) -> None:
        readings = harvest.readings
        if readings is None or not len(readings):
            return
        self.values += len(readings)
        self.impossible += int(np.count_nonzero(readings.qc & int(Qc.GROSS_RANGE | Qc.NEGATIVE)))
        newest = np.full(len(readings.series), np.iinfo(np.int64).min)
        np.maximum.at(newest, readings.index, readings.end_s)
        told = dict(zip(map(_UID, readings.series), newest.tolist(), strict=True))
        if self.newest_s:  # an answer before this one may have had some of them
            told = {uid: max(end_s, self.newest_s.get(uid, end_s)) for uid, end_s in told.items()}
        self.newest_s.update(told)
        self.stations.update(map(_STATION, readings.series))


@dataclass(frozen=True, slots=True)
class Expected:
    """What a feed declares of itself, as far as its state depends on it. `late_after_s` is meant for the whole feed."""

    late_after_s: int
    stations: int | None = None
    on_schedule: bool = True  # False: events and laboratory results, which come when they come


def feed_late_after_s(lag_s: int, late_after_s: int) -> int:
    """Age of the freshest tenth of a feed past which its publisher is late, from the schedule of its feed file.

    `late_after_s` there is meant for one series, and allows for stations that report once an hour. The freshest tenth of a
    whole feed lies near its usual lag on every ordinary day (RAMIS: 1 .. 14 min in 48 sweeps, usual lag 16 min, and 61 .. 109
    min in its late hours of 2026-07-29), so the feed as a whole may be judged sooner.
    """
    return min(late_after_s, max(2 * lag_s, lag_s + 1800))


def judge(gathered: Gathered, expected: Expected, edge_s: int | None, now_s: float) -> tuple[FeedState, str]:
    """The state of a feed after a run and its cause in words; `edge_s` is how far the feed has come (see Gathered.edge_s)."""
    failed = ", ".join(f"{reason} {count}" for reason, count in sorted(gathered.failures.items()))
    if gathered.answered <= 0:
        state = FeedState.UNREAD if gathered.unread else FeedState.BLOCKED
        return state, failed or "no request was made"
    if cause := _misread(gathered):
        return FeedState.MISREAD, cause
    if not gathered.values and not gathered.not_modified and expected.on_schedule:
        return FeedState.EMPTY, f"no value in {gathered.rows} records"
    if expected.on_schedule and edge_s is not None and now_s - edge_s > expected.late_after_s:
        minutes = int(now_s - edge_s) // 60
        return (
            FeedState.LATE,
            f"the freshest tenth of its series is {minutes} min old, usual is under {expected.late_after_s // 60}",
        )
    if gathered.failures or gathered.answered < gathered.asked:
        return (
            FeedState.PARTIAL,
            f"{gathered.answered} of {gathered.asked} requests: {failed or 'the others were not made'}",
        )
    if _few_stations(gathered, expected):
        return FeedState.PARTIAL, f"{len(gathered.stations)} of {expected.stations} stations"
    return FeedState.OK, ""


def _misread(gathered: Gathered) -> str:
    if gathered.refused_rows and gathered.refused_rows > _MOSTLY * max(gathered.rows, gathered.values):
        return f"{gathered.refused_rows} refusals in {gathered.rows} records"
    if gathered.impossible > _MOSTLY * gathered.values:
        return f"{gathered.impossible} of {gathered.values} values are outside what the feed declares as possible"
    return ""


def _few_stations(gathered: Gathered, expected: Expected) -> bool:
    return bool(
        expected.stations
        and gathered.stations
        and not gathered.not_modified
        and len(gathered.stations) < _MOSTLY * expected.stations
    )


@dataclass(slots=True)
class Run:
    """One poll of a feed, or the captures of one: its answers belong together and end in one state.

    It keeps the version of the feed that it began with, so that a file edited meanwhile does not change the reading in the middle.
    """

    feed: FeedSpec
    started_s: int
    uid: str
    last_s: float = 0.0
    state: FeedState | None = None  # once it has ended
    cause: str = ""
    gathered: Gathered = field(default_factory=Gathered)
    tally: Tally = field(default_factory=Tally)
