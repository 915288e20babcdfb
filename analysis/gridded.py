"""Departures of stations from their own past, spread over a grid by a Gaussian process (ordinary kriging), each cell with its sigma.

Covariance: sill * exp(-distance / range), and a nugget for what one station alone sees. Range and nugget are those of a few candidates under
which leaving each station out is told best (R. Dubrule, Cross validation of kriging in a unique neighborhood, Mathematical Geology 15, 1983).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from analysis.arrays import Arrays
from analysis.baseline import LEAST_FOR_SUMMARY
from analysis.freshness import Standings, late_after
from analysis.standing import columns_of, common_unit
from domain.quantities import DOSE_RATES
from domain.readings import FloatArray

#: A cell further than this from every station used is missing: there is nothing to say there.
FAR_KM = 25.0
LEAST_STATIONS = 5
MOST_STATIONS = 600
#: Half width of a 90 % band in sigmas.
BAND90 = 1.6449
_RANGES_KM, _NUGGETS = (5.0, 15.0, 40.0, 120.0), (0.1, 0.3, 0.6, 0.9)
_KM_PER_DEGREE = 111.195
_LEAST_SIGMA = 0.3  # nSv/h: below this a monitoring post tells nothing apart


@dataclass(frozen=True, slots=True)
class Points:
    """Fresh stations with a baseline: place (degrees) and departure from the own median in nSv/h (nGy/h)."""

    uid: tuple[str, ...]
    latitude_deg: FloatArray
    longitude_deg: FloatArray
    departure: FloatArray


@dataclass(frozen=True, slots=True)
class Model:
    """A covariance; `mean` is the trend, `scale` widens sigma until nine in ten left-out stations lie in their 90 % band."""

    range_km: float
    nugget: float
    sill: float
    mean: float
    scale: float


@dataclass(frozen=True, slots=True)
class Grid:
    """Cells (latitude, longitude): departure and sigma in nSv/h, NaN where it cannot be told; distance to the nearest station in km."""

    latitude_deg: FloatArray
    longitude_deg: FloatArray
    departure: FloatArray
    sigma: FloatArray
    nearest_km: FloatArray
    model: Model | None


def points(arrays: Arrays, feeds: Standings, now_s: int, changed: Mapping[str, int]) -> Points:
    """One departure for each station with a place, a fresh measured dose rate and a baseline; simulated ones are left out."""
    columns = columns_of(arrays, changed)
    found: dict[str, tuple[float, float, float]] = {}
    for row, like in enumerate(arrays.series):
        at, last = like.station.station, int(columns.newest[row])
        usable = (
            like.series.quantity in DOSE_RATES
            and common_unit(like.series.quantity, like.series.unit) in ("nSv/h", "nGy/h")
            and not (like.series.exercise or like.station.exercise or at.moving)
            and columns.newest_fit[row]
            and columns.base.count[row] >= LEAST_FOR_SUMMARY
        )
        if not usable or at.latitude_deg is None or at.longitude_deg is None or at.uid in found:
            continue
        if now_s - int(arrays.end_s[last]) <= late_after(feeds.of(like.series.feed_id)):
            found[at.uid] = at.latitude_deg, at.longitude_deg, float(columns.rise[row])
    uids = tuple(sorted(found))[:: max(1, -(-len(found) // MOST_STATIONS))]
    table = np.array([found[uid] for uid in uids], dtype=np.float64).reshape(len(uids), 3)
    return Points(uids, table[:, 0], table[:, 1], table[:, 2])


def fitted(told: Points) -> Model | None:
    """The model under which left-out stations are told best; None with too few stations."""
    if len(told.uid) < LEAST_STATIONS:
        return None
    place = _plane(told.latitude_deg, told.longitude_deg, told.latitude_deg)
    distance = _distances(place, place)
    mean = float(np.median(told.departure))
    spread = 1.4826 * float(np.median(np.abs(told.departure - mean)))
    sill = max(spread, _LEAST_SIGMA) ** 2
    trials = [Model(reach, nugget, sill, mean, 1.0) for reach in _RANGES_KM for nugget in _NUGGETS]
    best = min(trials, key=lambda one: _loss(one, distance, told.departure))
    left, sigma = _left_out(best, distance, told.departure)
    scale = float(np.quantile(np.abs(told.departure - left) / sigma, 0.9)) / BAND90
    return Model(best.range_km, best.nugget, best.sill, best.mean, max(scale, 0.1))


def left_out(model: Model, told: Points) -> tuple[FloatArray, FloatArray]:
    """What each station would have been taken for without itself, and the sigma of that."""
    place = _plane(told.latitude_deg, told.longitude_deg, told.latitude_deg)
    value, sigma = _left_out(model, _distances(place, place), told.departure)
    return value, sigma * model.scale


def gridded(told: Points, latitude_deg: FloatArray, longitude_deg: FloatArray) -> Grid:
    """Departures on the cells of two axes."""
    shape = len(latitude_deg), len(longitude_deg)
    model = fitted(told)
    if model is None:
        nothing = np.full(shape, np.nan)
        return Grid(latitude_deg, longitude_deg, nothing, nothing.copy(), nothing.copy(), None)
    rows, columns = np.meshgrid(latitude_deg, longitude_deg, indexing="ij")
    stations = _plane(told.latitude_deg, told.longitude_deg, told.latitude_deg)
    cells = _plane(rows.ravel(), columns.ravel(), told.latitude_deg)
    across = _distances(cells, stations)
    weights = np.linalg.solve(_covariance(model, _distances(stations, stations)), _smooth(model, across).T)
    value = model.mean + weights.T @ (told.departure - model.mean)
    explained = np.einsum("cs,sc->c", _smooth(model, across), weights)
    sigma = model.scale * np.sqrt(np.maximum(model.sill - explained, _LEAST_SIGMA**2))
    nearest = across.min(axis=1)
    far = nearest > FAR_KM
    return Grid(
        latitude_deg,
        longitude_deg,
        np.where(far, np.nan, value).reshape(shape),
        np.where(far, np.nan, sigma).reshape(shape),
        nearest.reshape(shape),
        model,
    )


def _plane(latitude_deg: FloatArray, longitude_deg: FloatArray, around_deg: FloatArray) -> FloatArray:
    """Kilometres east and north on a plane that touches at the stations' mean latitude: good to a percent over a region."""
    shrink = np.cos(np.radians(np.mean(around_deg)))
    return np.stack((longitude_deg * _KM_PER_DEGREE * shrink, latitude_deg * _KM_PER_DEGREE), axis=1)


def _distances(one: FloatArray, other: FloatArray) -> FloatArray:
    return np.asarray(np.hypot(one[:, None, 0] - other[None, :, 0], one[:, None, 1] - other[None, :, 1]))


def _smooth(model: Model, distance: FloatArray) -> FloatArray:
    return model.sill * (1 - model.nugget) * np.exp(-distance / model.range_km)


def _covariance(model: Model, distance: FloatArray) -> FloatArray:
    return _smooth(model, distance) + model.sill * model.nugget * np.eye(len(distance))


def _left_out(model: Model, distance: FloatArray, departure: FloatArray) -> tuple[FloatArray, FloatArray]:
    inverse = np.linalg.inv(_covariance(model, distance))
    own = np.diag(inverse)
    return departure - (inverse @ (departure - model.mean)) / own, np.sqrt(np.maximum(1 / own, _LEAST_SIGMA**2))


def _loss(model: Model, distance: FloatArray, departure: FloatArray) -> float:
    """How badly left-out stations are told: the median keeps one broken station from choosing the model."""
    value, sigma = _left_out(model, distance, departure)
    return float(np.median(np.abs(departure - value) / sigma + np.log(sigma)))
