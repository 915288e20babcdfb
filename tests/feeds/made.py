"""Feeds that are made up, by YAML only, and what they give of a body that we wrote."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

from collector.fetched import Fetched
from collector.harvest import Harvester
from domain.readings import Answer, Harvest
from specs.loading import Config, load_config
from tests.conftest import ROOT
from tests.feeds.replayed import iso, rows

HEAD = """\
id: xx-made
source: xx-lab
title: {en: A made-up feed}
status: unverified
rights: {redistribute: internal, licence: none, verdict: made up}
schedule: {every_s: 900, lag_s: 600, late_after_s: 7200, silent_after_s: 86400}
"""
RECEIVED = datetime(2026, 11, 1, 12, 5, tzinfo=UTC)


def loaded(folder: Path, forms: str, head: str = HEAD) -> Config:
    """A configuration with one made-up feed."""
    (folder / "feeds").mkdir(parents=True, exist_ok=True)
    (folder / "feeds" / "xx-made.yaml").write_text(head + forms, encoding="utf-8")
    (folder / "sources.yaml").write_text(
        "sources:\n  - {id: xx-lab, names: {en: Lab}, country: XX, attribution: {en: Lab}}\n", encoding="utf-8"
    )
    (folder / "rules.yaml").write_text("rules: []\n", encoding="utf-8")
    for shared in ("regions.geojson", "sea_areas.geojson"):
        shutil.copy(ROOT / "config" / shared, folder / shared)
    return load_config(folder)


def harvested(config: Config, *answers: tuple[str, bytes | str], received: datetime = RECEIVED) -> list[Harvest]:
    """What a fresh harvester makes of answers, each an address and a body."""
    harvester, at = Harvester(config), received.timestamp()
    found = []
    for url, body in answers:
        answer = Answer("xx-made", "GET", url, at, at, 200)
        data = body if isinstance(body, bytes) else body.encode()
        found.append(harvester.harvest(config.feeds[0], Fetched(answer, data), at))
    return found


def values(harvest: Harvest) -> list[tuple[str, str, str, str]]:
    """Station key, quantity, end and text of every reading."""
    assert harvest.readings is not None, harvest.refused_rows
    keys = {station.uid: station.key for station in harvest.stations}
    series = {one.uid: one for one in harvest.readings.series}
    return [
        (keys[series[row["series"]].station_uid], series[row["series"]].quantity, row["end"], row["text"])
        for row in rows(harvest.readings)
    ]


__all__ = ["HEAD", "RECEIVED", "harvested", "iso", "loaded", "values"]
