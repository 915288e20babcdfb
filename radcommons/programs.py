"""Wiring: the three programs on one loop, in any combination, from open store to orderly stop.

Each program is an async context manager: entering starts it, leaving stops it and waits for what it has begun.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext
from dataclasses import replace
from datetime import UTC, datetime

import structlog
from prometheus_client import CollectorRegistry

from alerting.evaluate import Watcher
from api.app import create_app
from api.service import SERVICE
from api.settings import ApiSettings
from collector.archive import ArchiveReader, RawArchive
from collector.desk import Desk
from collector.fetch import Fetcher
from collector.guard import Guard
from collector.metrics import Metrics
from collector.pipeline import Pipeline
from collector.poll import Poller
from collector.recover import recover
from collector.schedule import Scheduler
from collector.sharing import Sharing
from collector.site_watch import SiteWatch
from collector.versions import Versions
from domain.clock import Clock
from radcommons import __version__
from radcommons.dead_man import Beats
from radcommons.ground import Ground, grounded
from radcommons.heap import search_rarely
from radcommons.live import LiveConfig
from radcommons.monitor import listening, monitored
from radcommons.settings import Settings
from radcommons.telling import channels, dead_man, delivering, driller, spoken, target_check
from specs.loading import Config
from store import compact, heads, retention

log = structlog.get_logger(__name__)

WATCH_EVERY_S = 2.0
DELIVER_EVERY_S = 0.2
SIGN_EVERY_S = 60.0
TEND_EVERY_S = 60.0
SITES_EVERY_S = 60.0
CONFIG_EVERY_S = 2.0
DESK_EVERY_S = 0.5
DRILL_LOOK_EVERY_S = 1.0


@asynccontextmanager
async def collecting(ground: Ground) -> AsyncIterator[Scheduler]:
    """Program 1: every enabled feed on its schedule, from publisher to committed rows."""
    await ground.store.become_collector()
    metrics = Metrics(ground.registry)
    archive = RawArchive(ground.settings.archive)
    versions = Versions(ground.store, ground.settings.config, ground.settings.archive, ground.clock)
    config = await _decided(ground, versions)
    pipeline = Pipeline(ground.store, config, ground.clock, archive, metrics=metrics, threads=True)
    await recover(ground.store, config, ArchiveReader([ground.settings.archive]))
    async with Fetcher(ground.limits, ground.clock, secrets=ground.secrets) as fetcher:
        poller = Poller(fetcher, pipeline, ground.clock, sleep=lambda pause_s: asyncio.sleep(pause_s / ground.speed))
        guard = Guard(poller, fetcher, ground.store, ground.clock, ground.limits.between_polls_s)
        await guard.load()
        holder = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
        sharing = Sharing(ground.store, holder, guard.poll, speed=ground.speed)
        scheduler = Scheduler(sharing.poll, metrics, speed=ground.speed)
        scheduler.configure(config.feeds)
        desk = _desk(ground, versions, guard, pipeline, scheduler)
        watch = SiteWatch(ground.store, desk.config, ground.clock)
        async with sharing.living():
            scheduler.start()
            try:
                async with (
                    _looping("do what operators ask", desk.step, DESK_EVERY_S),
                    _looping("sign the log", _signer(ground), SIGN_EVERY_S),
                    _looping("watch the sites", watch.step, SITES_EVERY_S),
                    _looping("go through drills", driller(ground).step, DRILL_LOOK_EVERY_S),
                    _looping("tend the store", _tender(ground, desk.config), TEND_EVERY_S),
                ):
                    yield scheduler
            finally:
                poller.stopping.set()
                await scheduler.stop()
                archive.close()


async def _decided(ground: Ground, versions: Versions) -> Config:
    """The configuration after the collector has looked at every file; from here on it decides and the other programs follow."""
    if ground.live is None:
        return ground.config
    ground.live.decide = versions.decide
    await ground.live.reload()
    return ground.live.config


def _desk(ground: Ground, versions: Versions, guard: Guard, pipeline: Pipeline, scheduler: Scheduler) -> Desk:
    """What operators ask of the collector, and what a new configuration changes in it."""
    live = ground.live or LiveConfig(ground.settings.config, ground.store, ground.config)

    async def take_over(config: Config) -> None:
        changed = [feed.id for feed in config.feeds if pipeline.feeds.get(feed.id) is not feed]
        await guard.forget(changed)
        pipeline.configure(config)
        scheduler.configure(config.feeds)

    live.on_change(take_over)
    return Desk(ground.store, versions, guard, guard.fetcher, ground.clock, lambda: live.config, live.reload)


def _signer(ground: Ground) -> Callable[[], Awaitable[object]]:
    """Signs the log when an hour has passed since the last time, by the collector's clock."""
    path = ground.settings.signing_key
    path.parent.mkdir(parents=True, exist_ok=True)
    key = heads.signing_key(path)
    return lambda: heads.sign(ground.store, key, int(ground.clock.now_s()))


def _tender(ground: Ground, config: Callable[[], Config]) -> Callable[[], Awaitable[object]]:
    """Rolls up and packs what left the hot window, and drops what feeds no longer keep."""

    async def tend() -> None:
        await compact.tend(ground.store)
        keep_days = {feed.id: feed.keep_days for feed in config().feeds if feed.keep_days is not None}
        for gone in await retention.drop_old(ground.store, keep_days, int(ground.clock.now_s())):
            log.info("readings were dropped", feed=gone.feed_id, readings=gone.readings, until_s=gone.until_s)

    return tend


@asynccontextmanager
async def watching(ground: Ground) -> AsyncIterator[None]:
    """Program 2: evaluates committed batches and delivers what it decided; two loops that meet in the outbox."""
    watcher = Watcher(ground.store, ground.live.config if ground.live else ground.config, ground.clock)
    if ground.live is not None:
        ground.live.on_change(_follower(watcher))
    beats = Beats()
    async with (
        delivering(ground) as deliverer,
        dead_man(ground, beats, deliverer) as man,
        _looping("watch", beats.of("watch", watcher.step), WATCH_EVERY_S),
        _looping("deliver", deliverer.step, DELIVER_EVERY_S),
        _looping("say that all lives", man.step, ground.speech.dead_man_every_s) if man else nullcontext(),
    ):
        yield


def _follower(watcher: Watcher) -> Callable[[Config], Awaitable[None]]:
    async def follow(config: Config) -> None:
        watcher.config = config

    return follow


@asynccontextmanager
async def serving(ground: Ground) -> AsyncIterator[tuple[str, CollectorRegistry]]:
    """Program 3: answers questions; yields its address and the registry behind its /metrics."""
    settings = ground.settings
    options = ApiSettings(
        audience=settings.audience,
        version=__version__,
        contact=settings.contact,
        operator_token=settings.operator_token,
        requests_per_minute=settings.requests_per_minute,
        channels=channels(ground),
        export_folder=settings.archive.parent / "exports",
    )
    app = create_app(
        ground.store,
        ground.config,
        options,
        ground.clock,
        target_check=target_check(ground),
        voice=spoken(ground),
    )
    if ground.live is not None:
        ground.live.on_change(app[SERVICE].take_over)
    async with listening(app, settings.host, settings.port) as address:
        yield address, app[SERVICE].metrics.registry


async def run_programs(
    settings: Settings, *, collect: bool = False, watch: bool = False, serve: bool = False, clock: Clock | None = None
) -> None:
    """Run the programs asked for until SIGINT or SIGTERM, then stop them in order: no new polls, then the watcher, then the API."""
    search_rarely()
    async with AsyncExitStack() as stack:
        ground = await stack.enter_async_context(grounded(settings, clock=clock))
        if serve:
            address, registry = await stack.enter_async_context(serving(ground))
            ground = replace(ground, registry=registry)
            stands = (
                ""
                if clock is None
                else f", with its clock standing at {datetime.fromtimestamp(clock.now_s(), UTC):%Y-%m-%dT%H:%M:%SZ}"
            )
            print(f"Radcommons answers at {address}{stands}", flush=True)
        elif settings.port:
            await stack.enter_async_context(monitored(settings.host, settings.port, ground.registry))
        if watch:
            await stack.enter_async_context(watching(ground))
        if collect:
            await stack.enter_async_context(collecting(ground))
        if ground.live is not None:
            await ground.live.begin()
            await stack.enter_async_context(_looping("watch the configuration", ground.live.step, CONFIG_EVERY_S))
        await stop_signal()


async def stop_signal() -> None:
    """Wait for SIGINT or SIGTERM."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    try:
        await stop.wait()
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


@asynccontextmanager
async def _looping(name: str, step: Callable[[], Awaitable[object]], every_s: float) -> AsyncIterator[None]:
    """`step` again and again in the background. One that fails keeps its traceback in the log and does not end the loop."""

    async def loop() -> None:
        while True:
            try:
                await step()
            except Exception:
                log.exception("a step failed", loop=name)
            await asyncio.sleep(every_s)

    task = asyncio.create_task(loop(), name=name)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
