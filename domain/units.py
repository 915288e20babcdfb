"""A closed table of units in UCUM spelling, with exact factors.

A unit belongs to one dimension and converts only inside it: Sv and Gy, Bq and counts, Bq/L and Bq/kg are different
dimensions here although SI gives some of them the same base. Fresh, dry and ash mass are told apart by the quantity.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


class Dimension(StrEnum):
    DOSE_EQUIVALENT_RATE = "dose_equivalent_rate"
    GRAY_RATE = "gray_rate"
    EXPOSURE_RATE = "exposure_rate"
    COUNT_RATE = "count_rate"
    ACTIVITY_PER_VOLUME = "activity_per_volume"
    ACTIVITY_PER_MASS = "activity_per_mass"
    ACTIVITY_PER_AREA = "activity_per_area"
    TRITIUM_UNIT = "tritium_unit"
    RATIO = "ratio"
    LENGTH_RATE = "length_rate"
    LENGTH = "length"
    SPEED = "speed"
    ANGLE = "angle"
    TEMPERATURE = "temperature"
    IRRADIANCE = "irradiance"
    PRESSURE = "pressure"
    MAGNITUDE = "magnitude"
    UNSTATED = "unstated"


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit: UCUM code, dimension, factor to the dimension's base unit, spellings accepted in payloads and feed files."""

    ucum: str
    dimension: Dimension
    factor: Decimal
    spellings: tuple[str, ...] = ()


def _family(
    dimension: Dimension, tail: str, prefixes: dict[str, str], spellings: dict[str, tuple[str, ...]] | None = None
) -> list[Unit]:
    known = spellings or {}
    return [
        Unit(prefix + tail, dimension, Decimal(factor), known.get(prefix, ())) for prefix, factor in prefixes.items()
    ]


_SI = {"n": "1e-9", "u": "1e-6", "m": "1e-3", "": "1"}

TABLE: tuple[Unit, ...] = (
    *_family(
        Dimension.DOSE_EQUIVALENT_RATE,
        "Sv/h",
        _SI,
        {
            "u": (
                "μSv/h",
                "µSv/h",
                "usv/h",
                "微西弗/時",
                "microsievert per hour",
                "マイクロシーベルト毎時",
                "uSv/hr",
                "μSv/hr",
                "µSv/hr",
                "microSv/h",
                "μSv/時",
                "µSv/時",
                "μSv h-1",
                "µSv h-1",
                "uSv h-1",
                "μSv·h⁻¹",
                "мкЗв/ч",
                "USV/H",
            ),
            "n": ("nsv/h", "nSv/hr", "NSV/H", "nSv h-1", "nSv·h⁻¹", "nSv/時", "нЗв/ч", "nanosievert per hour"),
        },
    ),
    *_family(
        Dimension.GRAY_RATE,
        "Gy/h",
        _SI,
        {
            "u": ("μGy/h", "µGy/h", "uGy/hr", "мкГр/ч"),
            "n": ("ngy/h", "nGy/hr", "NGY/H", "nGy h-1", "nGy·h⁻¹", "nGy/時", "нГр/ч"),
        },
    ),
    Unit("uR/h", Dimension.EXPOSURE_RATE, Decimal("1e-6"), ("μR/h", "µR/h", "мкР/ч")),
    Unit("mR/h", Dimension.EXPOSURE_RATE, Decimal("1e-3")),
    Unit("R/h", Dimension.EXPOSURE_RATE, Decimal(1)),
    Unit("{counts}/s", Dimension.COUNT_RATE, Decimal(60), ("cps", "s-1", "CPS", "counts/s")),
    Unit("{counts}/min", Dimension.COUNT_RATE, Decimal(1), ("cpm", "min-1", "CPM", "counts/min")),
    *_family(
        Dimension.ACTIVITY_PER_VOLUME,
        "Bq/m3",
        _SI,
        {"u": ("μBq/m3", "µBq/m3", "μBq/m³", "µBq/m³"), "": ("Bq/m³",), "m": ("mBq/m³",)},
    ),
    Unit("kBq/m3", Dimension.ACTIVITY_PER_VOLUME, Decimal(1000)),
    Unit("Bq/cm3", Dimension.ACTIVITY_PER_VOLUME, Decimal(1000000)),
    Unit("Bq/L", Dimension.ACTIVITY_PER_VOLUME, Decimal(1000), ("Bq/l", "Bq/ℓ", "Bq/dm3")),
    Unit("mBq/L", Dimension.ACTIVITY_PER_VOLUME, Decimal(1), ("mBq/l",)),
    Unit("uBq/L", Dimension.ACTIVITY_PER_VOLUME, Decimal("1e-3"), ("μBq/L", "µBq/L")),
    Unit("pCi/m3", Dimension.ACTIVITY_PER_VOLUME, Decimal("0.037"), ("pCi/m³",)),
    Unit("aCi/m3", Dimension.ACTIVITY_PER_VOLUME, Decimal("3.7e-8"), ("aCi/m³",)),
    Unit("pCi/L", Dimension.ACTIVITY_PER_VOLUME, Decimal(37), ("pCi/l",)),
    *_family(Dimension.ACTIVITY_PER_MASS, "Bq/kg", _SI),
    Unit("kBq/kg", Dimension.ACTIVITY_PER_MASS, Decimal(1000)),
    Unit("Bq/g", Dimension.ACTIVITY_PER_MASS, Decimal(1000)),
    Unit("pCi/g", Dimension.ACTIVITY_PER_MASS, Decimal(37)),
    *_family(Dimension.ACTIVITY_PER_AREA, "Bq/m2", _SI, {"": ("Bq/m²",)}),
    Unit("kBq/m2", Dimension.ACTIVITY_PER_AREA, Decimal(1000), ("kBq/m²",)),
    Unit("MBq/km2", Dimension.ACTIVITY_PER_AREA, Decimal(1), ("MBq/km²",)),
    Unit("[TU]", Dimension.TRITIUM_UNIT, Decimal(1), ("TU",)),
    Unit("1", Dimension.RATIO, Decimal(1)),
    Unit("%", Dimension.RATIO, Decimal("0.01")),
    Unit("mm/h", Dimension.LENGTH_RATE, Decimal(1)),
    Unit("mm", Dimension.LENGTH, Decimal("1e-3")),
    Unit("m", Dimension.LENGTH, Decimal(1)),
    Unit("km", Dimension.LENGTH, Decimal(1000)),
    Unit("m/s", Dimension.SPEED, Decimal(1)),
    Unit("deg", Dimension.ANGLE, Decimal(1)),
    Unit("Cel", Dimension.TEMPERATURE, Decimal(1), ("°C", "degC")),
    Unit("W/m2", Dimension.IRRADIANCE, Decimal(1)),
    Unit("MJ/m2", Dimension.UNSTATED, Decimal(1)),
    Unit("hPa", Dimension.PRESSURE, Decimal(1)),
    Unit("{magnitude}", Dimension.MAGNITUDE, Decimal(1)),
    Unit("{unstated}", Dimension.UNSTATED, Decimal(1)),
)

BY_CODE: dict[str, Unit] = {unit.ucum: unit for unit in TABLE}
_BY_SPELLING: dict[str, Unit] = BY_CODE | {text: unit for unit in TABLE for text in unit.spellings}


class UnknownUnit(ValueError):
    """The text is no spelling of a unit in the table."""


class Incommensurable(ValueError):
    """The two units measure different things; no factor exists."""


def unit(text: str) -> Unit:
    """The unit that a text spells (exact match after trimming; µ as U+00B5 or U+03BC); raises UnknownUnit."""
    found = _BY_SPELLING.get(text.strip())
    if found is None:
        raise UnknownUnit(text)
    return found


def factor(source: str, target: str) -> Decimal:
    """Exact factor from UCUM code `source` to `target`; raises Incommensurable between different dimensions."""
    old, new = BY_CODE[source], BY_CODE[target]
    if old.dimension is not new.dimension or (old.dimension is Dimension.UNSTATED and source != target):
        raise Incommensurable(f"{source} does not convert to {target}")
    return old.factor / new.factor


def convert(value: float, source: str, target: str) -> float:
    """A number in `source` expressed in `target`; decimal arithmetic, so that 0.07 uSv/h is 70 nSv/h and not 70.00000000000001."""
    if source == target:
        return value
    return float(Decimal(repr(float(value))) * factor(source, target))
