"""Where stations stand: distances, a coarse grid for rain, neighbours for the regional common mode."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

KM_PER_DEGREE = 111.2
RAIN_CELL_KM = 5.0
RAIN_REACH_KM = 10.0
FAR_CELL_KM = 30.0
TOUCHING_CELLS = 1.5
POOL_CELL_KM = 10.0
NEAREST_TRIED = 64


class Places:
    """Positions of S stations on one flat map (km), good to 1 % inside a country.

    A station without a position (NaN, or the classic 0,0) has `placed` False: it gets no neighbours, takes part in
    no agreement in space, and is judged by its own history alone.
    """

    def __init__(self, stations: Sequence[dict[str, Any]]) -> None:
        lat = np.array([_number(row.get("lat")) for row in stations], dtype=np.float64)
        lon = np.array([_number(row.get("lon")) for row in stations], dtype=np.float64)
        null_island = (np.abs(lat) < 1e-9) & (np.abs(lon) < 1e-9)
        possible = (np.abs(lat) <= 90) & (np.abs(lon) <= 360)
        self.placed: Bools = np.isfinite(lat) & np.isfinite(lon) & ~null_island & possible
        # One fixed reference latitude keeps a station's map position independent of which others are listed.
        self.y: Floats = np.where(self.placed, lat * KM_PER_DEGREE, np.nan)
        self.x: Floats = np.where(self.placed, lon * KM_PER_DEGREE * np.cos(np.radians(lat)), np.nan)
        self.lat, self.lon = lat, lon
        self._rain_cells()

    def distance(self, left: Ints, right: Ints) -> Floats:
        """Great-enough-circle distance in km between two index arrays, broadcast; inf where unplaced."""
        mid = np.radians((self.lat[left] + self.lat[right]) / 2)
        dx = (self.lon[left] - self.lon[right]) * KM_PER_DEGREE * np.cos(mid)
        dy = (self.lat[left] - self.lat[right]) * KM_PER_DEGREE
        both = self.placed[left] & self.placed[right]
        return np.where(both, np.hypot(dx, dy), np.inf)

    def _cell(self, size_km: float) -> tuple[Ints, Ints]:
        """Row and column of each station in a grid of about `size_km`; unplaced stations get a far-off cell each."""
        row = np.floor(np.where(self.placed, self.lat, 0.0) * KM_PER_DEGREE / size_km).astype(np.int64)
        # The width of a column follows the row, so that cells stay square from Okinawa to Sakhalin.
        width = KM_PER_DEGREE * np.cos(np.radians(row * size_km / KM_PER_DEGREE)) / size_km
        column = np.floor(np.where(self.placed, self.lon, 0.0) * np.maximum(width, 1e-3)).astype(np.int64)
        lonely = np.flatnonzero(~self.placed)
        row[lonely] = 10_000_000 + 10 * lonely
        return row, column

    def _rain_cells(self) -> None:
        row, column = self._cell(RAIN_CELL_KM)
        keys = np.stack([row, column], axis=1)
        cells, self.rain_cell = np.unique(keys, axis=0, return_inverse=True)
        self.rain_cell = self.rain_cell.reshape(-1)
        self.rain_order: Ints = np.argsort(self.rain_cell, kind="stable")
        self.rain_start: Ints = np.searchsorted(self.rain_cell[self.rain_order], np.arange(len(cells)))
        self.rain_near = self._near_cells(len(cells))
        self._far_cells()

    def _far_cells(self) -> None:
        """The 30 km cells of the stations with a place; one without has no neighbourhood and must not cost one."""
        self.far_who: Ints = np.flatnonzero(self.placed)
        self.far_cell, self.far_km = self._grid(self.far_who, FAR_CELL_KM)

    def _grid(self, who: Ints, size_km: float) -> tuple[Ints, NDArray[np.float32]]:
        """Cell of each of `who`, all with a place, in a grid of that size, and the km (C, C) between the middles of the cells' stations.

        Columns of different rows are not in line with each other, so nearness is told by distance, never by number.
        """
        row, column = self._cell(size_km)
        _, cell = np.unique(np.stack([row[who], column[who]], axis=1), axis=0, return_inverse=True)
        cell = cell.reshape(-1)
        many = np.maximum(np.bincount(cell), 1)
        lat, lon = (np.bincount(cell, part[who]) / many for part in (self.lat, self.lon))
        dy = (lat[:, None] - lat[None, :]) * KM_PER_DEGREE
        dx = (lon[:, None] - lon[None, :]) * KM_PER_DEGREE * np.cos(np.radians((lat[:, None] + lat[None, :]) / 2))
        return cell, np.hypot(dx, dy).astype(np.float32)

    def _near_cells(self, count: int) -> Ints:
        """(cells, K) the cells whose centre of stations lies within the reach, padded with the cell itself."""
        totals = np.maximum(np.bincount(self.rain_cell, minlength=count), 1)
        lat = np.bincount(self.rain_cell, np.where(self.placed, self.lat, 0.0), minlength=count) / totals
        lon = np.bincount(self.rain_cell, np.where(self.placed, self.lon, 0.0), minlength=count) / totals
        known = np.bincount(self.rain_cell, self.placed, minlength=count) > 0
        near: list[Ints] = []
        for cell in range(count):
            dy = (lat - lat[cell]) * KM_PER_DEGREE
            dx = (lon - lon[cell]) * KM_PER_DEGREE * math.cos(math.radians(lat[cell]))
            close = np.flatnonzero((dx * dx + dy * dy <= RAIN_REACH_KM**2) & known & known[cell])
            near.append(close if close.size else np.array([cell], dtype=np.int64))
        width = max((len(found) for found in near), default=1)
        table = np.empty((count, width), dtype=np.int64)
        for cell, found in enumerate(near):
            table[cell] = cell
            table[cell, : len(found)] = found
        return table

    def rain_around(self, rain: NDArray[np.float32]) -> NDArray[np.float32]:
        """(S,) the largest of `rain` (S,) within about 10 km of each station; 0 counts, NaN must be gone before."""
        if rain.size == 0:
            return rain
        peak = np.maximum.reduceat(rain[self.rain_order], self.rain_start)
        return np.asarray(peak[self.rain_near].max(axis=1)[self.rain_cell], dtype=np.float32)

    def rain_afar(self, near: NDArray[np.float32], reach_km: float) -> NDArray[np.float32]:
        """(S,) the largest of `near` (S,) in the 30 km cells whose stations lie within about `reach_km` of the station's own cell."""
        peak = np.zeros(len(self.far_km), dtype=np.float32)
        np.maximum.at(peak, self.far_cell, near[self.far_who])
        around = np.where(self.far_km <= reach_km, peak[None, :], np.float32(0)).max(axis=1, initial=0)
        afar = near.astype(np.float32)
        afar[self.far_who] = around[self.far_cell]
        return afar

    def touching(self, who: Ints, size_km: float) -> tuple[Ints, Bools]:
        """Cell of each of `who` in a grid of that size, and which of the cells (C, C) are the same or neighbours."""
        cell, apart_km = self._grid(who, size_km)
        return cell, np.asarray(apart_km <= TOUCHING_CELLS * size_km)

    def around(self, who: Ints, count: int, apart_km: float, reach_km: float) -> Ints:
        """(len(who), count) nearest stations within reach, more than apart_km from `who` and each other; -1 pads."""
        table = np.full((len(who), count), -1, dtype=np.int64)
        everyone = np.arange(len(self.lat))
        far = self.distance(who[:, None], everyone[None, :])
        nearest = np.argsort(far, axis=1, kind="stable")[:, :NEAREST_TRIED]
        nearest_km = np.take_along_axis(far, nearest, axis=1)
        taken = np.zeros(len(who), dtype=np.int64)
        for place in range(nearest.shape[1]):
            candidate = nearest[:, place]
            clash = (self.distance(candidate[:, None], np.maximum(table, 0)) <= apart_km) & (table >= 0)
            good = (nearest_km[:, place] <= reach_km) & (nearest_km[:, place] > apart_km) & ~clash.any(axis=1)
            rows = np.flatnonzero(good & (taken < count))
            table[rows, taken[rows]] = candidate[rows]
            taken[rows] += 1
        return table

    def pool(self, noise: Floats) -> Ints:
        """The quietest placed station of each 10 km cell: a spread-out set to measure the regional swing with.

        noise: (S,) robust sigma, inf = unfit. Ties go to the first in station order, which is by id.
        """
        fit = np.flatnonzero(self.placed & np.isfinite(noise))
        if fit.size == 0:
            return fit
        row, column = self._cell(POOL_CELL_KM)
        order = fit[np.lexsort((fit, noise[fit], column[fit], row[fit]))]
        first = np.ones(len(order), dtype=np.bool_)
        first[1:] = (np.diff(row[order]) != 0) | (np.diff(column[order]) != 0)
        return np.sort(order[first])

    def quiet_neighbours(self, who: Ints, pool: Ints, noise: Floats, count: int, reach: tuple[float, float]) -> Ints:
        """(len(who), count) the quietest pool stations inside `reach` km of each of `who`; -1 pads."""
        table = np.full((len(who), count), -1, dtype=np.int64)
        if who.size == 0 or pool.size == 0:
            return table
        far = self.distance(who[:, None], pool[None, :])
        rank = np.where((far >= reach[0]) & (far <= reach[1]), noise[pool][None, :], np.inf)
        take = np.argsort(rank, axis=1, kind="stable")[:, :count]
        good = np.isfinite(np.take_along_axis(rank, take, axis=1))
        table[:, : take.shape[1]] = np.where(good, pool[take], -1)
        return table


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return math.nan
