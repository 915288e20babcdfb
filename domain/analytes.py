"""Canonical analytes: nuclides with half-lives, chemical forms, and sums that are their own kind.

Half-lives: Decay Data Evaluation Project (DDEP) recommended values, rounded; 1 a = 365.2422 d.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_A = 365.2422 * 86400.0
_D = 86400.0
_H = 3600.0

#: Nuclide -> half-life in seconds.
HALF_LIFE_S: dict[str, float] = {
    "H-3": 12.312 * _A,
    "Be-7": 53.22 * _D,
    "C-14": 5700 * _A,
    "Na-22": 2.603 * _A,
    "Cr-51": 27.704 * _D,
    "Co-57": 271.81 * _D,
    "K-40": 1.2504e9 * _A,
    "Mn-54": 312.19 * _D,
    "Fe-59": 44.49 * _D,
    "Co-58": 70.85 * _D,
    "Co-60": 5.2711 * _A,
    "Zn-65": 244.01 * _D,
    "Sr-89": 50.57 * _D,
    "Sr-90": 28.8 * _A,
    "Zr-95": 64.032 * _D,
    "Nb-95": 34.991 * _D,
    "Mo-99": 65.9 * _H,
    "Tc-99": 2.115e5 * _A,
    "Tc-99m": 6.0067 * _H,
    "Ru-103": 39.247 * _D,
    "Ru-105": 4.44 * _H,
    "Ru-106": 371.5 * _D,
    "Ag-108m": 438 * _A,
    "Ag-110m": 249.78 * _D,
    "Sb-124": 60.208 * _D,
    "Sb-125": 2.759 * _A,
    "Te-129": 69.6 * 60,
    "Te-129m": 33.6 * _D,
    "Te-132": 3.23 * _D,
    "I-125": 59.388 * _D,
    "I-129": 1.61e7 * _A,
    "I-131": 8.0233 * _D,
    "I-132": 2.295 * _H,
    "I-133": 20.87 * _H,
    "I-135": 6.58 * _H,
    "Kr-85": 10.752 * _A,
    "Xe-133": 5.2475 * _D,
    "Cs-134": 2.0644 * _A,
    "Cs-136": 13.04 * _D,
    "Cs-137": 30.05 * _A,
    "Ba-140": 12.753 * _D,
    "La-140": 1.6785 * _D,
    "Ce-141": 32.508 * _D,
    "Ce-144": 284.91 * _D,
    "Pm-147": 2.6234 * _A,
    "Eu-152": 13.522 * _A,
    "Eu-154": 8.601 * _A,
    "Eu-155": 4.753 * _A,
    "Tl-208": 3.058 * 60,
    "Pb-210": 22.23 * _A,
    "Pb-212": 10.64 * _H,
    "Pb-214": 26.8 * 60,
    "Bi-212": 60.54 * 60,
    "Bi-214": 19.9 * 60,
    "Po-210": 138.376 * _D,
    "Rn-222": 3.8232 * _D,
    "Ra-223": 11.43 * _D,
    "Ra-224": 3.631 * _D,
    "Ra-226": 1600 * _A,
    "Ra-228": 5.75 * _A,
    "Ac-228": 6.15 * _H,
    "Th-228": 1.9126 * _A,
    "Th-230": 7.54e4 * _A,
    "Th-232": 1.402e10 * _A,
    "Th-234": 24.1 * _D,
    "U-234": 2.455e5 * _A,
    "U-235": 7.04e8 * _A,
    "U-238": 4.468e9 * _A,
    "Np-237": 2.144e6 * _A,
    "Np-239": 2.356 * _D,
    "Pu-238": 87.74 * _A,
    "Pu-239": 24100 * _A,
    "Pu-240": 6561 * _A,
    "Pu-241": 14.33 * _A,
    "Am-241": 432.6 * _A,
    "Am-243": 7367 * _A,
    "Cm-242": 162.86 * _D,
    "Cm-244": 18.11 * _A,
}

#: Sums and totals that are analytes of their own and never add up with their parts.
SUMS: frozenset[str] = frozenset(
    {"gamma-total", "gross-alpha", "gross-beta", "Pu-239+240", "Cs-134+137", "Ru-103+106", "Cm-243+244", "Sr-89+90"}
)

#: Chemical forms that are told apart (H-3: tissue free water, organically bound, as water).
FORMS: frozenset[str] = frozenset({"HTO", "TFWT", "OBT", "particulate", "gaseous", "dissolved"})

_ALIASES: dict[str, str] = {
    "total beta": "gross-beta",
    "gross beta": "gross-beta",
    "t-beta": "gross-beta",
    "全β": "gross-beta",
    "전베타": "gross-beta",
    "total alpha": "gross-alpha",
    "gross alpha": "gross-alpha",
    "t-alpha": "gross-alpha",
    "전알파": "gross-alpha",
    "tritium": "H-3",
    "トリチウム": "H-3",
    "삼중수소": "H-3",
    "세슘134": "Cs-134",
    "세슘137": "Cs-137",
    "요오드131": "I-131",
    "セシウム134": "Cs-134",
    "セシウム137": "Cs-137",
    "ヨウ素131": "I-131",
    "gamma": "gamma-total",
    "239pu+240pu": "Pu-239+240",
    "239,240pu": "Pu-239+240",
    "pu-239,240": "Pu-239+240",
    "pu-239/240": "Pu-239+240",
}
_ELEMENT_FIRST = re.compile(r"^([A-Za-z]{1,2})[\s-]?(\d{1,3})([mM]\d?)?$")
_MASS_FIRST = re.compile(r"^(\d{1,3})(m\d?)?[\s-]?([A-Za-z]{1,2})$")


class UnknownAnalyte(ValueError):
    """The text names no analyte in the tables."""


@dataclass(frozen=True, slots=True, order=True)
class Analyte:
    """What was determined: a nuclide or sum, and its chemical form if told ("" if not)."""

    name: str
    form: str = ""

    @property
    def code(self) -> str:
        """Stable code, as `H-3:TFWT` or `Cs-137`."""
        return f"{self.name}:{self.form}" if self.form else self.name


GAMMA_TOTAL = Analyte("gamma-total")


def analyte(text: str) -> Analyte:
    """The analyte that a publisher's spelling names (`Cs-137`, `137Cs`, `H-3:OBT`, `Total beta`); raises UnknownAnalyte."""
    name, _, form = text.strip().partition(":")
    if form and form not in FORMS:
        raise UnknownAnalyte(text)
    return Analyte(_canonical(name.strip(), text), form)


def _canonical(name: str, text: str) -> str:
    if name in HALF_LIFE_S or name in SUMS:
        return name
    alias = _ALIASES.get(name.casefold())
    if alias:
        return alias
    if match := _ELEMENT_FIRST.match(name):
        element, mass, meta = match.groups()
    elif match := _MASS_FIRST.match(name):
        mass, meta, element = match.groups()
    else:
        raise UnknownAnalyte(text)
    found = f"{element.capitalize()}-{int(mass)}{(meta or '').lower()}"
    if found not in HALF_LIFE_S:
        raise UnknownAnalyte(text)
    return found
