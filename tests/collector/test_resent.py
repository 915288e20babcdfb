"""What an answer gives does not depend on whether it, or columns of it, are read or recalled."""

from __future__ import annotations

import json
from dataclasses import fields
from datetime import UTC, datetime
from types import SimpleNamespace
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.decode import decode
from collector.fetched import Fetched
from collector.harmonise_stations import _Read
from collector.harvest import Harvester
from collector.resent import Resent
from domain.readings import Harvest, Readings
from tests.feeds.replayed import answer, config, feed

FEED = "jp-nra-ramis"
URL = "https://www.ramis.nra.go.jp/api/v1/map/map-means-data-public?data_type={}"
RECEIVED_S = int(datetime(2026, 11, 1, 12, 5, tzinfo=UTC).timestamp())

#: a row's members, each with what a publisher may make of it
ROWS = st.fixed_dictionaries(
    {
        "obs_station_unique_code": st.sampled_from(["0111001", "0111002", "1311003", "", None]),
        "display_name": st.sampled_from(["上", "下"]),
        "pref_code": st.sampled_from(["01", "13"]),
        "device_kbn": st.sampled_from(["11", "51"]),
        "meas_time": st.sampled_from([120, 600]),
        "latitude": st.sampled_from([35.0, 35.01, 0, "x"]),
        "longitude": st.just(139.0),
        "meas_datetime": st.sampled_from(
            ["2026-11-01T20:50:00+09:00", "2026-11-01T21:00:00+09:00", "2026-11-01T21:06:00+09:00", "2026-11-02T21:00:00+09:00", "?"]
        ),
        "air_dose_rate": st.sampled_from([0.04, 0.051, 0.3, -1, "?", None]),
        "precipitation": st.sampled_from([None, 0, -99]),
        "meas_range_low_limit": st.sampled_from([0.001, 0.2]),
        "meas_range_high_limit": st.just(100),
    }
)  # fmt: skip
#: place among a handful of bodies, data_type, minutes since the answer before
ANSWERS = st.lists(
    st.tuples(st.integers(0, 3), st.sampled_from([1, 1, 2, 0]), st.sampled_from([0, 1, 10, 1500, -5])), min_size=2, max_size=8
)  # fmt: skip


def whole(harvest: Harvest) -> dict[str, object]:
    """Every field, columns as lists."""

    def column(readings: Readings, name: str) -> object:
        found = getattr(readings, name)
        return repr(found.tolist()) if isinstance(found, np.ndarray) else found

    told = {one.name: getattr(harvest, one.name) for one in fields(harvest) if one.name != "readings"}
    if harvest.readings is not None:
        told |= {one.name: column(harvest.readings, one.name) for one in fields(harvest.readings)}
    return told


@settings(deadline=None, max_examples=60)
@given(st.lists(st.lists(ROWS, max_size=6), min_size=4, max_size=4), ANSWERS)
def test_recalled_or_read_an_answer_gives_the_same(
    bodies: list[list[object]], answers: list[tuple[int, int, int]]
) -> None:
    texts = [json.dumps({"data": rows}).encode() for rows in bodies]
    agree([(texts[which], kind, minutes) for which, kind, minutes in answers])


def agree(answers: list[tuple[bytes, int, int]]) -> None:
    """A harvester that remembers and one that does not give the same of bodies, each with its data_type and minutes since the one before."""
    remembers, forgets, at_s = Harvester(config()), Harvester(config()), float(RECEIVED_S)
    for body, kind, minutes in answers:
        at_s += minutes * 60
        fetched = Fetched(answer(FEED, URL.format(kind), datetime.fromtimestamp(at_s, UTC)), body)
        found = remembers.harvest(feed(FEED), fetched, at_s)
        with patch.object(Resent, "recall", return_value=None), patch("collector.harmonise_stations._Read", _of_no_use):
            read = forgets.harvest(feed(FEED), fetched, at_s)
        assert whole(found) == whole(read)


def _of_no_use(changes: int, *others: object) -> SimpleNamespace:
    """What a book remembers of an address, as if something had changed since."""
    names = [one.name for one in fields(_Read)][1:]
    return SimpleNamespace(changes=-1, **dict(zip(names, others, strict=True)))


STAMP = "2026-11-01T21:00:00+09:00"


def body_of(stamp: str, **others: object) -> bytes:
    """An answer with one row."""
    row = {
        "obs_station_unique_code": "0111001", "pref_code": "01", "device_kbn": "11", "meas_time": 600, "latitude": 35.0,
        "longitude": 139.0, "meas_datetime": stamp, "air_dose_rate": 0.04, "meas_range_low_limit": 0.001, **others,
    }  # fmt: skip
    return json.dumps({"data": [row]}).encode()


@pytest.mark.parametrize(
    "between",
    [
        pytest.param((body_of(STAMP), 0), id="the publisher lists the station as missing"),
        pytest.param((body_of(STAMP, meas_range_low_limit=0.2), 2), id="another address states another floor"),
        pytest.param((body_of(STAMP, latitude=36.0), 2), id="another address places the station elsewhere"),
        pytest.param((body_of("2026-11-01T20:50:00+09:00"), 1), id="the same address says something else"),
        pytest.param((b"", 1), id="nothing came"),
    ],
)
def test_what_came_between_is_heard(between: tuple[bytes, int]) -> None:
    agree([(body_of(STAMP), 1, 0), (*between, 1), (body_of(STAMP), 1, 10), (*between, 1), (body_of(STAMP), 1, 10)])


def test_a_station_that_is_no_longer_listed_as_missing_is_told_so() -> None:
    here, nobody = body_of(STAMP), json.dumps({"data": []}).encode()
    agree([(here, 1, 0), (here, 0, 1), (here, 1, 10), (nobody, 0, 1), (here, 1, 10)])


def test_what_is_recalled_is_what_is_known_of_a_station_afterwards() -> None:
    north, south, nowhere = body_of(STAMP, latitude=36.0), body_of(STAMP), body_of(STAMP, latitude=None)
    agree([*[(north, 1, 1), (south, 2, 1)] * 2, (nowhere, 2, 1)])  # the second time the south is recalled


def decoded(stamp: str, minutes: list[int]) -> int:
    """How often one and the same body is decoded when it comes at these minutes."""
    body, harvester = body_of(stamp), Harvester(config())
    with patch("collector.harvest.decode", wraps=decode) as spy:
        for minute in minutes:
            at_s = RECEIVED_S + 60.0 * minute
            told = answer(FEED, URL.format(1), datetime.fromtimestamp(at_s, UTC))
            harvester.harvest(feed(FEED), Fetched(told, body), at_s)
    return spy.call_count


def test_the_same_text_is_decoded_once() -> None:
    assert decoded(STAMP, [0, 10, 20]) == 1


def test_a_stamp_that_was_ahead_of_us_is_judged_again() -> None:
    assert decoded("2026-11-02T21:00:00+09:00", [0, 10]) == 2
    assert decoded("2026-11-01T21:06:00+09:00", [0, 10, 20]) == 2


def test_an_older_archive_is_read_for_itself() -> None:
    assert decoded(STAMP, [0, -1]) == 2
