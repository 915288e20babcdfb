"""Kriging of departures: bands hold what they promise, cells far from stations are missing, a hump is found where it is."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.gridded import BAND90, FAR_KM, Points, fitted, gridded, left_out


def field(seed: int, n: int = 80, reach_deg: float = 0.3, noise: float = 0.6) -> Points:
    """Stations on a smooth random field with noise of their own."""
    rng = np.random.default_rng(seed)
    lat, lon = 35 + rng.random(n), 135 + rng.random(n)
    away = np.hypot(lat[:, None] - lat[None], lon[:, None] - lon[None])
    smooth = np.linalg.cholesky(np.exp(-away / reach_deg) + 1e-9 * np.eye(n)) @ rng.normal(0, 2, n)
    return Points(tuple(f"s{i:03}" for i in range(n)), lat, lon, smooth + rng.normal(0, noise, n))


@pytest.mark.parametrize("seed", range(4))
def test_bands_hold_nine_in_ten_stations_that_did_not_choose_them(seed: int) -> None:
    told = field(seed, 160)
    half = np.arange(160) % 2 == 0
    chosen = Points(
        tuple(np.array(told.uid)[half]), told.latitude_deg[half], told.longitude_deg[half], told.departure[half]
    )
    model = fitted(chosen)
    assert model is not None
    value, sigma = left_out(model, told)
    inside = np.abs(told.departure - value)[~half] <= BAND90 * sigma[~half]
    assert 0.8 <= inside.mean() <= 1.0


def test_a_hump_stands_where_its_stations_stand() -> None:
    told = field(1, 100, noise=0.2)
    near = np.hypot(told.latitude_deg - 35.5, told.longitude_deg - 135.5) < 0.15
    raised = Points(
        told.uid, told.latitude_deg, told.longitude_deg, np.where(near, told.departure + 60, told.departure)
    )
    made = gridded(raised, np.arange(35.05, 36, 0.1), np.arange(135.05, 136, 0.1))
    row, column = np.unravel_index(np.nanargmax(made.departure), made.departure.shape)
    assert abs(made.latitude_deg[row] - 35.5) <= 0.2
    assert abs(made.longitude_deg[column] - 135.5) <= 0.2


def test_far_cells_and_too_few_stations_are_missing() -> None:
    made = gridded(field(2), np.array([35.5, 39.0]), np.array([135.5]))
    assert np.isfinite(made.departure[0, 0])
    assert np.isnan(made.departure[1, 0])
    assert np.isnan(made.sigma[1, 0])
    assert made.nearest_km[1, 0] > FAR_KM
    few = gridded(field(2, 4), np.array([35.5]), np.array([135.5]))
    assert few.model is None
    assert np.isnan(few.departure).all()
