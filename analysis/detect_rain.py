"""Washout of radon progeny: how much of a rise the rain explains, and how far that guess may be wrong.

Rain brings Pb-214 (26.8 min) and Bi-214 (19.9 min) down together; what lies on the ground fades with an effective
half-life of 30-40 min once the rain stops. The deposit grows with about the square root of the rain rate
(ALERTING section 6, [RAIN1]). Radar is a snapshot per poll, so the index integrates sqrt(rain) between snapshots.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from analysis.detect_places import Places

Singles = NDArray[np.float32]

HALF_LIFE_OWN_MIN = 40.0
HALF_LIFE_NEAR_MIN = 30.0
# A heavy shower may hide between two polls; an old snapshot says nothing about rain that long ago.
LONGEST_GAP_MIN = 360.0
UNKNOWN_RAIN_MMH = 10.0
# Allowance (nSv/h): what rain may add beyond its expected effect; envelope of 880,000 quiet-post readings.
ALLOWED_PER_ROOT = 2.2
ALLOWED_MOST = 28.0
ALLOWED_TOGETHER = 33.0
# Past this gap between radar images a shower can come and go unseen.
SEEN_GAP_MIN = 70.0
UNSEEN_MOST = 18.0
UNSEEN_SCALE_MIN = 40.0
# A sky without any echo this far around, both before and after the gap, hid no shower: hardly anything is excused.
CALM_KM = 150.0
CALM_ROOT = 0.5
UNSEEN_CALM = 2.0
# With an echo (root of mm/h) this near before or after such a gap, a first rise of so much is taken
# for a missed shower, and so is what is left of it while it fades.
LIVELY_KM = 45.0
LIVELY_ROOT = 1.7
HIDDEN_PER_ROOT = 5.0
HIDDEN_MOST = 56.0
HIDDEN_HALF_LIFE_MIN = 55.0
# nSv/h per unit of index, pooled over the quiet posts of the open days; each station then learns its own.
PRIOR_GAIN = 0.034
PRIOR_WEIGHT = 30.0 * 930.0
# Old showers fade from a station's gain: half the weight after about a season of rain (in index squared).
MOST_WEIGHT = 600.0 * 930.0


class Rain:
    """Rain indices of S stations: `own` (mean effect above the post) and `near` (what may have been missed)."""

    def __init__(self, count: int) -> None:
        self.own: Singles = np.zeros(count, dtype=np.float32)
        self.near: Singles = np.zeros(count, dtype=np.float32)
        self.last_own: Singles = np.zeros(count, dtype=np.float32)
        self.last_near: Singles = np.zeros(count, dtype=np.float32)
        self.last_far: Singles = np.zeros(count, dtype=np.float32)
        self.last_sky: Singles = np.zeros(count, dtype=np.float32)
        self.unseen: Singles = np.zeros(count, dtype=np.float32)
        self.hidden: Singles = np.zeros(count, dtype=np.float32)
        self.lively: Singles = np.zeros(count, dtype=np.float32)
        self.num = np.zeros(count, dtype=np.float64)
        self.den = np.zeros(count, dtype=np.float64)

    def advance(self, gap_min: float, radar: Singles, gauge: Singles, places: Places) -> None:
        """Move to this poll: gap_min since the last one; radar and gauge mm/h (S,), NaN = unknown."""
        # Publishers write -99 and the like for "no value"; that is unknown rain, not dry.
        radar, gauge = (np.where(part >= 0.0, part, np.float32(np.nan)) for part in (radar, gauge))
        gauge = np.clip(gauge, 0.0, 200.0)
        known = np.isfinite(radar) | np.isfinite(gauge)
        rate = np.fmax(np.clip(radar, 0.0, 200.0), gauge)
        own = np.sqrt(np.where(known, rate, 0.0)).astype(np.float32)
        # Unknown rain widens: the neighbourhood index assumes a shower until somebody measures again.
        near = places.rain_around(np.sqrt(np.where(known, rate, UNKNOWN_RAIN_MMH)).astype(np.float32))
        gap = min(max(gap_min, 0.0), LONGEST_GAP_MIN)
        self.own = _decayed_sum(self.own, self.last_own, own, gap, HALF_LIFE_OWN_MIN)
        self.near = _decayed_sum(self.near, self.last_near, near, gap, HALF_LIFE_NEAR_MIN)
        far, sky = places.rain_afar(near, LIVELY_KM), places.rain_afar(near, CALM_KM)
        self._advance_unseen(gap, np.maximum(far, self.last_far), np.maximum(sky, self.last_sky))
        self.last_own, self.last_near, self.last_far, self.last_sky = own, near, far, sky

    def _advance_unseen(self, gap: float, activity: Singles, sky: Singles) -> None:
        """Showers that came and went between two radar images.

        Seen on the open days: posts far from any echo rise by 20..80 and fade with the half-life of the progeny,
        nearly always after a gap of more than 90 min and with an echo somewhere in the region. The longer the gap and
        the livelier the sky, the wider we go. activity, sky: root of the largest mm/h nearby and in the region at either end.
        """
        share = 1.0 - np.exp(-max(gap - SEEN_GAP_MIN, 0.0) / UNSEEN_SCALE_MIN)
        most = np.where(sky < CALM_ROOT, UNSEEN_CALM, UNSEEN_MOST)
        self.unseen = np.maximum(self.unseen * 0.5 ** (gap / HALF_LIFE_OWN_MIN), most * share)
        self.unseen = self.unseen.astype(np.float32)
        self.hidden = (self.hidden * 0.5 ** (gap / HIDDEN_HALF_LIFE_MIN)).astype(np.float32)
        lively = (activity >= LIVELY_ROOT) & (gap >= SEEN_GAP_MIN)
        # What may hide is no stronger than what is about: a drizzle at the edge excuses little, a storm much.
        self.lively = np.where(lively, np.minimum(HIDDEN_PER_ROOT * activity, HIDDEN_MOST), 0.0).astype(np.float32)

    def absorb(self, fresh: NDArray[np.bool_], residual: Singles) -> None:
        """Take the rises (nSv/h) of this poll for hidden showers wherever one may have passed unseen."""
        taken = np.where(fresh & np.isfinite(residual), np.clip(residual, 0.0, self.lively), 0.0)
        self.hidden = np.maximum(self.hidden, taken).astype(np.float32)

    def allowance(self) -> Singles:
        """(S,) nSv/h that rain, seen or unseen, may add on top of `expected`."""
        seen = np.minimum(ALLOWED_PER_ROOT * np.sqrt(self.near), ALLOWED_MOST)
        return np.maximum(np.minimum(seen + self.unseen, ALLOWED_TOGETHER), self.hidden).astype(np.float32)

    def mixed(self) -> Singles:
        """The index that the learned gain multiplies: mostly above the post, a little from around it."""
        return (np.float32(0.7) * self.own + np.float32(0.3) * self.near).astype(np.float32)

    def expected(self) -> Singles:
        """(S,) nSv/h that rain explains now, by each station's own gain shrunk to the pooled one."""
        gain = (self.num + PRIOR_WEIGHT * PRIOR_GAIN) / (self.den + PRIOR_WEIGHT)
        return np.clip(gain * self.mixed(), 0.0, 60.0).astype(np.float32)

    def learn(self, usable: NDArray[np.bool_], rise: Singles) -> None:
        """Teach the gain with this poll's rises (nSv/h over baseline) of the usable stations."""
        index = self.mixed()[usable].astype(np.float64)
        self.num[usable] += index * np.clip(rise[usable].astype(np.float64), -10.0, 60.0)
        self.den[usable] += index * index
        shrink = np.minimum(1.0, MOST_WEIGHT / np.maximum(self.den, 1.0))
        self.num *= shrink
        self.den *= shrink


def _decayed_sum(held: Singles, before: Singles, after: Singles, gap_min: float, half_life_min: float) -> Singles:
    """Integral of a rate that went straight from `before` to `after`, each minute's share decayed since."""
    if gap_min <= 0:
        return held
    rate = np.log(2.0) / half_life_min
    fade = np.exp(-rate * gap_min)
    flat = (1.0 - fade) / rate
    ramp = 1.0 / rate - (1.0 - fade) / (rate * rate * gap_min)
    # Rounding must not leave a hair below zero: a root is taken of it.
    return np.asarray(np.maximum(held * fade + before * flat + (after - before) * ramp, 0.0), dtype=np.float32)
