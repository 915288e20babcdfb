"""Receivers that misbehave, in a process of their own: hang, reset, 500, 429, 410, 301, drip, break off. Each keeps account of what came.

Usage: python -m bench.chaos_receiver PORT SECRETS.json SEED RATE
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import random
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import standardwebhooks
from aiohttp import web

#: What a receiver does instead of answering well; receiver n does kind n of them now and then, every ninth all of them.
KINDS = ("none", "hang", "reset", "500", "429", "301", "drip", "lie", "410")
HANG_S, DRIP_S = 30.0, 0.05


@dataclass(slots=True)
class Got:
    """One request: when, by whom, what it was, whether the reference library verified it, what became of it."""

    at: float
    receiver: str
    id: str
    sequence: int
    digest: str
    verified: bool
    did: str

    @property
    def acknowledged(self) -> bool:
        """Whether the sender was told 2xx."""
        return self.did in ("ok", "drip", "lie")


class Receivers:
    """All of them on one port, by path."""

    def __init__(self, secrets: dict[str, list[str]], seed: int, rate: float) -> None:
        self.keys = {name: [standardwebhooks.Webhook(one) for one in both] for name, both in secrets.items()}
        self.key = 0  # which of its two secrets each receiver knows
        self.chance = random.Random(seed)
        self.rate = rate
        self.got: list[Got] = []
        self.gone: set[str] = set()

    async def hook(self, request: web.Request) -> web.StreamResponse:
        """One delivery."""
        name, body = request.match_info["name"], await request.read()
        try:
            self.keys[name][self.key].verify(body, dict(request.headers))
            verified = True
        except standardwebhooks.WebhookVerificationError:
            verified = False
        did = self._choice(name)
        got = Got(
            time.monotonic(), name, request.headers["webhook-id"], json.loads(body)["data"]["sequence"],
            hashlib.sha256(body).hexdigest()[:16], verified, did,
        )  # fmt: skip
        self.got.append(got)
        return await self._do(did, request)

    def _choice(self, name: str) -> str:
        kind = KINDS[int(name) % len(KINDS)]
        if self.chance.random() >= self.rate or kind == "none":
            return "ok"
        if kind == "410":
            if name not in self.gone:
                self.gone.add(name)
                return "410"
            return self.chance.choice(KINDS[1:-1])
        return kind

    async def _do(self, did: str, request: web.Request) -> web.StreamResponse:
        if did in ("500", "410"):
            return web.Response(status=int(did), text="no")
        if did == "429":
            return web.Response(status=429, headers={"Retry-After": "1"})
        if did == "301":
            return web.Response(status=301, headers={"Location": "http://127.0.0.1:1/elsewhere"})
        if did == "hang":
            await asyncio.sleep(HANG_S)
        if did in ("reset", "hang") and request.transport is not None:
            request.transport.abort()
        if did in ("drip", "lie"):
            return await self._broken(did, request)
        return web.Response(status=204)

    async def _broken(self, did: str, request: web.Request) -> web.StreamResponse:
        """A 200 whose body comes in drops, or never comes to the end that it promised."""
        response = web.StreamResponse(status=200, headers={"Content-Length": "40"})
        await response.prepare(request)
        with contextlib.suppress(ConnectionError):  # the sender has heard enough
            for _ in range(4):
                await response.write(b"x" * 10 if did == "drip" else b"x")
                await asyncio.sleep(DRIP_S)
        if did == "lie" and request.transport is not None:
            request.transport.abort()
        return response

    async def switch(self, request: web.Request) -> web.Response:  # noqa: ARG002 - a handler
        """Forget the old secrets and know only the new ones."""
        self.key = 1
        return web.Response(status=204)

    async def account(self, request: web.Request) -> web.Response:  # noqa: ARG002 - a handler
        """Everything that came."""
        return web.json_response([asdict(one) for one in self.got])

    async def count(self, request: web.Request) -> web.Response:  # noqa: ARG002 - a handler
        """How many requests came, and how many of them were told 2xx."""
        return web.json_response([len(self.got), sum(one.acknowledged for one in self.got)])


def main() -> None:
    """Serve until killed."""
    port, path, seed, rate = sys.argv[1:5]
    receivers = Receivers(json.loads(Path(path).read_text()), int(seed), float(rate))
    app = web.Application()
    app.router.add_post("/hook/{name}", receivers.hook)
    app.router.add_post("/switch", receivers.switch)
    app.router.add_get("/account", receivers.account)
    app.router.add_get("/count", receivers.count)
    web.run_app(app, host="127.0.0.1", port=int(port), print=None, access_log=None, shutdown_timeout=0.1)


if __name__ == "__main__":
    main()
