"""Payloads at hand that are no feed of ours: each is read as a table, and counted as its card counts it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from collector.decode import decode
from collector.rawtable import PayloadRefused, RawTable
from specs.columns import Wanted
from specs.decode import Delimited, JsonLines, JsonRows, Lines
from tests.conftest import HAS_SHARED, SHARED

DATA = SHARED / "data"

if HAS_SHARED:

    def opened(path: str | Path, spec: Any, *columns: str) -> RawTable:
        return decode((DATA / path).read_bytes(), spec, Wanted(columns, (), frozenset()))

    def test_food_samples_with_carriage_returns_only() -> None:
        nuclides = ("요오드-131", "세슘-134", "세슘-137")
        spec = Delimited(format="delimited", encoding="cp949")
        table = opened("kr-food-samples/radioactivity_15022083_cp949.csv", spec, "순서", *nuclides)
        rows = [cells for cells in zip(*(table.columns[name] for name in ("순서", *nuclides)), strict=True) if cells[0]]
        assert len(rows) == 2084
        assert {cells[1] for cells in rows} == {cells[2] for cells in rows} == {"불검출"}
        assert sum(cells[3] != "불검출" for cells in rows) == 30

    def test_the_national_stations_of_korea() -> None:
        spec = Delimited(format="delimited", encoding="cp949")
        table = opened("kr-kins-iernet/national_stations_2020_cp949.csv", spec, "지역", "지역명")
        assert len(table) == 171 and len(set(table.columns["지역"])) == 17 and not table.findings.refused
        six = opened("kr-kins-iernet/six_places_20220907.json", JsonRows(format="json_rows"), "radiation")
        assert len(six) == 6 and "0.087" in six.columns["radiation"]

    def test_every_station_of_china_that_a_scraper_kept() -> None:
        folder = DATA / "cn-rmtc" / "stations_20230829"
        counts = {
            level: sum(len(opened(path, JsonRows(format="json_rows"), "Value")) for path in (folder / level).glob("*.json"))
            for level in ("citySecondLevel", "electricitySecondLevel")
        }  # fmt: skip
        assert counts == {"citySecondLevel": 250, "electricitySecondLevel": 118}
        for name, count in (("capital_data.json", 31), ("electricity_data.json", 12)):
            assert len(opened(folder / name, JsonRows(format="json_rows"), "Value")) == count
        for path in (DATA / "cn-rmtc" / "provinces").glob("*.json"):
            assert len(opened(path, JsonRows(format="json_rows"), "Radiation_Data")) == 31

    def test_dates_differ_within_one_page_of_china() -> None:
        spec = JsonRows(format="json_rows", rows="[].content[]")
        table = opened("cn-rmtc/stations_excerpt_20230919.json", spec, "time", "value", "^area")
        assert len(table) == 48 and sum(day != "2023-09-19" for day in table.columns["time"]) == 3
        assert set(table.columns["^area"]) == {"辽宁", "吉林", "黑龙江", "上海"}

    def test_a_bulletin_of_ranges() -> None:
        spec = Lines(format="lines", pattern=r"(?P<city>[^|]+)\|(?P<low>[\d.]+)-(?P<high>[\d.]+)\|(?P<mean>[\d.]+)\|(?P<usual>[^|]+)\|(?P<word>.+)", others="ignore")  # fmt: skip
        table = opened("cn-mee-2011/auto_stations_2011-03-24_excerpt.txt", spec, "city", "mean")
        assert len(table) == 22 and table.columns["mean"][0] == "77.0"

    def test_uplinks_between_the_lines_of_a_log() -> None:
        path = "safecast-pointcast-uplink/pointcast_uplinks_20170911.txt"
        lines = [line for line in (DATA / path).read_text(encoding="utf-8").splitlines() if line.strip()]
        documents = [json.loads(line) for line in lines if line.startswith("{")]
        table = opened(path, JsonLines(format="json_lines"), "value", "unit", "captured_at")
        assert len(table) == len(documents) and table.findings.refused.total() == len(lines) - len(documents)
        assert list(table.columns["value"]) == [one["value"] for one in documents]

    def test_measurements_that_somebody_rearranged() -> None:
        path = "safecast-measurements/measurements_20240101_51distinct_rewritten.csv"
        table = opened(path, Delimited(format="delimited"), "value", "unit")
        assert len(table) == 51 and not table.findings.refused

    def test_a_counter_that_tells_no_time() -> None:
        table = opened(
            "uradmonitor/local_device_A3_2016.json", JsonRows(format="json_rows", rows="data"), "cpm", "detector"
        )
        assert (list(table.columns["cpm"]), list(table.columns["detector"])) == (["36"], ["SI29BG"])

    def test_the_page_of_a_volunteer_is_not_taken_for_a_list() -> None:
        with pytest.raises(PayloadRefused, match="HTML page"):
            opened("radmon/showuserpage_lImbus_20261007.html", Lines(format="lines", pattern="(?P<cpm>.+)"), "cpm")

    def test_the_older_list_of_devices() -> None:
        path = DATA / "safecast-tt-devices" / "devices_20210121_excerpt.json"
        table = opened(path, JsonRows(format="json_rows"), "device_urn")
        assert len(table) == len(json.loads(path.read_text(encoding="utf-8")))
