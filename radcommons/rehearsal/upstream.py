"""The simulated publishers on one loopback port, and real feed files pointed at it as exercises."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from urllib.parse import urlsplit

from aiohttp import web

from domain.clock import Clock
from radcommons.rehearsal.publishers import Publishers
from specs.feed import FeedSpec, Form
from specs.loading import Config
from specs.request import Values

#: Feeds that the simulated publishers can answer, and the forms of them.
REHEARSED = {
    "jp-nra-ramis": ("readings", "missing-list"),
    "kr-khnp-radiorate": ("realtime",),
    "tw-nusc-gamma": ("utf8",),
    "jp-orbs-sea": ("seawater",),
    "jp-jma-quakes": ("list",),
    "hk-hko-gamma": ("hourly",),
}
#: Variables of a template that would make hundreds of requests are cut down.
_FEWER = {"point": Values(values=("1", "2", "10", "23", "45"))}
PREFIX = "exercise-"


@asynccontextmanager
async def upstream(publishers: Publishers, clock: Clock) -> AsyncIterator[str]:
    """Serve the simulated publishers; yields `http://127.0.0.1:<port>`. The host of a real address is the first part of the path."""

    async def handle(request: web.Request) -> web.StreamResponse:
        host, _, path = request.match_info["rest"].partition("/")
        reply = publishers.answer(host, path, request.query, clock.now_s())
        etag = hashlib.sha256(reply.body).hexdigest()[:16]
        if request.headers.get("If-None-Match", "").strip('"') == etag:
            return web.Response(status=304)
        response = web.Response(body=reply.body, status=reply.status, content_type=reply.content_type)
        response.etag = etag
        response.enable_compression()
        return response

    app = web.Application()
    app.router.add_get("/{rest:.+}", handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def as_exercise(config: Config, address: str) -> Config:
    """The configuration with its rehearsed feeds only, each with an id, a namespace and a mark of its own, asking `address`."""
    feeds = tuple(_exercise(feed, address) for feed in config.feeds if feed.id in REHEARSED)
    return replace(config, feeds=feeds, digest=f"{PREFIX}{config.digest}")


def _exercise(feed: FeedSpec, address: str) -> FeedSpec:
    titles = {language: f"EXERCISE: {title}" for language, title in feed.title.items()}
    return feed.model_copy(
        update={
            "id": PREFIX + feed.id, "namespace": PREFIX + feed.namespace, "title": titles, "exercise": True, "critical": False,
            "enabled": True, "expect": feed.expect.model_copy(update={"stations": None}),
            "forms": tuple(_redirected(form, address) for form in feed.forms if form.id in REHEARSED[feed.id]),
        }
    )  # fmt: skip


def _redirected(form: Form, address: str) -> Form:
    request = form.request
    parts = urlsplit(request.url)
    url = f"{address}/{parts.netloc}{parts.path}" + (f"?{parts.query}" if parts.query else "")
    variables = {name: _FEWER.get(name, variable) for name, variable in request.variables.items()}
    return form.model_copy(
        update={"request": request.model_copy(update={"url": url, "also": (), "variables": variables})}
    )
