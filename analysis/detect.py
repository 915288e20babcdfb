"""The detector: readings of one poll in, alerts active now out. Pure, causal, deterministic.

Method (docs/detection.md has the figures): baseline and heavy-tail scale per station, rise explained by rain,
regional common mode, then agreement in time and in space. Interface fixed by the project's issue on alerts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analysis import detect_state
from analysis.detect_alerts import Alerts
from analysis.detect_baseline import Baseline
from analysis.detect_channels import Evidence, Gates, Recent, clusters, weigh
from analysis.detect_places import Places
from analysis.detect_rain import Rain

Singles = NDArray[np.float32]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

VERSION = "3"
OLDEST_USED_MIN = 240.0
NEIGHBOURS = 24
NEIGHBOUR_KM = (12.0, 90.0)
NEIGHBOUR_FRESH_MIN = 100.0
COMMON_QUANTILE = 0.7
COMMON_DRY_CAP = 5.0
COMMON_WET_CAP = 40.0
CHOOSE_EVERY_MIN = 720.0
CHOSEN_PER_STEP = 640
CHOIR = 6
CHOIR_KM = 10.0
CHOIR_PER_STEP = 64
STUCK_READINGS = 24
TWIN_READINGS = 48
TWIN_KM = 1.0
# An alert's own readings stay out of the baseline, but a rise that stays for three days is the new ordinary.
HELD_OUT_MIN = 3 * 1440.0


@dataclass(frozen=True)
class Measured:
    """One poll's numbers, (S,) each: what was fresh, rise over baseline, residual, scale, rain allowance; nSv/h; kept for evidence."""

    fresh: Bools
    rise: Singles
    rain: Singles
    common: Singles
    residual: Singles
    scale: Singles
    allowed: Singles


class Detector:
    """Watches S stations. stations: rows of {"id", "lat", "lon", "area", "kind"}; their order does not matter."""

    def __init__(self, stations: Sequence[dict[str, Any]], gates: Gates | None = None) -> None:
        self.given = [dict(row) for row in stations]
        count = len(self.given)
        # Inside, stations stand in order of id: no result can then depend on the order they were given in.
        self.order: Ints = np.array(sorted(range(count), key=lambda i: str(self.given[i]["id"])), dtype=np.int64)
        rows = [self.given[i] for i in self.order]
        self.gates = gates or Gates()
        self.places = Places(rows)
        self.alerts = Alerts([row["id"] for row in rows], [row.get("area") for row in rows])
        self.rain = Rain(count)
        self.base = Baseline(count)
        self.recent = Recent(count)
        self.seen: Floats = np.full(count, -np.inf)
        self.last: Singles = np.full(count, np.nan, dtype=np.float32)
        self.same: Ints = np.zeros(count, dtype=np.int64)
        self.excess: Singles = np.full(count, np.nan, dtype=np.float32)
        self.neighbours: Ints = np.full((count, NEIGHBOURS), -1, dtype=np.int64)
        self.twin: Ints = np.arange(count)
        self.choir: Ints = np.full((count, CHOIR), -1, dtype=np.int64)
        self.unplaced: Ints = np.flatnonzero(self.places.placed)
        self.pool: Ints = np.zeros(0, dtype=np.int64)
        self.unchosen: Ints = np.zeros(0, dtype=np.int64)
        self.chosen_noise: Floats = np.full(count, np.inf)
        self.held_since: Floats = np.full(count, np.inf)
        self.now = -np.inf
        self.gaps: Floats = np.full(5, 60.0)
        self.chosen_at = -np.inf
        self.measured: Measured | None = None
        self.evidence: Evidence | None = None

    def step(
        self, now: float, value: ArrayLike, age_min: ArrayLike, radar: ArrayLike, gauge: ArrayLike
    ) -> list[dict[str, Any]]:
        """One poll at `now` (minutes); arrays (S,) in the order of `stations`. Answers the alerts active now."""
        reading, age, rain, own_rain = (self._arranged(part) for part in (value, age_min, radar, gauge))
        observed = now - age.astype(np.float64)
        fresh = self._fresh(reading, age, observed)
        gap = now - self.now if np.isfinite(self.now) else 0.0
        self.rain.advance(gap, rain, own_rain, self.places)
        self.now = max(self.now, now)
        if gap > 0:
            self.gaps = np.concatenate([self.gaps[1:], [gap]])
        self.base.refresh()
        self._choose(now)
        measured = self._measure(now, fresh, reading)
        self._decide(now, measured, reading, age, observed)
        self._learn(measured, reading, observed)
        return self.alerts.listed()

    def save(self) -> bytes:
        """The whole state; `Detector.restore(saved).save() == saved`, and both then answer alike."""
        return detect_state.pack(self, self.given, VERSION)

    @classmethod
    def restore(cls, saved: bytes) -> Detector:
        """A detector that goes on exactly where the saved one stood."""
        detector = cls(detect_state.stations(saved, VERSION))
        detect_state.unpack(detector, saved)
        return detector

    def _arranged(self, part: ArrayLike) -> Singles:
        return np.asarray(part, dtype=np.float32)[self.order]

    def _fresh(self, reading: Singles, age: Singles, observed: Floats) -> Bools:
        """Newer than all before, young enough to speak of now, and possible. Late and repeated readings fall out."""
        newer = np.isfinite(reading) & np.isfinite(age) & (observed > self.seen + 0.5)
        fresh = newer & (age <= OLDEST_USED_MIN) & (age >= -10.0) & (reading >= 0.0) & (reading < 1e12)
        # A zero where the station never reads zero is a dead instrument, not a calm one.
        fresh &= ~((reading == 0.0) & (self.base.median > 5.0))
        self.seen = np.where(fresh, observed, self.seen)
        same = fresh & (reading == self.last)
        self.same = np.where(same, self.same + 1, np.where(fresh, 0, self.same))
        self.last = np.where(fresh, reading, self.last)
        return np.asarray(fresh)

    def _choose(self, now: float) -> None:
        """Twice a day: find copies of the same series, and the quiet stations around each to compare with."""
        if now - self.chosen_at >= CHOOSE_EVERY_MIN or not np.isfinite(self.chosen_at):
            ready = self.base.ready()
            if not ready.any():
                return
            self.chosen_at = now
            self.chosen_noise = np.where(ready, self.base.scale, np.inf).astype(np.float64)
            self.twin = self._twins()
            self.chosen_noise[self.twin != np.arange(len(self.twin))] = np.inf
            self.pool = self.places.pool(self.chosen_noise)
            self.unchosen = np.arange(len(ready))
        # A part of the stations per step: the whole table at once would take a step beyond its time.
        part, self.unchosen = self.unchosen[:CHOSEN_PER_STEP], self.unchosen[CHOSEN_PER_STEP:]
        if self.unplaced.size:
            rows, self.unplaced = self.unplaced[:CHOIR_PER_STEP], self.unplaced[CHOIR_PER_STEP:]
            self.choir[rows] = self.places.around(rows, CHOIR, TWIN_KM, CHOIR_KM)
        if part.size:
            self.neighbours[part] = self.places.quiet_neighbours(
                part, self.pool, self.chosen_noise, NEIGHBOURS, NEIGHBOUR_KM
            )

    def _twins(self) -> Ints:
        """(S,) the first station within 1 km that carries the very same series, else the station itself."""
        held = self.base.value[:, :TWIN_READINGS]
        full = np.isfinite(held).all(axis=1) & self.places.placed
        twin = np.arange(len(held))
        rows = np.flatnonzero(full)
        if rows.size == 0:
            return twin
        _, series = np.unique(held[rows], axis=0, return_inverse=True)
        series = series.reshape(-1)
        order = np.argsort(series, kind="stable")
        for group in np.split(rows[order], np.flatnonzero(np.diff(series[order])) + 1):
            for place, station in enumerate(group[1:].tolist(), start=1):
                close = self.places.distance(group[:place], np.full(place, station)) <= TWIN_KM
                if close.any():
                    twin[station] = twin[group[int(np.argmax(close))]]
        return twin

    def _measure(self, now: float, fresh: Bools, reading: Singles) -> Measured:
        rise = (reading - self.base.median).astype(np.float32)
        rain = self.rain.expected()
        self.excess = np.where(fresh, rise - rain, self.excess).astype(np.float32)
        common = self._common(now)
        residual = (rise - rain - common).astype(np.float32)
        self.rain.absorb(fresh, residual)
        usable = fresh & self.base.ready() & (self.same < STUCK_READINGS)
        return Measured(usable, rise, rain, common, residual, self.base.scale.copy(), self.rain.allowance())

    def _common(self, now: float) -> Singles:
        """(S,) the regional swing: 70 % quantile of the neighbours' excess, held small where no rain explains it."""
        known = (now - self.seen <= NEIGHBOUR_FRESH_MIN) & np.isfinite(self.excess)
        around = np.where(known, self.excess, np.float32(np.nan))[self.neighbours]
        around[self.neighbours < 0] = np.nan
        around.sort(axis=1)
        many = np.isfinite(around).sum(axis=1)
        place = np.clip(np.floor(COMMON_QUANTILE * (many - 1)).astype(np.int64), 0, NEIGHBOURS - 1)
        common = around[np.arange(len(around)), place]
        cap = np.clip(COMMON_DRY_CAP + 0.05 * self.rain.near, COMMON_DRY_CAP, COMMON_WET_CAP)
        return np.where(many >= 3, np.clip(common, 0.0, cap), 0.0).astype(np.float32)

    def _decide(self, now: float, measured: Measured, reading: Singles, age: Singles, observed: Floats) -> None:
        fresh = measured.fresh
        onset = (measured.residual - self.recent.earlier(observed)).astype(np.float32)
        self.recent.push(fresh, reading, onset, measured.allowed, measured.scale, observed)
        soon = bool(np.median(self.gaps) <= self.gates.soon_min)
        evidence = weigh(
            self.recent,
            fresh,
            age,
            self.twin,
            self.choir,
            self.base.top,
            self.base.quantum,
            self.places,
            now,
            soon,
            self.gates,
        )
        hit = np.flatnonzero(evidence.any())
        groups: list[tuple[Ints, bool]] = []
        if hit.size:
            label = clusters(hit, self.places, self.gates.space_km)
            for name in np.unique(label):
                members = hit[label == name]
                groups.append((members, bool(evidence.corroborated[members].any())))
        self.alerts.update(now, groups, evidence.gate, measured.rise, fresh, self.seen, self.places)
        self.measured, self.evidence = measured, evidence

    def _learn(self, measured: Measured, reading: Singles, observed: Floats) -> None:
        inside = self.alerts.inside
        self.held_since = np.where(inside, np.minimum(self.held_since, self.now), np.inf)
        held_out = inside & (self.now - self.held_since < HELD_OUT_MIN)
        fresh = np.isfinite(reading) & (self.seen == observed) & ~held_out
        self.base.store(fresh, reading, measured.residual, observed)
        dry_fit = fresh & measured.fresh & (np.abs(measured.residual) < 30)
        self.recent.remember(measured.fresh & ~inside, measured.residual, observed)
        self.rain.learn(dry_fit, measured.rise)
