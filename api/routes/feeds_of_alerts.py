"""Alerts as Atom and RSS, for people who have no server: the list of alerts with the same filters, one entry per alert."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from api import params as p
from api.alert_record import record_of
from api.alert_voice import FeedAsked, FeedKind
from api.operation import Call, Operation
from api.problems import Code
from api.routes.alerts import FROM, REGION, STATUS, TO, asked_alerts, shown
from api.routes.cap import document
from store import alerts as held

_LANGUAGES = ("en", "ja", "ko", "zh")
_MOST, _USUAL = 200, 50
_MAX_AGE_S = 60
LANGUAGE = p.choice("language", _LANGUAGES, "Language of the entries.", "en")
EXERCISES = p.choice("exercises", ("no", "yes"), "Whether drills are listed too, each marked as one.", "no")
ENTRIES = p.Param(
    "limit",
    p.whole(1, _MOST),
    {"type": "integer", "minimum": 1, "maximum": _MOST, "default": _USUAL},
    "Alerts listed.",
    "50",
)
_MEDIA: dict[FeedKind, str] = {"atom": "application/atom+xml", "rss": "application/rss+xml"}


def _feed(kind: FeedKind) -> Callable[[Call], Awaitable[web.StreamResponse]]:
    async def answer(call: Call) -> web.StreamResponse:
        service = call.service
        rows = await held.alerts(service.store, **asked_alerts(call)._asdict(), limit=call.query.get(ENTRIES) or _USUAL)
        listed = [await held.events(service.store, row.uid) for row in rows if shown(record_of(row.document), service)]
        body = await asyncio.to_thread(service.voice.feed, kind, [one for one in listed if one], _asked(call))
        return document(call.request, body, _MEDIA[kind], _MAX_AGE_S)

    return answer


def _asked(call: Call) -> FeedAsked:
    """What was asked, in one spelling: the feed of a question is the same feed for every reader."""
    words = {name: text for name, text in sorted(call.query.raw) if name not in (LANGUAGE.name, ENTRIES.name)}
    narrowed = ", ".join(f"{name} {text}" for name, text in words.items())
    return FeedAsked(
        str(call.request.rel_url),
        call.now_s,
        narrowed,
        call.query.get(LANGUAGE) or "en",
        call.query.get(EXERCISES) == "yes",
    )


_PARAMS: tuple[p.Param[Any], ...] = (STATUS, REGION, FROM, TO, LANGUAGE, EXERCISES, ENTRIES)


def _operation(kind: FeedKind, name: str) -> Operation:
    return Operation(
        "GET",
        f"/v1/alerts.{kind}",
        _feed(kind),
        f"Alerts as {name}",
        None,
        "alerts",
        _PARAMS,
        problems=(Code.UNKNOWN_NAME,),
        media=_MEDIA[kind],
    )


OPERATIONS = (_operation("atom", "Atom 1.0"), _operation("rss", "RSS 2.0"))
