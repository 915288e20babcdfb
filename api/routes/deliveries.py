"""Deliveries of a subscription: looked up with every attempt, fetched when push is impossible, made again."""

from __future__ import annotations

from typing import Any

import msgspec

from api import params as p
from api.access import own_subscription
from api.clocktext import told, told_or_none
from api.models import subscriptions as m
from api.operation import Call, Operation, Reply
from api.paging import begin, following, limit
from api.problems import Code, ProblemError
from api.service import Service
from store import deliveries as held
from store.alert_rows import CHALLENGE, DeliveryRow

_MOST = 2**53
_STATES = ("pending", "delivered", "failed")
STATE = p.choice("state", _STATES, "Only deliveries in this state.")
_SEQUENCE = {"type": "integer", "minimum": 1, "maximum": _MOST}
FROM_SEQUENCE = p.Param(
    "from_sequence", p.whole(1, _MOST), _SEQUENCE, "First sequence to deliver again; default: the first there is.", "1"
)
TO_SEQUENCE = p.Param(
    "to_sequence", p.whole(1, _MOST), _SEQUENCE, "Last sequence to deliver again; default: the newest.", "10"
)
FROM = p.instant("from", "Only what was entered at or after this time.", p.FROM.example)
TO = p.instant("to", "Only what was entered before this time.", p.TO.example)
AFTER_SEQUENCE = p.Param(
    "after_sequence",
    p.whole(0, _MOST),
    {"type": "integer", "minimum": 0, "maximum": _MOST, "default": 0},
    "The last sequence that was received.",
    "12",
)


async def deliveries(call: Call) -> Reply:
    """Deliveries in order of sequence, with every attempt; first those about the subscription itself."""
    row, mark, most = await own_subscription(call), begin(call.route, call.query), limit(call.query)
    store, state = call.service.store, call.query.get(STATE) or ""
    after = int(mark.after_id) if mark else -_MOST
    found = await held.deliveries(store, row.uid, after=after, limit=most + 1, state=state)
    page = found[:most]
    more = following(call.route, call.query, as_of_s=0, after_id=str(page[-1].sequence)) if len(found) > most else None
    listed = tuple([await _delivery(call.service, one) for one in page])
    return Reply(m.DeliveryList(deliveries=listed, next=more), next=more, headers={"Cache-Control": "no-store"})


async def _delivery(service: Service, row: DeliveryRow) -> m.Delivery:
    attempts = await held.attempts(service.store, row.uid) if row.attempts or row.state != "pending" else []
    return m.Delivery(
        sequence=row.sequence,
        id=row.uid,
        type=row.kind,
        event=row.event_uid,
        state=row.state,
        created_at=told(row.created_s),
        due_at=told(int(row.due_s)),
        done_at=told_or_none(row.done_s),
        payload=_payload(row),
        attempts=tuple(
            m.Attempt(
                at=told(int(one.at_s)),
                status=one.status,
                outcome=one.outcome,
                detail=one.detail,
                duration_ms=one.duration_ms,
            )
            for one in attempts
        ),
    )


def _payload(row: DeliveryRow) -> Any:
    """What was sent. The words of a challenge are for the receiver alone: shown here they would prove nothing."""
    payload = msgspec.json.decode(row.payload)
    return {**payload, "data": {**payload["data"], "challenge": "***"}} if row.kind == CHALLENGE else payload


async def events(call: Call) -> Reply:
    """Events after a sequence, as they are sent."""
    row, most, store = await own_subscription(call), limit(call.query), call.service.store
    after = call.query.get(AFTER_SEQUENCE) or 0
    found = await held.deliveries(store, row.uid, after=after, limit=most + 1)
    page = found[:most]
    listed = tuple(m.Missed(sequence=one.sequence, id=one.uid, state=one.state, body=_body(one)) for one in page)
    size = call.query.get(p.LIMIT)
    more = None
    if len(found) > most:
        more = f"{call.route}?after_sequence={page[-1].sequence}" + (f"&limit={size}" if size else "")
    body = m.MissedList(events=listed, last_sequence=row.last_sequence, next=more)
    return Reply(body, next=more, headers={"Cache-Control": "no-store"})


def _body(row: DeliveryRow) -> Any:
    payload = msgspec.json.decode(row.payload)
    return {**payload, "data": {**payload.get("data", {}), "sequence": row.sequence}}


async def redeliver(call: Call) -> Reply:
    """Deliver one message again, whatever became of it."""
    row, number = await own_subscription(call), call.path["n"]
    sequence = int(number) if number.isascii() and number.isdigit() and len(number) < 16 else 0
    queued = await held.redeliver(call.service.store, row.uid, sequence, sequence, call.now_s)
    if not queued:
        raise ProblemError(Code.NOT_FOUND, f"This subscription has no delivery {number!r}.")
    return _queued(queued)


async def replay(call: Call) -> Reply:
    """Deliver a range of messages again, in order: by sequence, by time, or both."""
    row = await own_subscription(call)
    first, last = call.query.get(FROM_SEQUENCE), call.query.get(TO_SEQUENCE)
    from_s, to_s = call.query.get(FROM), call.query.get(TO)
    if first is None and last is None and from_s is None and to_s is None:
        raise ProblemError(
            Code.MISSING_PARAMETER, "Say which: `from_sequence`, `to_sequence`, `from` or `to`.", FROM_SEQUENCE.name
        )
    if (first or 1) > (last or _MOST):
        raise ProblemError(Code.WINDOW_REVERSED, "`from_sequence` lies after `to_sequence`.", TO_SEQUENCE.name)
    if from_s is not None and to_s is not None and from_s > to_s:
        raise ProblemError(Code.WINDOW_REVERSED, "`from` lies after `to`.", TO.name)
    queued = await held.redeliver(
        call.service.store, row.uid, first or 1, last or _MOST, call.now_s, made_from_s=from_s, made_to_s=to_s
    )
    return _queued(queued)


def _queued(count: int) -> Reply:
    return Reply(m.Queued(queued=count), status=202, headers={"Cache-Control": "no-store"})


_PATH = "/v1/subscriptions/{id}"
_ONE = {"id": "sub_0123456789abcdef01234567", "n": "1"}
_GONE = (Code.NOT_FOUND, Code.GONE)
_TAG, _SCOPE = "subscriptions", "subscriber"
OPERATIONS = (
    Operation(
        "GET",
        f"{_PATH}/events",
        events,
        "Events after a sequence, for those who cannot be pushed to",
        m.MissedList,
        _TAG,
        (AFTER_SEQUENCE, p.LIMIT),
        problems=_GONE,
        scope=_SCOPE,
        path_examples=_ONE,
    ),
    Operation(
        "GET",
        f"{_PATH}/deliveries",
        deliveries,
        "Deliveries with their attempts",
        m.DeliveryList,
        _TAG,
        (STATE, *p.PAGE),
        problems=_GONE,
        scope=_SCOPE,
        path_examples=_ONE,
    ),
    Operation(
        "POST",
        f"{_PATH}/deliveries/{{n}}/redeliver",
        redeliver,
        "Deliver one message again",
        m.Queued,
        _TAG,
        problems=_GONE,
        status=202,
        scope=_SCOPE,
        path_examples=_ONE,
    ),
    Operation(
        "POST",
        f"{_PATH}/replay",
        replay,
        "Deliver a range of messages again",
        m.Queued,
        _TAG,
        (FROM_SEQUENCE, TO_SEQUENCE, FROM, TO),
        problems=(*_GONE, Code.MISSING_PARAMETER, Code.WINDOW_REVERSED),
        status=202,
        scope=_SCOPE,
        path_examples=_ONE,
    ),
)
