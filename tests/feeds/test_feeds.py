"""One test finds every feed: its capture is harvested offline and compared with what was accepted, and with facts written by hand.

`RADCOMMONS_ACCEPT=1` writes `expected.json` anew; read the difference before you commit it.
"""

from __future__ import annotations

import json
import os
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from domain.readings import Harvest
from specs.problems import plain, read_yaml
from tests.feeds.replayed import Bench, config, folders, iso, rows, told

FOLDERS = folders()


def meta_of(folder: Path) -> dict[str, Any]:
    document, problems = read_yaml(folder / "capture.meta.yaml", "capture.meta.yaml")
    assert not problems
    return plain(document)


def moment(value: object) -> datetime:
    return datetime.fromisoformat(str(value))


def harvests(folder: Path) -> list[Harvest]:
    bench = Bench.fresh()
    return [
        bench.harvest(
            folder.name,
            one["url"],
            (folder / one["file"]).read_bytes(),
            moment(one["received"]),
            method=one.get("method", "GET"),
        )
        for one in meta_of(folder)["captures"]
    ]


def test_every_feed_has_a_capture() -> None:
    assert {folder.name for folder in FOLDERS} == {feed.id for feed in config().feeds}


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_the_harvest_is_the_accepted_one(folder: Path) -> None:
    found = [told(harvest) for harvest in harvests(folder)]
    path = folder / "expected.json"
    if os.environ.get("RADCOMMONS_ACCEPT"):
        path.write_text(json.dumps(found, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    assert found == json.loads(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_the_facts_written_by_hand_hold(folder: Path) -> None:
    meta, found = meta_of(folder), harvests(folder)
    facts = meta["facts"]
    readings = [row for harvest in found for row in rows(harvest.readings)]
    if "stations" in facts:
        assert len({station.uid for harvest in found for station in harvest.stations}) == facts["stations"]
    if "readings" in facts:
        assert len(readings) == facts["readings"]
    if "results" in facts:
        assert sum(len(sample.results) for harvest in found for sample in harvest.samples) == facts["results"]
    if "quakes" in facts:
        assert sum(len(harvest.quakes) for harvest in found) == facts["quakes"]
    if "value" in facts:
        known = facts["value"]
        at = iso(int(moment(known["end"]).timestamp()))
        assert (known["series"], at, known["text"], known["unit"]) in {
            (row["series"], row["end"], row["text"], row["unit"]) for row in readings
        }
    if "floor" in facts:
        series = {one.uid: one for harvest in found if harvest.readings for one in harvest.readings.series}
        assert series[facts["floor"]["series"]].floor == facts["floor"]["value"]
    if "lag_s" in facts:
        first = next(number for number, harvest in enumerate(found) if harvest.readings is not None)
        newest = max(
            second for second in found[first].readings.end_s.tolist()  # type: ignore[union-attr]
            if second <= moment(meta["captures"][first]["received"]).timestamp()
        )  # fmt: skip
        assert moment(meta["captures"][first]["received"]).timestamp() - newest == facts["lag_s"]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_warm_harvester_gives_what_a_fresh_one_gives(folder: Path) -> None:
    bench = Bench.fresh()
    captures = [
        (one["url"], (folder / one["file"]).read_bytes(), moment(one["received"]), 200, one.get("method", "GET"))
        for one in meta_of(folder)["captures"]
    ]
    first = [told(bench.harvest(folder.name, *capture)) for capture in captures]
    again = [told(bench.harvest(folder.name, *capture)) for capture in captures]
    assert first == again


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_the_capture_is_small(folder: Path) -> None:
    expected = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
    assert sum(len(one["readings"]) + len(one["samples"]) + len(one["quakes"]) for one in expected) <= 50
