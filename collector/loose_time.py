"""Stamps told loosely: any separators, eras, halves of the day in words, full-width digits, the hour 24; and stamps that lack their year or day."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

from collector.text import NARROW

#: The year before the first of each era; the Republic's years (民國) are counted in the same way.
_ERAS = {"令和": 2018, "R": 2018, "平成": 1988, "H": 1988, "昭和": 1925, "S": 1925, "民國": 1911, "中華民國": 1911}
_ERA = re.compile(r"(令和|平成|昭和|中華民國|民國|[RHS])\s*(\d{1,3}|元)(?=[年.\-/\s])", re.ASCII)
_REPUBLIC = re.compile(r"(\d{2,3})(?=[年.\-/])|(\d{3})(?=\d{4}(?!\d))", re.ASCII)
_HALVES = {"午前": "AM", "오전": "AM", "上午": "AM", "午後": "PM", "오후": "PM", "下午": "PM"}
_HALF = re.compile(r"\s*(?<![A-Za-z])([AP])\.?M\.?(?![A-Za-z])\s*", re.ASCII | re.IGNORECASE)
_DAY_OF_WEEK = re.compile(r"\s*\((?:[日月火水木金土월화수목금토일一二三四五六]|[A-Za-z]{2,9})(?:曜日?|요일)?\)\s*")
_LOOSE = re.compile(
    r"(\d{4})\s*[-/.年년]?\s*(\d{1,2})\s*[-/.月월]?\s*(\d{1,2})\s*[.日일]?"
    r"(?:[\sT,]*(\d{1,2})(?:\s*[:時时시点點]\s*(\d{1,2})(?:\s*[:分분]\s*(\d{1,2})(?:\.\d+)?)?\s*[分분秒초]?|\s*[時时시点點]))?"
    r"\s*(Z|[+-]\d{2}:?\d{2})?",
    re.ASCII,
)
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})[\sT_-]*(\d{2})(\d{2})?(\d{2})?()", re.ASCII)


def halves(text: str) -> str:
    """The text with AM and PM where it tells the half of the day in Japanese, Korean or Chinese."""
    for word, half in _HALVES.items():
        text = text.replace(word, half)
    return text


def loose(text: str, *, republic: bool = False) -> tuple[datetime, bool]:
    """The moment in a loosely told stamp and whether it tells a time of day; raises ValueError. `republic`: a bare year is one of 民國."""
    plain = _DAY_OF_WEEK.sub(" ", text.translate(NARROW)).strip()
    plain = _ERA.sub(lambda era: str(_ERAS[era[1]] + (1 if era[2] == "元" else int(era[2]))), plain, count=1)
    if republic and (found := _REPUBLIC.match(plain)):
        plain = f"{int(found[0]) + 1911}{plain[found.end() :]}"
    plain = halves(plain)
    half = _HALF.search(plain)
    if half is not None:
        plain = f"{plain[: half.start()]} {plain[half.end() :]}".strip()
    match = _COMPACT.fullmatch(plain) or _LOOSE.fullmatch(plain)
    if match is None:
        raise ValueError(text)
    year, month, day, hour, minute, second = (int(part) if part else 0 for part in match.groups()[:6])
    if half is not None:
        hour = _hour_of(hour, half[1].upper(), text)
    days = timedelta(days=1) if (hour, minute, second) == (24, 0, 0) else timedelta()
    moment = datetime(year, month, day, 0 if days else hour, minute, second, tzinfo=_zone(match[7])) + days
    return moment, match[4] is not None


def _hour_of(hour: int, half: str, text: str) -> int:
    """An hour of twelve as one of twenty-four; `午後 20時` is written too and means what it says."""
    if hour > 12:
        if half == "A":
            raise ValueError(text)
        return hour
    return hour % 12 + (12 if half == "P" else 0)


def _zone(text: str | None) -> timezone | None:
    if not text or text == "Z":
        return UTC if text else None
    size = timedelta(hours=int(text[1:3]), minutes=int(text[-2:]))
    return timezone(size if text[0] == "+" else -size)


def completions(lacks: str, received_s: int, zone: str) -> Iterator[str]:
    """What may stand before a stamp that lacks its year or its day, the latest first: around the time of receipt."""
    received = datetime.fromtimestamp(received_s, ZoneInfo(zone))
    if lacks == "year":
        yield from (str(received.year + more) for more in (1, 0, -1))
    else:
        yield from ((received + timedelta(days=more)).strftime("%Y-%m-%d") for more in (1, 0, -1))
