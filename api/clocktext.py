"""Times as clients write and read them: RFC 3339 with an offset, answers in UTC with Z."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache

_SHAPE = re.compile(
    r"(?P<day>[0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ](?P<minute>[0-9]{2}:[0-9]{2})(:(?P<second>[0-9]{2})(\.[0-9]{1,9})?)?"
    r"(?P<offset>[Zz]|[+\- ][0-9]{2}:?[0-9]{2})?"
)
#: 0001-01-01T00:00:00Z and 9999-12-31T23:59:59Z.
EARLIEST_S, LATEST_S = -62135596800, 253402300799


class NaiveTimeError(ValueError):
    """A time without an offset."""


@lru_cache(maxsize=65536)
def told(time_s: int) -> str:
    """Seconds since 1970 as `2026-08-15T00:10:00Z`."""
    return datetime.fromtimestamp(time_s, UTC).isoformat().replace("+00:00", "Z")


def told_or_none(time_s: int | None) -> str | None:
    """As `told`; None stays None."""
    return None if time_s is None else told(time_s)


def heard(text: str) -> int:
    """Whole seconds since 1970 of an RFC 3339 time; raises NaiveTimeError without an offset, ValueError when it is no time at all.

    A space before the offset is read as `+`: an unescaped `+09:00` in a query string arrives like that. A leap second is
    the second after it, as clocks that do not know it have it.
    """
    match = _SHAPE.fullmatch(text)
    if match is None:
        raise ValueError("not a time as 2026-08-15T09:00:00+09:00")
    if match["offset"] is None:
        raise NaiveTimeError("the time has no offset from UTC; write Z or +09:00")
    second = int(match["second"] or 0)
    if second > 60:
        raise ValueError("not a time as 2026-08-15T09:00:00+09:00")
    offset = "+00:00" if match["offset"] in "Zz" else match["offset"].replace(" ", "+")
    moment = datetime.fromisoformat(f"{match['day']}T{match['minute']}:00{offset}")
    return min(max(int(moment.timestamp()) + second, EARLIEST_S), LATEST_S)
