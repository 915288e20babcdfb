"""Server-sent events: new latest values, alert events, changes of feed states. `Last-Event-ID` resumes where a client left off.

Each client is written to at its own pace: the store is asked again when it has something new and the last event has gone out,
so that a slow reader costs no memory. An event may come twice after a reconnection, none is left out.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
from aiohttp import web

from api import params as p
from api.alert_record import record_of
from api.clocktext import told
from api.models.values import Latest
from api.operation import Call, Operation
from api.problems import Code, ProblemError
from api.routes.alerts import tell_event
from api.routes.latest import tell_latest_rows
from api.selecting import selection
from api.service import Pulse, Service
from api.telling import feed_brief
from domain.states import FeedState
from store import alerts as held
from store import read
from store.alert_rows import EventRow
from store.rows import Filter, LatestRow

_ROWS_PER_EVENT = 500
_HEARTBEAT_S = 15.0
_MOST_ALERTS = 1000


@dataclass(slots=True)
class _Seen:
    """What a client has been told."""

    versions: dict[str, tuple[int, int]] = field(default_factory=dict)  # series -> (end, revision)
    states: dict[str, FeedState] = field(default_factory=dict)
    events: set[str] = field(default_factory=set)


def _last_event(request: web.Request) -> int | None:
    text = request.headers.get("Last-Event-ID", "")
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 12):
        raise ProblemError(Code.BAD_VALUE, "Last-Event-ID is the id of an event of this stream.", "Last-Event-ID")
    return int(text)


async def stream(call: Call) -> web.StreamResponse:
    """Events until the client leaves or the service stops."""
    service, since_s = call.service, _last_event(call.request)
    f = await selection(call.query, service)
    if service.streams >= service.settings.most_streams:
        raise ProblemError(
            Code.NOT_AVAILABLE, "Too many clients listen here; come back later.", headers={"Retry-After": "60"}
        )
    headers = {
        "Content-Type": "text/event-stream; charset=utf-8",
        "Cache-Control": "no-store",
        "X-Accel-Buffering": "no",
    }
    response = web.StreamResponse(headers=headers)
    await response.prepare(call.request)
    if call.request.method == "HEAD":
        return response
    service.streams += 1
    try:
        async for text in _events(service, f, since_s):
            await response.write(text)
    except ConnectionError:
        pass  # the client has left
    finally:
        service.streams -= 1
    return response


async def _events(service: Service, f: Filter, since_s: int | None) -> AsyncIterator[bytes]:
    seen, version, quiet_s = _Seen(), -1, 0.0
    yield b"retry: 5000\n\n"
    while not service.closing.is_set():
        pulse = await service.pulse()
        if pulse.version != version:
            first, version, quiet_s = version == -1, pulse.version, 0.0
            async for text in _news(service, f, pulse, seen, since_s, first=first):
                yield text
        elif quiet_s >= _HEARTBEAT_S:
            quiet_s = 0.0
            yield b": still here\n\n"
        quiet_s += service.settings.stream_every_s
        await _pause(service.closing, service.settings.stream_every_s)


async def _pause(closing: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(closing.wait(), seconds)
    except TimeoutError:
        return


async def _news(
    service: Service, f: Filter, pulse: Pulse, seen: _Seen, since_s: int | None, *, first: bool
) -> AsyncIterator[bytes]:
    """What has changed since the client was told last. The event id comes with the last part: a cut batch is sent again whole."""
    horizon_s = pulse.horizon_s or 0
    for feed_id, record in pulse.health.items():
        if seen.states.get(feed_id) is not record.state and (not f.feeds or feed_id in f.feeds):
            seen.states[feed_id] = record.state
            yield _event("feed", feed_brief(feed_id, record))
    for event in await _alert_events(service, f, seen, since_s, first=first):
        yield _event("alert", tell_event(event))
    fresh = _unseen(
        await read.latest(service.store, f),
        seen,
        horizon_s if first and since_s is None else since_s if first else None,
    )
    rows = await tell_latest_rows(service, fresh)
    for start in range(0, len(rows), _ROWS_PER_EVENT):
        yield _event("latest", rows[start : start + _ROWS_PER_EVENT])
    yield _event("as_of", {"as_of": told(horizon_s)}, str(horizon_s))


def _unseen(rows: Sequence[LatestRow], seen: _Seen, after_s: int | None) -> list[LatestRow]:
    """Rows that the client does not have: on a first look those received after `after_s`, later those that differ from before."""
    new = []
    for row in rows:
        key, version = row.series.series.uid, (row.observation.end_s, row.observation.revision)
        if seen.versions.get(key) != version and (after_s is None or row.observation.received_s > after_s):
            new.append(row)
        seen.versions[key] = version
    return new


async def _alert_events(
    service: Service, f: Filter, seen: _Seen, since_s: int | None, *, first: bool
) -> list[EventRow]:
    found = []
    for alert in await held.alerts(service.store, from_s=since_s, limit=_MOST_ALERTS):
        shown = all(service.facts(feed).shown for feed in record_of(alert.document).feeds)
        if not shown or (f.areas and f.areas.isdisjoint(alert.areas)):
            continue
        for event in await held.events(service.store, alert.uid):
            if event.uid not in seen.events and not (first and (since_s is None or event.at_s <= since_s)):
                found.append(event)
            seen.events.add(event.uid)
    return sorted(found, key=lambda event: (event.at_s, event.uid))


def _event(kind: str, data: msgspec.Struct | Sequence[Latest] | dict[str, Any], event_id: str = "") -> bytes:
    head = f"id: {event_id}\n" if event_id else ""
    return f"{head}event: {kind}\ndata: ".encode() + msgspec.json.encode(data) + b"\n\n"


OPERATIONS = (
    Operation(
        "GET",
        "/v1/stream",
        stream,
        "Server-sent events",
        None,
        "values",
        p.FILTERS,
        media="text/event-stream",
        description="Events `latest` (new newest values, in parts), `alert` (steps in the life of alerts), `feed` (feed states) and `as_of`, "
        "which ends a batch and carries the id that `Last-Event-ID` resumes from.",
    ),
)
