"""Answers whose bytes, head included, are ready before anybody asks: sending one costs less than making an empty response."""

from __future__ import annotations

import time
from collections.abc import Mapping
from email.utils import formatdate
from functools import lru_cache

from aiohttp import HttpVersion11, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http import RESPONSES, SERVER_SOFTWARE

#: Up to this size a body is sent together with its head; copying a longer one costs more than a second call of the system.
_TOGETHER = 64 * 1024


def head_of(status: int, headers: Mapping[str, str], length: int | None) -> bytes:
    """The status line and the headers that do not change from one answer to the next; `length` is None for an answer without a body."""
    lines = [f"HTTP/1.1 {status} {RESPONSES[status][0]}", *(f"{name}: {text}" for name, text in headers.items())]
    if length is not None:
        lines.append(f"Content-Length: {length}")
    return "\r\n".join([*lines, f"Server: {SERVER_SOFTWARE}", ""]).encode()


def fits(request: web.Request) -> bool:
    """Whether a ready head is right for a request: GET over HTTP/1.1 on a connection that stays open. All others are answered by aiohttp."""
    return request.method == "GET" and request.version == HttpVersion11 and request.keep_alive


class Prepared(web.StreamResponse):
    """Ready bytes as a response; `headers` are those that are added to the ready ones."""

    def __init__(self, status: int, head: bytes, body: bytes) -> None:
        super().__init__(status=status)
        self._ready = head, body
        self._writer: AbstractStreamWriter | None = None
        self._sent = False

    @property
    def prepared(self) -> bool:
        """Whether it is on its way."""
        return self._writer is not None

    @property
    def keep_alive(self) -> bool | None:
        """The connection stays open (see `fits`), unless the server closes it."""
        return super().keep_alive is not False

    @property
    def body_length(self) -> int:
        """Bytes of the body."""
        return len(self._ready[1])

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter:
        """Take the request's stream."""
        self._writer = request.writer
        return self._writer

    async def write_eof(self, data: bytes = b"") -> None:
        """Send everything, once; raises ValueError when there is to be more."""
        if data:
            raise ValueError("a prepared answer is whole")
        if self._writer is None or self._sent:
            return
        self._sent = True
        head, body = self._ready
        added = "".join(f"{name}: {text}\r\n" for name, text in self.headers.items()).encode()
        head = b"".join((head, added, _date_line(int(time.time()))))
        if len(body) <= _TOGETHER:
            await self._writer.write(head + body)
            return
        await self._writer.write(head)
        await self._writer.write(body)


@lru_cache(maxsize=2)
def _date_line(second: int) -> bytes:
    return f"Date: {formatdate(second, usegmt=True)}\r\n\r\n".encode()
