"""Subscriptions: rows that the API writes and alerting reads; secrets and tokens are shown once."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable
from typing import Any

import msgspec
from msgspec import UNSET

from api import params as p
from api.access import digest_of, may_subscribe, new_secret, new_token, own_subscription
from api.clocktext import told, told_or_none
from api.models import subscriptions as m
from api.operation import Call, Operation, Reply
from api.paging import begin, following, limit
from api.problems import Code, ProblemError
from api.service import Service
from domain.media import matching
from domain.quantities import BY_ID as QUANTITIES
from store import deliveries as held
from store.alert_rows import DeliveryRow, Message, SubscriptionRow

_OLD_SECRET_S = 86400
_MOST = 2**53
_STATES = ("pending", "delivered", "failed")
_LEVELS, _LANGUAGES = ("unverified", "firing"), ("en", "ja", "ko", "zh")
STATE = p.choice("state", _STATES, "Only deliveries in this state.")
_SEQUENCE = {"type": "integer", "minimum": 1, "maximum": _MOST}
FROM_SEQUENCE = p.Param(
    "from_sequence", p.whole(1, _MOST), _SEQUENCE, "First sequence to deliver again.", "1", required=True
)
TO_SEQUENCE = p.Param(
    "to_sequence", p.whole(1, _MOST), _SEQUENCE, "Last sequence to deliver again.", "10", required=True
)


def _checked(wanted: m.Wanted, service: Service) -> str:
    """A filter as alerting keeps it; raises ProblemError 422 for a name that is not known: a typo must not mute an alert."""
    media = [sorted(matching(word)) for word in wanted.media]
    _known("regions", wanted.regions, service.config.geography.by_id)
    _known("feeds", wanted.feeds, service.feeds)
    _known("quantities", wanted.quantities, QUANTITIES)
    _known("rules", wanted.rules, service.rules)
    _known("media", wanted.media, [word for word, found in zip(wanted.media, media, strict=True) if found])
    _known("level", (wanted.level,), _LEVELS)
    _known("languages", wanted.languages, _LANGUAGES)
    kept: dict[str, Any] = msgspec.to_builtins(wanted)
    kept["areas"], kept["media"] = kept.pop("regions"), sorted({medium for found in media for medium in found})
    return msgspec.json.encode(kept, order="sorted").decode()


def _known(name: str, words: Iterable[str], known: Collection[str]) -> None:
    for word in words:
        if word not in known:
            raise ProblemError(Code.NOT_MEANINGFUL, f"filter.{name}: {word!r} is not known here.", f"filter.{name}")


def _target(url: str, service: Service) -> str:
    if why := service.target_check(url):
        raise ProblemError(Code.NOT_MEANINGFUL, f"No webhook goes to this address: {why}.", "url")
    return url


def _wanted(text: str) -> m.Wanted:
    kept = msgspec.json.decode(text or "{}")
    kept["regions"] = kept.pop("areas", [])
    return msgspec.convert({name: kept[name] for name in m.Wanted.__struct_fields__ if name in kept}, m.Wanted)


def tell_subscription(row: SubscriptionRow) -> m.Subscription:
    """A subscription without its secret."""
    return m.Subscription(
        id=row.uid,
        url=row.url,
        filter=_wanted(row.filter),
        description=row.description,
        state=row.state,
        created_at=told(row.created_s),
        updated_at=told(row.updated_s),
        last_sequence=row.last_sequence,
        deliveries=f"/v1/subscriptions/{row.uid}/deliveries",
    )


async def subscribe(call: Call) -> Reply:
    """Make a subscription."""
    may_subscribe(call)
    asked: m.NewSubscription = call.body
    token, secret, now_s = new_token(), new_secret(), call.now_s
    row = SubscriptionRow(
        f"sub_{secrets.token_hex(12)}",
        _target(asked.url, call.service),
        secret,
        digest_of(token),
        _checked(asked.filter, call.service),
        description=asked.description,
        created_s=now_s,
        updated_s=now_s,
    )
    await held.create_subscription(call.service.store, row)
    body = m.NewlyMade(subscription=tell_subscription(row), token=token, secret=secret)
    return Reply(body, status=201, headers={"Location": f"/v1/subscriptions/{row.uid}", "Cache-Control": "no-store"})


async def subscription(call: Call) -> Reply:
    """One subscription."""
    return _private(m.SubscriptionAnswer(subscription=tell_subscription(await own_subscription(call))))


def _private(body: msgspec.Struct | None, status: int = 200) -> Reply:
    return Reply(body, status=status, headers={"Cache-Control": "no-store"})


async def change(call: Call) -> Reply:
    """Change a subscription; a paused one keeps its messages until it is active again."""
    row, asked = await own_subscription(call), call.body
    changes: dict[str, Any] = {}
    if asked.url is not UNSET:
        changes["url"] = _target(asked.url, call.service)
    if asked.filter is not UNSET:
        changes["filter"] = _checked(asked.filter, call.service)
    if asked.description is not UNSET:
        changes["description"] = asked.description
    if asked.state is not UNSET:
        if asked.state not in ("active", "paused"):
            raise ProblemError(Code.NOT_MEANINGFUL, "`state` is active or paused.", "state")
        changes["state"] = asked.state
    after = await held.patch_subscription(call.service.store, row.uid, call.now_s, **changes) if changes else row
    return _private(m.SubscriptionAnswer(subscription=tell_subscription(after or row)))


async def unsubscribe(call: Call) -> Reply:
    """End a subscription; nothing is delivered to it any more."""
    row = await own_subscription(call)
    await held.patch_subscription(call.service.store, row.uid, call.now_s, state="deleted")
    return _private(None, 204)


async def test(call: Call) -> Reply:
    """Send a test message, marked as an exercise."""
    row = await own_subscription(call)
    data = {"subscription": row.uid, "exercise": True, "note": "A test of this subscription. Nothing has happened."}
    payload = msgspec.json.encode(
        {"type": "exercise.subscription.test", "timestamp": told(call.now_s), "data": data}
    ).decode()
    message = Message(f"msg_{secrets.token_hex(12)}", row.uid, "exercise.subscription.test", payload)
    await held.enqueue(call.service.store, [message], call.now_s)
    return _private(m.Queued(queued=1), 202)


async def rotate(call: Call) -> Reply:
    """Give a new secret; for a day deliveries are signed with both."""
    row, secret, until_s = await own_subscription(call), new_secret(), call.now_s + _OLD_SECRET_S
    await held.patch_subscription(
        call.service.store, row.uid, call.now_s, secret=secret, previous_secret=row.secret, previous_until_s=until_s
    )
    return _private(m.NewSecret(secret=secret, previous_until=told(until_s)))


async def deliveries(call: Call) -> Reply:
    """Deliveries in order of sequence, with every attempt."""
    row, mark, most = await own_subscription(call), begin(call.route, call.query), limit(call.query)
    store, state = call.service.store, call.query.get(STATE) or ""
    found = await held.deliveries(store, row.uid, after=int(mark.after_id) if mark else 0, limit=most + 1, state=state)
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
        payload=msgspec.json.decode(row.payload),
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


async def redeliver(call: Call) -> Reply:
    """Deliver one message again, whatever became of it."""
    row, number = await own_subscription(call), call.path["n"]
    sequence = int(number) if number.isascii() and number.isdigit() and len(number) < 16 else 0
    queued = await held.redeliver(call.service.store, row.uid, sequence, sequence, call.now_s)
    if not queued:
        raise ProblemError(Code.NOT_FOUND, f"This subscription has no delivery {number!r}.")
    return _private(m.Queued(queued=queued), 202)


async def replay(call: Call) -> Reply:
    """Deliver a range of messages again, in order."""
    row, first, last = await own_subscription(call), call.query.need(FROM_SEQUENCE), call.query.need(TO_SEQUENCE)
    if first > last:
        raise ProblemError(Code.WINDOW_REVERSED, "`from_sequence` lies after `to_sequence`.", TO_SEQUENCE.name)
    return _private(m.Queued(queued=await held.redeliver(call.service.store, row.uid, first, last, call.now_s)), 202)


_PATH = "/v1/subscriptions/{id}"
_ONE = {"id": "sub_0123456789abcdef01234567", "n": "1"}
_GONE = (Code.NOT_FOUND, Code.GONE)
_TAG, _SCOPE = "subscriptions", "subscriber"
OPERATIONS = (
    Operation(
        "POST",
        "/v1/subscriptions",
        subscribe,
        "Make a subscription",
        m.NewlyMade,
        _TAG,
        body=m.NewSubscription,
        status=201,
        scope="operator",
    ),
    Operation(
        "GET",
        _PATH,
        subscription,
        "One subscription",
        m.SubscriptionAnswer,
        _TAG,
        problems=_GONE,
        scope=_SCOPE,
        path_examples=_ONE,
    ),
    Operation(
        "PATCH",
        _PATH,
        change,
        "Change a subscription",
        m.SubscriptionAnswer,
        _TAG,
        problems=_GONE,
        body=m.Changes,
        scope=_SCOPE,
        path_examples=_ONE,
    ),
    Operation(
        "DELETE",
        _PATH,
        unsubscribe,
        "End a subscription",
        None,
        _TAG,
        problems=_GONE,
        status=204,
        scope=_SCOPE,
        path_examples=_ONE,
    ),
    Operation(
        "POST",
        f"{_PATH}/test",
        test,
        "Send a test message",
        m.Queued,
        _TAG,
        problems=_GONE,
        status=202,
        scope=_SCOPE,
        path_examples=_ONE,
    ),
    Operation(
        "POST",
        f"{_PATH}/rotate-secret",
        rotate,
        "Give a new secret",
        m.NewSecret,
        _TAG,
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
        (FROM_SEQUENCE, TO_SEQUENCE),
        problems=(*_GONE, Code.WINDOW_REVERSED),
        status=202,
        scope=_SCOPE,
        path_examples=_ONE,
    ),
)
