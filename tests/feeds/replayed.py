"""Bytes in, harvest out, exactly as the collector does it; and a harvest as a small document that people can read and compare."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from collector.fetched import Fetched
from collector.harvest import Harvester
from domain.flags import codes
from domain.readings import Answer, Harvest, Readings
from specs.feed import FeedSpec
from specs.loading import Config, load_config
from tests.conftest import ROOT


@cache
def config() -> Config:
    return load_config(ROOT / "config")


def feed(feed_id: str) -> FeedSpec:
    found = config().feed(feed_id)
    assert found is not None
    return found


def answer(feed_id: str, url: str, received: datetime, status: int = 200, method: str = "GET") -> Answer:
    at = received.timestamp()
    return Answer(feed_id, method, url, at, at, status)


@dataclass
class Bench:
    """A harvester that is fed by hand."""

    harvester: Harvester

    @classmethod
    def fresh(cls) -> Bench:
        return cls(Harvester(config()))

    def harvest(
        self, feed_id: str, url: str, body: bytes, received: datetime, status: int = 200, method: str = "GET"
    ) -> Harvest:
        return self.harvester.harvest(
            feed(feed_id), Fetched(answer(feed_id, url, received, status, method), body), received.timestamp()
        )


def iso(seconds: int) -> str:
    return datetime.fromtimestamp(int(seconds), UTC).isoformat().replace("+00:00", "Z")


def text(readings: Readings, at: int) -> str:
    """The published text of a value, as the columns give it back."""
    kept = readings.texts.get(at)
    return kept if kept is not None else f"{readings.value[at]:.{readings.digits[at]}f}"


def rows(readings: Readings | None) -> Iterator[dict[str, Any]]:
    for at in range(len(readings) if readings else 0):
        assert readings is not None
        series = readings.series[readings.index[at]]
        yield {
            "series": series.uid, "end": iso(readings.end_s[at]), "text": text(readings, at), "value": float(readings.value[at]),
            "unit": series.unit, "qc": codes(int(readings.qc[at])),
        }  # fmt: skip


def told(harvest: Harvest) -> dict[str, Any]:
    """A harvest as plain data, for `expected.json`."""
    return {
        "read": harvest.read,
        "stations": [
            [station.uid, dict(station.names), station.latitude_deg, station.longitude_deg, station.position_origin, station.region_code,
             station.kind, station.owner] for station in harvest.stations
        ],
        "readings": [[row["series"], row["end"], row["text"], row["unit"], row["qc"]] for row in rows(harvest.readings)],
        "samples": [
            [sample.station_uid, sample.medium, sample.time_text, iso(sample.begin_s), sample.resolution, sample.layer.label,
             sample.layer.reference, sample.taxon,
             [[one.analyte, one.quantity, one.unit, one.value, str(one.censoring), one.limit, one.text, one.uncertainty, bool(one.link)]
              for one in sample.results]]
            for sample in harvest.samples
        ],
        "quakes": [
            [quake.event_uid, quake.status, quake.place, quake.origin_s and iso(quake.origin_s), iso(quake.reported_s), quake.latitude_deg,
             quake.longitude_deg, quake.depth_km, quake.magnitude, quake.magnitude_text, quake.max_intensity, quake.serial]
            for quake in harvest.quakes
        ],
        "marks": [[mark.station_uid, mark.mark, mark.last_value_text] for mark in harvest.marks],
        "refused": {str(reason): count for reason, count in sorted(harvest.refused.items())},
        "refused_rows": [[str(row.reason), row.where] for row in harvest.refused_rows],
        "ignored": {str(reason): count for reason, count in sorted(harvest.ignored.items())},
    }  # fmt: skip


def folders() -> list[Path]:
    return sorted(path.parent for path in (ROOT / "tests" / "feeds").glob("*/capture.meta.yaml"))
