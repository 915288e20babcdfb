"""States that things can be in, and the moves that are legal between them."""

from __future__ import annotations

from enum import StrEnum


class FeedState(StrEnum):
    """What is known of a feed; each is different from the others and none of them is calm."""

    NEVER_RUN = "never_run"
    OK = "ok"
    LATE = "late"
    PARTIAL = "partial"
    EMPTY = "empty"
    UNREAD = "unread"
    BLOCKED = "blocked"
    MISREAD = "misread"
    PAUSED = "paused"


class Freshness(StrEnum):
    """What the age of a series' newest reading says: `late` past its habit, `silent` past any excuse, `feed_late` when its whole feed is."""

    FRESH = "fresh"
    LATE = "late"
    SILENT = "silent"
    FEED_LATE = "feed_late"
    NEVER = "never"


class RegionState(StrEnum):
    NORMAL = "normal"
    ELEVATED = "elevated"
    HIGH = "high"
    INSUFFICIENT = "insufficient"


class Censoring(StrEnum):
    """Censoring class of a value (MARIS detection codes and EURDEP value types, mapped in docs/vocabulary.md)."""

    NONE = "none"
    BELOW = "below"
    ABOVE = "above"
    NOT_DETECTED = "not_detected"
    NOT_MEASURED = "not_measured"
    NOT_REPORTED = "not_reported"
    DERIVED = "derived"


#: Stable small integers for stores and arrays; position is the code.
CENSORING_CODES: tuple[Censoring, ...] = tuple(Censoring)


class Kind(StrEnum):
    """How a value came to be."""

    MEASURED = "measured"
    CONVERTED = "converted"
    ESTIMATED = "estimated"
    SIMULATED = "simulated"


class AlertState(StrEnum):
    """Life of an alert (shared semantics: silence leads to `stale`, never to `resolved`)."""

    PENDING = "pending"
    UNVERIFIED = "unverified"
    FIRING = "firing"
    STALE = "stale"
    RESOLVED = "resolved"
    AMENDED = "amended"
    CANCELLED = "cancelled"


ALERT_MOVES: dict[AlertState, frozenset[AlertState]] = {
    AlertState.PENDING: frozenset({AlertState.UNVERIFIED, AlertState.FIRING, AlertState.CANCELLED}),
    AlertState.UNVERIFIED: frozenset(
        {AlertState.FIRING, AlertState.RESOLVED, AlertState.STALE, AlertState.AMENDED, AlertState.CANCELLED}
    ),
    AlertState.FIRING: frozenset({AlertState.RESOLVED, AlertState.STALE, AlertState.AMENDED, AlertState.CANCELLED}),
    AlertState.STALE: frozenset(
        {AlertState.UNVERIFIED, AlertState.FIRING, AlertState.RESOLVED, AlertState.AMENDED, AlertState.CANCELLED}
    ),
    AlertState.AMENDED: frozenset(
        {AlertState.UNVERIFIED, AlertState.FIRING, AlertState.RESOLVED, AlertState.STALE, AlertState.CANCELLED}
    ),
    AlertState.RESOLVED: frozenset({AlertState.AMENDED, AlertState.CANCELLED}),
    AlertState.CANCELLED: frozenset(),
}


def may_move(old: AlertState, new: AlertState) -> bool:
    """Whether an alert may go from `old` to `new`."""
    return new in ALERT_MOVES[old]


class Redistribute(StrEnum):
    """A licence verdict: `internal` (no licence found) reaches the operator's own audience only."""

    YES = "yes"
    ASK = "ask"
    INTERNAL = "internal"
    NO = "no"


class Audience(StrEnum):
    INTERNAL = "internal"
    PUBLIC = "public"
