"""Rows read, and refused by reason, of every real payload at hand: per feed, into `docs/reference/counts.json`, from which the table is made.

python -m bench.counts FOLDER ARCHIVE...     FOLDER: captured files (the shared data); ARCHIVE: archives made with the capture tool
"""

from __future__ import annotations

import json
import sys
from collections import Counter, defaultdict
from datetime import datetime
from pathlib import Path

from collector.archive import ArchiveReader
from collector.fetched import Fetched
from collector.harvest import Harvester
from collector.plan import matches
from domain.readings import Answer, Harvest
from specs.loading import Config, load_config

ROOT = Path(__file__).parents[1]
TARGET = ROOT / "docs" / "reference" / "counts.json"
_WFS = "https://www.imis.bfs.de/ogc/opendata/ows?service=WFS&version=1.1.0&request=GetFeature&typeName=opendata:{}&outputFormat=application/json"
_USGS = "https://earthquake.usgs.gov/earthquakes/feed/v1.0/summary/"
_RADNET = "https://radnet.epa.gov/cdx-radnet-rest/api/rest/csv/2026/fixed/"
#: Files that stand alone: feed, address, file, time of receipt.
FILES = (
    ("jp-nra-close1f", "https://radioactivity.nra.go.jp/cont/en/results/sea/close1F_water.xlsx", "nra-close1f-seawater/close1F_water.xlsx", "2023-05-08"),
    ("us-epa-radnet-lab", "https://data.epa.gov/efservice/ERM_RESULT/CSV", "epa-radnet-2011/radnet_pacific_2011.csv", "2024-08-04"),
    ("int-maris", "https://maris.iaea.org/netcdf/{stem}.nc", "maris/netcdf/*.nc", "2026-07-02"),
    ("int-maris", "https://maris.iaea.org/dump/{stem}.csv", "maris/dump/*.csv", "2026-07-02"),
    ("int-safecast-solarcast", "https://ingest.safecast.org/export/{stem}.csv", "safecast-solarcast-csv/*.csv", "2020-07-06"),
    ("int-safecast-ingest", "https://ingest.safecast.org/measurements/_search", "safecast-ingest/ingest_search_pointcast10018_20210112.json", "2021-01-12T21:40"),
    ("int-safecast-measurements", "https://api.safecast.org/measurements.json", "safecast-measurements/measurements_tokyo_1record_20260406.json", "2026-04-06"),
    ("int-uradmonitor", "https://data.uradmonitor.com/api/v1/devices", "uradmonitor/cloud_devices_3_anonymised.json", "2026-09-26T12:00"),
    ("int-radmon", "https://radmon.org/radmon.php?function=lastreading&user=ExampleStation", "radmon/lastreading_lines.txt", "2026-04-06T10:30"),
    ("int-emsc-quakes", "https://www.seismicportal.eu/standing_order/websocket", "emsc-seismicportal/standing_order_messages.jsonl", "2025-03-06"),
    ("int-usgs-quakes", _USGS + "1.0_day.geojson", "usgs-quakes/1.0_day_20220404.geojson", "2022-04-04T06:05"),
    ("int-usgs-quakes", _USGS + "all_hour.geojson", "usgs-quakes/all_hour_20130720.geojson", "2022-04-04T06:05"),
    ("jp-jma-amedas", "https://www.jma.go.jp/bosai/amedas/const/amedastable.json", "jma-amedas/amedastable.json", "2021-02-24T06:11"),
    ("jp-jma-amedas", "https://www.jma.go.jp/bosai/amedas/data/map/20210224150000.json", "jma-amedas/amedas_map_20210224150000.json", "2021-02-24T06:11"),
    ("de-bfs-odl", _WFS.format("odlinfo_odl_1h_latest"), "bfs-odl/odlinfo_odl_1h_latest_*.json", "2026-10-09T18:07"),
    ("int-eurdep-mirror", _WFS.format("eurdep_latestValue"), "eurdep-bfs-mirror/eurdep_latestValue_20260408_AT0001_retyped.json", "2026-04-08T21:00"),
    ("fi-stuk-dose", "https://opendata.fmi.fi/wfs?service=WFS&version=2.0.0&request=getFeature&storedquery_id=stuk::observations::external-radiation::multipointcoverage&starttime=2026-09-09T10:00:00Z&endtime=2026-09-09T12:00:00Z&timestep=10", "stuk-fmi/*.xml", "2026-09-09T12:30"),
    ("nl-rivm-gamma", "https://data.rivm.nl/geo/inspire/wfs?service=WFS&version=2.0.0&request=GetFeature&typeNames=inspire:gamma_radiation_2011&outputFormat=application/json", "rivm-gamma/*.json", "2026-09-09T12:00"),
    ("int-open-meteo", "https://api.open-meteo.com/v1/forecast", "open-meteo/forecast_*.json", "2026-10-09T18:07"),
    ("jp-nra-ramis", "https://www.ramis.nra.go.jp/api/v1/map/map-means-data-public?data_type=1", "jp-nra-ramis/wire_sample/*.json", "2026-09-09T14:00"),
    ("us-epa-radnet", _RADNET + "AK/ANCHORAGE", "epa-radnet/AK_*.csv", "2026-10-09T18:07"),
    ("us-epa-radnet", _RADNET + "MA/BOSTON", "epa-radnet/MA_*.csv", "2026-10-09T18:07"),
    ("us-epa-radnet", _RADNET + "CO/DENVER", "epa-radnet/CO_*.csv", "2026-10-09T18:07"),
    ("us-epa-radnet", _RADNET + "NH/CONCORD", "epa-radnet/NH_*.csv", "2026-10-09T18:07"),
    ("us-epa-radnet", _RADNET + "RI/PROVIDENCE", "epa-radnet/RI_*.csv", "2026-10-09T18:07"),
)  # fmt: skip
#: What cards and PROVENANCE files state of these payloads, and the number of ours that must say the same.
STATED = {
    "hk-hko-gamma": ("values", 311, "12 stations of 25 hours, 11 daily means"),
    "int-safecast-devices": ("read", 1432, "1,432 devices"),
    "jp-jma-quakes": ("read", 273, "273 bulletins"),
    "jp-nra-ramis": ("read", 332_654 + 14_908 + 6, "48 sweeps of 332,654 rows and 14,908 of the missing list, 6 whole records"),
    "jp-orbs-sea": ("values", 89_384 + 35_178, "89,384 sea-water cells, 35,178 results of fish and seaweed"),
    "kr-busan-radiation": ("read", 54, "54 stations"),
    "kr-khnp-radiorate": ("values", 100, "100 stations"),
    "tw-nusc-gamma": ("values", 560 * 39, "560 payloads of 39 stations"),
    "us-epa-radnet-lab": ("read", 1294, "1,294 rows"),
    "int-uradmonitor": ("read", 3, "3 devices"),
    "de-bfs-odl": ("read", 13, "2 + 11 stations"),
    "int-eurdep-mirror": ("read", 3, "3 records"),
    "jp-radar-rain": ("read", 9611, "9,611 rows above 0 in 48 sweeps"),
    "nl-rivm-gamma": ("values", 2, "2 of 151 stations"),
}  # fmt: skip


class Counts:
    """What came of all answers of one feed."""

    def __init__(self) -> None:
        self.answers = self.read = self.values = 0
        self.refused: Counter[str] = Counter()
        self.ignored: Counter[str] = Counter()

    def add(self, harvest: Harvest) -> None:
        """Count one more answer."""
        self.answers += 1
        self.read += harvest.read
        results = sum(len(sample.results) for sample in harvest.samples)
        self.values += len(harvest.readings or ()) + results + len(harvest.quakes)
        self.refused.update({str(reason): count for reason, count in harvest.refused.items()})
        self.ignored.update({str(reason): count for reason, count in harvest.ignored.items()})

    def told(self) -> dict[str, object]:
        """As plain data."""
        return {
            "answers": self.answers, "read": self.read, "values": self.values,
            "refused": dict(sorted(self.refused.items())), "ignored": dict(sorted(self.ignored.items())),
        }  # fmt: skip


def alone(config: Config, harvester: Harvester, folder: Path, counts: dict[str, Counts]) -> None:
    """The files that stand alone."""
    for feed_id, url, pattern, received in FILES:
        feed, at = (
            config.feed(feed_id),
            datetime.fromisoformat(
                received + "+00:00" if "T" in received else received + "T00:00:00+00:00"
            ).timestamp(),
        )
        for path in sorted(folder.glob(pattern)):
            answer = Answer(feed_id, "GET", url.format(stem=path.stem), at, at, 200)
            if feed is not None:
                counts[feed_id].add(harvester.harvest(feed, Fetched(answer, path.read_bytes()), at))


def stated(feed_id: str, counted: Counts) -> dict[str, object]:
    """What is stated of a feed's payloads, and whether we count the same; nothing where nothing is stated."""
    if feed_id not in STATED:
        return {}
    what, number, words = STATED[feed_id]
    ours = counted.told()[what]
    if ours != number:
        print(f"{feed_id}: {ours} {what} where {number} are stated ({words})")
    return {"stated": words, "same": ours == number}


def main(folder: str, archives: list[str]) -> None:
    """Read everything and write the counts."""
    config = load_config(ROOT / "config")
    harvester = Harvester(config)
    counts: dict[str, Counts] = defaultdict(Counts)
    alone(config, harvester, Path(folder), counts)
    for archive in archives:
        reader = ArchiveReader([Path(archive)])
        for number, answer in enumerate(reader.answers()):
            feed = next((one for one in config.feeds if matches(one, answer.method, answer.url, config.tables)), None)
            if feed is not None:
                counts[feed.id].add(harvester.harvest(feed, reader.read(number), answer.received_s))
    found = {feed_id: one.told() | stated(feed_id, one) for feed_id, one in sorted(counts.items())}
    TARGET.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(f"{TARGET.name}: {len(found)} feeds, {sum(one.read for one in counts.values())} rows read")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
