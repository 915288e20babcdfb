"""`radcommons rehearsal`: a day of invented history in seconds, then the live service on a fast clock."""

from __future__ import annotations

import time
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import structlog

from collector.archive import NullArchive
from collector.fetch import Fetcher, FetchLimits
from collector.pipeline import Pipeline
from collector.poll import Poller
from collector.secrets import Secrets
from domain.clock import SystemClock
from radcommons.ground import Ground
from radcommons.programs import collecting, serving, stop_signal, watching
from radcommons.rehearsal.clock import RehearsalClock
from radcommons.rehearsal.publishers import Publishers
from radcommons.rehearsal.upstream import as_exercise, upstream
from radcommons.rehearsal.world import HOUR_S, World
from radcommons.settings import Settings
from specs.loading import load_config
from store.engine import open_store

log = structlog.get_logger(__name__)

HISTORY_S = 27 * HOUR_S
HISTORY_STEP_S = 1800
#: Feeds whose stations need a past to be compared with; the others have their history in every answer.
_WITH_A_PAST = ("exercise-jp-nra-ramis", "exercise-tw-nusc-gamma")
#: How long before the present the live part begins; the fast clock catches up with it and then goes at the usual pace.
LIVE_FROM_S = 8 * HOUR_S
_LIMITS = FetchLimits(
    contact="rehearsal@localhost", host_requests_per_s=1e4, backoff_s=0.1, attempts=2, allow_loopback=True
)


class AnySecret(Secrets):
    """The simulated publishers take any key."""

    def value(self, name: str) -> str:
        """A key that opens nothing."""
        return f"rehearsal-{name.lower()}"


async def play(settings: Settings, *, speed: float, keep: bool) -> None:
    """Serve the rehearsal until SIGINT or SIGTERM; without `keep` its store is thrown away afterwards."""
    real = SystemClock()
    began_s = real.now_s() // 600 * 600 - LIVE_FROM_S - HISTORY_S
    live_s = began_s + HISTORY_S
    clock = RehearsalClock(real, began_s)
    config = load_config(settings.config)
    publishers = Publishers.of(World(began_s, plume_s=live_s + HOUR_S), config.geography, dies_s=live_s + 2400)
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="radcommons-rehearsal-")))
        address = await stack.enter_async_context(upstream(publishers, clock))
        exercise = as_exercise(config, address)
        settings = replace(settings, archive=folder / "archive", exercise=True, webhook_networks=("127.0.0.0/8",))
        if not keep:
            settings = replace(settings, database=f"sqlite+aiosqlite:///{folder / 'rehearsal.db'}")
        store = await open_store(settings.database)
        stack.push_async_callback(store.close)
        ground = Ground(settings, exercise, store, clock, limits=_LIMITS, secrets=AnySecret(), speed=speed)
        told, registry = await stack.enter_async_context(serving(ground))
        ground = replace(ground, registry=registry)
        print(f"EXERCISE: Radcommons answers at {told}", flush=True)
        await make_history(ground, clock, live_s)
        clock.run(speed)
        await stack.enter_async_context(watching(ground))
        await stack.enter_async_context(collecting(ground))
        print(
            f"EXERCISE: history is there; the clock runs {speed:g} times as fast. Rain is about, one feed dies soon, a plume follows.",
            flush=True,
        )
        await stop_signal()


async def make_history(ground: Ground, clock: RehearsalClock, until_s: float) -> None:
    """Poll feeds at each step of the past, on the standing clock, through the same pipeline as live answers."""
    began = time.monotonic()

    async def no_pause(_: float) -> None: ...

    pipeline = Pipeline(ground.store, ground.config, clock, NullArchive())
    async with Fetcher(ground.limits, clock, secrets=ground.secrets) as fetcher:
        poller = Poller(fetcher, pipeline, clock, sleep=no_pause)
        while clock.now_s() < until_s:
            for feed in ground.config.feeds:
                if feed.id in _WITH_A_PAST:
                    await poller.poll(feed)
            clock.advance_to(clock.now_s() + HISTORY_STEP_S)
    log.info("history made", seconds=round(time.monotonic() - began, 1))
