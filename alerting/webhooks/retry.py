"""What comes after an attempt: done, again later, or never again. The printed table lasts 75 hours and 35 minutes."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from enum import StrEnum

#: Seconds to wait before attempt 1, 2, 3, ...
TABLE_S: tuple[int, ...] = (0, 5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)
#: Spread of each wait, so that receivers that failed together are not asked together.
JITTER = 0.2
_LONGEST_WAIT_S = 86_400
_SLOW_DOWN = frozenset({429, 502, 503, 504})


class Verdict(StrEnum):
    """What an attempt has come to."""

    DELIVERED = "delivered"
    AGAIN = "again"
    GONE = "gone"
    EXHAUSTED = "exhausted"


@dataclass(frozen=True, slots=True)
class Answered:
    """What a receiver answered; status 0: nothing. `first_bytes` are the start of its body, for the owner of the endpoint.

    `final`: it said that there is nobody of that address.
    """

    status: int
    retry_after: str = ""
    first_bytes: str = ""
    failure: str = ""
    duration_ms: int = 0
    final: bool = False


@dataclass(frozen=True, slots=True)
class Next:
    """The verdict, and when to try again if so."""

    verdict: Verdict
    due_s: float | None = None


def decide(
    answered: Answered, attempt: int, now_s: float, chance: random.Random, table_s: Sequence[float] = TABLE_S
) -> Next:
    """What follows attempt number `attempt` (from 1): only 2xx is success, 410 ends the endpoint, a redirect is a failure."""
    if 200 <= answered.status < 300:
        return Next(Verdict.DELIVERED)
    if answered.status == 410 or answered.final:
        return Next(Verdict.GONE)
    if attempt >= len(table_s):
        return Next(Verdict.EXHAUSTED)
    wait_s = table_s[attempt] * (1 + JITTER * (2 * chance.random() - 1))
    asked_s = retry_after_s(answered.retry_after, now_s)
    if asked_s is not None and (answered.status in _SLOW_DOWN or 300 <= answered.status < 600):
        wait_s = max(wait_s, asked_s)
    return Next(Verdict.AGAIN, now_s + wait_s)


def retry_after_s(text: str, now_s: float) -> float | None:
    """Seconds that a `Retry-After` header asks for (a number or an HTTP date), at most a day; None when it says nothing."""
    text = text.strip()
    if text.isascii() and text.isdigit() and len(text) < 12:
        return float(min(int(text), _LONGEST_WAIT_S))
    try:
        moment = parsedate_to_datetime(text).timestamp()
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
    return min(max(moment - now_s, 0.0), float(_LONGEST_WAIT_S))
