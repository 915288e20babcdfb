"""A dead-man's switch: an outside address is posted to while every link of the path lives, and not when any one does not.

Whoever listens there raises the alarm when nothing comes: a service that is dead cannot say so itself.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

import msgspec
import structlog
from prometheus_client import CollectorRegistry, Gauge

from alerting.webhooks.send import Sender
from domain.clock import Clock
from domain.drill import DRILL_FEED
from specs.loading import Config
from store import read
from store.engine import Store

log = structlog.get_logger(__name__)

STEP_ALIVE_S = 60.0
_POLL_SLACK_S = 120.0
_POLLS_MISSED = 3


@dataclass(slots=True)
class Beats:
    """When the loops of this process last came to the end of a step, on the machine's monotonic clock."""

    at: dict[str, float] = field(default_factory=dict)

    def of(self, name: str, step: Callable[[], Awaitable[object]]) -> Callable[[], Awaitable[object]]:
        """`step`, noted each time it ends well."""

        async def noted() -> object:
            done = await step()
            self.at[name] = time.monotonic()
            return done

        return noted


@dataclass(slots=True)
class DeadMan:
    """Asks every link and posts when all live. `links`: name -> seconds since it last did its work (None: never yet), and how many are too many."""

    url: str
    sender: Sender
    links: Mapping[str, tuple[Callable[[], Awaitable[float | None]], float]]
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    _alive: Gauge = field(init=False)
    _dead: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self._alive = Gauge(
            "radcommons_link_alive",
            "1 while a link of the path from poll to delivery lives",
            ["link"],
            registry=self.registry,
        )

    async def step(self) -> tuple[str, ...]:
        """The links that do not live; with none the address is posted to."""
        dead = tuple([name for name, (age, most_s) in self.links.items() if not _lives(await age(), most_s)])
        for name in self.links:
            self._alive.labels(name).set(name not in dead)
        if dead != self._dead:
            log.warning("links of the path", dead=dead)
        self._dead = dead
        if not dead:
            body = msgspec.json.encode({"alive": sorted(self.links)})
            answered = await self.sender.post(self.url, {}, body)
            if not 200 <= answered.status < 300:
                log.warning(
                    "the dead-man's address does not answer well", status=answered.status, said=answered.failure
                )
        return dead


def _lives(age_s: float | None, most_s: float) -> bool:
    return age_s is not None and age_s <= most_s


def since(stamp: Callable[[], float | None]) -> Callable[[], Awaitable[float | None]]:
    """Seconds since a moment of the monotonic clock."""

    async def age() -> float | None:
        at = stamp()
        return None if at is None else time.monotonic() - at

    return age


def since_newest_poll(store: Store, clock: Clock) -> Callable[[], Awaitable[float | None]]:
    """Seconds since any feed was last tried, as the store has it: the collector may be another process."""

    async def age() -> float | None:
        health = (await read.feed_health(store)).values()
        tried = [row.last_try_s for row in health if row.last_try_s is not None and row.feed_id != DRILL_FEED]
        return clock.now_s() - max(tried) if tried else None

    return age


def poll_alive_s(config: Config) -> float:
    """How old the newest poll may be: three periods of the most frequent feed."""
    every = [feed.schedule.every_s for feed in config.feeds if feed.enabled]
    return _POLLS_MISSED * min(every, default=600) + _POLL_SLACK_S
