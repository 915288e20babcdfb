"""Publishers' spellings of nuclides reach one canonical name, or none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.analytes import HALF_LIFE_S, SUMS, Analyte, UnknownAnalyte, analyte


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Cs-137", Analyte("Cs-137")),
        ("137Cs", Analyte("Cs-137")),
        ("cs137", Analyte("Cs-137")),
        ("129mTe", Analyte("Te-129m")),
        ("Ag-110m", Analyte("Ag-110m")),
        ("H-3:TFWT", Analyte("H-3", "TFWT")),
        ("H-3:OBT", Analyte("H-3", "OBT")),
        ("3H", Analyte("H-3")),
        ("Total beta", Analyte("gross-beta")),
        ("239Pu+240Pu", Analyte("Pu-239+240")),
        ("삼중수소", Analyte("H-3")),
    ],
)
def test_spellings(text: str, expected: Analyte) -> None:
    assert analyte(text) == expected


@pytest.mark.parametrize("text", ["", "Cs", "137", "Cs-999", "H-3:XYZ", "Dt", "Date and time of Sampling"])
def test_what_names_no_analyte_is_refused(text: str) -> None:
    with pytest.raises(UnknownAnalyte):
        analyte(text)


@given(st.sampled_from(sorted(HALF_LIFE_S)), st.booleans(), st.sampled_from(["", "-", " "]))
def test_both_orders_agree(name: str, mass_first: bool, joint: str) -> None:
    element, _, mass = name.partition("-")
    assert analyte(f"{mass}{joint}{element}" if mass_first else f"{element}{joint}{mass}") == Analyte(name)


@given(st.sampled_from(sorted({*HALF_LIFE_S, *SUMS})), st.sampled_from(["", "OBT"]))
def test_a_code_reads_back(name: str, form: str) -> None:
    found = Analyte(name, form)
    assert analyte(found.code) == found
