"""Writing answers: JSON, GeoJSON, CSV and NDJSON, with ETag, cache lifetime and the link to the next page."""

from __future__ import annotations

import asyncio
import csv
import hashlib
import io
from collections.abc import Callable, Mapping, Sequence

import msgspec
from aiohttp import ETag, web

from api.operation import FORMATS, Call, Operation, Reply
from api.problems import Code, ProblemError

#: Rows from which encoding leaves the event loop.
_THREAD_FROM = 200
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
    large = reply.rows is not None and len(reply.rows) > _THREAD_FROM
    encode: Callable[[], bytes] = lambda: encoded(reply, call.format)  # noqa: E731
    body = await asyncio.to_thread(encode) if large else encode()
    return respond(call.request, body, call.format, reply)


def encoded(reply: Reply, word: str) -> bytes:
    """The bytes of an answer in one format."""
    if word == "geojson" and reply.features is not None:
        return msgspec.json.encode(reply.features())
    if word == "csv" and reply.rows is not None:
        return table(reply.rows)
    if word == "ndjson" and reply.rows is not None:
        return msgspec.json.encode(reply.rows) if not reply.rows else b"\n".join(map(msgspec.json.encode, reply.rows)) + b"\n"
    return msgspec.json.encode(reply.body)


def respond(request: web.Request, body: bytes, word: str, reply: Reply) -> web.Response:
    """Bytes as a response; 304 if the client holds the same."""
    tag = ETag(hashlib.sha256(body).hexdigest()[:24])
    headers = {"Vary": VARY, "Cache-Control": cache_control(reply.max_age_s), **reply.headers}
    if reply.next:
        headers["Link"] = f'<{reply.next}>; rel="next"'
    known = request.if_none_match or ()
    if reply.status == 200 and any(item.value in (tag.value, "*") for item in known):
        unchanged = web.Response(status=304, headers=headers)
        unchanged.etag = tag
        return unchanged
    charset = None if word in ("json", "geojson") else "utf-8"
    response = web.Response(body=body, status=reply.status, headers=headers, content_type=FORMATS[word], charset=charset)
    response.etag = tag
    if len(body) >= _COMPRESS_FROM:
        response.enable_compression()
    return response


def cache_control(max_age_s: int) -> str:
    """`max-age` follows the cadence of the feeds; 0 asks for revalidation, which the ETag makes cheap."""
    return f"public, max-age={max_age_s}" if max_age_s else "no-cache"


def table(rows: Sequence[msgspec.Struct]) -> bytes:
    """CSV with one header; nested parts become `part_field` columns, lists are joined by spaces.

    Numbers of two quantities never share a column: `value` and `limit` become one column per quantity, headed by its unit.
    """
    flat = [_flattened(row) for row in rows]
    names = list(dict.fromkeys(name for row in flat for name in row)) or list(_names(rows))
    out = io.StringIO()
    writer = csv.DictWriter(out, names, restval="", lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(flat)
    return out.getvalue().encode()


def _names(rows: Sequence[msgspec.Struct]) -> Sequence[str]:
    return rows[0].__struct_fields__ if rows else ("empty",)


def _flattened(row: msgspec.Struct) -> dict[str, str]:
    plain = msgspec.to_builtins(row)
    cells: dict[str, str] = {}
    if "value" in plain and "quantity" in plain:
        label = f"{plain['quantity']} [{plain['unit']}]"
        cells[label] = _cell(plain.pop("value"))
        limit = plain.pop("limit", None)
        if limit is not None:
            cells[f"limit of {label}"] = _cell(limit)
    first = {name: cells.pop(name) for name in list(cells)}
    for name, value in plain.items():
        _spread(name, value, cells)
    return _ordered(cells, first)


def _ordered(cells: Mapping[str, str], values: Mapping[str, str]) -> dict[str, str]:
    return {**cells, **values}


def _spread(name: str, value: object, cells: dict[str, str]) -> None:
    if isinstance(value, dict):
        for inner, part in value.items():
            _spread(f"{name}_{inner}", part, cells)
    else:
        cells[name] = _cell(value)


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return " ".join(_cell(item) if not isinstance(item, dict) else "|".join(map(_cell, item.values())) for item in value)
    return repr(value) if isinstance(value, float) else str(value)
