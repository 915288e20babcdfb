"""Units convert exactly inside their dimension and never across."""

from __future__ import annotations

import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.quantities import TABLE as QUANTITIES
from domain.units import BY_CODE, TABLE, Dimension, Incommensurable, UnknownUnit, convert, factor, unit

CODES = st.sampled_from(sorted(BY_CODE))


@given(CODES, CODES)
def test_a_factor_exists_exactly_inside_a_dimension(source: str, target: str) -> None:
    same = BY_CODE[source].dimension is BY_CODE[target].dimension
    stated = BY_CODE[source].dimension is not Dimension.UNSTATED or source == target
    if same and stated:
        assert factor(source, target) * factor(target, source) == pytest.approx(Decimal(1))
    else:
        with pytest.raises(Incommensurable):
            factor(source, target)


@pytest.mark.parametrize(
    ("source", "target"),
    [("uSv/h", "uGy/h"), ("Bq/L", "Bq/kg"), ("Bq/m3", "{counts}/s"), ("uSv/h", "uR/h"), ("{unstated}", "MJ/m2")],
)
def test_kinds_that_look_alike_do_not_convert(source: str, target: str) -> None:
    with pytest.raises(Incommensurable):
        convert(1.0, source, target)


@pytest.mark.parametrize(
    ("value", "source", "target", "expected"),
    [
        (0.07, "uSv/h", "nSv/h", 70.0),
        (128.9, "nSv/h", "uSv/h", 0.1289),
        (1.0, "Bq/L", "Bq/m3", 1000.0),
        (1.0, "pCi/m3", "Bq/m3", 0.037),
        (1.0, "MBq/km2", "Bq/m2", 1.0),
        (60.0, "{counts}/min", "{counts}/s", 1.0),
    ],
)
def test_published_numbers_stay_decimal(value: float, source: str, target: str, expected: float) -> None:
    assert convert(value, source, target) == expected


@given(st.floats(min_value=-1e12, max_value=1e12, allow_nan=False))
def test_there_and_back_changes_nothing(value: float) -> None:
    assert math.isclose(convert(convert(value, "uSv/h", "nSv/h"), "nSv/h", "uSv/h"), value, rel_tol=1e-12)


@pytest.mark.parametrize("text", ["uSv/h", "µSv/h", "μSv/h", " uSv/h ", "微西弗/時"])
def test_spellings_of_one_unit(text: str) -> None:
    assert unit(text).ucum == "uSv/h"


@pytest.mark.parametrize("text", ["", "Sv", "SV/H", "Bq", "Hz", "becquerel"])
def test_what_is_no_unit_is_refused(text: str) -> None:
    with pytest.raises(UnknownUnit):
        unit(text)


def test_no_spelling_names_two_units() -> None:
    spellings = [text for entry in TABLE for text in {entry.ucum, *entry.spellings}]
    assert len(spellings) == len(set(spellings))


def test_every_quantity_is_compared_in_a_unit_of_its_dimension() -> None:
    assert all(BY_CODE[quantity.unit].dimension is quantity.dimension for quantity in QUANTITIES)
    assert len({quantity.id for quantity in QUANTITIES}) == len(QUANTITIES)
    assert all(all(quantity.names) for quantity in QUANTITIES)
