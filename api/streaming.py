"""Answers that are written while they are read: whole windows as NDJSON or CSV, and server-sent events."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

import msgspec
from aiohttp import web

from api.encoding import chosen, flow
from api.models.common import Dropped
from api.operation import Call
from api.table import Pair, header_line, lines
from api.writing import VARY, content_type

_log = logging.getLogger("radcommons.api")


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of one kind, page after page; `pairs` are the quantities and units that may come (a CSV header is written first)."""

    kind: type[msgspec.Struct]
    pages: AsyncIterator[Sequence[msgspec.Struct]]
    pairs: Sequence[Pair]
    withheld_feeds: Sequence[str] = ()
    dropped: Sequence[Dropped] = ()


async def write_rows(call: Call, rows: Rows) -> web.StreamResponse:
    """Every row of a window. A failure on the way breaks the connection off, so that a cut answer is not taken for a whole one."""
    headers = {"Content-Type": content_type(call.format), "Vary": VARY, "Cache-Control": "no-cache"}
    if rows.withheld_feeds:
        headers["Radcommons-Withheld-Feeds"] = ", ".join(rows.withheld_feeds)
    if rows.dropped:
        headers["Radcommons-Dropped"] = ", ".join(f"{one.feed} until {one.until}" for one in rows.dropped)
    coding = chosen(call.request.headers.get("Accept-Encoding", "identity"))
    if coding:
        headers["Content-Encoding"] = coding
    response = web.StreamResponse(headers=headers)
    await response.prepare(call.request)
    if call.request.method == "HEAD":
        return response
    coded = flow(coding)
    try:
        if call.format == "csv":
            await response.write(coded.take(header_line(rows.kind, rows.pairs)))
        async for page in rows.pages:
            await response.write(
                await asyncio.to_thread(lambda page: coded.take(_encoded(call.format, rows, page)), page)
            )
        await response.write_eof(coded.end())
    except Exception:  # noqa: BLE001 - whatever it is, the headers are out: only breaking off tells the client
        _log.exception("a streamed answer broke off: %s", call.route)
        if call.request.transport is not None:
            call.request.transport.abort()
    return response


def _encoded(word: str, rows: Rows, page: Sequence[msgspec.Struct]) -> bytes:
    if word == "csv":
        return lines(rows.kind, page, rows.pairs)
    return b"".join(msgspec.json.encode(row) + b"\n" for row in page)
