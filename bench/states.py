"""What summaries said over replayed days: `python -m bench.states STORE --from ... --to ... [--kind region --country JP]`.

One line for each region and day with its state at every hour (n normal, e elevated, H high, . insufficient), then the counts, and how
many of the stations above their own past had rain near them. Steps that the store keeps already are not computed again.
"""

from __future__ import annotations

import argparse
import asyncio
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path

from api.models.summaries import HistoryStep
from api.service import Service
from api.settings import ApiSettings
from api.steps import history_of
from domain.clock import VirtualClock
from specs.loading import load_config
from specs.region import Area
from store.engine import open_store

CONFIG = Path(__file__).parents[1] / "config"
LETTERS = {"normal": "n", "elevated": "e", "high": "H", "insufficient": "."}
DOSE = "air_dose_rate_as_published"


async def told(service: Service, area: Area, moments: list[int]) -> dict[int, HistoryStep]:
    """The dose rate of an area at each moment."""
    steps = await history_of(service, area, moments, service.now_s())
    return {
        int(datetime.fromisoformat(one.at).timestamp()): one
        for one in steps
        if one.quantity == DOSE and not one.exercise
    }


async def run(url: str, begin: datetime, end: datetime, kind: str, country: str) -> None:
    """Print the table and its sums."""
    store = await open_store(url)
    service = Service(store, load_config(CONFIG), ApiSettings(warm_up=False), VirtualClock(end.timestamp() + 3600))
    counts: Counter[str] = Counter()
    above = explained = unknown = 0
    for area in service.config.geography.areas:
        if area.kind != kind or area.country != country:
            continue
        day = begin
        while day < end:
            hours = [
                int((day + timedelta(hours=hour)).timestamp())
                for hour in range(24)
                if day + timedelta(hours=hour) < end
            ]
            found = await told(service, area, hours)
            line = "".join(LETTERS[found[at_s].state] if at_s in found else " " for at_s in hours)
            print(f"{area.id:8} {area.name('en'):12.12} {day:%Y-%m-%d} {line}", flush=True)
            counts.update(one.state for one in found.values())
            for one in found.values():
                if one.above:
                    above += one.above
                    explained += round(one.above * (one.rain_explained or 0))
                    unknown += one.above if one.rain_explained is None else 0
            day += timedelta(days=1)
    print(dict(counts), "region-hours")
    print(f"stations above their own past, by hour: {above}; rain near: {explained}; rain not known: {unknown}")
    await store.close()


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("store")
    parser.add_argument("--from", dest="begin", type=datetime.fromisoformat, required=True)
    parser.add_argument("--to", dest="end", type=datetime.fromisoformat, required=True)
    parser.add_argument("--kind", default="region")
    parser.add_argument("--country", default="JP")
    asked = parser.parse_args()
    asyncio.run(run(f"sqlite+aiosqlite:///{asked.store}", asked.begin, asked.end, asked.kind, asked.country))


if __name__ == "__main__":
    main()
