"""Times as clients write and read them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.clocktext import EARLIEST_S, LATEST_S, NaiveTimeError, heard, told


@pytest.mark.parametrize(
    ("text", "same_as"),
    [
        ("2026-08-15T09:00:00+09:00", "2026-08-15T00:00:00Z"),
        ("2026-08-15t00:00:00z", "2026-08-15T00:00:00Z"),
        ("2026-08-15 00:00Z", "2026-08-15T00:00:00Z"),
        ("2026-08-15T09:00:00 09:00", "2026-08-15T00:00:00Z"),
        ("2026-08-15T09:00:00+0900", "2026-08-15T00:00:00Z"),
        ("2026-08-14T14:30:00.999-09:30", "2026-08-15T00:00:00Z"),
        ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00Z"),
        ("1911-01-01T00:00:00Z", "1911-01-01T00:00:00Z"),
    ],
)
def test_heard(text: str, same_as: str) -> None:
    assert told(heard(text)) == same_as


@pytest.mark.parametrize("text", ["2026-08-15T00:00:00", "2026-08-15 00:00"])
def test_a_time_without_an_offset_is_refused(text: str) -> None:
    with pytest.raises(NaiveTimeError):
        heard(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "2026-08-15",
        "2026-02-30T00:00:00Z",
        "2026-08-15T24:00:00Z",
        "2026-08-15T00:00:61Z",
        "20260815T000000Z",
        "2026-W33-6T00:00:00Z",
        "２０２６-08-15T00:00:00Z",
    ],
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        heard(text)


@given(st.integers(EARLIEST_S, LATEST_S))
def test_what_is_told_is_heard_again(time_s: int) -> None:
    assert heard(told(time_s)) == time_s
