"""Values are told in the unit of their quantity; what that took is told with them."""

from __future__ import annotations

from functools import lru_cache

from api.models.values import Conversion
from domain.quantities import BY_ID as QUANTITIES
from domain.units import Incommensurable, convert, factor

#: Version of the table of unit factors; a change of any factor raises it.
UNIT_TABLE_VERSION = 1


@lru_cache(maxsize=1024)
def conversion(published: str, canonical: str) -> Conversion | None:
    """The conversion from a published unit to the unit of comparison, None where they are the same."""
    if published == canonical:
        return None
    number = format(factor(published, canonical).normalize(), "f")
    return Conversion(
        id=f"{published}->{canonical}", version=UNIT_TABLE_VERSION, factor=number, source="UCUM; SI prefixes, exact"
    )


@lru_cache(maxsize=1024)
def canonical_unit(quantity: str, published: str) -> str:
    """The unit in which values of a quantity are told: its own, unless no exact factor leads there from the published one."""
    known = QUANTITIES.get(quantity)
    if known is None:
        return published
    try:
        factor(published, known.unit)
    except (Incommensurable, KeyError):
        return published
    return known.unit


def converted(value: float | None, published: str, canonical: str) -> float | None:
    """A number in the canonical unit; None stays None."""
    return None if value is None else convert(value, published, canonical)
