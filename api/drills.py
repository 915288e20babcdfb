"""The last drill, as the API and its metrics tell it."""

from __future__ import annotations

import msgspec

from api.clocktext import told, told_or_none
from api.metrics import ApiMetrics
from api.models.alerts import Drill
from store import drills
from store.drills import DrillRow
from store.engine import Store

_ENDED = ("passed", "unheard", "failed")


class Measured(msgspec.Struct, frozen=True):
    """What a drill's document holds."""

    detect_s: float | None = None
    attempt_s: float | None = None
    end_to_end_s: float | None = None
    resolved_s: float | None = None
    receivers: int = 0
    acknowledged: int = 0
    problem: str = ""


def _measured(row: DrillRow) -> Measured:
    return msgspec.json.decode(row.document, type=Measured) if row.document else Measured()


async def last_drill(store: Store) -> Drill | None:
    """The newest drill, ended or not; None when there has been none."""
    found = await drills.drills(store, limit=1)
    if not found:
        return None
    row, measured = found[0], _measured(found[0])
    return Drill(
        id=row.uid,
        region=row.region_id,
        state=row.state,
        began_at=told(row.began_s),
        ended_at=told_or_none(row.ended_s),
        detect_s=measured.detect_s,
        attempt_s=measured.attempt_s,
        end_to_end_s=measured.end_to_end_s,
        resolved_s=measured.resolved_s,
        receivers=measured.receivers,
        acknowledged=measured.acknowledged,
        problem=measured.problem,
    )


async def tell_drill(metrics: ApiMetrics, store: Store, now_s: int) -> None:
    """Bring the gauges of drills up to the last one that ended; without one they say nothing."""
    metrics.drill_seconds.clear()
    found = await drills.drills(store, states=_ENDED, limit=1)
    if not found:
        return
    measured = _measured(found[0])
    steps = {"detect": measured.detect_s, "attempt": measured.attempt_s, "end_to_end": measured.end_to_end_s}
    for step, seconds in steps.items():
        if seconds is not None:
            metrics.drill_seconds.labels(step).set(seconds)
    metrics.drill_passed.set(found[0].state == "passed")
    metrics.drill_age.set(now_s - found[0].began_s)
