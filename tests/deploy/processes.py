"""Our programs as processes of their own, forked from one that has imported everything: five starts cost one import, not five.

Watcher and APIs run by their command line; a collector is wired as the command does, on a clock twenty times as fast and allowed to ask
a publisher on loopback.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
from multiprocessing.process import BaseProcess
from pathlib import Path

from collector.fetch import FetchLimits
from domain.clock import SystemClock
from radcommons.cli import app
from radcommons.ground import Ground
from radcommons.programs import collecting, stop_signal
from radcommons.settings import Settings
from specs.loading import load_config
from store.engine import open_store

SPEED = 20.0
_apart = multiprocessing.get_context("forkserver")
_apart.set_forkserver_preload([__name__])


def started(log: Path, command: list[str]) -> BaseProcess:
    """A process that runs `collect URL CONFIG ARCHIVE NAME`, or a command of `radcommons`; what it says is added to `log`."""
    process = _apart.Process(target=_run, args=(str(log), command))
    process.start()
    return process


def _run(log: str, command: list[str]) -> None:
    handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(handle, 1)
    os.dup2(handle, 2)
    if command[0] == "collect":
        asyncio.run(_collect(*command[1:]))
    else:
        app(command)


async def _collect(url: str, config: str, archive: str, name: str) -> None:
    settings = Settings(config=Path(config), database=url, archive=Path(archive), contact=name)
    limits = FetchLimits(
        contact=name, host_requests_per_s=1e4, attempts=1, total_s=5.0, between_polls_s=60 / SPEED, allow_loopback=True
    )
    store = await open_store(url)
    ground = Ground(settings, load_config(settings.config), store, SystemClock(), limits=limits, speed=SPEED)
    async with collecting(ground):
        await stop_signal()
    await store.close()
