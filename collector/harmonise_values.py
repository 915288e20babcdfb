"""Text to number and text to time, each distinct text once: publishers repeat themselves, so a small memory is most of the speed."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from collector.loose_time import halves, loose
from collector.text import NARROW
from domain import units
from domain.readings import TEXT_KEPT
from domain.reasons import Ignored, Refusal
from specs.mapping import Measure, TimeMap

#: Distinct texts remembered before starting again; a publisher's noise must not grow the process.
_MEMORY = 100_000
#: No stamp of ours is longer; patterns must never be tried on a megabyte of blanks.
_LONGEST_STAMP = 64
_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,6})?", re.ASCII)
#: The number at the start of a cell that goes on with a unit.
_LEADING = re.compile(r"[+-]?\d[\d.,]*(?:[eE][+-]?\d+(?![a-zA-Z]))?\s*", re.ASCII)
#: A point that may stand between thousands; in `0.12` it can only be a decimal sign.
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(?:\.\d{3})+(?:,\d*)?|[^,]*,.*\..*|.*\..*,.*", re.ASCII)
_NOT_FINITE = frozenset({"nan", "inf", "infinity", "+inf", "-inf", "+infinity", "-infinity", "1.#inf", "1.#qnan"})
_PLAIN: dict[int, int | str | None] = {**NARROW, ord("−"): "-"}


@dataclass(frozen=True, slots=True)
class Number:
    """What a cell's text says: a value, or why there is none (`outcome`). `digits` as in `domain.readings.Readings`.

    `limit` is a limit that was not reached; there is no value then.
    """

    value: float = math.nan
    digits: int = TEXT_KEPT
    outcome: Refusal | Ignored | None = None
    limit: float | None = None


def number(text: str) -> Number:
    """A published number; anything else is BAD_NUMBER, and what no computer can hold is NOT_FINITE."""
    stripped = text.strip()
    if len(stripped) > 100 or not _NUMBER.fullmatch(stripped.translate(_PLAIN)):
        return Number(outcome=Refusal.NOT_FINITE if stripped.lower() in _NOT_FINITE else Refusal.BAD_NUMBER)
    value = float(stripped.translate(_PLAIN))
    if not math.isfinite(value):
        return Number(outcome=Refusal.NOT_FINITE)
    return Number(value, _digits(value, text))


def _digits(value: float, text: str) -> int:
    """Decimals that give the text back, or TEXT_KEPT when decimals alone do not (`1e-3`, `+5`, sixteen digits of noise)."""
    decimals = len(text.partition(".")[2])
    return decimals if decimals <= 30 and f"{value:.{decimals}f}" == text else TEXT_KEPT


class Numbers:
    """Reads the cells of one measure, with the texts that its publisher writes instead of a number."""

    def __init__(self, measure: Measure) -> None:
        self._missing = {*measure.missing}
        self._missing_values = {found.value for text in measure.missing if (found := number(text)).outcome is None}
        self._not_measured = frozenset(measure.not_measured)
        self._words: Mapping[str, float] = measure.values
        self._measure = measure
        self._comma, self._thousands = measure.decimal_comma, measure.thousands
        self._below = [tuple(mark.translate(_PLAIN).partition("{}")[::2]) for mark in measure.below]
        self._ends = [mark.translate(_PLAIN) for mark in measure.ends_at]
        self._counts = measure.factor.counts if measure.factor else None
        self._known: dict[str, Number] = {}

    def read(self, text: str) -> Number:
        """The number in `text`, remembered; of counts with a factor the estimate, whose text stays that of the counts."""
        found = self._known.get(text)
        if found is None:
            if len(self._known) >= _MEMORY:
                self._known.clear()
            found = self._read(text)
            if self._counts is not None and found.outcome is None:
                limit = None if found.limit is None else found.limit / self._counts
                found = Number(found.value / self._counts, limit=limit)
            self._known[text] = found
        return found

    def _read(self, text: str) -> Number:
        stripped = text.strip()
        if stripped in self._missing:
            return Number(outcome=Ignored.PUBLISHER_MISSING_MARK)
        if stripped in self._not_measured:
            return Number(outcome=Ignored.NOT_MEASURED)
        if not stripped:
            return Number(outcome=Ignored.NOT_REPORTED)
        if stripped in self._words:
            return Number(self._words[stripped])
        plain = stripped.translate(_PLAIN)
        below, rest = self._unmarked(plain)
        told, unit_text = self._apart(rest)
        if self._measure.unit_in_cell and not is_unit(unit_text, self._measure):
            return Number(outcome=Refusal.UNKNOWN_UNIT)
        found = self._number(text if told == plain else told)
        if found.outcome is None and found.value in self._missing_values:
            return Number(outcome=Ignored.PUBLISHER_MISSING_MARK)
        if found.outcome is not None or told == plain:
            return found
        return Number(limit=found.value) if below else Number(found.value)  # the cell's text is kept whole

    def _unmarked(self, text: str) -> tuple[bool, str]:
        """Whether a mark says that the number is a limit that was not reached, and the text without the mark."""
        for before, behind in self._below:
            if text.startswith(before) and behind in text[len(before) :]:
                return True, text[len(before) :].replace(behind, " ", 1).strip()
        return False, text

    def _apart(self, text: str) -> tuple[str, str]:
        """The number of a cell and the unit that stands behind it, or behind what follows the number (`0.12 ± 0.01 uSv/h`)."""
        mark = next((mark for mark in self._ends if mark in text), "")
        told, _, rest = text.partition(mark) if mark else (text, "", "")
        if not self._measure.unit_in_cell:
            return told.strip(), ""
        told, unit_text = _number_and_unit(told.strip())
        return told, unit_text or _number_and_unit(rest.strip())[1]

    def _number(self, text: str) -> Number:
        """A number in the publisher's own spelling; when that is not ours, the text is kept."""
        if not (self._comma or self._thousands):
            return number(text)
        plain = text.strip().translate(_PLAIN).replace("\u202f", " ").replace("\u00a0", " ")
        if self._thousands:
            groups = plain.partition("," if self._comma else ".")[0].lstrip("+-").split(self._thousands)
            if len(groups) > 1 and (not groups[0] or any(len(group) != 3 for group in groups[1:])):
                return Number(outcome=Refusal.BAD_NUMBER)
            plain = plain.replace(self._thousands, "")
        if self._comma and _THOUSANDS.fullmatch(plain):
            # 1.234 with a decimal comma could be a thousand and more or one and a bit: nobody can tell, so it is none
            return Number(outcome=Refusal.BAD_NUMBER)
        found = number(plain.replace(",", ".") if self._comma else plain)
        return found if found.outcome is not None else Number(found.value)


def _number_and_unit(text: str) -> tuple[str, str]:
    """A number and the unit behind it, with or without a blank between."""
    match = _LEADING.match(text)
    return (text[: match.end()].strip(), text[match.end() :].strip()) if match else (text, "")


def is_unit(text: str, measure: Measure) -> bool:
    """Whether a publisher's text spells the unit of a measure."""
    try:
        return text in measure.unit_texts or units.unit(text).ucum == measure.unit
    except units.UnknownUnit:
        return False


@dataclass(frozen=True, slots=True)
class Stamp:
    """A moment read from text: seconds since 1970, how exact it is, and whether the zone came from the feed file."""

    second: int = 0
    resolution: str = "minute"
    zone_assumed: bool = False
    refusal: Refusal | None = None


_MIDNIGHT = re.compile(r"^(.*?)[ T]24(:00)?(:00)?(|[Z+-].*)$")
_FILETIME_EPOCH_S = 11_644_473_600


#: Stands between a stamp and the zone of its row.
ZONE_SIGN = "\x1f"
_OFFSET = re.compile(r"(?:UTC|GMT)?([+-])(\d{1,2})(?::?([0-5]\d))?", re.ASCII)
_EXCEL_EPOCH_DAYS = 25_569


class Stamps:
    """Reads the stamps of one form; each distinct text once."""

    def __init__(self, spec: TimeMap) -> None:
        self._zone = ZoneInfo(spec.zone)
        self._format, self._stated, self._oldest = spec.format, spec.zone_stated, spec.oldest
        self._zones = {text: ZoneInfo(name) for text, name in spec.zones.items()}
        self._known: dict[str, Stamp] = {}

    def read(self, text: str) -> Stamp:
        """The moment in `text`, remembered."""
        found = self._known.get(text)
        if found is None:
            if len(self._known) >= _MEMORY:
                self._known.clear()
            found = self._known[text] = self._read(text)
        return found

    def _read(self, text: str) -> Stamp:
        if len(text) > _LONGEST_STAMP:
            return Stamp(refusal=Refusal.BAD_TIME)
        text, sign, zone = text.partition(ZONE_SIGN)
        try:
            moment, resolution = self._parse(text.strip())
            assumed = moment.tzinfo is None and not self._stated and not sign
            if moment.tzinfo is None:
                moment = moment.replace(tzinfo=self._of_row(zone) if sign else self._zone)
            second = math.floor(moment.timestamp())
        except (ValueError, OverflowError, OSError):
            return Stamp(refusal=Refusal.BAD_TIME)
        if moment.year < self._oldest:
            return Stamp(refusal=Refusal.TIME_TOO_OLD)
        return Stamp(second, resolution, assumed)

    def _of_row(self, text: str) -> tzinfo:
        """The zone that a row tells: a word of the feed file, an offset, or an IANA name; raises ValueError."""
        if text in self._zones:
            return self._zones[text]
        if match := _OFFSET.fullmatch(text):
            size = timedelta(hours=int(match[2]), minutes=int(match[3] or 0))
            return timezone(size if match[1] == "+" else -size)
        try:
            return ZoneInfo(text)
        except (ZoneInfoNotFoundError, OSError) as error:
            raise ValueError(text) from error

    def _parse(self, text: str) -> tuple[datetime, str]:
        if self._format in {"epoch_s", "epoch_ms", "filetime"}:
            return _from_count(text, self._format), "minute"
        if self._format in {"loose", "minguo"}:
            moment, clocked = loose(text, republic=self._format == "minguo")
            return moment, "minute" if clocked else "day"
        # 24:00 is common in Japanese and Korean feeds; the standard library does not know it: it is the next day's midnight.
        shift = timedelta()
        if midnight := _MIDNIGHT.match(text):
            clock = f"00{midnight[2] or ''}{midnight[3] or ''}"
            text, shift = f"{midnight[1]} {clock}{midnight[4]}", timedelta(days=1)
        if self._format == "iso":
            return datetime.fromisoformat(text) + shift, "minute" if len(text) > 10 else "day"
        if self._format == "excel":
            days = number(text)
            if days.outcome is not None:
                raise ValueError(text)
            seconds = round((days.value - _EXCEL_EPOCH_DAYS) * 86_400)
            return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None), "minute" if days.value % 1 else "day"
        if "%p" in self._format:
            text = halves(text)
        moment = datetime.strptime(text, self._format) + shift  # noqa: DTZ007
        return moment, _resolution(self._format)


def _resolution(pattern: str) -> str:
    """How exactly a named pattern tells a moment."""
    if re.search(r"%[HIMSTXcsfR]", pattern):
        return "minute"
    if re.search(r"%[dejxDUWVuaA]", pattern):
        return "day"
    return "month" if re.search(r"%[mbB]", pattern) else "year"


def _from_count(text: str, kind: str) -> datetime:
    count = number(text)
    if count.outcome is not None:
        raise ValueError(text)
    seconds = {
        "epoch_s": count.value,
        "epoch_ms": count.value / 1e3,
        "filetime": count.value / 1e7 - _FILETIME_EPOCH_S,
    }[kind]
    return datetime.fromtimestamp(seconds, UTC)
