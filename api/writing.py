"""Writing answers: JSON, GeoJSON, CSV and NDJSON, with ETag, cache lifetime and the link to the next page."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import msgspec
from aiohttp import web

from api.caching import Kept, coded
from api.encoding import COMPRESS_FROM, chosen, compressed
from api.files.rows import parquet
from api.offload import off_loop
from api.operation import FORMATS, Call, Operation, Reply
from api.problems import Code, ProblemError
from api.table import table

#: Formats whose media type does not say that they are UTF-8.
_TEXTS = ("csv", "ndjson", "eurdep", "irix")
VARY = "Accept, Accept-Encoding"
#: What every answer carries: any page may read it, because no credentials are involved.
COMMON = {
    "X-Content-Type-Options": "nosniff",
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "ETag, Link, Retry-After, Deprecation, Sunset, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset",
}

#: What a client that holds an answer has from the answer itself (RFC 9110, 15.4.5): a 304 that repeats it is only longer.
_KNOWN_ALREADY = frozenset({"X-Content-Type-Options", "Access-Control-Expose-Headers", "Link"})


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
    return await encode(call.request, respond(call.request, body, call.format, reply))


async def encode(request: web.Request, response: web.Response) -> web.Response:
    """The response in the coding that the client likes best; a large one is compressed off the event loop."""
    coding, body = chosen(request.headers.get("Accept-Encoding", "identity")), response.body
    if not coding or not isinstance(body, bytes) or len(body) < COMPRESS_FROM:
        return response
    response.body = await off_loop(lambda: compressed(body, coding), len(body) // 64)
    response.headers["Content-Encoding"] = coding
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
    if word == "parquet" and reply.rows is not None and reply.row is not None:
        return parquet(reply.row, reply.rows, reply.explode)
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
    weak = f'W/"{tag_of(body)}"'
    same = {**COMMON, "Vary": VARY, "Cache-Control": cache_control(reply.max_age_s), "ETag": weak, **reply.headers}
    if reply.next:
        same["Link"] = f'<{reply.next}>; rel="next"'
    whole = coded(body, {**same, "Content-Type": content_type(word)})
    unchanged = coded(b"", {name: text for name, text in same.items() if name not in _KNOWN_ALREADY}, 304)
    return Kept(whole, unchanged, weak, version, until_s)


async def send(request: web.Request, answer: Kept) -> web.StreamResponse:
    """A kept answer as a response: nothing is computed here but a coding that is asked for the first time."""
    asked = request.headers
    known = asked.get("If-None-Match")
    if known is not None and (known == answer.weak or knows(request, answer.weak[3:-1])):
        return answer.unchanged.response(request)
    return (await answer.coded(chosen(asked.get("Accept-Encoding", "identity")))).response(request)


def content_type(word: str) -> str:
    """The media type of a format, with its charset where text needs one."""
    return f"{FORMATS[word]}; charset=utf-8" if word in _TEXTS else FORMATS[word]


def cache_control(max_age_s: int) -> str:
    """`max-age` follows the cadence of the feeds; 0 asks for revalidation, which the ETag makes cheap."""
    return f"public, max-age={max_age_s}" if max_age_s else "no-cache"
