"""What summaries said over replayed days: `python -m bench.states STORE --from ... --to ... [--kind region --country JP]`.

One line for each region and day with its state at every hour (n normal, e elevated, H high, . insufficient), then every hour with stations
above their own past (`/v1/regions/{id}/summary?as_of=` names them), then a table by day: region-hours by state, how many of the stations above
their own past had rain near them, and why nothing could be told. Steps that the store keeps already are not computed again.
"""

from __future__ import annotations

import argparse
import asyncio
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
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


@dataclass(slots=True)
class Day:
    """What was said on one day: steps by state, why some could not be told, and the stations above their own past, hour by hour."""

    states: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    above: int = 0
    explained: int = 0
    unknown: int = 0

    def add(self, step: HistoryStep) -> None:
        """Count a step."""
        self.states[step.state] += 1
        if step.state == "insufficient":
            self.reasons.update(step.reasons)
        if step.above:
            self.above += step.above
            self.explained += round(step.above * (step.rain_explained or 0))
            self.unknown += step.above if step.rain_explained is None else 0

    def row(self, name: str) -> str:
        """A line of the table by day."""
        counts = " | ".join(str(self.states[state]) for state in LETTERS)
        share = f"{self.explained / self.above:.0%}" if self.above else "-"
        why = ", ".join(f"{reason} {count}" for reason, count in self.reasons.most_common(3))
        return f"| {name} | {counts} | {self.above} | {self.explained} ({share}) | {self.unknown} | {why} |"


async def told(service: Service, area: Area, moments: list[int]) -> dict[int, HistoryStep]:
    """The dose rate of an area at each moment."""
    steps = await history_of(service, area, moments, service.now_s())
    return {
        int(datetime.fromisoformat(one.at).timestamp()): one
        for one in steps
        if one.quantity == DOSE and not one.exercise
    }


async def run(url: str, begin: datetime, end: datetime, kind: str, country: str) -> None:
    """Print the states by area, then the table by day."""
    store = await open_store(url)
    service = Service(store, load_config(CONFIG), ApiSettings(warm_up=False), VirtualClock(end.timestamp() + 3600))
    hours = [begin + timedelta(hours=hour) for hour in range(int((end - begin).total_seconds()) // 3600)]
    days: dict[str, Day] = defaultdict(Day)
    rises: list[str] = []
    for area in service.config.geography.areas:
        if area.kind != kind or area.country != country:
            continue
        for day, moments in groupby(hours, key=lambda hour: f"{hour:%Y-%m-%d}"):
            asked = [int(moment.timestamp()) for moment in moments]
            found = await told(service, area, asked)
            line = "".join(LETTERS[found[at_s].state] if at_s in found else " " for at_s in asked)
            print(f"{area.id:8} {area.name('en'):12.12} {day} {line}", flush=True)
            for step in found.values():
                days[day].add(step)
                if step.above:
                    rises.append(
                        f"{area.id} {step.at}: {step.above} above, {step.state}, by rain {step.rain_explained}"
                    )
    print(*rises, sep="\n")
    print(f"| day | {' | '.join(LETTERS)} | above, station-hours | rain near | rain not known | why insufficient |")
    for day, sums in sorted(days.items()):
        print(sums.row(day))
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
