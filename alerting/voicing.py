"""The voice of one service: rows of the store in, CAP, Atom and RSS out. What the API is given to speak with, and mail and posts too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from alerting import syndication
from alerting.cap import document
from alerting.cap_alert import CapAlert, Voice
from alerting.cap_from import cap_alert
from alerting.records import AlertRecord
from domain.drill import DRILL_FEED
from specs.loading import Config
from store.alert_rows import EventRow


class Asked(Protocol):
    """What a feed is asked to say of itself; `path` is its address below the base URL."""

    @property
    def path(self) -> str: ...
    @property
    def as_of_s(self) -> int: ...
    @property
    def narrowed_to(self) -> str: ...
    @property
    def language(self) -> str: ...
    @property
    def exercises(self) -> bool: ...


@dataclass(slots=True)
class Spoken:
    """The first message about an area takes 0.3 s: call it in a thread. `config` may be exchanged while it is in use."""

    voice: Voice
    config: Config

    def alert(self, events: Sequence[EventRow], stations: Mapping[str, str] | None = None) -> CapAlert:
        """The last of an alert's events as the input of every message; raises as `cap_alert` does."""
        abouts = {feed.id: {str(key): text for key, text in feed.title.items()} for feed in self.config.feeds}
        return cap_alert(events, self.config.geography, stations, abouts, open_feeds=open_feeds(self.config))

    async def follow(self, config: Config) -> None:
        """Speak by another configuration from now on."""
        self.config = config

    def cap(self, events: Sequence[EventRow], stations: Mapping[str, str], as_of_s: int | None) -> bytes | None:
        """The CAP document of the last of these events, its newest renewal with `as_of_s`; None if there is none to publish."""
        return document(self.alert(events, stations), self.voice, as_of_s)

    def feed(self, kind: Literal["atom", "rss"], alerts: Sequence[Sequence[EventRow]], asked: Asked) -> bytes:
        """Alerts, each with its events, as a feed."""
        head = syndication.FeedHead(self.voice.base_url.rstrip("/") + asked.path, asked.as_of_s, asked.narrowed_to)
        write = syndication.atom if kind == "atom" else syndication.rss
        spoken = [self.alert(events) for events in alerts]
        return write(spoken, self.voice, head, asked.language, exercises=asked.exercises)


def open_feeds(config: Config) -> frozenset[str]:
    """Feeds whose readings may be passed on to anybody, and the invented ones; one that nobody names is none of them."""
    return frozenset(feed.id for feed in config.feeds if feed.rights.public) | {DRILL_FEED}


def is_open(record: AlertRecord, feeds: frozenset[str]) -> bool:
    """Whether an alert stands on such feeds alone."""
    return set(record.feeds) <= feeds
