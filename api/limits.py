"""Fair use: a token bucket per client address, told in RateLimit headers."""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import dataclass, field

from aiohttp import web
from aiohttp.typedefs import Handler

from api.problems import Code, ProblemError
from api.service import SERVICE

_MOST_CLIENTS = 10_000
_FREE = frozenset({"/healthz", "/readyz", "/metrics"})


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at_s: float


@dataclass(slots=True)
class Buckets:
    """Tokens of the clients seen last; one that was forgotten begins with a full bucket."""

    per_minute: int
    clients: OrderedDict[str, _Bucket] = field(default_factory=OrderedDict)

    def take(self, client: str, now_s: float) -> tuple[int, int]:
        """Take one token: (tokens left or -1 if there was none, seconds until the next one)."""
        most, rate = float(self.per_minute), self.per_minute / 60
        bucket = self.clients.pop(client, None) or _Bucket(most, now_s)
        bucket.tokens = min(most, bucket.tokens + max(0.0, now_s - bucket.at_s) * rate)
        bucket.at_s = now_s
        self.clients[client] = bucket
        if len(self.clients) > _MOST_CLIENTS:
            self.clients.popitem(last=False)
        if bucket.tokens < 1:
            return -1, math.ceil((1 - bucket.tokens) / rate)
        bucket.tokens -= 1
        return int(bucket.tokens), math.ceil((1 - min(bucket.tokens, 1)) / rate)


BUCKETS: web.AppKey[Buckets] = web.AppKey("buckets", Buckets)


@web.middleware
async def limit_rate(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse a client that asks too often; probes of operators are never refused."""
    buckets = request.app[BUCKETS]
    if request.path in _FREE:
        return await handler(request)
    left, wait_s = buckets.take(request.remote or "", request.app[SERVICE].clock.now_s())
    told = {
        "RateLimit-Limit": str(buckets.per_minute),
        "RateLimit-Remaining": str(max(left, 0)),
        "RateLimit-Reset": str(wait_s),
    }
    if left < 0:
        detail = f"More than {buckets.per_minute} requests a minute; the next one is answered in {wait_s} s."
        raise ProblemError(Code.TOO_MANY_REQUESTS, detail, headers={"Retry-After": str(wait_s), **told})
    response = await handler(request)
    if not response.prepared:
        response.headers.update(told)
    return response
