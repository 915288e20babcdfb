"""Writing answers: JSON, GeoJSON, CSV and NDJSON, with ETag, cache lifetime and the link to the next page."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence

import msgspec
from aiohttp import web

from api.caching import Kept, zipped
from api.offload import off_loop
from api.operation import FORMATS, Call, Operation, Reply
from api.problems import Code, ProblemError
from api.table import table

#: Bodies from which compression is worth its time.
_COMPRESS_FROM = 1024
VARY = "Accept, Accept-Encoding"


def chosen_format(operation: Operation, request: web.Request, asked: str | None) -> str:
    """The format of an answer: `f` before Accept; raises ProblemError 406 when nothing fits."""
    if asked is not None:
        return asked
    accept = request.headers.get("Accept", "").strip()
    if not accept:
        return operation.formats[0]
    wanted = _accepted(accept)
    best = max(operation.formats, key=lambda word: (_quality(FORMATS[word], wanted), -operation.formats.index(word)))
    if _quality(FORMATS[best], wanted) > 0:
        return best
    offered = ", ".join(FORMATS[word] for word in operation.formats)
    raise ProblemError(Code.NOT_ACCEPTABLE, f"This path answers {offered}.", "Accept")


def _accepted(text: str) -> list[tuple[str, float]]:
    wanted = []
    for part in text.lower().split(","):
        kind, *options = (item.strip() for item in part.split(";"))
        quality = 1.0
        for option in options:
            if option.startswith("q="):
                try:
                    quality = float(option[2:])
                except ValueError:
                    quality = 0.0
        wanted.append((kind, quality))
    return wanted


def _quality(media: str, wanted: Sequence[tuple[str, float]]) -> float:
    """The quality of the most specific range that matches, as RFC 9110 has it."""
    ranges = (media, media.split("/", maxsplit=1)[0] + "/*", "*/*")
    for pattern in ranges:
        found = [quality for kind, quality in wanted if kind == pattern]
        if found:
            return max(found)
    return 0.0


async def write(call: Call, reply: Reply) -> web.Response:
    """The response of an answer in the format asked for."""
    if reply.body is None:
        return web.Response(status=reply.status, headers=reply.headers)
    body = await to_bytes(reply, call.format)
    response = respond(call.request, body, call.format, reply)
    if len(body) >= _COMPRESS_FROM and response.status != 304:
        response.enable_compression()
    return response


async def to_bytes(reply: Reply, word: str) -> bytes:
    """The bytes of an answer; a large one is encoded off the event loop."""
    return await off_loop(lambda: encoded(reply, word), 0 if reply.rows is None else len(reply.rows))


def encoded(reply: Reply, word: str) -> bytes:
    """The bytes of an answer in one format."""
    if word == "geojson" and reply.features is not None:
        return msgspec.json.encode(reply.features())
    if word == "csv" and reply.rows is not None and reply.row is not None:
        return table(reply.row, reply.rows, reply.explode)
    if word == "ndjson" and reply.rows is not None:
        return b"".join(msgspec.json.encode(row) + b"\n" for row in reply.rows)
    return msgspec.json.encode(reply.body)


def tag_of(body: bytes) -> str:
    """The ETag value of a body."""
    return hashlib.sha256(body).hexdigest()[:24]


def knows(request: web.Request, tag: str) -> bool:
    """Whether the client holds this already."""
    return any(item.value in (tag, "*") for item in request.if_none_match or ())


def respond(request: web.Request, body: bytes, word: str, reply: Reply) -> web.Response:
    """Bytes as a response; 304 if the client holds the same. Tags are weak, because encodings of one answer share them."""
    tag = tag_of(body)
    headers = {"Vary": VARY, "Cache-Control": cache_control(reply.max_age_s), "ETag": f'W/"{tag}"', **reply.headers}
    if reply.next:
        headers["Link"] = f'<{reply.next}>; rel="next"'
    if reply.status == 200 and knows(request, tag):
        return web.Response(status=304, headers=headers)
    return web.Response(body=body, status=reply.status, headers={**headers, "Content-Type": content_type(word)})


async def kept(reply: Reply, word: str, version: int, until_s: float) -> Kept:
    """An answer made ready to be sent again and again."""
    body = await to_bytes(reply, word)
    small = await asyncio.to_thread(zipped, body)
    tag = tag_of(body)
    same = {"Vary": VARY, "Cache-Control": cache_control(reply.max_age_s), "ETag": f'W/"{tag}"'}
    if reply.next:
        same["Link"] = f'<{reply.next}>; rel="next"'
    whole = {**same, "Content-Type": content_type(word)}
    return Kept(body, small, tag, version, until_s, whole, {**whole, "Content-Encoding": "gzip"}, same)


def send(request: web.Request, answer: Kept) -> web.Response:
    """A kept answer as a response: nothing is computed here."""
    if "If-None-Match" in request.headers and knows(request, answer.etag):
        return web.Response(status=304, headers=answer.headers_304)
    if answer.zipped and "gzip" in request.headers.get("Accept-Encoding", ""):
        return web.Response(body=answer.zipped, headers=answer.headers_zipped)
    return web.Response(body=answer.body, headers=answer.headers)


def content_type(word: str) -> str:
    """The media type of a format, with its charset where text needs one."""
    return f"{FORMATS[word]}; charset=utf-8" if word in ("csv", "ndjson") else FORMATS[word]


def cache_control(max_age_s: int) -> str:
    """`max-age` follows the cadence of the feeds; 0 asks for revalidation, which the ETag makes cheap."""
    return f"public, max-age={max_age_s}" if max_age_s else "no-cache"
