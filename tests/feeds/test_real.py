"""The publishers' own payloads, where they are at hand: counts are those of the feed cards, or computed here another way from the files."""

from __future__ import annotations

import csv
import gzip
import importlib.util
import json
import tarfile
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from domain.flags import Qc
from domain.readings import Harvest
from domain.reasons import Ignored, Refusal
from tests.conftest import HAS_SHARED, SHARED
from tests.feeds.replayed import Bench, iso, rows

DATA = SHARED / "data"
JST, TAIPEI = timezone(timedelta(hours=9)), timezone(timedelta(hours=8))

if HAS_SHARED:

    def packer() -> ModuleType:
        """The tool that packs the payloads into capture archives; it rebuilds envelopes where only items were kept."""
        spec = importlib.util.spec_from_file_location("make_captures", SHARED / "tools" / "make_captures.py")
        assert spec and spec.loader
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    class Caught:
        """Stands in for the tool's archive and keeps what would be written."""

        def __init__(self) -> None:
            self.answers: list[tuple[str, datetime, bytes]] = []

        def add(self, url: str, at: datetime, body: bytes, kind: str, status: int = 200) -> None:
            self.answers.append((url, at, body))

    def answers(name: str, days: list[str] | None = None) -> list[tuple[str, datetime, bytes]]:
        caught = Caught()
        packer().SOURCES[name](caught, DATA, days)
        return sorted(caught.answers, key=lambda one: (one[1], one[0]))

    def sweeps(day: str, every: int = 1, among: str = "") -> list[Path]:
        """Files of a day's sweeps: each `every`-th, or those whose clock times are named."""
        paths = sorted((DATA / "jp-nra-ramis" / "raw_sweeps" / day).glob("????.csv.gz"))
        return [path for path in paths if path.name[:4] in among.split()] if among else paths[::every]

    def ramis(paths: list[Path]) -> Iterator[tuple[str, datetime, bytes]]:
        """The four answers of each sweep in the publisher's envelope."""
        tool, folder = packer(), DATA / "jp-nra-ramis"
        known, template = tool.stations(folder), tool.template_of(DATA, folder)
        for path in paths:
            caught = Caught()
            at = datetime.strptime(f"{path.parent.name} {path.name[:4]} +0900", "%Y-%m-%d %H%M %z")
            missing = tool.read_gz(path.with_name(path.name[:4] + "_missing.csv.gz"))
            tool.add_sweep(caught, at, tool.read_gz(path), missing, known, template)
            yield from sorted(caught.answers)

    def ramis_harvests(paths: list[Path]) -> Iterator[Harvest]:
        bench = Bench.fresh()
        for url, at, body in ramis(paths):
            yield bench.harvest("jp-nra-ramis", url, body, at)

    def harvested(feed_id: str, name: str, days: list[str] | None = None) -> Iterator[Harvest]:
        bench = Bench.fresh()
        for url, at, body in answers(name, days):
            yield bench.harvest(feed_id, url, body, at)

    def together(harvests: Iterator[Harvest]) -> tuple[list[Harvest], Counter[Refusal], Counter[Ignored]]:
        kept = list(harvests)
        refused: Counter[Refusal] = Counter()
        ignored: Counter[Ignored] = Counter()
        for harvest in kept:
            refused.update(harvest.refused)
            ignored.update(harvest.ignored)
        return kept, refused, ignored

    def sweep_rows(path: Path) -> list[dict[str, str]]:
        with gzip.open(path, "rt", encoding="utf-8", newline="") as text:
            return list(csv.DictReader(text))

    COLUMNS = {
        "air_dose_rate": "air_dose_rate_as_published", "counting_rate": "detector_output_unit_not_stated",
        "dust_beta_conc": "airborne_beta_unit_not_stated", "wind_speed": "wind_speed", "precipitation": "precipitation_amount",
        "solar_amount": "solar_amount_unit_not_stated",
    }  # fmt: skip

    def expected_of(paths: list[Path]) -> dict[tuple[str, str, int, str], float]:
        """(station, quantity, window, stamp) -> value, straight from the files, by rules of the feed card."""
        found: dict[tuple[str, str, int, str], float] = {}
        for path in paths:
            for row in sweep_rows(path):
                window = int(row["station_id"][8:]) if row["station_id"][8:].isdigit() else 0
                for column, quantity in COLUMNS.items():
                    if row[column] and float(row[column]) != -99:
                        key = (row["station_id"][:8], quantity, window, row["meas_datetime"])
                        assert found.setdefault(key, float(row[column])) == float(row[column])
        return found

    def test_ramis_every_distinct_reading_and_no_other() -> None:
        paths = sweeps("2026-08-15", every=4)
        found: dict[tuple[str, str, int, str], float] = {}
        kept, refused, _ = together(ramis_harvests(paths))
        for harvest in kept:
            readings = harvest.readings
            if readings is None:
                continue
            stations = {station.uid: station.key for station in harvest.stations}
            keys = [(stations[one.station_uid], one.quantity, one.window_s) for one in readings.series]
            stamps = {
                second: datetime.fromtimestamp(second, JST).isoformat() for second in set(readings.end_s.tolist())
            }
            for at, end, value in zip(
                readings.index.tolist(), readings.end_s.tolist(), readings.value.tolist(), strict=True
            ):
                if keys[at][1] != "wind_from_direction":
                    found[(*keys[at], stamps[end])] = value
        assert found == expected_of(paths)
        assert not refused

    def test_ramis_text_is_given_back_as_it_was_published() -> None:
        url, at, body = next(one for one in ramis(sweeps("2026-08-15")[:1]) if one[0].endswith("data_type=2"))
        document = json.loads(body, parse_float=str, parse_int=str)
        published = {
            (row["obs_station_unique_code"], row["meas_datetime"]): row["air_dose_rate"]
            for row in document["data"]
            if row["air_dose_rate"]
        }
        harvest = Bench.fresh().harvest("jp-nra-ramis", url, body, at)
        given = {row["text"] for row in rows(harvest.readings) if "air_dose_rate" in row["series"]}
        assert given == set(published.values())

    def test_ramis_floors_zeros_and_listed_stations() -> None:
        kept, _, _ = together(ramis_harvests(sweeps("2026-07-29", among="0552 0744 0843 1009")))
        lists = [len(harvest.marks) for harvest in kept if harvest.marks_complete]
        assert max(lists) > 3800  # the publisher fell behind and listed most of the country
        qc = [flags for harvest in kept if harvest.readings for flags in harvest.readings.qc.tolist()]
        assert sum(bool(flags & Qc.LISTED_MISSING) for flags in qc) > 10_000  # and went on sending their values
        for harvest in kept:
            if harvest.readings is None:
                continue
            readings = harvest.readings
            floor = [readings.series[at].floor for at in readings.index.tolist()]
            below = [
                limit is not None and value < limit for limit, value in zip(floor, readings.value.tolist(), strict=True)
            ]
            assert below == [bool(flags & Qc.BELOW_RANGE) for flags in readings.qc.tolist()]

    def test_ramis_whole_wire_records() -> None:
        path = next((DATA / "jp-nra-ramis" / "wire_sample").glob("*.json"))
        url = "https://www.ramis.nra.go.jp/api/v1/map/map-means-data-public?data_type=1"
        harvest = Bench.fresh().harvest(
            "jp-nra-ramis", url, path.read_bytes(), datetime(2026, 9, 9, 22, 10, tzinfo=JST)
        )
        assert harvest.read == 6
        assert harvest.readings is not None
        published = json.loads(path.read_text(encoding="utf-8"))["data"]
        assert sorted(set(harvest.readings.published_s.tolist())) == sorted(
            {
                int(datetime.fromisoformat(row["update_datetime"]).timestamp())
                for row in published
                if row["air_dose_rate"] is not None
            }
        )

    def test_radar_rain_stands_at_the_stations_of_ramis() -> None:
        kept, refused, ignored = together(harvested("jp-radar-rain", "radar", ["2026-08-15"]))
        expected = {
            (f"jp-nra-ramis:{row['station_id'][:8]}", iso(int(datetime.fromisoformat(row["obs_time"]).timestamp())), float(row["mmh"]))
            for path in (DATA / "jp-nra-ramis" / "raw_sweeps" / "2026-08-15").glob("*_radar.csv.gz") for row in sweep_rows(path)
        }  # fmt: skip
        found = {
            (row["series"].rpartition(":precipitation_rate")[0], row["end"], row["value"])
            for harvest in kept
            for row in rows(harvest.readings)
        }
        assert found == expected
        assert not refused
        assert set(ignored) == {Ignored.REPEATED_IN_PAYLOAD}

    def test_taiwan_equals_the_repacked_readings_with_its_four_revisions() -> None:
        first_seen: dict[tuple[str, str], list[str]] = {}
        with tarfile.open(DATA / "tw-aec-gammamonitor" / "raw_big5.tar.gz") as tar:
            assert sum(member.isfile() for member in tar) == 560
        kept, refused, ignored = together(harvested("tw-nusc-gamma", "taiwan"))
        assert len(kept) == 560
        for harvest in kept:
            for row in rows(harvest.readings):
                texts = first_seen.setdefault((row["series"].split(":")[1], row["end"]), [])
                if row["text"] not in texts[-1:]:
                    texts.append(row["text"])
        with gzip.open(DATA / "tw-aec-gammamonitor" / "readings.csv.gz", "rt", encoding="utf-8", newline="") as text:
            published = list(csv.DictReader(text))
        assert sum(map(len, first_seen.values())) == len(published) == 13_947
        assert sum(len(texts) > 1 for texts in first_seen.values()) == 4
        assert len({key for key, _ in first_seen}) == 39
        assert not refused
        assert not ignored

    def test_taiwan_all_stations_of_2013_have_their_listed_position() -> None:
        (url, at, body), *_ = answers("taiwan")
        harvest = Bench.fresh().harvest("tw-nusc-gamma", url, body, at)
        assert {station.position_origin for station in harvest.stations} == {"listed"}
        assert {station.region_code[:2] for station in harvest.stations} == {"TW"}

    def test_khnp_a_hundred_stations_and_one_of_them_in_the_sea() -> None:
        kept, refused, _ = together(harvested("kr-khnp-radiorate", "khnp"))
        series = [one for harvest in kept if harvest.readings for one in harvest.readings.series]
        assert len({station.uid for harvest in kept for station in harvest.stations}) == 100
        assert Counter(one.medium for one in series) == {"air_over_land": 99, "sea_water": 1}
        (sea,) = [one for one in series if one.medium == "sea_water"]
        assert sea.quantity == "detector_output_unit_not_stated"
        assert Counter(station.owner for harvest in kept for station in harvest.stations) == {
            "Wolsong": 24, "Kori": 12, "Hanbit": 26, "Hanul": 24, "Saeul": 14,
        }  # fmt: skip
        stamps = Counter(row["end"] for harvest in kept for row in rows(harvest.readings))
        assert stamps == {"2025-07-08T01:35:00Z": 97, "2025-07-08T01:30:00Z": 3}
        assert not refused

    def test_busan_54_stations_two_swapped_one_asleep() -> None:
        kept, refused, ignored = together(harvested("kr-busan-radiation", "busan"))
        stations = [station for harvest in kept for station in harvest.stations]
        assert len(stations) == 54
        assert {station.key for station in stations if station.position_origin == "refused"} == {
            "광안리U관광안내소",
            "망미공원",
        }
        doses = [row for harvest in kept for row in rows(harvest.readings) if row["unit"] == "nSv/h"]
        assert len(doses) == 54
        assert all("unit_assumed" in row["qc"] for row in doses)
        assert [row["series"].split(":")[1] for row in doses if "stale_at_receipt" in row["qc"]] == ["벡스코"]
        assert ignored == {Ignored.NOT_MEASURED: 7}
        assert not refused

    def test_busan_raw_values_jitter_but_the_station_stays_where_it_is() -> None:
        bench = Bench.fresh()
        url, at, _ = answers("busan")[0]
        lines = (
            (DATA / "kr-busan-radiation" / "raw_values_excerpt_2024.ndjson").read_text(encoding="utf-8").splitlines()
        )
        places, texts = set(), []
        for number, line in enumerate(lines):
            item = {**json.loads(line), "checkTime": f"2024-10-17 {number:02}:00:00"}
            body = {"response": {"header": {"resultCode": "00"}, "body": {"items": {"item": [item]}}}}
            harvest = bench.harvest("kr-busan-radiation", url, json.dumps(body).encode(), at)
            (station,) = harvest.stations
            places.add((station.uid, station.latitude_deg, station.longitude_deg))
            texts += [row["text"] for row in rows(harvest.readings) if row["unit"] == "nSv/h"]
        assert len(places) == len({uid for uid, _, _ in places})
        assert texts == [json.loads(line)["data"] for line in lines]

    def test_hong_kong_twelve_stations_by_the_hour_and_eleven_by_the_day() -> None:
        kept, refused, _ = together(harvested("hk-hko-gamma", "hko"))
        daily, hourly = kept
        assert len(hourly.readings or ()) == 12 * 25
        assert len(daily.readings or ()) == 11
        assert {station.uid for station in daily.stations} < {station.uid for station in hourly.stations}
        ends = {row["end"] for row in rows(hourly.readings)}
        assert min(ends) == "2026-10-03T08:00:00Z"
        assert max(ends) == "2026-10-04T08:00:00Z"
        assert not refused

    def test_safecast_devices_and_their_tubes() -> None:
        url, at, body = answers("safecast")[0]
        devices = json.loads(body)
        tubes = ("lnd_7318u", "lnd_7318c", "lnd_7128ec", "lnd_712u", "lnd_78017w")
        unreadable = [row for row in devices if "-00-" in row.get("when_captured", "-00-")]
        expected = {
            (row["device_urn"], tube) for row in devices for tube in tubes if tube in row and row not in unreadable
        }
        harvest = Bench.fresh().harvest("int-safecast-devices", url, body, at)
        keys = {station.uid: station.key for station in harvest.stations}
        assert harvest.readings is not None
        found = {(keys[one.station_uid], one.instrument) for one in harvest.readings.series}
        assert harvest.read == 1432
        assert found == expected
        assert harvest.refused == {Refusal.BAD_TIME: 4}
        raw = [one for one in harvest.readings.series if one.instrument == "lnd_712u"]
        assert {one.unit for one in raw} == {"{unstated}"}
        assert {one.quantity for one in harvest.readings.series} == {"count_rate", "detector_output_unit_not_stated"}

    def test_safecast_no_personal_field_enters() -> None:
        url, at, body = answers("safecast")[0]
        private = body.replace(b"REDACTED", b"Jane Q Public").replace(b"redacted@example.org", b"jane@example.net")
        harvest = Bench.fresh().harvest("int-safecast-devices", url, private, at)
        assert b"Jane Q Public" in private
        assert "Jane" not in repr(harvest)
        assert "192.0.2.1" not in repr(harvest)

    @pytest.fixture(scope="module")
    def orbs() -> tuple[list[Harvest], Counter[Refusal], Counter[Ignored]]:
        return together(harvested("jp-orbs-sea", "orbs"))

    def cells(kept: list[Harvest], medium: str) -> Counter[tuple[str, str]]:
        return Counter(
            (one.analyte, str(one.censoring))
            for harvest in kept
            for sample in harvest.samples
            if sample.medium == medium
            for one in sample.results
        )

    def test_orbs_sea_water_cells_are_those_of_the_card(orbs: Any) -> None:
        kept, refused, ignored = orbs
        found = cells(kept, "sea_water")
        assert (found[("Cs-134", "none")], found[("Cs-134", "below")]) == (541, 29_693)
        assert (found[("Cs-137", "none")], found[("Cs-137", "below")]) == (15_055, 15_419)
        assert (found[("H-3", "none")], found[("H-3", "below")], found[("H-3", "not_measured")]) == (
            3_585,
            5_905,
            18_579,
        )
        assert sum(count for (_, kind), count in found.items() if kind == "not_reported") == 251
        assert found.total() == 89_384
        assert ignored[Ignored.PADDING] == 7_645
        assert not refused

    def test_orbs_fish_and_seaweed_rows_are_all_read(orbs: Any) -> None:
        kept, _, _ = orbs
        biota = [
            one
            for harvest in kept
            for sample in harvest.samples
            if sample.medium in {"fish", "seaweed"}
            for one in sample.results
        ]
        assert len(biota) == 35_178
        assert sum(one.uncertainty is not None for one in biota) == 52
        assert {one.uncertainty_kind for one in biota} == {"", "not_stated"}

    def test_orbs_every_result_has_its_own_name_and_its_text(orbs: Any) -> None:
        kept, _, _ = orbs
        uids = [one.uid for harvest in kept for sample in harvest.samples for one in sample.results]
        assert len(uids) == len(set(uids))
        assert all(
            one.text
            for harvest in kept
            for sample in harvest.samples
            for one in sample.results
            if str(one.censoring) in {"none", "below"}
        )

    def test_orbs_two_representations_of_tritium_are_linked(orbs: Any) -> None:
        kept, _, _ = orbs
        for harvest in kept:
            for sample in harvest.samples:
                links = Counter(one.link for one in sample.results if one.link)
                assert all(count >= 2 for count in links.values())
        linked = [one for harvest in kept for sample in harvest.samples for one in sample.results if one.link]
        assert {one.analyte.partition(":")[0] for one in linked} == {"H-3"}
        assert len(linked) > 1300

    def test_jma_bulletins_positions_and_events() -> None:
        (harvest,), refused, _ = together(harvested("jp-jma-quakes", "quakes"))
        published = json.loads((DATA / "jma-quake" / "list.json").read_text(encoding="utf-8"))
        assert len(harvest.quakes) == len(published) == 273
        assert len({quake.event_uid for quake in harvest.quakes}) == 218
        assert sum(quake.latitude_deg is None for quake in harvest.quakes) == 32
        assert not refused
        big = [quake for quake in harvest.quakes if quake.magnitude == 7.3]
        assert any(abs((quake.latitude_deg or 0) - (37 + 43.7 / 60)) < 1e-9 and quake.depth_km == 55 for quake in big)
        assert all(
            20 < quake.latitude_deg < 50 for quake in harvest.quakes if quake.latitude_deg and quake.max_intensity
        )
