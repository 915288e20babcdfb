"""Opaque cursors: where the next page begins, what was known when the walk began, and which query it belongs to."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Sequence
from typing import Annotated, TypeVar
from urllib.parse import quote

import msgspec

from api.clocktext import EARLIEST_S, LATEST_S
from api.operation import Call
from api.params import AS_OF, CURSOR, LIMIT, LIMIT_DEFAULT, Query
from api.problems import Code, ProblemError

T = TypeVar("T")
Second = Annotated[int, msgspec.Meta(ge=EARLIEST_S, le=LATEST_S)]


class Mark(msgspec.Struct, array_like=True, frozen=True):
    """What a cursor holds: the keyset position (last time in seconds if ordered by time, last id) and the moment of knowledge."""

    as_of_s: Second
    after_id: str
    after_s: Second = 0
    query: str = ""


def digest(path: str, query: Query) -> str:
    """A short digest of a query without its page, so that a cursor cannot be carried over to another question."""
    parts = sorted(pair for pair in query.raw if pair[0] not in (CURSOR.name, LIMIT.name))
    return hashlib.sha256(repr((path, parts)).encode()).hexdigest()[:12]


def begin(path: str, query: Query) -> Mark | None:
    """The mark that a request's cursor holds, None on the first page; raises ProblemError for a cursor of another query."""
    text = query.get(CURSOR)
    if text is None:
        return None
    try:
        mark = msgspec.json.decode(base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4)), type=Mark)
    except (ValueError, UnicodeEncodeError, msgspec.DecodeError) as error:
        raise ProblemError(
            Code.BAD_CURSOR, "The cursor cannot be read; begin again without it.", CURSOR.name
        ) from error
    if mark.query != digest(path, query):
        raise ProblemError(Code.BAD_CURSOR, "The cursor belongs to another query; begin again without it.", CURSOR.name)
    return mark


async def moment(call: Call, mark: Mark | None) -> int:
    """The moment of knowledge of a page: the one that the walk began with, else the one asked for, else what is known now."""
    if mark is not None:
        return mark.as_of_s
    asked = call.query.get(AS_OF)
    return await call.service.known_until_s() if asked is None else asked


def limit(query: Query) -> int:
    """Rows on this page."""
    return query.get(LIMIT) or LIMIT_DEFAULT


def following(path: str, query: Query, *, as_of_s: int, after_id: str, after_s: int = 0) -> str:
    """The address of the next page, relative to the host."""
    mark = Mark(as_of_s, after_id, after_s, digest(path, query))
    token = base64.urlsafe_b64encode(msgspec.json.encode(mark)).rstrip(b"=").decode("ascii")
    pairs = [pair for pair in query.raw if pair[0] != CURSOR.name] + [(CURSOR.name, token)]
    return quote(path, safe="/:") + "?" + "&".join(f"{quote(name)}={quote(text, safe=',:')}" for name, text in pairs)


def sliced(call: Call, rows: Sequence[T], key: Callable[[T], str]) -> tuple[tuple[T, ...], str | None]:
    """One page of a short list that is held whole, in order of its keys, and the address of the next page."""
    mark, most = begin(call.route, call.query), limit(call.query)
    left = [row for row in sorted(rows, key=key) if mark is None or key(row) > mark.after_id]
    page = tuple(left[:most])
    more = following(call.route, call.query, as_of_s=0, after_id=key(page[-1])) if len(left) > most else None
    return page, more
