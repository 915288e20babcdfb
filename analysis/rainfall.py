"""Rain near a place shortly before a moment: the usual natural cause of a rise (radon progeny washed out, gone within hours)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.arrays import Arrays, BoolArray
from domain.readings import FloatArray, IntArray

#: Rain explains a rise when it fell within this distance and time (98 % of natural rises had it; only a quarter of all readings do).
NEAR_M = 15_000.0
WITHIN_S = 2 * 3600
_RAIN = frozenset({"precipitation_rate", "precipitation_amount"})
_EARTH_M = 6_371_008.8


@dataclass(frozen=True, slots=True)
class Rainfall:
    """Rain readings of every gauge and radar cell given: place (degrees), end of interval, whether any fell."""

    latitude_deg: FloatArray
    longitude_deg: FloatArray
    end_s: IntArray
    wet: BoolArray

    def explains(self, latitude_deg: float | None, longitude_deg: float | None, at_s: int) -> bool | None:
        """Whether rain fell within 15 km in the two hours before; None when nobody near measured it."""
        if latitude_deg is None or longitude_deg is None:
            return None
        rows = (self.end_s > at_s - WITHIN_S) & (self.end_s <= at_s)
        if not rows.any():
            return None
        near = distance_m(latitude_deg, longitude_deg, self.latitude_deg[rows], self.longitude_deg[rows]) <= NEAR_M
        return bool(self.wet[rows][near].any()) if near.any() else None


def distance_m(
    latitude_deg: float, longitude_deg: float, latitudes_deg: FloatArray, longitudes_deg: FloatArray
) -> FloatArray:
    """Great-circle distance in metres from one point to many."""
    lat, lats = np.radians(latitude_deg), np.radians(latitudes_deg)
    half = (
        np.sin((lats - lat) / 2) ** 2
        + np.cos(lat) * np.cos(lats) * np.sin(np.radians(longitudes_deg - longitude_deg) / 2) ** 2
    )
    return np.asarray(2 * _EARTH_M * np.arcsin(np.sqrt(np.clip(half, 0, 1))), dtype=np.float64)


def rainfall(arrays: Arrays, chosen: BoolArray | None = None) -> Rainfall:
    """The rain readings among the columns, whatever else is in them; of the series `chosen` only, if given.

    Stations without a position are left out.
    """
    latitude, longitude = (np.full(len(arrays.series), np.nan) for _ in range(2))
    for i, row in enumerate(arrays.series):
        if row.series.quantity in _RAIN:
            place = row.station.station
            latitude[i], longitude[i] = place.latitude_deg, place.longitude_deg  # None becomes NaN
    if chosen is not None:
        latitude[~chosen] = np.nan
    placed = np.isfinite(latitude)
    rows = placed[arrays.index] & np.isfinite(arrays.value) if placed.any() else np.zeros(len(arrays.index), np.bool_)
    index = arrays.index[rows]
    return Rainfall(latitude[index], longitude[index], arrays.end_s[rows], arrays.value[rows] > 0.0)
