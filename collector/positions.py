"""Texts of coordinates to degrees: with or without signs between, hemisphere letters before or behind, one text or two."""

from __future__ import annotations

import math
import re

from collector.harmonise_values import number

_LONGEST = 64
_NUMBER = re.compile(r"\d+(?:\.\d+)?", re.ASCII)
#: What may stand between and around the numbers of an angle.
_SIGNS = frozenset("°º˚:,[]′'’″\"” \t度分秒dm")
_ISO_6709 = re.compile(r"([+-])(\d{2,6})(\.\d+)?([+-])(\d{3,7})(\.\d+)?(?:([+-]\d+(?:\.\d+)?))?(?:CRS\w*)?/?", re.ASCII)


def angle(text: str, form: str, *, comma: bool = False, hemisphere: str = "") -> float:
    """Degrees of one coordinate; NaN when the text is no position (which then counts as refused)."""
    plain = text.strip()
    if len(plain) > _LONGEST:
        return math.nan
    if comma:
        plain = plain.replace(",", ".")
    if form == "degrees" and not hemisphere and (found := number(plain)).outcome is None:
        return found.value
    letters = hemisphere.strip().upper() + "".join(letter for letter in plain if letter in "NSEW")
    plain = "".join(letter for letter in plain if letter not in "NSEW").strip()
    negative = plain[:1] in {"-", "−"}
    if len(letters) > 1 or (letters and letters not in "NSEW") or (letters and negative):
        return math.nan
    size = _size(plain.lstrip("-−+"), form)
    return -size if negative or (letters in {"S", "W"} and letters) else size


def _size(text: str, form: str) -> float:
    """An angle without its sign."""
    parts = [float(part) for part in _NUMBER.findall(text)]
    if set(_NUMBER.sub("", text)) - _SIGNS or len(parts) != {"degrees_minutes": 2, "dms": 3}.get(form, 1):
        return math.nan
    if form == "nmea":
        parts = [parts[0] // 100, parts[0] % 100]
    if any(part > 60 for part in parts[1:]) or any(part != int(part) for part in parts[:-1]):
        return math.nan
    return math.fsum(part / (1, 60, 3600)[power] for power, part in enumerate(parts))


def pair(text: str, form: str, order: str, *, comma: bool = False) -> tuple[float, float]:
    """Latitude and longitude of one text that holds both; NaN for what is no position."""
    if form == "iso6709":
        try:
            return iso6709(text)[:2]
        except ValueError:
            return math.nan, math.nan
    plain = text.strip()
    if plain[:5].upper() == "POINT":  # well-known text, as `POINT(129.1 35.1)`
        plain = plain[5:].lstrip("Z ")
    parts = _halves(plain.strip("()[]"), comma)
    if parts is None:
        return math.nan, math.nan
    first, second = (angle(part, form, comma=comma) for part in parts)
    return (first, second) if order == "lat_lon" else (second, first)


def _halves(text: str, comma: bool) -> tuple[str, str] | None:
    """The two coordinates of one text: by `;` or `/`, by a comma unless that is the decimal sign, behind a letter, or by the only blank.

    A third number between commas is a height, as in KML, and no part of the place.
    """
    if not comma and text.count(",") == 2 and number(text.rpartition(",")[2]).outcome is None:
        text = text.rpartition(",")[0]
    for mark in (";", "/", ", " if comma else ","):
        if text.count(mark) == 1:
            first, _, second = text.partition(mark)
            return first, second
    at = next((at for at, letter in enumerate(text[:-1]) if letter in "NSEW" and at), None)
    if at is not None:
        return text[: at + 1], text[at + 1 :]
    words = text.split()
    return (words[0], words[1]) if len(words) == 2 else None


def iso6709(text: str) -> tuple[float, float, float | None]:
    """Latitude, longitude in degrees and height in metres (None when absent) of an ISO 6709 text; raises ValueError.

    The digits before the point tell the form: 2 and 3 are degrees, 4 and 5 degrees and minutes, 6 and 7 degrees, minutes, seconds.
    """
    match = _ISO_6709.fullmatch(text.strip()) if len(text) <= _LONGEST else None
    if match is None:
        raise ValueError(f"`{text}` is no ISO 6709 position")
    latitude = _compact(match[1], match[2], match[3] or "", 2)
    longitude = _compact(match[4], match[5], match[6] or "", 3)
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        raise ValueError(f"`{text}` lies outside the Earth")
    return latitude, longitude, float(match[7]) if match[7] else None


def _compact(sign: str, digits: str, fraction: str, degrees: int) -> float:
    rest = digits[degrees:]
    if len(rest) not in {0, 2, 4}:
        raise ValueError(f"`{digits}` has an odd number of digits")
    parts = [digits[:degrees], *(rest[at : at + 2] for at in range(0, len(rest), 2))]
    parts[-1] += fraction
    if any(float(part) >= 60 for part in parts[1:]):
        raise ValueError(f"`{digits}` has sixty minutes or more")
    size = math.fsum(float(part) / (1, 60, 3600)[power] for power, part in enumerate(parts))
    return -size if sign == "-" else size
