"""Payloads of publishers outside the first nine feeds, where they are at hand: counts are those of the cards, or counted here another way."""

from __future__ import annotations

import csv
import gzip
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from collector.decode import decode
from collector.rawtable import PayloadRefused, RawTable
from domain.flags import Qc
from domain.readings import Harvest
from domain.reasons import Ignored, Refusal
from specs.columns import Wanted
from specs.standards import N42, BGeigie, Eurdep, Irix, MultiPoint
from tests.conftest import HAS_SHARED, SHARED
from tests.feeds.replayed import Bench, rows

DATA = SHARED / "data"

if HAS_SHARED:

    def harvest(feed_id: str, url: str, path: str, received: str, bench: Bench | None = None) -> Harvest:
        return (bench or Bench.fresh()).harvest(
            feed_id, url, (DATA / path).read_bytes(), datetime.fromisoformat(received)
        )

    def count(found: Harvest) -> int:
        return len(found.readings) if found.readings else 0

    AMEDAS = "https://www.jma.go.jp/bosai/amedas/"

    def test_amedas_takes_quality_zero_and_nothing_else() -> None:
        bench = Bench.fresh()
        at = "2021-02-24T15:11:00+09:00"
        stations = harvest("jp-jma-amedas", AMEDAS + "const/amedastable.json", "jma-amedas/amedastable.json", at, bench)
        found = harvest(
            "jp-jma-amedas",
            AMEDAS + "data/map/20210224150000.json",
            "jma-amedas/amedas_map_20210224150000.json",
            at,
            bench,
        )
        assert (
            len(stations.stations) == len(json.loads((DATA / "jma-amedas/amedastable.json").read_text("utf-8")))
            and not stations.refused
        )
        document = json.loads((DATA / "jma-amedas/amedas_map_20210224150000.json").read_text("utf-8"))
        good = sum(
            element[1] == 0 and element[0] is not None and not (name == "windDirection" and element[0] == 0)
            for station in document.values() for name, element in station.items()
            if name in {"precipitation10m", "precipitation1h", "wind", "windDirection", "temp"}
        )  # fmt: skip
        assert (found.read, count(found)) == (1295, good)
        assert set(found.refused) == {Refusal.FILTERED_BY_FEED}
        assert sum(station.latitude_deg is None for station in found.stations) == len(
            document.keys() - json.loads((DATA / "jma-amedas/amedastable.json").read_text("utf-8")).keys()
        )

    @pytest.mark.parametrize(
        ("name", "file", "events"), [("1.0_day", "1.0_day_20220404", 160), ("all_hour", "all_hour_20130720", 1)]
    )
    def test_usgs_events(name: str, file: str, events: int) -> None:
        url = f"https://earthquake.usgs.gov/earthquakes/feed/v1.0/summary/{name}.geojson"
        found = harvest("int-usgs-quakes", url, f"usgs-quakes/{file}.geojson", "2022-04-04T06:05:00+00:00")
        document = json.loads((DATA / f"usgs-quakes/{file}.geojson").read_text("utf-8"))
        assert len(found.quakes) == events and not found.refused
        assert {quake.event_uid.partition(":")[2]: quake.magnitude for quake in found.quakes} == {
            one["id"]: one["properties"]["mag"] for one in document["features"]
        }
        assert [quake.depth_km for quake in found.quakes] == [
            one["geometry"]["coordinates"][2] for one in document["features"]
        ]

    def test_emsc_messages() -> None:
        found = harvest(
            "int-emsc-quakes",
            "https://www.seismicportal.eu/standing_order/websocket",
            "emsc-seismicportal/standing_order_messages.jsonl",
            "2025-03-06T00:00:00+00:00",
        )
        assert [(quake.status, quake.depth_km, quake.magnitude) for quake in found.quakes] == [
            ("issued", 7, 1.4),
            ("issued", 20, 3.1),
            ("corrected", 4, 2.4),
        ]

    ODL = "https://www.imis.bfs.de/ogc/opendata/ows?service=WFS&version=1.1.0&request=GetFeature&typeName=opendata:odlinfo_{}&outputFormat=application/json"

    @pytest.mark.parametrize(
        ("file", "layer", "at"),
        [
            ("odlinfo_odl_1h_latest_20260909_2of1676", "odl_1h_latest", "2026-09-09T13:08:00+00:00"),
            ("odlinfo_odl_1h_latest_20261009_berlin_trimmed", "odl_1h_latest", "2026-10-09T18:07:00+00:00"),
            ("odlinfo_timeseries_odl_1h_031020004_20210824_2of168", "timeseries_odl_1h", "2021-08-24T12:31:00+00:00"),
        ],
    )
    def test_odl_values_with_their_terrestrial_part(file: str, layer: str, at: str) -> None:
        url = ODL.format(layer) + ("&viewparams=kenn:031020004" if "timeseries" in layer else "")
        found = harvest("de-bfs-odl", url, f"bfs-odl/{file}.json", at)
        features = [
            one["properties"] for one in json.loads((DATA / f"bfs-odl/{file}.json").read_text("utf-8"))["features"]
        ]
        expected = sum(one.get(name) is not None for one in features for name in ("value", "value_terrestrial"))
        assert found.read == len(features) and count(found) == expected
        assert found.refused.get(Refusal.BAD_TIME, 0) == sum(one["end_measure"] is None for one in features)

    def test_the_mirror_repeats_a_station_per_range() -> None:
        url = "https://www.imis.bfs.de/ogc/opendata/ows?service=WFS&version=1.1.0&request=GetFeature&typeName=opendata:eurdep_latestValue&outputFormat=application/json"
        found = harvest(
            "int-eurdep-mirror",
            url,
            "eurdep-bfs-mirror/eurdep_latestValue_20260408_AT0001_retyped.json",
            "2026-04-08T21:00:00+00:00",
        )
        assert (found.read, count(found), dict(found.ignored)) == (3, 1, {Ignored.REPEATED_IN_PAYLOAD: 2})

    def test_stuk_values_by_line_and_place() -> None:
        url = "https://opendata.fmi.fi/wfs?service=WFS&version=2.0.0&request=getFeature&storedquery_id=stuk::observations::external-radiation::multipointcoverage&starttime=2026-09-08T09:00:00Z&endtime=2026-09-09T09:00:00Z&timestep=10"
        found = harvest(
            "fi-stuk-dose",
            url,
            "stuk-fmi/external_radiation_multipointcoverage_20260909_2stations.xml",
            "2026-09-09T13:09:00+00:00",
        )
        assert (len(found.stations), found.read) == (2, 6) and not found.refused
        assert ("60.2229", 0.106) in {
            (str(found.stations[0].latitude_deg), row["value"]) for row in rows(found.readings)
        }

    def test_uradmonitor_gives_counts_of_units_that_are_on() -> None:
        found = harvest(
            "int-uradmonitor",
            "https://data.uradmonitor.com/api/v1/devices",
            "uradmonitor/cloud_devices_3_anonymised.json",
            "2026-09-26T12:00:00+00:00",
        )
        devices = json.loads((DATA / "uradmonitor/cloud_devices_3_anonymised.json").read_text("utf-8"))
        assert [row["value"] for row in rows(found.readings)] == [
            one["last_cpm"] for one in devices if one.get("last_cpm") is not None
        ]
        assert found.read == 3

    def test_ingest_gives_one_tube_per_upload() -> None:
        found = harvest(
            "int-safecast-ingest",
            "https://ingest.safecast.org/measurements/_search",
            "safecast-ingest/ingest_search_pointcast10018_20210112.json",
            "2021-01-12T21:40:00+00:00",
        )
        hits = [
            one["_source"]
            for one in json.loads(
                (DATA / "safecast-ingest/ingest_search_pointcast10018_20210112.json").read_text("utf-8")
            )["hits"]["hits"]
        ]
        assert (found.read, count(found)) == (
            len(hits),
            sum(name in one for one in hits for name in ("lnd_7318u", "lnd_7128ec")),
        )

    def test_one_measurement_of_safecast() -> None:
        found = harvest(
            "int-safecast-measurements",
            "https://api.safecast.org/measurements.json",
            "safecast-measurements/measurements_tokyo_1record_20260406.json",
            "2026-04-06T12:00:00+00:00",
        )
        assert [(row["text"], row["end"], row["qc"]) for row in rows(found.readings)] == [
            ("41.0", "2011-06-07T23:47:37Z", ["stale_at_receipt"])
        ]

    def test_the_mean_of_2011_is_stale() -> None:
        url = "https://data.rivm.nl/geo/inspire/wfs?service=WFS&version=2.0.0&request=GetFeature&typeNames=inspire:gamma_radiation_2011&outputFormat=application/json"
        found = harvest(
            "nl-rivm-gamma", url, "rivm-gamma/gamma_radiation_2011_20260909_2of151.json", "2026-09-09T13:08:00+00:00"
        )
        assert count(found) == 2 and found.readings is not None
        assert all(int(flags) & Qc.STALE_AT_RECEIPT for flags in found.readings.qc)

    @pytest.mark.parametrize("path", sorted((DATA / "epa-radnet").glob("*.csv")), ids=lambda path: path.stem)
    def test_radnet_cells_that_are_approved(path: Path) -> None:
        state, city = path.stem.split("_")[:2]
        url = f"https://radnet.epa.gov/cdx-radnet-rest/api/rest/csv/2026/fixed/{state}/{city}"
        found = harvest("us-epa-radnet", url, f"epa-radnet/{path.name}", "2026-10-09T18:07:00+00:00")
        with path.open(encoding="utf-8", newline="") as text:
            table = [row for row in csv.DictReader(text) if row["STATUS"] == "APPROVED"]
        cells = [value for row in table for name, value in row.items() if ("RATE" in name) and value.strip()]
        assert count(found) == len(cells) > 0

    def test_radmon_lines() -> None:
        url = "https://radmon.org/radmon.php?function=lastreading&user=ExampleStation"
        found = harvest("int-radmon", url, "radmon/lastreading_lines.txt", "2026-04-06T10:30:00+00:00")
        assert sorted(row["text"] for row in rows(found.readings)) == ["18", "22"]

    def test_an_hourly_model_answer() -> None:
        path = "open-meteo/forecast_unixtime_greenwich_20261009_trimmed.json"
        document = json.loads((DATA / path).read_text("utf-8"))
        found = harvest(
            "int-open-meteo",
            "https://api.open-meteo.com/v1/forecast",
            path,
            datetime.fromtimestamp(document["current"]["time"], UTC).isoformat(),
        )
        hourly, now = document["hourly"], document["current"]["time"]
        past = [at for at, second in enumerate(hourly["time"]) if second <= now]
        names = [name for name in ("precipitation", "wind_speed_10m", "wind_direction_10m") if name in hourly]
        assert count(found) == sum(hourly[name][at] is not None for name in names for at in past)

    def opened(path: Path, spec: Any, *columns: str) -> RawTable:
        body = path.read_bytes()
        return decode(gzip.decompress(body) if path.suffix == ".gz" else body, spec, Wanted(columns, (), frozenset()))

    def test_the_national_eurdep_file_is_117_messages() -> None:
        table = opened(
            DATA / "eurdep/IS20131215-reitr.EUR", Eurdep(format="eurdep"), "value", "unit", "latitude", "locality_code"
        )
        assert len(table) == (DATA / "eurdep/IS20131215-reitr.EUR").read_text("latin-1").count("\\BEGIN_EURDEP;") == 117
        assert set(
            zip(table.columns["locality_code"], table.columns["latitude"], table.columns["unit"], strict=True)
        ) == {("IS0002", "N64.1276", "nSv/h")}
        assert not table.findings.refused

    def test_the_empty_eurdep_document() -> None:
        table = opened(DATA / "eurdep/bfs-test.EUR", Eurdep(format="eurdep"), "value")
        assert (len(table), table.head["format_version"]) == (0, "2.1") and not table.findings.refused

    @pytest.mark.parametrize("path", sorted((DATA / "irix").glob("*.xml")), ids=lambda path: path.stem)
    def test_irix_documents(path: Path) -> None:
        if path.stem == "uploadNull":
            with pytest.raises(PayloadRefused, match="holds no report"):
                opened(path, Irix(format="irix", contexts=("Test",)))
            return
        assert opened(path, Irix(format="irix", contexts=("Test",))).head["context"] == "Test"
        with pytest.raises(PayloadRefused, match="context Test"):
            opened(path, Irix(format="irix"))

    def test_n42_of_both_dialects() -> None:
        old = opened(DATA / "n42/passthrough.n42.gz", N42(format="n42"), "counts", "channels")
        new = opened(DATA / "n42/Mn56_DetX_Shielded.n42", N42(format="n42"), "counts", "channels", "live_time_s")
        assert (len(old), set(old.columns["channels"]), old.head["dialect"]) == (1064, {"16384"}, "2006")
        assert (list(new.columns["channels"]), list(new.columns["live_time_s"]), new.head["dialect"]) == (
            ["16384"],
            ["1800"],
            "2011",
        )
        assert dict(new.findings.refused) == {Refusal.BAD_SYNTAX: 1}  # an undeclared prefix, said and passed over

    @pytest.mark.parametrize(
        ("name", "good", "bad"),
        [
            ("bgeigie", 23, 0),
            ("bgeigie_nyc", 29, 0),
            ("bgeigie_with_tinygps_bug", 0, 29),
            ("bgeigie_with_corruption", 0, 9),
            ("malformed_bgeigie", 7, 4),
        ],
    )
    def test_bgeigie_logs(name: str, good: int, bad: int) -> None:
        table = opened(DATA / f"safecast-bgeigie-log/{name}.log", BGeigie(format="bgeigie"), "cpm")
        assert (len(table), table.findings.refused.total()) == (good, bad)

    def test_gml_rows() -> None:
        path = DATA / "stuk-fmi/external_radiation_multipointcoverage_20260909_2stations.xml"
        assert len(opened(path, MultiPoint(format="gml_multipoint"), "station")) == 6
