"""Times as clients write and read them: RFC 3339 with an offset, answers in UTC with Z."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache

_SHAPE = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?(?P<offset>[Zz]|[+\- ]\d\d:?\d\d)?")


class NaiveTimeError(ValueError):
    """A time without an offset."""


@lru_cache(maxsize=65536)
def told(time_s: int) -> str:
    """Seconds since 1970 as `2026-08-15T00:10:00Z`."""
    return datetime.fromtimestamp(time_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def told_or_none(time_s: int | None) -> str | None:
    """As `told`; None stays None."""
    return None if time_s is None else told(time_s)


def heard(text: str) -> int:
    """Seconds since 1970 of an RFC 3339 time; raises NaiveTimeError without an offset, ValueError when it is no time at all.

    A space before the offset is read as `+`: an unescaped `+09:00` in a query string arrives like that.
    """
    match = _SHAPE.fullmatch(text)
    if match is None:
        raise ValueError("not a time as 2026-08-15T09:00:00+09:00")
    offset = match["offset"]
    if offset is None:
        raise NaiveTimeError("the time has no offset from UTC; write Z or +09:00")
    clock = text[: match.start("offset")].replace("t", "T")
    moment = datetime.fromisoformat(clock + ("Z" if offset in "Zz" else offset.replace(" ", "+")))
    seconds = moment.timestamp()
    if not 0 <= seconds <= 253402300799:
        raise ValueError("the time lies before 1970 or after 9999")
    return int(seconds)
