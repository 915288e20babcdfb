"""Detection rates and medians by sea area and year, by two ways that share no line: `python -m bench.sea STORE --analyte Cs-137`.

Ours is Kaplan-Meier (`analysis.censored`); the other is Efron's redistribution (B. Efron, The two sample problem with censored data,
1967): every censored result hands its weight on in equal parts to all that may lie at or below its limit.
"""

from __future__ import annotations

import argparse
import asyncio
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from analysis.censored import censored_quantiles
from domain.states import Censoring
from domain.units import convert
from specs.region import load_geography
from store import read
from store.engine import open_store
from store.rows import Filter

CONFIG = Path(__file__).parents[1] / "config"
BELOW, PLAIN, UNIT = (Censoring.BELOW, Censoring.NOT_DETECTED), (Censoring.NONE, Censoring.DERIVED), "Bq/L"


def efron_median(detected: np.ndarray, limits: np.ndarray) -> float | None:
    """The median by redistribution: from the highest limit down, its weight goes to every result that may lie below it."""
    values = np.concatenate((detected, limits))
    censored = np.concatenate((np.zeros(len(detected), bool), np.ones(len(limits), bool)))
    weight = np.full(len(values), 1.0 / len(values))
    for at in sorted(np.flatnonzero(censored), key=lambda one: (-values[one], one)):
        lower = (values < values[at]) | ((values == values[at]) & ~censored) | (censored & (values <= values[at]))
        lower[at] = False
        lower &= weight > 0
        if not lower.any():
            continue
        weight[lower] += weight[at] * weight[lower] / weight[lower].sum()
        weight[at] = 0.0
    order = np.argsort(np.where(censored, -np.inf, values), kind="stable")
    reached = int(np.searchsorted(np.cumsum(weight[order]), 0.5 - 1e-9))
    return None if censored[order][reached] else float(values[order][reached])


async def run(url: str, analyte: str) -> None:
    """A line for each sea area and year, and how often the two ways agree."""
    store = await open_store(url)
    areas = [area for area in load_geography(CONFIG).areas if area.kind == "sea_area"]
    agreed = compared = 0
    print("area, year, results, detected, rate, median by Kaplan-Meier, median by Efron [Bq/L]")
    for area in areas:
        found: dict[int, tuple[list[float], list[float]]] = defaultdict(lambda: ([], []))
        after = None
        f = Filter(areas=frozenset({area.id}), media=frozenset({"sea_water"}))
        while rows := await read.samples(store, f, 0, 2**40, after=after, limit=5000):
            after = (rows[-1].sample.end_s, rows[-1].sample.uid)
            for row in rows:
                year = datetime.fromtimestamp(row.sample.end_s, UTC).year
                for one in row.sample.results:
                    if one.analyte == analyte and one.censoring in PLAIN and one.value is not None:
                        found[year][0].append(convert(one.value, one.unit, UNIT))
                    elif one.analyte == analyte and one.censoring in BELOW and one.limit is not None:
                        found[year][1].append(convert(one.limit, one.unit, UNIT))
        for year, (detected, limits) in sorted(found.items()):
            ours = censored_quantiles(np.array(detected), np.array(limits), (0.5,))[0]
            other = efron_median(np.array(detected), np.array(limits))
            n = len(detected) + len(limits)
            compared, agreed = compared + 1, agreed + (ours == other)
            print(f"{area.id}, {year}, {n}, {len(detected)}, {len(detected) / n:.3f}, {ours}, {other}")
    print(f"{agreed} of {compared} agree")
    await store.close()


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("store")
    parser.add_argument("--analyte", default="Cs-137")
    asked = parser.parse_args()
    asyncio.run(run(f"sqlite+aiosqlite:///{asked.store}", asked.analyte))


if __name__ == "__main__":
    main()
