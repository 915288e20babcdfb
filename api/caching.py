"""Answers kept as bytes: built once per committed batch, or again when ages have moved on, and sent without being touched."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from aiohttp import web
from multidict import CIMultiDict

from api.encoding import COMPRESS_FROM, compressed
from api.prepared import Prepared, fits, head_of

_MOST_BYTES = 128 * 1024 * 1024
_MOST_WORDS = 10_000


@dataclass(frozen=True, slots=True)
class Coded:
    """The bytes of an answer in one content coding, or of the 304 that stands for it, with the headers that go with them."""

    body: bytes
    headers: CIMultiDict[str]
    status: int
    head: bytes

    def response(self, request: web.Request) -> web.StreamResponse:
        """A response that sends these bytes."""
        if fits(request):
            return Prepared(self.status, self.head, self.body)
        return web.Response(body=self.body, status=self.status, headers=self.headers)


def coded(body: bytes, headers: Mapping[str, str], status: int = 200) -> Coded:
    """Bytes with their headers, ready to be sent."""
    own = CIMultiDict(headers)
    return Coded(body, own, status, head_of(status, own, len(body) if status == 200 else None))


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer as bytes. It holds for `version` of the store until `until_s` on the service's clock.

    Codings are made when first asked for and stay with the answer; `weak` is its ETag as a client sends it back, `unchanged` the
    304 to a client that does.
    """

    plain: Coded
    unchanged: Coded
    weak: str
    version: int
    until_s: float
    codings: dict[str, Coded] = field(default_factory=dict)

    async def coded(self, coding: str) -> Coded:
        """The answer in a coding ("" for as it is); compressing is done off the event loop."""
        if not coding or len(self.plain.body) < COMPRESS_FROM:
            return self.plain
        found = self.codings.get(coding)
        if found is None:
            body = await asyncio.to_thread(compressed, self.plain.body, coding)
            found = self.codings[coding] = coded(body, {**self.plain.headers, "Content-Encoding": coding})
        return found

    @property
    def size_bytes(self) -> int:
        """Bytes that keeping it costs, with what its codings come to at most in practice."""
        return len(self.plain.body) + len(self.plain.body) // 4


@dataclass(slots=True)
class AnswerCache:
    """Kept answers by their question, the longest unused dropped first; two who ask the same at once wait for one build."""

    kept: OrderedDict[str, Kept] = field(default_factory=OrderedDict)
    building: dict[str, asyncio.Lock] = field(default_factory=dict)
    size_bytes: int = 0
    asked: dict[tuple[str, str], str] = field(default_factory=dict)  # raw path, Accept -> question

    def remember(self, words: tuple[str, str], question: str) -> None:
        """Which question the words of a request stand for."""
        if len(self.asked) >= _MOST_WORDS:
            self.asked.clear()
        self.asked[words] = question

    async def get(self, question: str, version: int, now_s: float, build: Callable[[], Awaitable[Kept]]) -> Kept:
        """The answer to a question, built anew unless the kept one still holds."""
        if found := self.found(question, version, now_s):
            return found
        lock = self.building.setdefault(question, asyncio.Lock())
        async with lock:
            try:
                if found := self.found(question, version, now_s):
                    return found
                made = await build()
                self._keep(question, made)
                return made
            finally:
                self.building.pop(question, None)

    def found(self, question: str, version: int, now_s: float) -> Kept | None:
        """The kept answer, if it still holds."""
        found = self.kept.get(question)
        if found is None or found.version != version or not now_s < found.until_s:
            return None
        self.kept.move_to_end(question)
        return found

    def _keep(self, question: str, made: Kept) -> None:
        old = self.kept.pop(question, None)
        self.size_bytes += made.size_bytes - (old.size_bytes if old else 0)
        self.kept[question] = made
        while self.size_bytes > _MOST_BYTES and len(self.kept) > 1:
            _, dropped = self.kept.popitem(last=False)
            self.size_bytes -= dropped.size_bytes
