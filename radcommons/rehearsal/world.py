"""A small invented world: posts, weather, radon progeny in the rain, one plume. Every value is a function of place and time.

The numbers have the size of real ones (background 30 .. 110 nSv/h, rises of 5 .. 40 nSv/h in rain that fade within hours), so
that rules and summaries behave as they do on real days. Nothing here is a model of any real place or event.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from shapely import Point

from specs.region import Area, Geography

Floats = npt.NDArray[np.float64]

HOUR_S = 3600
STEP_S = 600
#: Progeny of radon on the ground fade with about 35 minutes; three hours of rain say all there is to say.
_FADING_PER_STEP = 0.5 ** (STEP_S / 2100)
_MEMORY_STEPS = 18
_RISE_PER_STEP = 3.2  # nSv/h per step and sqrt(mm/h)
_KM_PER_DEGREE = 111.2
_RAIN_RADIUS_KM = 170.0
_RAIN_EVERY_S = 9 * HOUR_S
#: Inland Kyushu, far from any nuclear site: it must be obvious that nothing real is meant.
PLUME_LATITUDE_DEG, PLUME_LONGITUDE_DEG = 32.95, 131.15
_PLUME_SPEED_KM_H = 18.0
_PLUME_LASTS_S = 6 * HOUR_S


@dataclass(frozen=True, slots=True)
class Posts:
    """A network of n posts: keys, regions, positions, backgrounds and noise in nSv/h."""

    keys: tuple[str, ...]
    regions: tuple[str, ...]
    latitude_deg: Floats
    longitude_deg: Floats
    background_nsv_h: Floats
    noise_nsv_h: Floats

    def __len__(self) -> int:
        return len(self.keys)


@dataclass(frozen=True, slots=True)
class World:
    """Weather and events between `start_s` and the end of time; the plume begins at `plume_s`."""

    start_s: float
    plume_s: float
    seed: int = 20_260_815

    def rain_mm_h(self, latitude_deg: Floats, longitude_deg: Floats, time_s: float) -> Floats:
        """Rain over each place: one band every nine hours, drifting eastwards across the map."""
        total = np.zeros_like(latitude_deg)
        newest = int((time_s - self.start_s) // _RAIN_EVERY_S)
        for number in range(max(0, newest - 2), newest + 1):
            band = np.random.default_rng((self.seed, number))
            age_h = (time_s - self.start_s - number * _RAIN_EVERY_S) / HOUR_S
            centre_lat, centre_lon = band.uniform(32.5, 38.0), 127.0 + 1.1 * age_h
            distance = distance_km(latitude_deg, longitude_deg, float(centre_lat), float(centre_lon))
            total += band.uniform(3.0, 9.0) * np.exp(-((distance / _RAIN_RADIUS_KM) ** 2))
        return np.where(total < 0.2, 0.0, total)

    def dose_nsv_h(self, posts: Posts, time_s: float) -> Floats:
        """What each post reads at `time_s` (end of its window), noise included."""
        step = int(time_s // STEP_S)
        noise = np.random.default_rng((self.seed, step, zlib.crc32(posts.keys[0].encode()))).normal(size=len(posts))
        rise = self._progeny(posts, time_s) + self._plume(posts, time_s)
        return np.maximum(posts.background_nsv_h + rise + noise * posts.noise_nsv_h, 1.0)

    def _progeny(self, posts: Posts, time_s: float) -> Floats:
        rise = np.zeros(len(posts))
        for back in range(_MEMORY_STEPS):
            rain = self.rain_mm_h(posts.latitude_deg, posts.longitude_deg, time_s - back * STEP_S)
            rise += _RISE_PER_STEP * np.sqrt(rain) * _FADING_PER_STEP**back
        return rise

    def _plume(self, posts: Posts, time_s: float) -> Floats:
        age_s = time_s - self.plume_s
        if not 0 <= age_s <= _PLUME_LASTS_S:
            return np.zeros(len(posts))
        drift = _PLUME_SPEED_KM_H * age_s / HOUR_S / _KM_PER_DEGREE
        distance = distance_km(
            posts.latitude_deg, posts.longitude_deg, PLUME_LATITUDE_DEG + 0.4 * drift, PLUME_LONGITUDE_DEG + drift
        )
        width_km = 15.0 + 8.0 * age_s / HOUR_S
        rise: Floats = 900.0 * (15.0 / width_km) ** 2 * np.exp(-((distance / width_km) ** 2))
        return rise


def distance_km(latitude_deg: Floats, longitude_deg: Floats, to_latitude_deg: float, to_longitude_deg: float) -> Floats:
    """Distance of each place from a point, flat-earth, which is good enough for a few hundred kilometres."""
    north = (latitude_deg - to_latitude_deg) * _KM_PER_DEGREE
    east = (longitude_deg - to_longitude_deg) * _KM_PER_DEGREE * np.cos(np.radians(to_latitude_deg))
    distance: Floats = np.hypot(north, east)
    return distance


def posts_in(
    geography: Geography, prefix: str, per_area: int, *, seed: int = 7, crowded: tuple[str, ...] = ()
) -> Posts:
    """Invented posts in every region whose id starts with `prefix`; `crowded` regions get three times as many."""
    draw = np.random.default_rng(seed)
    keys, regions, positions = [], [], []
    for area in geography.areas:
        if area.kind != "region" or not area.id.startswith(prefix):
            continue
        for number in range(per_area * (3 if area.id in crowded else 1)):
            keys.append(f"{area.id}-{number + 1:02d}")
            regions.append(area.id)
            positions.append(_inside(area, draw))
    latitude, longitude = (np.array(column) for column in zip(*positions, strict=True))
    count = len(keys)
    background = np.clip(draw.normal(52, 15, count), 28, 110)
    return Posts(tuple(keys), tuple(regions), latitude, longitude, background, draw.uniform(0.6, 1.6, count))


def _inside(area: Area, draw: np.random.Generator) -> tuple[float, float]:
    """A random place in an area, near its label; the label itself when none is found soon."""
    for _ in range(40):
        longitude = area.label_lon_deg + draw.normal(0, 0.25)
        latitude = area.label_lat_deg + draw.normal(0, 0.2)
        if area.geometry.contains(Point(longitude, latitude)):
            return round(latitude, 5), round(longitude, 5)
    return area.label_lat_deg, area.label_lon_deg
