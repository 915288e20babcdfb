"""How alerts are put into the words of others (CAP, Atom, RSS). Alerting can, and the programs do not import each other: the top room passes it in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from api.problems import Code, ProblemError
from store.alert_rows import EventRow

FeedKind = Literal["atom", "rss"]


@dataclass(frozen=True, slots=True)
class FeedAsked:
    """What a feed of alerts says of itself: its address below the service's own, when it was made, what it was narrowed to."""

    path: str
    as_of_s: int
    narrowed_to: str
    language: str
    exercises: bool


class AlertVoice(Protocol):
    """Whoever can write these; both calls are blocking work for a thread."""

    def cap(self, events: Sequence[EventRow], stations: Mapping[str, str], as_of_s: int | None) -> bytes | None:
        """The CAP 1.2 message of the last of these events of one alert, or its renewal at `as_of_s`; None if there is none to publish."""
        ...

    def feed(self, kind: FeedKind, alerts: Sequence[Sequence[EventRow]], asked: FeedAsked) -> bytes:
        """Alerts, each with its events, as a feed."""
        ...


class Mute:
    """A service that was started without a voice; it says so."""

    def cap(self, *_: object) -> bytes | None:
        """Raises ProblemError 503."""
        raise ProblemError(Code.NOT_AVAILABLE, "This service writes no CAP messages.")

    def feed(self, *_: object) -> bytes:
        """Raises ProblemError 503."""
        raise ProblemError(Code.NOT_AVAILABLE, "This service writes no feeds of alerts.")
