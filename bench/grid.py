"""Whether the bands of the gridded departures hold: `python -m bench.grid STORE --from ... --to ... [--step 3]`.

Each station is left out and told by the others. `in sample` takes the width from the same stations, as the product does; `out of sample`
takes it from every second station and counts the others only.
"""

from __future__ import annotations

import argparse
import asyncio
from datetime import datetime
from pathlib import Path

import numpy as np

from analysis.gridded import BAND90, LEAST_STATIONS, Points, fitted, left_out, points
from api.freshness import standings_then
from api.knowledge import Past
from api.service import Service
from api.settings import ApiSettings
from domain.clock import VirtualClock
from specs.loading import load_config
from store.engine import open_store
from store.rows import Filter

CONFIG = Path(__file__).parents[1] / "config"


def inside(told: Points, *, apart: bool) -> tuple[int, int]:
    """Stations inside their 90 % band, and how many were counted."""
    half = np.arange(len(told.uid)) % 2 == 0
    use = half if apart else np.ones(len(half), dtype=bool)
    chosen = Points(
        tuple(uid for uid, one in zip(told.uid, use, strict=True) if one),
        told.latitude_deg[use],
        told.longitude_deg[use],
        told.departure[use],
    )
    model = fitted(chosen)
    if model is None:
        return 0, 0
    value, sigma = left_out(model, told)
    counted = ~half if apart else use
    return int((np.abs(told.departure - value) <= BAND90 * sigma)[counted].sum()), int(counted.sum())


async def run(url: str, begin_s: int, end_s: int, step_s: int, country: str) -> None:
    """Coverage over all regions of a country and all hours asked for."""
    store = await open_store(url)
    service = Service(store, load_config(CONFIG), ApiSettings(warm_up=False), VirtualClock(end_s))
    sums = {False: [0, 0], True: [0, 0]}
    grids = 0
    for area in service.config.geography.areas:
        if area.country != country or area.kind != "region":
            continue
        past = Past(service, Filter(areas=frozenset({area.id})), begin_s, end_s)
        standing = await standings_then(service, service.feeds, begin_s, end_s)
        for at_s in range(begin_s, end_s, step_s):
            told = points(await past.at(at_s), standing(at_s), at_s, service.changed)
            if len(told.uid) < 2 * LEAST_STATIONS:
                continue
            grids += 1
            for apart, counted in sums.items():
                hit, n = inside(told, apart=apart)
                counted[0] += hit
                counted[1] += n
    for apart, (hit, n) in sums.items():
        name = "out of sample" if apart else "in sample"
        print(
            f"{name}: {hit} of {n} left-out stations inside their 90 % band = {hit / max(n, 1):.3f}  (0.85 to 0.95), {grids} grids"
        )
    await store.close()


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("store")
    parser.add_argument("--from", dest="begin", type=datetime.fromisoformat, required=True)
    parser.add_argument("--to", dest="end", type=datetime.fromisoformat, required=True)
    parser.add_argument("--step", type=int, default=3, help="hours")
    parser.add_argument("--country", default="JP")
    asked = parser.parse_args()
    span = int(asked.begin.timestamp()), int(asked.end.timestamp())
    asyncio.run(run(f"sqlite+aiosqlite:///{asked.store}", *span, asked.step * 3600, asked.country))


if __name__ == "__main__":
    main()
