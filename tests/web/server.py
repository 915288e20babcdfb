"""A made /v1 with the page in front of it, on loopback."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web

from tests.web import made

WEB = Path(__file__).resolve().parents[2] / "api" / "web"


@dataclass
class Switches:
    """What a test may turn while the server runs."""

    world: made.World = field(default_factory=made.World)
    vendor: bool = True
    down: bool = False
    asked: list[str] = field(default_factory=list)


SWITCHES: web.AppKey[Switches] = web.AppKey("switches", Switches)


async def _page(_request: web.Request) -> web.StreamResponse:
    return web.FileResponse(WEB / "index.html")


async def _file(request: web.Request) -> web.StreamResponse:
    path = (WEB / request.match_info["path"]).resolve()
    hidden = path.is_relative_to(WEB / "vendor") and not request.app[SWITCHES].vendor
    if hidden or not path.is_relative_to(WEB) or not path.is_file():
        raise web.HTTPNotFound
    return web.FileResponse(path)


def _list(request: web.Request, name: str, rows: list[made.Json]) -> web.Response:
    body = {"as_of": made.NOW, "next": None, "exercise": request.app[SWITCHES].world.exercise, name: rows}
    return web.json_response(body, headers={"Cache-Control": "no-cache"})


async def _v1(request: web.Request) -> web.Response:
    switches = request.app[SWITCHES]
    switches.asked.append(request.path_qs)
    if switches.down:
        return web.json_response({"code": "store_unavailable"}, status=503, content_type="application/problem+json")
    path = request.path.removeprefix("/v1/")
    lists = {
        "latest": lambda: made.latest(switches.world, request.query.get("medium", "air")),
        "feeds": lambda: made.feeds(switches.world),
        "alerts": lambda: made.alerts(switches.world),
        "sources": made.sources,
        "samples": lambda: made.samples(request.query.get("medium", "air")),
    }
    if path in lists:
        return _list(request, path, lists[path]())
    if path.startswith("series/"):
        return _list(request, "observations", made.observations() if "s-normal" in path else [])
    if path == "regions":
        return web.json_response(made.regions())
    if path.startswith("regions/"):
        return web.json_response(made.summary(path.split("/")[1]))
    return web.json_response({"links": {}})


def build(switches: Switches) -> web.Application:
    """The application: page, files, made answers."""
    app = web.Application()
    app[SWITCHES] = switches
    app.router.add_get("/", _page)
    app.router.add_get("/web/{path:.+}", _file)
    app.router.add_get("/v1/{path:.*}", _v1)
    return app


async def serve(switches: Switches, port: int) -> web.AppRunner:
    """Starts serving on loopback."""
    runner = web.AppRunner(build(switches))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    return runner


async def _main() -> None:
    await serve(Switches(), 8400)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_main())
