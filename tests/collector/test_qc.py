"""Flags stand beside values; no value changes."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.qc import Judge
from domain.flags import Qc, codes
from domain.readings import NO_TIME, Harvest, Readings, Series
from tests.feeds.replayed import Bench, feed, rows

NOW = 1_786_752_000
RAMIS = feed("jp-nra-ramis")


def readings(series: Series, values: list[float], age_s: int = 60) -> Readings:
    n = len(values)
    return Readings(
        series=(series,), index=np.zeros(n, dtype=np.int64), end_s=np.full(n, NOW - age_s), value=np.array(values), digits=np.zeros(n, dtype=np.int16),
        censoring=np.zeros(n, dtype=np.int8), limit=np.full(n, np.nan), published_s=np.full(n, NO_TIME), qc=np.zeros(n, dtype=np.int64),
    )  # fmt: skip


def series(quantity: str = "air_dose_rate_as_published", unit: str = "uSv/h", **changes: float) -> Series:
    return Series("s", "st", "jp-nra-ramis", quantity, unit, **changes)  # type: ignore[arg-type]


def judged(one: Series, values: list[float], age_s: int = 60) -> list[list[str]]:
    found = Judge(RAMIS).judge(Harvest(readings=readings(one, values, age_s)), NOW).readings
    assert found is not None
    assert found.value.tolist() == pytest.approx(values)
    return [codes(flags) for flags in found.qc.tolist()]


def test_floor_and_ceiling_of_the_detector_itself() -> None:
    assert judged(series(floor=0.2, ceiling=10.0), [0.19, 0.2, 10.0, 10.1]) == [
        ["below_range"],
        [],
        [],
        ["above_range"],
    ]


def test_the_declared_range_is_in_the_quantity_s_unit_and_so_converted() -> None:
    # RAMIS declares up to 1e8 nSv/h, its series are in uSv/h
    assert judged(series(), [0.05, 99_999.0, 100_001.0]) == [[], [], ["gross_range"]]


def test_zero_and_negative() -> None:
    assert judged(series(), [0.0, -0.1]) == [["zero"], ["gross_range", "negative"]]
    assert judged(series("wind_speed", "m/s"), [0.0]) == [[]]
    assert judged(series("detector_output_unit_not_stated", "{unstated}"), [-1.0, 0.0]) == [[], []]


def test_stale_at_receipt() -> None:
    late = RAMIS.schedule.late_after_s
    assert judged(series(), [0.05], late) == [[]]
    assert judged(series(), [0.05], late + 1) == [["stale_at_receipt"]]


def test_a_document_that_reaches_back_by_its_nature_is_not_stale() -> None:
    harvest = Harvest(readings=readings(series(), [0.05], 80_000))
    found = Judge(RAMIS).judge(harvest, NOW, history_s=86_400).readings
    assert found is not None
    assert found.qc.tolist() == [0]


def test_nothing_to_judge() -> None:
    assert Judge(RAMIS).judge(Harvest(read=3), NOW) == Harvest(read=3)


@settings(deadline=None)
@given(st.lists(st.floats(allow_nan=True, allow_infinity=False), min_size=1, max_size=20), st.integers(0, 2**16))
def test_flags_are_added_and_never_taken_away(values: list[float], before: int) -> None:
    given_ = readings(series(floor=0.2), values)
    given_.qc[:] = before
    found = Judge(RAMIS).judge(Harvest(readings=given_), NOW).readings
    assert found is not None
    assert np.array_equal(found.value, given_.value, equal_nan=True)
    assert ((found.qc & before) == before).all()


def test_a_list_of_missing_stations_flags_values_until_the_next_list() -> None:
    bench, at = Bench.fresh(), datetime.fromtimestamp(NOW, UTC)
    url = "https://www.ramis.nra.go.jp/api/v1/map/map-means-data-public?data_type={}".format
    row = {"obs_station_unique_code": "99110001", "meas_time": 600, "air_dose_rate": 0.05, "meas_datetime": "2026-08-15T08:50:00+09:00",
           "pref_code": "07", "device_kbn": "11"}  # fmt: skip
    values = json.dumps({"data": [row]}).encode()

    def flagged() -> bool:
        (found,) = rows(bench.harvest("jp-nra-ramis", url(1), values, at).readings)
        return "listed_missing" in found["qc"]

    assert not flagged()
    bench.harvest("jp-nra-ramis", url(0), values, at)
    assert flagged()
    bench.harvest("jp-nra-ramis", url(0), b"<html>no list</html>", at)
    assert flagged(), "a list that could not be read takes nobody off"
    bench.harvest("jp-nra-ramis", url(0), b'{"data":[]}', at)
    assert not flagged()


def test_flags_of_numbers_without_a_reliable_unit() -> None:
    body = b'[{"device_urn":"a","when_captured":"2026-08-15T00:00:00Z","lnd_712u":0.2}]'
    harvest = Bench.fresh().harvest(
        "int-safecast-devices", "https://tt.safecast.org/devices", body, datetime.fromtimestamp(NOW, UTC)
    )
    (row,) = rows(harvest.readings)
    assert {"no_reliable_unit", "unit_not_stated"} <= set(row["qc"])
    assert Qc.NO_RELIABLE_UNIT.name is not None
