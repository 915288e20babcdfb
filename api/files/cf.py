"""What the CF conventions ask for: units as UDUNITS spells them, standard names that exist, flags with their meanings.

Standard names: CF standard name table, version 93. None is invented: a dose rate and an activity in sea water have no name there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from api.clocktext import told
from domain.flags import Qc
from domain.quantities import BY_ID as QUANTITIES
from domain.states import CENSORING_CODES

CONVENTIONS = "CF-1.11"

#: Attributes of the column of revisions.
REVISION: Mapping[str, str] = {"long_name": "1, and one more for each correction by the publisher", "units": "1"}

#: UCUM -> UDUNITS; a quantity whose unit is not stated has no `units` at all.
_UDUNITS: Mapping[str, str] = {
    "nSv/h": "nSv h-1",
    "nGy/h": "nGy h-1",
    "uR/h": "1e-6 roentgen h-1",
    "{counts}/min": "min-1",
    "Bq/m3": "Bq m-3",
    "Bq/L": "Bq L-1",
    "Bq/kg": "Bq kg-1",
    "Bq/m2": "Bq m-2",
    "[TU]": "1",
    "1": "1",
    "%": "percent",
    "mm/h": "mm h-1",
    "mm": "mm",
    "m/s": "m s-1",
    "deg": "degree",
    "Cel": "degree_Celsius",
    "W/m2": "W m-2",
    "hPa": "hPa",
}
#: Nuclides with `radioactivity_concentration_of_X_in_air` and `surface_radioactivity_content_of_X` in the table.
_NAMED = frozenset(
    {
        "H-3",
        "Mn-54",
        "Co-58",
        "Co-60",
        "Sr-89",
        "Sr-90",
        "Zr-95",
        "Nb-95",
        "Mo-99",
        "Tc-99",
        "Tc-99m",
        "Ru-103",
        "Ru-105",
        "Ru-106",
        "Ag-110m",
        "Sb-125",
        "Te-129m",
        "Te-132",
        "I-129",
        "I-131",
        "I-132",
        "I-133",
        "Xe-133",
        "Cs-134",
        "Cs-136",
        "Cs-137",
        "Ba-140",
        "La-140",
        "Ce-141",
        "Ce-144",
        "Pb-210",
        "Pb-214",
        "Bi-214",
        "Po-210",
        "Rn-222",
        "Ra-226",
        "Ra-228",
        "Th-228",
        "Th-232",
        "U-234",
        "U-235",
        "U-238",
        "Np-239",
        "Pu-238",
        "Pu-239",
        "Pu-240",
        "Pu-241",
        "Am-241",
        "Cm-242",
        "Cm-244",
        "Am-243",
        "Np-237",
        "Th-234",
        "Th-230",
        "Ac-228",
        "Ra-224",
        "Ra-223",
        "Bi-212",
        "Pb-212",
        "Tl-208",
        "Eu-155",
        "Eu-154",
        "Pm-147",
        "Kr-85",
        "I-135",
        "Te-129",
        "Sb-124",
    }
)
_PATTERNS = {
    "activity_concentration_in_air": "radioactivity_concentration_of_{}_in_air",
    "deposition": "surface_radioactivity_content_of_{}",
}


def units(ucum: str) -> str:
    """UDUNITS spelling of a UCUM unit; "" where none can be given."""
    return _UDUNITS.get(ucum, "")


def standard_name(quantity: str, analyte: str = "gamma-total") -> str:
    """The CF standard name of a quantity of an analyte; "" where the table has none."""
    if quantity in _PATTERNS and analyte in _NAMED:
        element, mass = analyte.split("-")
        return _PATTERNS[quantity].format(f"{mass}{element}")
    known = QUANTITIES.get(quantity)
    return known.cf_standard_name if known else ""


def variable_name(*parts: str) -> str:
    """A variable name of letters, digits and underscores."""
    return re.sub(r"[^A-Za-z0-9]+", "_", "_".join(part for part in parts if part)).strip("_")


def described(quantity: str, unit: str, analyte: str = "gamma-total") -> dict[str, str]:
    """Attributes of a variable of a quantity."""
    known = QUANTITIES.get(quantity)
    told = {"long_name": (known.names[0] if known else quantity) + ("" if analyte == "gamma-total" else f", {analyte}")}
    if name := standard_name(quantity, analyte):
        told["standard_name"] = name
    if spelled := units(unit):
        told["units"] = spelled
    else:
        told["comment"] = "the publisher states no unit"
    return told


def beside(about: Mapping[str, str], says: str) -> dict[str, str]:
    """Attributes of a column beside a variable: its unit, never its standard name; `says` takes the long name."""
    own = {key: text for key, text in about.items() if key != "standard_name"}
    return own | {"long_name": says.format(about["long_name"])}


def window_attributes(title: str, span: tuple[int, int], *, simulated: bool) -> dict[str, str]:
    """Global attributes of a file over a time window."""
    begin, end = told(span[0]), told(span[1])
    return {
        "title": f"{title}: {begin} to {end}",
        "source": "publishers' readings, harmonised",
        "time_coverage_start": begin,
        "time_coverage_end": end,
        "exercise": "true: SIMULATED DATA INSIDE" if simulated else "false",
    }


def qc_flags() -> tuple[list[int], str]:
    """Masks and meanings of the QC bits."""
    flags = [flag for flag in Qc if flag]
    return [int(flag) for flag in flags], " ".join((flag.name or "").lower() for flag in flags)


def censoring_flags() -> tuple[list[int], str]:
    """Values and meanings of the censoring codes."""
    return list(range(len(CENSORING_CODES))), " ".join(code.value for code in CENSORING_CODES)
