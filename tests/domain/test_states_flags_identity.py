"""Legal moves, flag bits and identifiers: what others store must never change its meaning."""

from __future__ import annotations

from urllib.parse import quote, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.flags import MEANINGS, Qc, codes
from domain.identity import series_uid, slug, station_uid
from domain.media import BY_ID, matching
from domain.readings import Layer, Tally
from domain.states import ALERT_MOVES, CENSORING_CODES, AlertState, Censoring, may_move


def test_every_alert_state_has_its_moves_and_cancelled_is_the_end() -> None:
    assert set(ALERT_MOVES) == set(AlertState)
    assert not ALERT_MOVES[AlertState.CANCELLED]
    assert not may_move(AlertState.PENDING, AlertState.RESOLVED)
    assert may_move(AlertState.STALE, AlertState.RESOLVED)


def test_codes_that_stores_hold_keep_their_place() -> None:
    assert CENSORING_CODES[:4] == (Censoring.NONE, Censoring.BELOW, Censoring.ABOVE, Censoring.NOT_DETECTED)
    assert (Qc.BELOW_RANGE, Qc.FUTURE_STAMP, Qc.NO_RELIABLE_UNIT) == (1, 128, 65536)


def test_every_flag_has_a_meaning_and_a_code() -> None:
    flags = [flag for flag in Qc if flag is not Qc.NONE]
    assert set(MEANINGS) == set(flags)
    assert codes(int(Qc.BELOW_RANGE | Qc.ZERO)) == ["below_range", "zero"]
    assert codes(0) == []


@given(st.text(min_size=1, max_size=40))
def test_a_slug_is_one_url_segment_and_reads_back(key: str) -> None:
    safe = slug(key)
    assert safe
    assert "/" not in safe
    assert ":" not in safe
    assert " " not in safe
    assert unquote(quote(safe)) == safe


@given(st.lists(st.text(min_size=1, max_size=8), min_size=2, max_size=2, unique=True))
def test_two_keys_are_two_stations(keys: list[str]) -> None:
    assert station_uid("feed", keys[0]) != station_uid("feed", keys[1])


def test_parts_of_a_series_id() -> None:
    assert series_uid("f:1", "deposition", "Cs-137", "soil") == "f:1:deposition:soil:Cs-137"
    assert (
        series_uid("f:1", "count_rate", "gamma-total", "air_over_land", "lnd_7318u")
        == "f:1:count_rate:air_over_land:i-lnd_7318u"
    )


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ({"window_s": 600}, {"window_s": 120}),
        ({"instrument": "a"}, {"instrument": "b"}),
        ({"layer": Layer("1m")}, {"layer": Layer("2m")}),
        ({}, {"window_s": 60}),
    ],
)
def test_windows_tubes_and_layers_are_told_apart(left: dict, right: dict) -> None:  # type: ignore[type-arg]
    def make(**more) -> str:  # type: ignore[no-untyped-def]
        return series_uid("f:1", "count_rate", "gamma-total", "air_over_land", **more)

    assert make(**left) != make(**right)


def test_compartments_select_media() -> None:
    assert "air_over_land" in matching("air")
    assert "air_over_land" in matching("land")
    assert "sea_water" in matching("sea")
    assert "sea_water" not in matching("air")
    assert matching("sea_water") == {"sea_water"}
    assert matching("moon") == frozenset()
    assert all(set(medium.compartments) <= {"air", "land", "sea"} for medium in BY_ID.values())


def test_tallies_add_up() -> None:
    total = Tally(read=1, refused={"bad_time": 1}) + Tally(read=2, stored=2, refused={"bad_time": 2, "no_key": 1})
    assert (total.read, total.stored, dict(total.refused)) == (3, 2, {"bad_time": 3, "no_key": 1})
