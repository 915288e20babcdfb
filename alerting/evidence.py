"""What an event stood on: the exact revisions of the readings, the numbers they were measured against, rain with its age."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np

from alerting.history import Trail
from alerting.life import EventKind, Life, Member
from alerting.records import Basis, DetectorStep, RainSeen
from analysis.departure import DepartureParameters, yardstick
from analysis.detect_watch import STATE_VERSION, Weighed
from domain.quantities import BY_ID
from store import read
from store.alert_rows import EvidenceRow
from store.engine import Store
from store.rows import Filter, ObservationRow, SampleRow

METHOD = "analysis.departure/1"
DETECTOR_METHOD = f"analysis.detect/{STATE_VERSION}"
_MOST_ROWS = 100_000


def basis(member: Member, trail: Trail | None, p: DepartureParameters) -> Basis | None:
    """The yardstick of a member at its evidence, from the readings on record; None when they are not held any more."""
    if trail is None:
        return None
    ends, values = trail.until(member.pair_s[-1])
    known = yardstick(ends, values, p)
    if known is None:
        return None
    rise = tuple(float(value - known.median) for value in member.pair)
    z = tuple(one / known.scale for one in rise)
    return Basis(
        member.series_uid,
        known.count,
        known.median,
        known.mad,
        known.q99,
        known.scale,
        known.oldest_s,
        known.newest_s,
        rise,
        z,
    )


def readings_of(life: Life, kind: EventKind, trails: Mapping[str, Trail], k: int) -> frozenset[tuple[str, int]]:
    """(series uid, end) of the readings that an event stands on: the evidence of each member and, for an end, the newest `k`."""
    keys = {(member.series_uid, end_s) for member in life.members for end_s in member.pair_s}
    if kind in (EventKind.RESOLVED, EventKind.RETURNED):
        for member in life.members:
            trail = trails.get(member.series_uid)
            newer = trail.since(member.pair_s[-1])[0] if trail is not None else np.zeros(0, dtype=np.int64)
            keys |= {(member.series_uid, int(end_s)) for end_s in newer[-k:]}
    return frozenset(keys)


async def evidence(
    store: Store, keys: Collection[tuple[str, int]], at_s: int, numbers: Mapping[str, Mapping[str, float]]
) -> tuple[EvidenceRow, ...]:
    """The versions of these readings that were known at `at_s`, in order of (series, end)."""
    if not keys:
        return ()
    wanted = frozenset(keys)
    ends = [end_s for _, end_s in wanted]
    f = Filter(series=frozenset(uid for uid, _ in wanted))
    found = await read.observations(store, f, min(ends), max(ends) + 1, as_of_s=at_s, limit=_MOST_ROWS)
    rows = [row for row in found if (row.series_uid, row.end_s) in wanted]
    rows.sort(key=lambda row: (row.series_uid, row.end_s))
    return tuple(_row(row, numbers.get(row.series_uid, {})) for row in rows)


def yardstick_of(numbers: Basis, quantity: str) -> dict[str, float]:
    """The numbers of a yardstick by name, the unit in the name."""
    suffix = BY_ID[quantity].unit.replace("/", "_").lower()
    return {
        f"median_{suffix}": numbers.median,
        f"scale_{suffix}": numbers.scale,
        f"mad_{suffix}": numbers.mad,
        f"q99_{suffix}": numbers.q99,
        "count": float(numbers.count),
    }


def numbers_of(seen: Weighed, quantity: str) -> dict[str, float]:
    """What a detector weighed by name, the unit in the name."""
    suffix = BY_ID[quantity].unit.replace("/", "_").lower()
    named = ("median", "scale", "rise", "rain", "common", "residual", "onset", "allowed", "gate")
    known = {f"{name}_{suffix}": getattr(seen, name) for name in named}
    told = {name: float(number) for name, number in known.items() if number is not None}
    return told | {"count": float(seen.count), "score": seen.score}


def rain_seen(seen: Weighed, step: DetectorStep) -> RainSeen:
    """Rain as the detector knew it at one series; its age is that of the radar image."""
    age_s = None if step.radar_s is None else step.at_s - step.radar_s
    return RainSeen(seen.series_uid, seen.wet, age_s)


def _row(row: ObservationRow, told: Mapping[str, float]) -> EvidenceRow:
    return EvidenceRow(
        row.series_uid,
        row.end_s,
        row.revision,
        row.value,
        row.text,
        row.unit,
        row.qc,
        row.published_s,
        row.received_s,
        row.sha256,
        told,
    )


def sample_evidence(rows: Sequence[SampleRow], member: Member, at_s: int) -> tuple[EvidenceRow, ...]:
    """The results that an alert about a sample stands on: its own, and the later ones of the same kind from the same place."""
    found = [
        EvidenceRow(
            result.series_uid, row.sample.end_s, row.revision, result.value, result.text, result.unit, 0, None, row.received_s,
            row.sha256,
        )
        for row in rows
        for result in row.sample.results
        if result.series_uid == member.series_uid and member.pair_s[-1] <= row.sample.end_s <= at_s
    ]  # fmt: skip
    return tuple(sorted(found, key=lambda one: (one.end_s, one.revision)))
