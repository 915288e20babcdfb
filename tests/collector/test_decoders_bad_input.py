"""Whatever a publisher sends ends as counted rows and counted refusals: a bad row costs that row, a bad payload itself, and nothing is raised."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.reasons import Ignored, Refusal
from tests.feeds.replayed import Bench, config, folders, rows
from tests.feeds.test_feeds import meta_of, moment

RAMIS = ("jp-nra-ramis", "https://www.ramis.nra.go.jp/api/v1/map/map-means-data-public?data_type=1")
BUSAN = (
    "kr-busan-radiation",
    "http://apis.data.go.kr/6260000/EnvironmentalRadiationInfoService/getEnvironmentalRadiationInfoDetail?resultType=json&numOfRows=100",
)
TAIWAN = ("tw-nusc-gamma", "https://www.nusc.gov.tw/open/gammamonitor_u.csv")
BIG5 = ("tw-nusc-gamma", "http://www.aec.gov.tw/open/gammamonitor.csv")
KHNP = ("kr-khnp-radiorate", "http://data.khnp.co.kr/environ/service/realtime/radiorate?genName=KR")
HOURLY = ("hk-hko-gamma", "https://www.hko.gov.hk/radiation/monitoring/data/rmn_hourly_mean_used.txt")
DAILY = (
    "hk-hko-gamma",
    "https://data.weather.gov.hk/weatherAPI/opendata/opendata.php?dataType=RYES&lang=en&rformat=json&date=20260814",
)
ORBS = ("jp-orbs-sea", "https://www.monitororbs.jp/en/download/Seawater_10_30.csv")
NOW = datetime(2026, 8, 15, 0, 0, tzinfo=UTC)
GOOD = {"obs_station_unique_code": "99110001", "meas_time": 600, "air_dose_rate": 0.05, "meas_datetime": "2026-08-15T08:50:00+09:00",
        "latitude": 37.5, "longitude": 140.9, "pref_code": "07", "device_kbn": "11"}  # fmt: skip
_WHOLE = ["counting_rate", "dust_beta_conc", "wind_direction_name", "wind_speed", "precipitation", "solar_amount"]


def ramis(*changes: dict[str, object], good: bool = True) -> bytes:
    """A sweep of changed rows, and one good row of another station that must come through."""
    base = {**GOOD, **dict.fromkeys(_WHOLE)}
    sound = [{**base, "obs_station_unique_code": "99110002"}] if good else []
    return json.dumps({"data": [{**base, **change} for change in changes] + sound}, ensure_ascii=False).encode()


def text(row: bytes, value: bytes) -> bytes:
    return row.replace(b'"@"', value)


def xml(items: str, head: str = "") -> bytes:
    return f'<?xml version="1.0"?>{head}<response><header><resultCode>00</resultCode></header><body><items>{items}</items></body></response>'.encode()


def item(value: str = "0.1", time_text: str = "2026-08-15 08:50", name: str = "2100-MS001_STD.C") -> str:
    return f"<item><expl>x</expl><name>{name}</name><time>{time_text}</time><value>{value}</value></item>"


TAIWAN_HEAD = "監測站,監測站(英文),監測值(微西弗/時),時間,GPS經度,GPS緯度\n"
ORBS_HEAD = (
    "File Creation Date,2026-08-01\nSampling Location,\n\nSurface,,\n,Cs-137,\nDate and time of Sampling,Dt,ND\n"
)
BOMB = '<!DOCTYPE lolz [<!ENTITY a "aaaaaaaaaa">' + "".join(
    f'<!ENTITY {chr(98 + n)} "{"&" + chr(97 + n) + ";"}{("&" + chr(97 + n) + ";") * 9}">' for n in range(9)
) + "]>"  # fmt: skip


@dataclass(frozen=True)
class Case:
    """What was sent, and what must become of it."""

    to: tuple[str, str]
    body: bytes
    refused: dict[Refusal, int] = field(default_factory=dict)
    readings: int = 0
    ignored: dict[Ignored, int] = field(default_factory=dict)
    results: int = 0


CASES: dict[str, Case] = {
    # the payload as a whole
    "empty body": Case(RAMIS, b"", {Refusal.EMPTY_BODY: 1}),
    "only blanks": Case(RAMIS, b" \r\n\t ", {Refusal.EMPTY_BODY: 1}),
    "HTML with status 200": Case(RAMIS, b"<!DOCTYPE html><html><body>Maintenance</body></html>", {Refusal.HTML_INSTEAD: 1}),
    "HTML to an XML reader": Case(KHNP, b"\n <HTML><head><title>error</title></head></HTML>", {Refusal.HTML_INSTEAD: 1}),
    "HTML to a CSV reader": Case(TAIWAN, b"<html>no</html>", {Refusal.HTML_INSTEAD: 1}),
    "truncated JSON": Case(RAMIS, ramis({})[:-20], {Refusal.BAD_SYNTAX: 1}),
    "truncated XML": Case(KHNP, xml(item())[:-30], {Refusal.BAD_SYNTAX: 1}),
    "garbage after JSON": Case(RAMIS, ramis({}) + b"}", {Refusal.BAD_SYNTAX: 1}),
    "JSON in another encoding": Case(RAMIS, ramis({"display_name": "雷電"}).decode().encode("cp932"), {Refusal.WRONG_ENCODING: 1}),
    "CSV in another encoding": Case(BIG5, TAIWAN_HEAD.encode("cp949", "replace") + b"\xff\xfe\n", {Refusal.WRONG_ENCODING: 1}),
    "CSV in UTF-16": Case(TAIWAN, TAIWAN_HEAD.encode("utf-16"), {Refusal.WRONG_ENCODING: 1}),
    "XML in another encoding than it says": Case(KHNP, xml(item(name="한")).decode().encode("cp949"), {Refusal.WRONG_ENCODING: 1}),
    "deep JSON": Case(RAMIS, b'{"data":' + b"[" * 200_000 + b"]" * 200_000 + b"}", {Refusal.TOO_DEEP: 1}),
    "deep JSON in a field nobody reads": Case(RAMIS, b'{"x":' + b'{"a":' * 100_000 + b"1" + b"}" * 100_001, {Refusal.TOO_DEEP: 1}),
    "deep XML": Case(KHNP, b"<a>" * 5000 + b"</a>" * 5000, {Refusal.TOO_DEEP: 1}),
    "too many rows": Case(RAMIS, b'{"data":[' + b"{}," * 200_001 + b"{}]}", {Refusal.TOO_MANY_ROWS: 1}),
    "too many lines": Case(TAIWAN, TAIWAN_HEAD.encode() + b"a\n" * 300_000, {Refusal.TOO_MANY_ROWS: 1}),
    "another document": Case(RAMIS, b'{"error":"no"}', {Refusal.ROWS_NOT_FOUND: 1}),
    "rows are no list": Case(RAMIS, b'{"data":"none"}', {Refusal.ROWS_NOT_FOUND: 1}),
    "a number instead of a document": Case(RAMIS, b"12", {Refusal.ROWS_NOT_FOUND: 1}),
    "no rows at all": Case(RAMIS, b'{"data":[]}'),
    "an empty list written as null": Case(RAMIS, b'{"data":null}'),
    "an empty list written as a text": Case(BUSAN, b'{"response":{"header":{"resultCode":"00"},"body":{"items":""}}}'),
    "publisher's error in JSON": Case(
        BUSAN, b'{"response":{"header":{"resultCode":"22","resultMsg":"LIMITED NUMBER"}}}', {Refusal.PUBLISHER_ERROR: 1}
    ),
    "publisher's error in XML to a JSON reader": Case(
        BUSAN, b"<OpenAPI_ServiceResponse><cmmMsgHeader><returnAuthMsg>SERVICE_KEY_IS_NOT_REGISTERED_ERROR</returnAuthMsg></cmmMsgHeader>"
        b"</OpenAPI_ServiceResponse>", {Refusal.PUBLISHER_ERROR: 1},
    ),
    "publisher's error code in XML": Case(KHNP, xml(item()).replace(b"00", b"99"), {Refusal.PUBLISHER_ERROR: 1}),
    "XML without items": Case(KHNP, xml("").replace(b"<items></items>", b"")),
    "XML with empty items": Case(KHNP, xml("")),
    "entity bomb": Case(KHNP, xml(item("&j;"), BOMB), {Refusal.BAD_SYNTAX: 1}),
    "entity that reads a file": Case(
        KHNP, xml(item("&x;"), '<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]>'), {Refusal.BAD_SYNTAX: 1}
    ),
    "CSV without its key column": Case(TAIWAN, "監測站,時間\n三芝,2026-08-15 08:45\n".encode(), {Refusal.MISSING_COLUMN: 1}),
    "JSON without its key column": Case(RAMIS, ramis({}).replace(b"obs_station_unique_code", b"code"), {Refusal.MISSING_COLUMN: 1}),
    "ten thousand columns": Case(TAIWAN, b"a," * 10_000 + b"a\n", {Refusal.BAD_SYNTAX: 1}),
    "a line of three megabytes": Case(TAIWAN, TAIWAN_HEAD.encode() + b"x" * 3_000_000, {Refusal.BAD_SYNTAX: 1}),
    "a quote that never closes": Case(
        TAIWAN, (TAIWAN_HEAD + '三,"A,0.05,2026-08-15 07:45,121.5,25.1\n三,B,0.05,2026-08-15 07:45,121.5,25.1\n').encode(),
        {Refusal.NOT_A_RECORD: 1}, readings=1,
    ),
    "wide table without its sentence": Case(HOURLY, b"PC 0.08 0.08\n", {Refusal.ROWS_NOT_FOUND: 1}),
    "wide table with a sentence of no time": Case(HOURLY, b"Observation from 2026990316 to 2026100416\nPC 0.08\n", {Refusal.BAD_TIME: 1}),
    "wide table that ends before it begins": Case(HOURLY, b"Observation from 2026081416 to 2026081316\nPC 0.08\n", {Refusal.BAD_TIME: 1}),
    "bulletin of today": Case(DAILY, b'{"BulletinDate":"20260815"}', {Refusal.ROWS_NOT_FOUND: 1}),
    "side by side without an opener": Case(ORBS, b"a,b\nc,d\n", {Refusal.ROWS_NOT_FOUND: 1}),
    "side by side with other pairs": Case(ORBS, ORBS_HEAD.replace("Dt,ND", "ND,Dt").encode() + b"2026/7/1,1,\n", {Refusal.MISSING_COLUMN: 1}),
    # one row, one cell
    "a measure's column is gone": Case(RAMIS, ramis({}).replace(b"wind_speed", b"windspeed"), {Refusal.MISSING_COLUMN: 1}, readings=2),
    "a row that is no object": Case(RAMIS, b'{"data":[7,' + ramis({})[10:], {Refusal.NOT_A_RECORD: 1}, readings=2),
    "one object instead of a list": Case(
        BUSAN, b'{"response":{"header":{"resultCode":"00"},"body":{"items":{"item":{"locNm":"x","data":"70.1","checkTime":"2026-08-15 08:45:00",'
        b'"lat":"35.1","lng":"129.1","aveRainData":"0.0"}}}}}', readings=2,
    ),
    "NaN, which is no JSON": Case(RAMIS, text(ramis({"air_dose_rate": "@"}), b"NaN"), {Refusal.NOT_FINITE: 1}, readings=1),
    "Infinity": Case(RAMIS, text(ramis({"air_dose_rate": "@"}), b"-Infinity"), {Refusal.NOT_FINITE: 1}, readings=1),
    "1e400": Case(RAMIS, text(ramis({"air_dose_rate": "@"}), b"1e400"), {Refusal.NOT_FINITE: 1}, readings=1),
    "a number of ten thousand digits": Case(RAMIS, text(ramis({"air_dose_rate": "@"}), b"1" * 10_000), {Refusal.BAD_NUMBER: 1}, readings=1),
    "a word for a number": Case(RAMIS, ramis({"air_dose_rate": "調査中"}), {Refusal.BAD_NUMBER: 1}, readings=1),
    "a list for a number": Case(RAMIS, ramis({"air_dose_rate": [1, 2]}), {Refusal.BAD_NUMBER: 1}, readings=1),
    "a truth value for a number": Case(RAMIS, ramis({"air_dose_rate": True}), {Refusal.BAD_NUMBER: 1}, readings=1),
    "a number as text is a number": Case(RAMIS, ramis({"air_dose_rate": "0.050"}), readings=2),
    "a key that is a number": Case(RAMIS, ramis({"obs_station_unique_code": 99110001}), readings=2),
    "no key": Case(RAMIS, ramis({"obs_station_unique_code": None}), {Refusal.NO_KEY: 1}, readings=1),
    "blank key": Case(RAMIS, ramis({"obs_station_unique_code": "\u3000 "}), {Refusal.NO_KEY: 1}, readings=1),
    "no stamp": Case(RAMIS, ramis({"meas_datetime": None}), {Refusal.BAD_TIME: 1}, readings=1),
    "month 00": Case(RAMIS, ramis({"meas_datetime": "2026-00-15T08:50:00+09:00"}), {Refusal.BAD_TIME: 1}, readings=1),
    "a stamp of 2044": Case(RAMIS, ramis({"meas_datetime": "2044-08-15T08:50:00+09:00"}), {Refusal.TIME_IN_FUTURE: 1}, readings=1),
    "a stamp of 1900": Case(RAMIS, ramis({"meas_datetime": "1900-08-15T08:50:00+09:00"}), {Refusal.TIME_TOO_OLD: 1}, readings=1),
    "a stamp of a megabyte": Case(RAMIS, ramis({"meas_datetime": " " * 1_000_000}), {Refusal.BAD_TIME: 1}, readings=1),
    "the same row twice": Case(RAMIS, ramis({}, {}), ignored={Ignored.REPEATED_IN_PAYLOAD: 1}, readings=2),
    "the same key with another value": Case(RAMIS, ramis({}, {"air_dose_rate": 0.06}), {Refusal.CONTRADICTS_IN_PAYLOAD: 1}, readings=2),
    "position 0,0": Case(RAMIS, ramis({"latitude": 0, "longitude": 0}), readings=2),
    "position swapped": Case(RAMIS, ramis({"latitude": 140.9, "longitude": 37.5}), readings=2),
    "position of words": Case(RAMIS, ramis({"latitude": "north", "longitude": {}}), readings=2),
    "a window of nonsense": Case(RAMIS, ramis({"meas_time": "ten minutes"}), readings=2),
    "-99 in dust": Case(RAMIS, ramis({"dust_beta_conc": -99.0}), ignored={Ignored.PUBLISHER_MISSING_MARK: 1}, readings=2),
    "-99 in a dose rate is a number that is no background": Case(RAMIS, ramis({"air_dose_rate": -99}), readings=2),
    "a CSV row with a cell too many": Case(
        TAIWAN, (TAIWAN_HEAD + "三,A,0.05,2026-08-15 07:45,121.5,25.1\n三,B,0.05,2026-08-15 07:45,121.5,25.1,x\n").encode(),
        {Refusal.NOT_A_RECORD: 1}, readings=1,
    ),
    "CSV with NaN": Case(TAIWAN, (TAIWAN_HEAD + "三,A,NaN,2026-08-15 07:45,121.5,25.1\n").encode(), {Refusal.NOT_FINITE: 1}),
    "CSV with CR only": Case(TAIWAN, (TAIWAN_HEAD + "三,A,0.05,2026-08-15 07:45,121.5,25.1\n").replace("\n", "\r").encode(), readings=1),
    "CSV with missing marks": Case(
        TAIWAN, (TAIWAN_HEAD + "三,A,-,2026-08-15 07:45,,\n三,B,,2026-08-15 07:45,,\n").encode(),
        ignored={Ignored.PUBLISHER_MISSING_MARK: 1, Ignored.NOT_REPORTED: 1},
    ),
    "an XML item with an empty value": Case(KHNP, xml(item("") + item(name="2100-MS002_STD.C")), ignored={Ignored.NOT_REPORTED: 1}, readings=1),
    "an XML item without a time": Case(KHNP, xml("<item><name>a</name></item>" + item()), {Refusal.BAD_TIME: 1}, readings=1),
    "a wide row that is too short": Case(
        HOURLY, b"Observation from 2026081416 to 2026081417\nPC 0.08\nKP 0.1 NA\n",
        {Refusal.NOT_A_RECORD: 1}, readings=1, ignored={Ignored.PUBLISHER_MISSING_MARK: 1},
    ),
    "a sample with a word for a limit": Case(ORBS, ORBS_HEAD.encode() + b"2026/7/1,,below\n2026/7/2,,0.1\n", {Refusal.BAD_NUMBER: 1}, results=1),
    "a sample of an unknown nuclide": Case(
        ORBS, ORBS_HEAD.replace("Cs-137", "Xx-1").encode() + b"2026/7/1,,0.1\n", {Refusal.UNKNOWN_ANALYTE: 1}
    ),
    "a sample line that breaks off": Case(ORBS, ORBS_HEAD.encode() + b"2026/7/1,0.1\n2026/7/2,,0.1\n", {Refusal.NOT_A_RECORD: 1}, results=1),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_it_ends_as_a_counted_refusal_and_the_rest_is_unharmed(name: str) -> None:
    case = CASES[name]
    started = time.process_time()
    harvest = Bench.fresh().harvest(*case.to, case.body, NOW)
    assert dict(harvest.refused) == case.refused
    assert len(harvest.readings or ()) == case.readings
    assert dict(harvest.ignored) == case.ignored
    assert sum(len(sample.results) for sample in harvest.samples) == case.results
    assert len(harvest.refused_rows) == min(50, sum(case.refused.values()))
    assert all(row.detail and len(row.detail) <= 200 for row in harvest.refused_rows)
    assert time.process_time() - started < 20  # no text makes us think for minutes


@pytest.mark.parametrize("name", ["position 0,0", "position swapped", "position of words"])
def test_a_bad_position_is_refused_and_the_reading_kept(name: str) -> None:
    harvest = Bench.fresh().harvest(*RAMIS, CASES[name].body, NOW)
    flagged = [row["series"] for row in rows(harvest.readings) if "position_refused" in row["qc"]]
    assert [series.split(":")[1] for series in flagged] == ["99110001"]
    assert harvest.stations[0].latitude_deg is None


def test_a_future_of_minutes_is_flagged_and_kept() -> None:
    harvest = Bench.fresh().harvest(*RAMIS, ramis({"meas_datetime": "2026-08-15T09:01:00+09:00"}, good=False), NOW)
    assert [row["qc"] for row in rows(harvest.readings)] == [["future_stamp", "unit_assumed"]]


def test_a_refusal_says_where_and_what() -> None:
    harvest = Bench.fresh().harvest(*RAMIS, ramis({}, {"air_dose_rate": "x" * 1000}), NOW)
    (row,) = harvest.refused_rows
    assert row.where == "2"
    assert row.detail.startswith("air_dose_rate is 'xxx")


def test_a_bug_of_ours_is_a_refusal_with_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("oops")

    monkeypatch.setattr("collector.harvest.decode", broken)
    harvest = Bench.fresh().harvest(*RAMIS, ramis({}), NOW)
    assert harvest.refused == {Refusal.DECODER_FAILED: 1}
    assert "ZeroDivisionError" in harvest.refused_rows[0].detail


def test_an_address_of_no_form_is_refused() -> None:
    assert Bench.fresh().harvest("jp-nra-ramis", "https://elsewhere.example/", b"{}", NOW).refused == {
        Refusal.ROWS_NOT_FOUND: 1
    }


def test_a_document_that_does_not_exist_is_no_failure() -> None:
    harvest = Bench.fresh().harvest(*ORBS, b"<html>404</html>", NOW, status=404)
    assert not harvest.refused


_CAPTURES = [
    (folder.name, one["url"], (folder / one["file"]).read_bytes(), moment(one["received"]))
    for folder in folders()
    for one in meta_of(folder)["captures"]
]


@settings(max_examples=250, deadline=None)
@given(
    capture=st.sampled_from(_CAPTURES),
    edits=st.lists(st.tuples(st.floats(0, 1), st.binary(max_size=12), st.integers(0, 40)), min_size=1, max_size=6),
)
def test_no_damage_to_any_payload_raises(
    capture: tuple[str, str, bytes, datetime], edits: list[tuple[float, bytes, int]]
) -> None:
    """Bytes put in, taken out and overwritten anywhere: the harvest is always a harvest, and every reading in it is finite."""
    feed_id, url, body, received = capture
    for place, put, cut in edits:
        at = int(place * len(body))
        body = body[:at] + put + body[at + cut :]
    harvest = Bench.fresh().harvest(feed_id, url, body, received)
    assert Refusal.DECODER_FAILED not in harvest.refused
    for row in rows(harvest.readings):
        assert abs(row["value"]) < float("inf")


def test_every_refusal_of_a_payload_names_a_reason_of_the_list() -> None:
    assert {reason for case in CASES.values() for reason in case.refused} <= set(Refusal)
    assert {feed.id for feed in config().feeds} >= {case.to[0] for case in CASES.values()}
