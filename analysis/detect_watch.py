"""The detector over the series of one network: what was given already, what it holds active, what it says of a station.

`save` and `restore` carry the whole of it, so that a step can be made again later and give the same bytes.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from analysis.detect import VERSION, Detector
from analysis.detect_extend import extended
from analysis.detect_feed import Poll, RainNow
from domain.readings import NO_TIME, IntArray

#: Of the detector and of the bytes around it; a state of another version is not gone on with.
STATE_VERSION = f"{VERSION}.1"


@dataclass(frozen=True, slots=True)
class Active:
    """One alert that the detector holds active: series that fired in it, in order; `level` is unverified, firing or stale."""

    key: str
    series: tuple[str, ...]
    area: str
    level: str


@dataclass(frozen=True, slots=True)
class Weighed:
    """What the detector saw at one series when it triggered; nSv/h. `rise` is over the median, `residual` what rain and the region
    leave of it, `onset` that above the station's own residual of hours ago: the last number is what the channels judge.

    `gate`: the level that had to be passed; `allowed`: what rain may add beyond its expected effect; `score`: multiple of the
    threshold that the station reached alone (below 1: only together with others). Rain in mm/h, None where nobody knows;
    `rise`, `residual` are None at a step that brought the station nothing new.
    """

    series_uid: str
    channels: tuple[str, ...]
    count: int
    median: float
    scale: float
    rise: float | None
    rain: float
    common: float
    residual: float | None
    onset: float | None
    allowed: float
    gate: float
    score: float
    radar_mm_h: float | None
    gauge_mm_h: float | None
    end_s: tuple[int, ...]
    onsets: tuple[float, ...]
    least: float

    @property
    def wet(self) -> bool | None:
        """Whether rain may explain some of the rise; None when nobody knows whether it rains there."""
        if self.radar_mm_h is None and self.gauge_mm_h is None:
            return None
        return self.rain >= 3.0 or self.allowed >= 3.0


class Watch:
    """A detector and the ends that each of its series was given up to. Series stand in the order in which they joined."""

    def __init__(self, detector: Detector, given_s: IntArray) -> None:
        self.detector = detector
        self.given_s = given_s
        self._rain: RainNow | None = None
        self._index()

    @classmethod
    def over(cls, stations: Sequence[dict[str, Any]]) -> Watch:
        """A watch that knows nothing yet."""
        return cls(Detector(stations), np.full(len(stations), NO_TIME, dtype=np.int64))

    def _index(self) -> None:
        self.uids = [str(row["id"]) for row in self.detector.given]
        self.place = {self.uids[number]: inside for inside, number in enumerate(self.detector.order.tolist())}

    @property
    def stations(self) -> list[dict[str, Any]]:
        """The stations as the detector has them."""
        return self.detector.given

    def join(self, stations: Sequence[dict[str, Any]]) -> bool:
        """Add those stations that are not there yet; whether there were any."""
        new = [row for row in stations if str(row["id"]) not in self.place]
        if new:
            self.detector = extended(self.detector, new)
            self.given_s = np.concatenate((self.given_s, np.full(len(new), NO_TIME, dtype=np.int64)))
            self._index()
        return bool(new)

    def step(self, poll: Poll) -> tuple[Active, ...]:
        """One poll; the alerts active now."""
        self._rain = poll.rain
        listed = self.detector.step(poll.at_s / 60.0, poll.value, poll.age_min, poll.rain.radar, poll.rain.gauge)
        self.given_s = np.maximum(self.given_s, poll.end_s)
        return tuple(
            Active(str(one["key"]), tuple(map(str, one["stations"])), str(one["area"]), str(one["level"]))
            for one in listed
        )

    def triggered(self) -> frozenset[str]:
        """The series that triggered at the last step."""
        evidence = self.detector.evidence
        if evidence is None:
            return frozenset()
        inside = np.flatnonzero(evidence.any())
        return frozenset(self.uids[number] for number in self.detector.order[inside].tolist())

    def median(self, uid: str) -> float | None:
        """The baseline that a series is measured against now."""
        known = float(self.detector.base.median[self.place[uid]]) if uid in self.place else float("nan")
        return known if np.isfinite(known) else None

    def weighed(self, uid: str) -> Weighed:
        """What the last step saw at a series that triggered."""
        d, at = self.detector, self.place[uid]
        seen, weight = d.measured, d.evidence
        if seen is None or weight is None or self._rain is None:
            raise RuntimeError("no step was made yet")
        channels = tuple(
            name
            for name, flags in (
                ("one_reading", weight.one),
                ("run", weight.time),
                ("near_stations", weight.spatial),
                ("three_stations", weight.corroborated),
            )
            if flags[at]
        )
        gate, score, scale = float(d.alerts.gate[at]), float(weight.score[at]), float(seen.scale[at])
        count = _run(d.recent.rise[at], gate)
        onsets = tuple(float(one) for one in np.nan_to_num(d.recent.rise[at, :count])[::-1])
        ends = tuple(round(float(minute) * 60.0) for minute in d.recent.observed[at, :count][::-1])
        mean, allowed = sum(onsets) / count, float(seen.allowed[at])
        alone = max(d.gates.space_rise, d.gates.space_z * scale) + allowed
        place = int(d.order[at])
        return Weighed(
            uid, channels, int(d.base.filled[at]), float(d.base.median[at]), scale, _known(seen.rise[at]), float(seen.rain[at]),
            float(seen.common[at]), _known(seen.residual[at]), _known(d.recent.rise[at, 0]), allowed, gate, score,
            _known(self._rain.radar[place]), _known(self._rain.gauge[place]), ends, onsets,
            mean / score if score >= 1.0 else min(mean, alone),
        )  # fmt: skip

    def parameters(self) -> dict[str, Any]:
        """Every number that the detector decides by."""
        return {"version": VERSION, "gates": asdict(self.detector.gates)}

    def save(self) -> bytes:
        """The whole state."""
        held = self.detector.save()
        return struct.pack("<Q", len(held)) + held + self.given_s.astype("<i8").tobytes()

    @classmethod
    def restore(cls, saved: bytes) -> Watch:
        """A watch that goes on exactly where the saved one stood; raises `detect_state.StateError`."""
        (length,) = struct.unpack("<Q", saved[:8])
        detector = Detector.restore(saved[8 : 8 + length])
        return cls(detector, np.frombuffer(saved[8 + length :], dtype="<i8").astype(np.int64))


def _run(onsets: Any, gate: float) -> int:
    """How many of the newest readings in a row stand above half of the gate; the newest always counts."""
    count = 1
    while count < len(onsets) and np.isfinite(onsets[count]) and onsets[count] >= 0.5 * gate:
        count += 1
    return count


def _known(number: Any) -> float | None:
    return float(number) if np.isfinite(number) else None


def digest_of(saved: bytes) -> str:
    """SHA-256 of a saved state."""
    return hashlib.sha256(saved).hexdigest()


def verdict_of(active: Sequence[Active]) -> str:
    """What a step answered, as canonical JSON: the bytes that a step made again must give."""
    listed = [asdict(one) for one in sorted(active, key=lambda one: one.key)]
    return json.dumps(listed, ensure_ascii=True, sort_keys=True, separators=(",", ":"))
