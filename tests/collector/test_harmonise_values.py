"""Text to number and text to time."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.harmonise_quakes import iso6709
from collector.harmonise_samples import layer_of
from collector.harmonise_values import Numbers, Stamps, number
from domain.readings import TEXT_KEPT
from domain.reasons import Ignored, Refusal
from specs.mapping import Measure, TimeMap


def measure(**changes: object) -> Measure:
    return Measure.model_validate({"column": "v", "quantity": "air_dose_rate_as_published", "unit": "uSv/h", **changes})


def stamps(**changes: object) -> Stamps:
    return Stamps(TimeMap.model_validate({"column": "t", "zone": "Asia/Tokyo", **changes}))


def utc(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).isoformat()


@settings(deadline=None)
@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**9), max_value=10**9, places=6))
def test_decimals_give_the_published_text_back(value: Decimal) -> None:
    text = f"{value:f}"
    found = number(text)
    assert found.outcome is None
    assert found.value == float(text)
    assert found.digits == TEXT_KEPT or f"{found.value:.{found.digits}f}" == text


@settings(deadline=None)
@given(st.text(max_size=30))
def test_any_text_is_a_number_or_has_a_reason(text: str) -> None:
    found = number(text)
    assert (found.outcome is None) == math.isfinite(found.value)
    if found.outcome is None:
        assert found.digits == TEXT_KEPT or f"{found.value:.{found.digits}f}" == text


@pytest.mark.parametrize(
    ("text", "digits"), [("0.0280", 4), ("0.03", 2), ("7", 0), ("10.0", 1), ("0", 0), ("-0.5", 1), ("1e-3", TEXT_KEPT), ("+5", TEXT_KEPT),
                         ("007", TEXT_KEPT), (" 0.08", TEXT_KEPT), ("70.28451561927795", 14), (".5", TEXT_KEPT), ("-0", 0)]
)  # fmt: skip
def test_digits_of_a_text(text: str, digits: int) -> None:
    assert number(text).digits == digits


@pytest.mark.parametrize(
    ("text", "reason"),
    [("NaN", Refusal.NOT_FINITE), ("-inf", Refusal.NOT_FINITE), ("1e400", Refusal.NOT_FINITE), ("-1e999", Refusal.NOT_FINITE),
     ("", Refusal.BAD_NUMBER), ("1,5", Refusal.BAD_NUMBER), ("0x10", Refusal.BAD_NUMBER), ("1_000", Refusal.BAD_NUMBER),
     ("71²", Refusal.BAD_NUMBER), ("①", Refusal.BAD_NUMBER), ("約16～28", Refusal.BAD_NUMBER), ("9" * 101, Refusal.BAD_NUMBER)],
)  # fmt: skip
def test_what_is_no_number(text: str, reason: Refusal) -> None:
    assert number(text).outcome is reason


def test_a_missing_mark_is_found_however_it_is_written() -> None:
    read = Numbers(measure(missing=("-99", "N/A"))).read
    assert {read(text).outcome for text in ("-99", "-99.0", " -99 ", "-9.9e1", "N/A")} == {
        Ignored.PUBLISHER_MISSING_MARK
    }
    assert read("-98").value == -98


def test_words_and_kinds_of_nothing() -> None:
    read = Numbers(measure(values={"北東": 45.0}, not_measured=("静穏",))).read
    assert (read("北東").value, read("北東").digits) == (45.0, TEXT_KEPT)
    assert read("静穏").outcome is Ignored.NOT_MEASURED
    assert read("").outcome is Ignored.NOT_REPORTED


def test_decimal_comma() -> None:
    found = Numbers(measure(decimal_comma=True)).read("0,085")
    assert (found.value, found.digits) == (0.085, TEXT_KEPT)


@pytest.mark.parametrize(
    ("format_", "text", "expected"),
    [
        ("iso", "2026-08-15T08:30:00+09:00", "2026-08-14T23:30:00+00:00"),
        ("iso", "2026-08-14T23:30:00Z", "2026-08-14T23:30:00+00:00"),
        ("iso", "2026-08-15 24:00", "2026-08-15T15:00:00+00:00"),
        ("loose", "2013/8/13 4:45", "2013-08-12T19:45:00+00:00"),
        ("loose", "2013/8/13 04:45", "2013-08-12T19:45:00+00:00"),
        ("loose", "2026-10-02 04:45", "2026-10-01T19:45:00+00:00"),
        ("loose", "2026年7月1日", "2026-06-30T15:00:00+00:00"),
        ("loose", "2026/7/21", "2026-07-20T15:00:00+00:00"),
        ("loose", "2026/12/31 24:00", "2026-12-31T15:00:00+00:00"),
        ("%Y%m%d%H", "2026100316", "2026-10-03T07:00:00+00:00"),
        ("epoch_s", "1755212400", "2025-08-14T23:00:00+00:00"),
        ("epoch_ms", "1755212400000", "2025-08-14T23:00:00+00:00"),
        ("filetime", "133996860000000000", "2025-08-14T23:00:00+00:00"),
    ],
)
def test_spellings_of_a_moment(format_: str, text: str, expected: str) -> None:
    found = stamps(format=format_).read(text)
    assert found.refusal is None
    assert utc(found.second) == expected


@pytest.mark.parametrize(
    "text",
    [
        "2012-00-00T00:00:00Z",
        "2026-02-30",
        "2026-08-15T25:00:00",
        "yesterday",
        "",
        "2026-08-15T24:30:00",
        "99999999999999999999",
    ],
)
@pytest.mark.parametrize("format_", ["iso", "loose", "epoch_s", "filetime", "%Y-%m-%d"])
def test_what_is_no_moment_is_refused(format_: str, text: str) -> None:
    assert stamps(format=format_).read(text).refusal is not None


def test_a_date_is_a_day_and_not_midnight() -> None:
    read = stamps(format="loose").read
    assert read("2026/7/21").resolution == "day"
    assert read("2026/7/21 0:00").resolution == "minute"


def test_unpadded_dates_sort_by_time_and_not_as_text() -> None:
    read = stamps(format="loose").read
    assert read("2026/8/9").second < read("2026/8/19").second


def test_a_zone_is_assumed_only_where_the_text_states_none() -> None:
    assert not stamps().read("2026-08-15T08:30:00+09:00").zone_assumed
    assert stamps().read("2026-08-15T08:30:00").zone_assumed
    assert not stamps(zone_stated=True).read("2026-08-15T08:30:00").zone_assumed


@settings(deadline=None)
@given(st.datetimes(min_value=datetime(1950, 1, 1), max_value=datetime(2100, 1, 1)))
def test_every_spelling_of_one_moment_is_one_second(moment: datetime) -> None:
    moment = moment.replace(second=0, microsecond=0)
    texts = {
        "iso": moment.isoformat(), "loose": f"{moment.year}/{moment.month}/{moment.day} {moment.hour}:{moment.minute:02}",
        "%Y%m%d%H%M": f"{moment.year}{moment:%m%d%H%M}",
    }  # fmt: skip
    found = {stamps(format=spelling).read(text).second for spelling, text in texts.items()}
    if moment.year > 1952:  # before, Japan had summer time
        assert found == {int((moment - timedelta(hours=9)).replace(tzinfo=UTC).timestamp())}
    assert len(found) == 1


@settings(deadline=None)
@given(st.text(max_size=80))
def test_any_text_is_a_moment_or_has_a_reason(text: str) -> None:
    for spelling in ("iso", "loose", "epoch_s", "epoch_ms", "filetime", "%Y%m%d"):
        found = stamps(format=spelling).read(text)
        assert found.refusal in {None, Refusal.BAD_TIME, Refusal.TIME_TOO_OLD}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("+33.3+131.5+0/", (33.3, 131.5, 0.0)),
        ("+3743.7+14141.9-55000/", (37 + 43.7 / 60, 141 + 41.9 / 60, -55000.0)),
        ("-23.1+171.5/", (-23.1, 171.5, None)),
        ("+374330+1414130/", (37.725, 141 + 41.5 / 60, None)),
        ("+35-070/", (35.0, -70.0, None)),
    ],
)
def test_iso_6709(text: str, expected: tuple[float, float, float | None]) -> None:
    found = iso6709(text)
    assert found[:2] == pytest.approx(expected[:2], abs=1e-12)
    assert found[2] == expected[2]


@pytest.mark.parametrize(
    "text", ["", "north", "+95.0+131.5/", "+33.3/", "+3360.0+14100.0/", "+333.3+131.5/", "33.3,131.5"]
)
def test_what_is_no_position(text: str) -> None:
    with pytest.raises(ValueError, match="`"):
        iso6709(text)


@pytest.mark.parametrize(
    ("label", "reference", "low", "high"),
    [
        ("104m", "depth_below_surface", 104, 104), ("1.5m", "depth_below_surface", 1.5, 1.5),
        ("Sea surface to a depth of 0.5 m", "depth_below_surface", 0, 0.5), ("2 to 3 m above seabed", "height_above_seabed", 2, 3),
        ("Bottom layer", "label_only", None, None), ("", "label_only", None, None),
    ],
)  # fmt: skip
def test_layers(label: str, reference: str, low: float | None, high: float | None) -> None:
    layer = layer_of(label)
    assert (layer.label, layer.reference, layer.min_m, layer.max_m) == (label, reference, low, high)


@pytest.mark.parametrize(
    ("text", "moment"),
    [("令和8年10月31日 24時", "2026-10-31T15:00"), ("２０２６年１１月１日　２０時５０分", "2026-11-01T11:50"), ("2026年11月1日（日） 午後8時50分", "2026-11-01T11:50"),
     ("2026. 11. 1. 오후 8시", "2026-11-01T11:00"), ("2026年11月1日上午8时05分", "2026-10-31T23:05"), ("2026/11/01 12:05 AM", "2026-10-31T15:05"),
     ("民國115年11月1日20時50分", "2026-11-01T11:50"), ("2026-11-01T20:50:00.000+08:00", "2026-11-01T12:50"), ("20261101 2050", "2026-11-01T11:50")],
)  # fmt: skip
def test_stamps_told_loosely(text: str, moment: str) -> None:
    assert utc(stamps(format="loose").read(text).second) == f"{moment}:00+00:00"


@pytest.mark.parametrize(
    "text",
    ["2026年13月1日", "午前20時", "2026/11/01 午前20時", "2026/11/01 25:00", "11/01 20:50", "2026/11/01 20:50 71"],
)
def test_what_is_no_loose_stamp(text: str) -> None:
    assert stamps(format="loose").read(text).refusal is Refusal.BAD_TIME


@pytest.mark.parametrize("text", ["115/11/01 20:50", "115年11月1日 20時50分", "1151101 2050"])
def test_years_of_the_republic(text: str) -> None:
    assert utc(stamps(format="minguo").read(text).second) == "2026-11-01T11:50:00+00:00"


@pytest.mark.parametrize(
    ("text", "value", "limit"),
    [("0,12 µSv/h", 0.12, None), ("<0,05 µSv/h", None, 0.05), ("ND(0,03) µSv/h", None, 0.03), ("0,12 ± 0,01 µSv/h", 0.12, None),
     ("0,12 µSv/h ± 8 %", 0.12, None), ("０，１２ µSv/h", 0.12, None)],
)  # fmt: skip
def test_a_cell_with_a_unit_a_limit_and_an_uncertainty(text: str, value: float | None, limit: float | None) -> None:
    found = Numbers(
        measure(unit_in_cell=True, decimal_comma=True, below=("<", "ND({})"), ends_at=("±",), unit_texts=("µSv/h",))
    ).read(text)
    assert (None if math.isnan(found.value) else found.value, found.limit, found.digits) == (value, limit, TEXT_KEPT)


def test_another_unit_in_a_cell_is_refused_and_never_converted() -> None:
    read = Numbers(measure(unit_in_cell=True, ends_at=("±",))).read
    assert {read(text).outcome for text in ("120 nSv/h", "0.12", "0.12 ± 8 %")} == {Refusal.UNKNOWN_UNIT}
