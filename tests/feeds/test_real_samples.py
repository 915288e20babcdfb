"""Laboratory results and history files of publishers, where they are at hand: counts are those of the cards, or counted here another way."""

from __future__ import annotations

import csv
from collections import Counter
from datetime import datetime
from pathlib import Path

import openpyxl
import pytest

from domain.readings import Harvest
from domain.reasons import Ignored, Refusal
from tests.conftest import HAS_SHARED, SHARED
from tests.feeds.replayed import Bench, rows

DATA = SHARED / "data"

if HAS_SHARED:

    def harvest(feed_id: str, url: str, path: Path, received: str = "2026-11-01T00:00:00+00:00") -> Harvest:
        return Bench.fresh().harvest(feed_id, url, path.read_bytes(), datetime.fromisoformat(received))

    def kinds(found: Harvest) -> Counter[str]:
        return Counter(str(one.censoring) for sample in found.samples for one in sample.results)

    def no_uid_twice(found: Harvest) -> None:
        samples = [sample.uid for sample in found.samples]
        results = [one.uid for sample in found.samples for one in sample.results]
        assert len(set(samples)) == len(samples) and len(set(results)) == len(results)

    WORKBOOK = DATA / "nra-close1f-seawater" / "close1F_water.xlsx"

    def cells_of_the_workbook() -> tuple[int, Counter[str]]:
        """Rows of data, and cells of value columns by what they hold, straight from the sheets."""
        book, count, found = openpyxl.load_workbook(WORKBOOK, read_only=True, data_only=True), 0, Counter[str]()
        for name in book.sheetnames:
            sheet = list(book[name].iter_rows(values_only=True))
            heads = [str(head or "") for head in sheet[1]]
            for line in (row for row in sheet[2:] if row and str(row[2]) == name):
                count += 1
                for at, head in enumerate(heads):
                    cell = line[at] if at < len(line) else None
                    if "radioactivity concentration" in head and cell not in (None, ""):
                        found["ND" if str(cell).strip() == "ND" else "value"] += 1
        return count, found

    def test_ten_years_at_eleven_points() -> None:
        found = harvest(
            "jp-nra-close1f", "https://radioactivity.nra.go.jp/cont/en/results/sea/close1F_water.xlsx", WORKBOOK
        )
        count, cells = cells_of_the_workbook()
        told = kinds(found)
        assert (found.read, len(found.stations)) == (count, 11)
        # two rows carry a broken moment in both cells of their time; their six cells are refused with it
        assert dict(found.refused) == {Refusal.BAD_TIME: 6}
        assert told["none"] + told["below"] + told["not_detected"] == cells["value"] + cells["ND"] - 6
        spans = {
            one.limit_text for sample in found.samples for one in sample.results if str(one.censoring) == "not_detected"
        }
        assert "約16～28" in spans and all(station.position_origin == "listed" for station in found.stations)
        rough = [one for sample in found.samples for one in sample.results if one.limit_text == "約9"]
        assert rough and {one.limit for one in rough} == {9.0}
        no_uid_twice(found)

    def test_the_contradiction_with_orbs_stands() -> None:
        found = harvest(
            "jp-nra-close1f", "https://radioactivity.nra.go.jp/cont/en/results/sea/close1F_water.xlsx", WORKBOOK
        )
        at = int(datetime.fromisoformat("2022-04-20T07:42:00+09:00").timestamp())
        tritium = [
            (one.text, one.limit, str(one.censoring))
            for sample in found.samples
            if sample.station_uid == "jp-nra-close1f:T-0-2" and sample.begin_s == at
            for one in sample.results
            if one.analyte == "H-3"
        ]
        assert tritium == [("ND", 0.52, "below")]

    def test_radnet_results_are_never_clipped_at_zero() -> None:
        found = harvest(
            "us-epa-radnet-lab", "https://data.epa.gov/efservice/ERM_RESULT/CSV", DATA / "epa-radnet-2011" / "radnet_pacific_2011.csv"
        )  # fmt: skip
        results = [one for sample in found.samples for one in sample.results]
        assert (found.read, len(results)) == (1294, 1294) and not found.refused
        assert kinds(found)["not_reported"] == 493 == found.ignored[Ignored.NOT_REPORTED]
        assert sum(one.value is not None and one.value < 0 for one in results) == 21
        with (DATA / "epa-radnet-2011" / "radnet_pacific_2011.csv").open(encoding="utf-8", newline="") as text:
            table = list(csv.DictReader(text))
        assert (
            sum(one.limit is None for one in results)
            == sum(not row["Minimum Detection Concentration"] for row in table)
            == 461
        )
        assert len(found.samples) == len({row["Sample ID"] for row in table})
        assert {sample.medium for sample in found.samples} == {"air_aerosol", "air_gas", "rain", "tap_water", "food"}
        no_uid_twice(found)

    @pytest.mark.parametrize("path", sorted((DATA / "maris" / "dump").glob("*.csv")), ids=lambda path: path.stem[:24])
    def test_maris_rows_mean_what_their_detection_says(path: Path) -> None:
        found = harvest("int-maris", f"https://maris.iaea.org/dump/{path.stem}.csv", path)
        with path.open(encoding="utf-8", newline="") as text:
            table = list(csv.DictReader(text))
        readable = [row for row in table if row["unit"] != "NOT AVAILABLE"]
        assert found.read == len(table)
        assert dict(found.refused) == (
            {Refusal.UNKNOWN_UNIT: len(table) - len(readable)} if len(table) > len(readable) else {}
        )
        words = {"=": "none", "<": "below", "ND": "not_detected", "DE": "derived"}
        assert kinds(found) == Counter(words[row["detection"]] for row in readable)
        assert {sample.layer.min_m for sample in found.samples} == {
            float(row["sampdepth"]) if row["sampdepth"] else None for row in readable
        }

    def test_all_files_of_the_dump_have_the_rows_of_the_card() -> None:
        found = [harvest("int-maris", f"https://maris.iaea.org/dump/{path.stem}.csv", path).read for path in (DATA / "maris" / "dump").glob("*.csv")]  # fmt: skip
        assert (len(found), sum(found)) == (23, 82)

    def test_maris_netcdf_says_what_its_tables_beside_it_say() -> None:
        found = harvest(
            "int-maris", "https://maris.iaea.org/netcdf/helcom.nc", DATA / "maris/netcdf/100_HELCOM_MORS_2024.nc"
        )
        beside = []
        for path in sorted((DATA / "maris" / "netcdf").glob("100_HELCOM_MORS_2024_*.csv")):
            with path.open(encoding="utf-8", newline="") as text:
                beside += list(csv.DictReader(text))
        results = [(sample.begin_s, one) for sample in found.samples for one in sample.results]
        assert found.read == len(results) == 37 and not found.refused
        told = {(row["begperiod"], round(float(row["activity"]), 6), row["detection"]) for row in beside}
        ours = {
            (str(begin), round(float(one.value if one.value is not None else one.limit or 0), 6), "<" if str(one.censoring) == "below" else "=")
            for begin, one in results
        }  # fmt: skip
        assert told <= ours
        assert {sample.medium for sample in found.samples} >= {"sea_water", "marine_biota", "sediment"}

    def test_a_netcdf_of_codes_without_units_is_refused_row_by_row() -> None:
        found = harvest("int-maris", "https://maris.iaea.org/netcdf/test.nc", DATA / "maris/netcdf/encoding-test.nc")
        assert (found.read, dict(found.refused)) == (7, {Refusal.UNKNOWN_UNIT: 7})

    def test_the_export_of_solarcasts() -> None:
        path = DATA / "safecast-solarcast-csv" / "output-2020-07-01T00_00_00+00_00.csv"
        found = harvest("int-safecast-solarcast", f"https://ingest.safecast.org/export/{path.stem}.csv", path, "2020-08-01T00:00:00+00:00")  # fmt: skip
        with path.open(encoding="utf-8", newline="") as text:
            table = list(csv.DictReader(text))
        cells = [(row["device_urn"], tube, row["when_captured"], row[tube]) for row in table for tube in ("lnd_7318u", "lnd_7318c") if row[tube]]  # fmt: skip
        assert found.read == len(table) == 2365
        assert len({row["device_urn"] for row in table}) == 26
        assert len(found.stations) == len({cell[0] for cell in cells}) == 26
        repeats = found.ignored[Ignored.REPEATED_IN_PAYLOAD] + found.refused.get(Refusal.CONTRADICTS_IN_PAYLOAD, 0)
        assert len(list(rows(found.readings))) + repeats == len(cells)
        assert not set(found.refused) - {Refusal.CONTRADICTS_IN_PAYLOAD}
        assert sum(cell[1] == "lnd_7318u" for cell in cells) == 1222
        assert sum(cell[1] == "lnd_7318u" and cell[3] == "0" for cell in cells) == 385
