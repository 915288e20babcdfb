"""One attempt: a signed POST that never follows a redirect, never waits long and never reads much."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from functools import lru_cache
from typing import Protocol

import aiohttp
from aiohttp.abc import AbstractResolver
from yarl import URL

from alerting.webhooks.resolve import ForbiddenTarget, TargetPolicy, guarded
from alerting.webhooks.resolve import refusal as refusal_of_text
from alerting.webhooks.retry import Answered

BODY_LIMIT = 20_000
_READ_AT_MOST = 1024
_BODY_TIMEOUT_S = 3.0
TIMEOUT = aiohttp.ClientTimeout(total=20, sock_connect=6)


class Sender(Protocol):
    """Whatever makes an attempt."""

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answered:
        """The receiver's answer; never raises for what a receiver does."""
        ...


class HttpSender:
    """The real one. `open` it once per program and `close` it after its users. `resolver` replaces the system's, for tests."""

    def __init__(
        self,
        policy: TargetPolicy,
        user_agent: str,
        timeout: aiohttp.ClientTimeout = TIMEOUT,
        resolver: AbstractResolver | None = None,
        *,
        per_host: int = 8,
    ) -> None:
        self._policy = policy
        self._user_agent = user_agent
        self._timeout = timeout
        self._resolver = resolver
        self._per_host = per_host
        self._sessions: dict[str, aiohttp.ClientSession] = {}

    def open(self) -> None:
        """Make the sessions, one per scheme, because http may reach less than https does; needs a running loop."""
        self._sessions = {scheme: self._session(plain=scheme == "http") for scheme in ("https", "http")}

    def _session(self, *, plain: bool) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(
            socket_factory=guarded(self._policy, plain=plain),
            limit=400,
            limit_per_host=self._per_host,
            use_dns_cache=False,
            resolver=self._resolver,
        )
        return aiohttp.ClientSession(
            connector=connector,
            timeout=self._timeout,
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            auto_decompress=False,
        )

    async def close(self) -> None:
        """Close the sessions and their connections."""
        for session in self._sessions.values():
            await session.close()
        self._sessions = {}

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answered:
        """The receiver's answer, or why there is none."""
        if not self._sessions:
            raise RuntimeError("open() the sender first")
        said = refusal(url, self._policy)
        if said:
            return Answered(0, failure=f"refused: {said}")
        begun = time.monotonic()
        sent = {"content-type": "application/json", "user-agent": self._user_agent, **headers}
        try:
            target = URL(url)
            async with self._sessions[target.scheme].post(
                target, data=body, headers=sent, allow_redirects=False
            ) as response:
                first = await _first_bytes(response)
                return Answered(response.status, response.headers.get("Retry-After", ""), first, "", _since(begun))
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            return Answered(0, failure=_words(error), duration_ms=_since(begun))


#: The text of an address says the same every time; what it resolves to is looked at when a socket is opened.
refusal = lru_cache(maxsize=4096)(refusal_of_text)


async def _first_bytes(response: aiohttp.ClientResponse) -> str:
    """The start of the body. The status line has decided already: a body that drips or breaks off changes nothing."""
    if response.content.at_eof():
        return ""
    try:
        async with asyncio.timeout(_BODY_TIMEOUT_S):
            return (await response.content.read(_READ_AT_MOST)).decode("utf-8", "replace")
    except (aiohttp.ClientError, TimeoutError, OSError):
        return ""


def _since(begun: float) -> int:
    return int((time.monotonic() - begun) * 1000)


def _words(error: BaseException) -> str:
    inner: BaseException | None = getattr(error, "os_error", None) or error.__cause__
    for one in (error, inner):
        if isinstance(one, ForbiddenTarget):
            return f"refused: {one}"
    if isinstance(error, TimeoutError):
        return "timeout"
    return f"{type(error).__name__}: {error}"[:300]
