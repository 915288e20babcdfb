"""Runs the detector, or a plain rule, over a replay and notes which stations were in an alert at each poll."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.detect import Detector
from analysis.detect_channels import Gates
from bench.alarms.ramis import Replay

Bools = NDArray[np.bool_]


@dataclass
class Run:
    """listed, firing: (T, S) station in a published / corroborated alert at each poll; score: (T, S), see `_score`;
    false_calm: keys of alerts that ended without the readings that earn it; step_ms: processor time of each step."""

    listed: Bools
    firing: Bools
    score: NDArray[np.float32]
    step_ms: list[float] = field(default_factory=list)
    false_calm: list[str] = field(default_factory=list)
    alerts: dict[str, dict[str, Any]] = field(default_factory=dict)
    detector: Detector | None = None


def watch(replay: Replay, gates: Gates | None = None) -> Run:
    """The whole replay through a cold detector."""
    detector = Detector(replay.stations, gates)
    column = {str(row["id"]): place for place, row in enumerate(replay.stations)}
    shape = replay.value.shape
    run = Run(
        np.zeros(shape, dtype=np.bool_),
        np.zeros(shape, dtype=np.bool_),
        np.zeros(shape, dtype=np.float32),
        detector=detector,
    )
    open_before: dict[str, list[int]] = {}
    for poll in range(shape[0]):
        begun = time.process_time()
        alerts = detector.step(
            float(replay.now_min[poll]),
            replay.value[poll],
            replay.age_min[poll],
            replay.radar[poll],
            replay.gauge[poll],
        )
        run.step_ms.append((time.process_time() - begun) * 1000)
        run.score[poll, detector.order] = _score(detector)
        open_now = {alert["key"]: [column[station] for station in alert["stations"]] for alert in alerts}
        _note(run, poll, alerts, open_now)
        for key, members in open_before.items():
            if key not in open_now and not _earned(replay, run.alerts[key], members, poll):
                run.false_calm.append(key)
        open_before = open_now
    return run


def _note(run: Run, poll: int, alerts: list[dict[str, Any]], members: dict[str, list[int]]) -> None:
    for alert in alerts:
        who = members[alert["key"]]
        run.listed[poll, who] = True
        held = run.alerts.setdefault(alert["key"], {"begin": poll, "area": alert["area"], "levels": [], "stations": []})
        held["end"], held["stations"] = poll, alert["stations"]
        if alert["level"] not in held["levels"]:
            held["levels"].append(alert["level"])
        if alert["level"] == "firing":
            run.firing[poll, who] = True


def _score(detector: Detector) -> NDArray[np.float32]:
    """Multiple of its own threshold per station, at least 1 where stations agree in space; in the order of ids."""
    evidence = detector.evidence
    assert evidence is not None
    return np.where(evidence.spatial | evidence.corroborated, np.maximum(evidence.score, 9.0), evidence.score)


def _earned(replay: Replay, alert: dict[str, Any], members: list[int], poll: int) -> bool:
    """An ended alert must have had two newer readings from at least half of its stations since it began."""
    fresh = np.isfinite(replay.value[alert["begin"] + 1 : poll + 1, members]).sum(axis=0)
    return bool(2 * (fresh >= 2).sum() >= len(members))
