"""Who is told: an event and the subscriptions there are -> messages. Pure.

Everyone who was told of an alert is told of its end, once, and nobody is told of the end of something never heard of.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np

from alerting.life import EventKind
from alerting.records import AlertRecord, event_type
from alerting.silence import ALWAYS_TOLD, Silence, muted
from analysis.rainfall import distance_m
from analysis.sentences import LANGUAGES
from domain.identity import digest
from domain.states import AlertState, Audience
from store.alert_rows import EventRow, Message, SubscriptionRow

_LEVELS = ("unverified", "firing")
_STATIONS_SHOWN = 20
BODY_LIMIT = 20_000


class BadFilter(ValueError):
    """A subscription's filter that cannot be used; the message says why."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a subscription asks for; empty lists mean everything. `level`: from which level on; `exercises`: drills too.

    `sites` are names only; where they are stands in `near`: (latitude, longitude in degrees, radius in metres).
    """

    areas: tuple[str, ...] = ()
    feeds: tuple[str, ...] = ()
    media: tuple[str, ...] = ()
    quantities: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    level: str = "unverified"
    languages: tuple[str, ...] = LANGUAGES
    exercises: bool = False
    sites: tuple[str, ...] = ()
    near: tuple[tuple[float, float, float], ...] = ()


def wanted(text: str) -> Wanted:
    """A filter from its stored JSON; raises BadFilter for an unknown key, level or language."""
    try:
        found = msgspec.convert(_known(json.loads(text or "{}")), Wanted)
    except (ValueError, TypeError, msgspec.ValidationError) as error:
        raise BadFilter(str(error)) from error
    if found.level not in _LEVELS or not set(found.languages) <= set(LANGUAGES) or not found.languages:
        raise BadFilter(f"level is one of {', '.join(_LEVELS)}; languages are of {', '.join(LANGUAGES)}")
    return found


def _known(document: Any) -> Any:
    if not isinstance(document, dict):
        raise BadFilter("a filter is an object")
    unknown = sorted(set(document) - set(Wanted.__slots__))
    if unknown:
        raise BadFilter(f"a filter has no {', '.join(unknown)}")
    return document


def matches(want: Wanted, alert: AlertRecord, on_request: Collection[str] = ()) -> bool:
    """Whether an alert, as it is now, is what a subscription asks for; alerts of the rules `on_request` only by the rule's name."""
    subject = alert.subject
    if subject.rule_id in on_request and subject.rule_id not in want.rules:
        return False
    if subject.exercise and not want.exercises:
        return False
    if want.level == "firing" and alert.life.level is not AlertState.FIRING:
        return False
    named = (
        (want.areas, set(alert.areas)),
        (want.feeds, set(alert.feeds)),
        (want.rules, {subject.rule_id}),
        # blindness is of no quantity: whoever watches one wants to know that it cannot be seen
        (want.media, {subject.medium} if subject.medium else set(want.media)),
        (want.quantities, {subject.quantity} if subject.quantity else set(want.quantities)),
    )
    return all(not asked or set(asked) & has for asked, has in named) and _is_near(want, alert)


def _is_near(want: Wanted, alert: AlertRecord) -> bool:
    """Whether any station of an alert lies in a circle asked for. An alert without stations is about not seeing, which concerns all."""
    places = [(m.latitude_deg, m.longitude_deg) for m in alert.life.members]
    if not want.near or not places:
        return True
    return any(
        lat is not None
        and lon is not None
        and float(distance_m(lat0, lon0, np.array([lat]), np.array([lon]))[0]) <= radius_m
        for lat0, lon0, radius_m in want.near
        for lat, lon in places
    )


def messages(
    event: EventRow,
    alert: AlertRecord,
    subscriptions: Iterable[SubscriptionRow],
    told: Collection[str],
    silences: Iterable[Silence],
    open_feeds: Collection[str] | None = None,
    on_request: Collection[str] = (),
) -> tuple[Message, ...]:
    """Messages of one event; `told` are the subscriptions that were told of this alert before.

    `open_feeds` are those whose readings may be passed on: a public audience hears of nothing that stands on any other one.
    `on_request` are the rules of which only those hear that named them.
    """
    kind = EventKind(event.kind)
    silence = muted(kind, alert, silences, event.at_s)
    public = open_feeds is None or set(alert.feeds) <= set(open_feeds)
    out = []
    for subscription in subscriptions:
        if subscription.state == "deleted" or (subscription.audience == Audience.PUBLIC and not public):
            continue
        try:
            want = wanted(subscription.filter)
        except BadFilter:
            continue  # refused when it was made; one that got in otherwise must not hold up the others
        if kind in ALWAYS_TOLD or kind is EventKind.STALE:
            due = subscription.uid in told
        else:
            due = matches(want, alert, on_request)
        if due and silence is None:
            out.append(message(event, alert, subscription.uid, want.languages))
    return tuple(out)


def message(event: EventRow, alert: AlertRecord, subscription_uid: str, languages: Collection[str]) -> Message:
    """The message of an event to one subscription; its id is the same whoever makes it, however often."""
    uid = "msg_" + digest(event.uid, subscription_uid)
    kind = event_type(event.kind, event.exercise)
    return Message(uid, subscription_uid, kind, payload(event, alert, languages), event.uid)


def payload(event: EventRow, alert: AlertRecord, languages: Collection[str]) -> str:
    """`{type, timestamp, data}` as Standard Webhooks has it; under 20 kB, the whole evidence is behind a link."""
    data = _data(event, alert, languages)
    text = _json({"type": event_type(event.kind, event.exercise), "timestamp": _iso(event.at_s), "data": data})
    if len(text.encode()) >= BODY_LIMIT - 1000:
        text = _json(
            {
                "type": event_type(event.kind, event.exercise),
                "timestamp": _iso(event.at_s),
                "data": data | {"stations": []},
            }
        )
    return text


def _data(event: EventRow, alert: AlertRecord, languages: Collection[str]) -> dict[str, Any]:
    life, subject = alert.life, alert.subject
    top = sorted(life.members, key=lambda member: (-member.peak, member.series_uid))
    return {
        "alert": alert.uid,
        "event": event.uid,
        "revision": event.revision,
        "state": event.state.value,
        "level": event.level.value,
        "kind": alert.kind,
        "exercise": event.exercise,
        "rule": {"id": subject.rule_id, "version": alert.rule_version},
        "quantity": subject.quantity or None,
        "medium": subject.medium or None,
        "unit": subject.unit or None,
        "about": alert.about,
        "areas": list(alert.areas),
        "feeds": list(alert.feeds),
        "began_at": _iso(life.began_s),
        "detected_at": _iso(life.detected_s),
        "updated_at": _iso(life.updated_s),
        "resolved_at": None if life.resolved_s is None else _iso(life.resolved_s),
        "station_count": len({member.station_uid for member in life.members}),
        "stations": [
            {
                "station": member.station_uid,
                "series": member.series_uid,
                "peak_rise": round(member.peak, 3),
                "median": round(member.median, 3),
            }
            for member in top[:_STATIONS_SHOWN]
        ],
        "reasons": {
            language: event.reasons[language]
            for language in LANGUAGES
            if language in languages and language in event.reasons
        },
        "links": {
            "alert": f"/v1/alerts/{alert.uid}",
            "events": f"/v1/alerts/{alert.uid}/events",
            "evidence": f"/v1/alerts/{alert.uid}/evidence",
        },
        "note": "Not an official declaration. Follow local authorities.",
    }


def numbered(payload_text: str, sequence: int) -> bytes:
    """The body as it is sent: the payload with the subscription's sequence number in `data`, the same bytes at every attempt."""
    document: dict[str, Any] = msgspec.json.decode(payload_text)
    document["data"] = {**document.get("data", {}), "sequence": sequence}
    return msgspec.json.encode(document)


def _json(document: Mapping[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))


def _iso(at_s: int) -> str:
    return dt.datetime.fromtimestamp(at_s, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
