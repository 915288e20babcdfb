"""Asking a publisher, politely and safely: whatever it does ends as an answer with a reason, never as an exception."""

from __future__ import annotations

import asyncio
import email.utils
import hashlib
import ssl
from collections import OrderedDict, defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Self
from urllib.parse import quote, urlsplit

import aiohttp
from aiolimiter import AsyncLimiter
from yarl import URL

from collector.addresses import ForbiddenAddressError, guarded_socket_factory, host_is_forbidden
from collector.archive import NOT_MODIFIED, opened, refusal_of_status
from collector.fetched import Fetched
from collector.plan import PlannedRequest
from collector.secrets import Scrubber, SecretMissingError, Secrets
from domain.clock import Clock
from domain.readings import Answer
from domain.reasons import Refusal
from store.feed_controls import Validator

#: Headers of an answer that say something about its content; all others (cookies above all) are dropped at the door.
KEPT_HEADERS = frozenset({
    "age", "cache-control", "content-encoding", "content-language", "content-length", "content-type", "date", "etag",
    "expires", "last-modified", "location", "retry-after",
})  # fmt: skip
_RETRIED = frozenset({Refusal.TIMEOUT, Refusal.CONNECTION, Refusal.HTTP_STATUS})
_MOST_HOPS = 3
_MOST_VALIDATORS = 20_000
_CHUNK = 1 << 16
_WORTH_A_THREAD = 1 << 18


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """How a publisher is asked, and how much of its answer is taken."""

    contact: str = ""
    connect_s: float = 10.0
    read_s: float = 30.0
    total_s: float = 120.0
    max_wire_bytes: int = 64 << 20
    max_body_bytes: int = 256 << 20
    attempts: int = 3
    backoff_s: float = 2.0
    longest_wait_s: float = 60.0
    host_requests_per_s: float = 1.0
    between_polls_s: float = 60.0
    allow_loopback: bool = False

    @property
    def user_agent(self) -> str:
        """Who we are and how to reach the operator."""
        return f"Radcommons/0.1 (+{self.contact})" if self.contact else "Radcommons/0.1 (operator gave no contact)"


class _Refused(Exception):
    """Carries a refusal out of the middle of a request."""

    def __init__(self, reason: Refusal, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


Sleep = Callable[[float], Awaitable[None]]


class Fetcher:
    """One HTTP session for the whole program. `async with Fetcher(...) as fetcher`, then `await fetcher.fetch(planned)`."""

    def __init__(
        self, limits: FetchLimits, clock: Clock, *, secrets: Secrets | None = None, sleep: Sleep = asyncio.sleep
    ) -> None:
        self.limits = limits
        self._clock = clock
        self._secrets = secrets or Secrets()
        self._sleep = sleep
        self._session: aiohttp.ClientSession | None = None
        self._pace: dict[str, AsyncLimiter] = {}
        self._quiet_until_s: dict[str, float] = {}
        self._validators: OrderedDict[tuple[str, str], Validator] = OrderedDict()
        self._of_feed: defaultdict[str, set[tuple[str, str]]] = defaultdict(set)
        self._taken: defaultdict[str, list[Validator]] = defaultdict(list)

    async def __aenter__(self) -> Self:
        limits = self.limits
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit_per_host=2, socket_factory=guarded_socket_factory(allow_loopback=limits.allow_loopback)
            ),
            timeout=aiohttp.ClientTimeout(
                total=limits.total_s, connect=limits.connect_s, sock_connect=limits.connect_s, sock_read=limits.read_s
            ),
            headers={"User-Agent": limits.user_agent, "Accept-Encoding": "gzip, deflate"},
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session:
            await self._session.close()

    async def fetch(self, planned: PlannedRequest) -> Fetched:
        """Ask once, again after passing failures, and hand back what came; what a publisher does is never an exception."""
        try:
            asked = _Asked.of(planned, self._secrets)
        except SecretMissingError as error:
            return self._without_answer(planned, Refusal.SECRET_MISSING, str(error))
        except ValueError as error:  # the library reads a backslash in the host as no address at all
            detail = f"{planned.url[:200]} is no address: {error}"
            return self._without_answer(planned, Refusal.FORBIDDEN_ADDRESS, detail)
        quiet_until = self._quiet_until_s.get(asked.host, 0.0)
        if self._clock.now_s() < quiet_until:
            return self._without_answer(
                planned, Refusal.BLOCKED, f"{asked.host} asked for quiet (Retry-After); not asked"
            )
        fetched = await self._once(planned, asked)
        for attempt in range(1, self.limits.attempts):
            wait = self._wait_before_retry(fetched.answer, attempt)
            if wait is None:
                break
            await self._sleep(wait)
            fetched = await self._once(planned, asked)
        self._heed_retry_after(asked.host, fetched.answer)
        return fetched

    def committed(self, answer: Answer) -> None:
        """The answer is safe in the store: from now on ask only for what changed since."""
        headers = dict(answer.headers)
        etag, changed = headers.get("etag", ""), headers.get("last-modified", "")
        if answer.failure is None and not answer.not_modified and (etag or changed):
            said = Validator(answer.method, answer.url, etag, changed)
            self._keep(said)
            self._of_feed[answer.feed_id].add((said.method, said.url))
            self._taken[answer.feed_id].append(said)

    def remember(self, said: Iterable[Validator]) -> None:
        """Take up what servers said before the last stop."""
        for one in said:
            self._keep(one)

    def taken_validators(self, feed_id: str) -> list[Validator]:
        """What servers said of a feed's documents since this was asked last."""
        return self._taken.pop(feed_id, [])

    def forget(self, feed_ids: Iterable[str]) -> None:
        """Ask in full again for everything of these feeds."""
        for feed_id in feed_ids:
            for key in self._of_feed.pop(feed_id, set()):
                self._validators.pop(key, None)

    def quiet_until_s(self, url: str) -> float:
        """Until when the host of an address asked to be left alone; 0 when it did not."""
        return self._quiet_until_s.get(urlsplit(url).hostname or "", 0.0)

    def _keep(self, said: Validator) -> None:
        self._validators[said.method, said.url] = said
        if len(self._validators) > _MOST_VALIDATORS:
            self._validators.popitem(last=False)

    async def _once(self, planned: PlannedRequest, asked: _Asked) -> Fetched:
        requested_s = self._clock.now_s()
        await self._limiter(asked.host).acquire()
        try:
            answer, wire = await self._exchange(planned, asked)
        except _Refused as error:
            return self._without_answer(planned, error.reason, asked.scrubber.text(str(error)), requested_s)
        except TimeoutError as error:
            return self._without_answer(planned, Refusal.TIMEOUT, _short(error), requested_s)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return self._without_answer(planned, _reason_of(error), asked.scrubber.text(_short(error)), requested_s)
        answer = replace(answer, requested_s=requested_s, received_s=self._clock.now_s())
        if len(wire) < _WORTH_A_THREAD:
            return _finished(answer, wire, asked.scrubber, self.limits.max_body_bytes)
        return await asyncio.to_thread(_finished, answer, wire, asked.scrubber, self.limits.max_body_bytes)

    async def _exchange(self, planned: PlannedRequest, asked: _Asked) -> tuple[Answer, bytes]:
        url, headers = asked.url, asked.headers | self._conditions(planned)
        for _ in range(_MOST_HOPS + 1):
            if host_is_forbidden(url.host or "", allow_loopback=self.limits.allow_loopback):
                raise _Refused(Refusal.FORBIDDEN_ADDRESS, f"{url.host} is not a public address")
            async with self._opened_session().request(
                planned.method, url, headers=headers, data=planned.body or None, allow_redirects=False
            ) as response:
                target = self._redirect_target(planned, asked, url, response)
                if target is None:
                    return await self._read(planned, asked, response)
                # a secret header was meant for the first host only
                headers = headers if target.host == asked.url.host else dict(planned.headers)
                url = target
        raise _Refused(Refusal.REDIRECT, f"more than {_MOST_HOPS} redirects")

    def _redirect_target(
        self, planned: PlannedRequest, asked: _Asked, url: URL, response: aiohttp.ClientResponse
    ) -> URL | None:
        if response.status not in (301, 302, 303, 307, 308):
            return None
        location = response.headers.get("Location", "")
        try:
            target = url.join(URL(location))
        except ValueError as error:
            raise _Refused(Refusal.REDIRECT, f"to an address that is none: {location[:200]}") from error
        host = target.host or ""
        if host_is_forbidden(host, allow_loopback=self.limits.allow_loopback):
            raise _Refused(Refusal.FORBIDDEN_ADDRESS, f"redirected to {host}, which is not a public address")
        if host not in planned.redirect_hosts:
            raise _Refused(Refusal.REDIRECT, f"{response.status} to {location[:200]}; the feed does not name {host}")
        if asked.url.scheme == "https" and target.scheme != "https":
            raise _Refused(Refusal.REDIRECT, f"from https to {target.scheme}")
        return target

    async def _read(
        self, planned: PlannedRequest, asked: _Asked, response: aiohttp.ClientResponse
    ) -> tuple[Answer, bytes]:
        answer = Answer(
            feed_id=planned.feed_id, method=planned.method, url=planned.url, requested_s=0.0, received_s=0.0,
            status=response.status, headers=_kept(response.headers, asked.scrubber),
            not_modified=response.status == NOT_MODIFIED, failure=refusal_of_status(response.status),
        )  # fmt: skip
        most = self.limits.max_wire_bytes
        try:
            if (response.content_length or 0) > most:
                raise _Refused(
                    Refusal.TOO_LARGE, f"announces {response.content_length} bytes, at most {most} are taken"
                )
            return answer, await _body(response, most)
        except _Refused as error:
            response.close()
            return replace(answer, failure=error.reason, failure_detail=str(error)), b""
        except TimeoutError as error:
            return replace(answer, failure=Refusal.TIMEOUT, failure_detail=f"in the body: {_short(error)}"), b""
        except (aiohttp.ClientError, OSError) as error:
            return replace(answer, failure=Refusal.CONNECTION, failure_detail=f"in the body: {_short(error)}"), b""

    def _conditions(self, planned: PlannedRequest) -> dict[str, str]:
        # an unchanged page would tell neither whether another follows nor which
        known = None if planned.paging else self._validators.get((planned.method, planned.url))
        if known is None:
            return {}
        pairs = {"If-None-Match": known.etag, "If-Modified-Since": known.last_modified}
        return {name: value for name, value in pairs.items() if value}

    def _wait_before_retry(self, answer: Answer, attempt: int) -> float | None:
        """Seconds to wait before asking again; None when asking again now would be useless or impolite."""
        if answer.failure not in _RETRIED or 0 < answer.status < 500:
            return None
        wait: float = self.limits.backoff_s * 2 ** (attempt - 1)
        asked_for = retry_after_s(answer, self._clock.now_s())
        if asked_for is not None and asked_for > self.limits.longest_wait_s:
            return None
        return max(wait, asked_for or 0.0)

    def _heed_retry_after(self, host: str, answer: Answer) -> None:
        wait = retry_after_s(answer, self._clock.now_s())
        if wait is not None and answer.failure:
            self._quiet_until_s[host] = self._clock.now_s() + wait

    def _limiter(self, host: str) -> AsyncLimiter:
        if host not in self._pace:
            self._pace[host] = AsyncLimiter(1, 1 / self.limits.host_requests_per_s)
        return self._pace[host]

    def _opened_session(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise RuntimeError("the fetcher is not open: use it as `async with Fetcher(...)`")
        return self._session

    def _without_answer(
        self, planned: PlannedRequest, reason: Refusal, detail: str, requested_s: float | None = None
    ) -> Fetched:
        now_s = self._clock.now_s()
        return Fetched(
            Answer(
                planned.feed_id, planned.method, planned.url, now_s if requested_s is None else requested_s, now_s,
                status=0, failure=reason, failure_detail=detail,
            )
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Asked:
    """A planned request with its secrets put in, and the means to take them out of what comes back."""

    url: URL
    headers: dict[str, str]
    scrubber: Scrubber

    @property
    def host(self) -> str:
        return self.url.host or ""

    @classmethod
    def of(cls, planned: PlannedRequest, secrets: Secrets) -> _Asked:
        query = [(name, secrets.value(variable)) for name, variable in planned.secret_query]
        headers = {name: secrets.value(variable) for name, variable in planned.secret_headers}
        address = str(URL(planned.url))
        for name, value in query:
            # the Korean portal hands keys out in encoded form; encoding them once more is the commonest way to be refused
            ready = value if "%" in value else quote(value, safe="")
            address += f"{'&' if '?' in address else '?'}{name}={ready}"
        values = [value for _, value in query] + list(headers.values())
        return cls(URL(address, encoded=True), {**dict(planned.headers), **headers}, Scrubber(values))


def retry_after_s(answer: Answer, now_s: float) -> float | None:
    """Seconds that a Retry-After header asks us to wait, from its number or its date; None without one."""
    text = dict(answer.headers).get("retry-after", "").strip()
    if text.isdecimal():
        return min(float(text), 86_400.0)
    try:
        until_s = float(email.utils.parsedate_to_datetime(text).timestamp()) if text else None
    except ValueError:
        return None
    return None if until_s is None else min(max(0.0, until_s - now_s), 86_400.0)


async def _body(response: aiohttp.ClientResponse, most: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for part in response.content.iter_chunked(_CHUNK):
        size += len(part)
        if size > most:
            raise _Refused(Refusal.TOO_LARGE, f"more than {most} bytes")
        parts.append(part)
    return b"".join(parts)


def _finished(answer: Answer, wire: bytes, scrubber: Scrubber, max_bytes: int) -> Fetched:
    """Digest and unpack what came; a body that echoes a secret is kept without it, and therefore unpacked."""
    fetched = opened(answer, wire, max_bytes)
    if answer.failure:
        fetched = replace(fetched, answer=answer)
    clean = scrubber.data(fetched.body)
    if clean is not fetched.body:
        headers = tuple(pair for pair in answer.headers if pair[0] not in ("content-encoding", "content-length"))
        wire = clean
        fetched = Fetched(replace(fetched.answer, headers=headers), clean)
    digest = hashlib.sha256(wire).hexdigest() if wire else ""
    answer = replace(fetched.answer, sha256=digest, size_bytes=len(wire))
    return Fetched(answer, b"" if answer.failure else fetched.body, wire)


def _kept(headers: Mapping[str, str], scrubber: Scrubber) -> tuple[tuple[str, str], ...]:
    pairs = ((name.lower(), scrubber.text(value)) for name, value in headers.items())
    return tuple(sorted(pair for pair in pairs if pair[0] in KEPT_HEADERS))


def _reason_of(error: Exception) -> Refusal:
    causes = [error, getattr(error, "os_error", None), error.__cause__, error.__context__]
    if any(isinstance(cause, ForbiddenAddressError) for cause in causes) or "is not a public address" in str(error):
        return Refusal.FORBIDDEN_ADDRESS
    if isinstance(error, aiohttp.ClientSSLError | ssl.SSLError):
        return Refusal.TLS
    return Refusal.CONNECTION


def _short(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"[:300]
