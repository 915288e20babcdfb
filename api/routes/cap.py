"""An alert in the words of CAP 1.2: its newest message, or that of any event of its life."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from aiohttp import web

from api import params as p
from api.alert_record import record_of
from api.operation import Call, Operation
from api.problems import Code, ProblemError
from api.routes.alerts import known_alert
from api.service import Service
from api.writing import cache_control, knows, tag_of
from store import alerts as held
from store import read
from store.alert_rows import AlertRow, EventRow
from store.rows import Filter

MEDIA = "application/cap+xml"
#: An event of the past is never said differently; the newest message may be renewed or followed by another one.
_PAST_S, _NEWEST_S = 3600, 30
EVENT = p.Param(
    "event",
    p.REGION.parse,
    p.REGION.schema,
    "The message of this event of the alert (its id), instead of the newest one.",
    "al-0123456789abcdef01234567-1",
)


async def cap(call: Call) -> web.StreamResponse:
    """The CAP message of an alert."""
    row = await known_alert(call)
    events = await held.events(call.service.store, row.uid)
    wanted = call.query.get(EVENT)
    told = _until(events, wanted) if wanted else events
    names = await _station_names(call.service, row)
    as_of_s = None if wanted else call.now_s
    body = await asyncio.to_thread(call.service.voice.cap, told, names, as_of_s) if told else None
    if body is None:
        raise ProblemError(Code.NOT_FOUND, f"Alert {row.uid!r} has no such message: nothing was published.")
    return document(call.request, body, MEDIA, _PAST_S if wanted else _NEWEST_S)


def _until(events: Sequence[EventRow], uid: str) -> Sequence[EventRow]:
    for number, event in enumerate(events, 1):
        if event.uid == uid:
            return events[:number]
    raise ProblemError(Code.NOT_FOUND, f"This alert has no event {uid!r}.", EVENT.name)


async def _station_names(service: Service, row: AlertRow) -> dict[str, str]:
    uids = frozenset(member.station_uid for member in record_of(row.document).life.members)
    if not uids:
        return {}
    found = await read.stations(service.store, Filter(stations=uids), limit=len(uids))
    return {one.station.uid: next((name for _, name in one.station.names), "") for one in found}


def document(request: web.Request, body: bytes, media: str, max_age_s: int) -> web.Response:
    """A document as a response; 304 if the client holds the same."""
    tag = tag_of(body)
    headers = {"Cache-Control": cache_control(max_age_s), "ETag": f'W/"{tag}"', "Vary": "Accept-Encoding"}
    if knows(request, tag):
        return web.Response(status=304, headers=headers)
    response = web.Response(body=body, headers={**headers, "Content-Type": f"{media}; charset=utf-8"})
    response.enable_compression()
    return response


OPERATIONS = (
    Operation(
        "GET",
        "/v1/alerts/{id}.cap.xml",
        cap,
        "An alert as a CAP 1.2 message",
        None,
        "alerts",
        (EVENT,),
        problems=(Code.NOT_FOUND,),
        media=MEDIA,
        path_examples={"id": "al-0123456789abcdef01234567"},
    ),
)
