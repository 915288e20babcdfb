"""Whether a program lives, for those that are no API: `/healthz` and `/metrics`, and the question that `radcommons health` asks."""

from __future__ import annotations

import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.request import urlopen

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest


@asynccontextmanager
async def monitored(host: str, port: int, registry: CollectorRegistry) -> AsyncIterator[str]:
    """Serve `/healthz` and `/metrics` of this process; yields the address."""

    async def health(_: web.Request) -> web.StreamResponse:
        return web.json_response({"alive": True})

    async def metrics(_: web.Request) -> web.StreamResponse:
        return web.Response(body=generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    app = web.Application()
    app.router.add_get("/healthz", health)
    app.router.add_get("/metrics", metrics)
    async with listening(app, host, port) as address:
        yield address


@asynccontextmanager
async def listening(app: web.Application, host: str, port: int) -> AsyncIterator[str]:
    """Serve `app`; yields its address, and leaves that address where `radcommons health` of this user looks for it."""
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        bound = runner.addresses[0][1]
        note = _note()
        note.write_text(f"http://{'127.0.0.1' if host in ('0.0.0.0', '::') else host}:{bound}/", encoding="utf-8")  # noqa: S104
        yield f"http://{host}:{bound}/"
        note.unlink(missing_ok=True)
    finally:
        await runner.cleanup()


def healthy(address: str = "") -> bool:
    """Whether the program at `address` (default: the one that this user started last) says that it lives."""
    try:
        address = address or _note().read_text(encoding="utf-8")
        with urlopen(f"{address.rstrip('/')}/healthz", timeout=5) as answer:  # noqa: S310 - an address of our own
            return bool(answer.status == 200)
    except OSError:
        return False


def _note() -> Path:
    return Path(tempfile.gettempdir()) / f"radcommons-{os.getuid()}.address"
