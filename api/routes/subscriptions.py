"""Subscriptions: rows that the API writes and alerting reads; secrets and tokens are shown once. Deliveries and proofs have files of their own."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable
from typing import Any

import msgspec
from msgspec import UNSET

from api.access import digest_of, may_subscribe, new_secret, new_token, own_subscription
from api.clocktext import told, told_or_none
from api.models import subscriptions as m
from api.operation import Call, Operation, Reply
from api.problems import Code, ProblemError
from api.routes import confirming
from api.routes import deliveries as delivery_routes
from api.service import Service
from domain.media import matching
from domain.quantities import BY_ID as QUANTITIES
from store import deliveries as held
from store.alert_rows import Message, SubscriptionRow

_OLD_SECRET_S = 86400
_MAIL = "mailto:"
_UNPROVED = "Nobody has proved yet to receive at this address; the challenge comes first."
_LEVELS, _LANGUAGES = ("unverified", "firing"), ("en", "ja", "ko", "zh")


def _checked(wanted: m.Wanted, service: Service) -> str:
    """A filter as alerting keeps it; raises ProblemError 422 for a name that is not known: a typo must not mute an alert."""
    media = [sorted(matching(word)) for word in wanted.media]
    _known("regions", wanted.regions, service.config.geography.by_id)
    _known("feeds", wanted.feeds, service.feeds)
    _known("quantities", wanted.quantities, QUANTITIES)
    _known("rules", wanted.rules, service.rules)
    _known("media", wanted.media, [word for word, found in zip(wanted.media, media, strict=True) if found])
    sites = {site.id: site for site in service.sites.sites}
    _known("sites", wanted.sites, sites)
    _known("level", (wanted.level,), _LEVELS)
    _known("languages", wanted.languages, _LANGUAGES)
    kept: dict[str, Any] = msgspec.to_builtins(wanted)
    kept["areas"], kept["media"] = kept.pop("regions"), sorted({medium for found in media for medium in found})
    radius_m = 1000 * max(service.sites.rings_km)
    kept["near"] = [(sites[name].latitude_deg, sites[name].longitude_deg, radius_m) for name in wanted.sites]
    return msgspec.json.encode(kept, order="sorted").decode()


def _known(name: str, words: Iterable[str], known: Collection[str]) -> None:
    for word in words:
        if word not in known:
            raise ProblemError(Code.NOT_MEANINGFUL, f"filter.{name}: {word!r} is not known here.", f"filter.{name}")


#: By channel, what an address that is told has to be.
_INSTEAD = dict.fromkeys(
    ("webhook", "plain"),
    "Give an https:// address of a public host; a private network is opened by the operator (--webhook-network).",
) | {"email": "Give mailto: and one plain address."}


def _target(url: str, channel: str, service: Service) -> str:
    if channel not in service.settings.channels:
        raise ProblemError(Code.NOT_MEANINGFUL, f"This service has no channel {channel!r}.", "channel")
    if url.startswith(_MAIL) != (channel == "email"):
        raise ProblemError(
            Code.NOT_MEANINGFUL, "A mailto: address goes with the channel email, and with no other.", "url"
        )
    if why := service.target_check(url):
        raise ProblemError(Code.NOT_MEANINGFUL, f"Nothing is sent to this address: {why}. {_INSTEAD[channel]}", "url")
    return url


def _contact(address: str, service: Service) -> str:
    if address and (why := service.target_check(_MAIL + address)):
        raise ProblemError(Code.NOT_MEANINGFUL, f"No notice is sent to this address: {why}.", "contact")
    return address


def _format(word: str, channel: str) -> str:
    if word != "json" and channel != "webhook":
        raise ProblemError(Code.NOT_MEANINGFUL, "Only webhooks have a format.", "format")
    return word


def _wanted(text: str) -> m.Wanted:
    kept = msgspec.json.decode(text or "{}")
    kept["regions"] = kept.pop("areas", [])
    return msgspec.convert({name: kept[name] for name in m.Wanted.__struct_fields__ if name in kept}, m.Wanted)


async def tell_subscription(row: SubscriptionRow, service: Service) -> m.Subscription:
    """A subscription without its secret."""
    waiting, since_s = await held.waiting(service.store, row.uid)
    return m.Subscription(
        id=row.uid,
        url=row.url,
        channel=row.channel,  # type: ignore[arg-type]
        format=row.format,  # type: ignore[arg-type]
        contact=row.contact,
        notice=row.notice,
        pending_url=row.pending_url,
        verified_at=told_or_none(row.verified_s),
        waiting=waiting,
        waiting_since=told_or_none(since_s),
        filter=_wanted(row.filter),
        description=row.description,
        state=row.state,
        created_at=told(row.created_s),
        updated_at=told(row.updated_s),
        last_sequence=row.last_sequence,
        deliveries=f"/v1/subscriptions/{row.uid}/deliveries",
        events=f"/v1/subscriptions/{row.uid}/events",
    )


async def subscribe(call: Call) -> Reply:
    """Make a subscription; nothing but a challenge is sent before its address is proved."""
    may_subscribe(call)
    asked: m.NewSubscription = call.body
    token, secret, now_s = new_token(), new_secret(), call.now_s
    code, kept = confirming.proof(now_s)
    url = _target(asked.url, asked.channel, call.service)
    row = SubscriptionRow(
        f"sub_{secrets.token_hex(12)}",
        url,
        secret,
        digest_of(token),
        _checked(asked.filter, call.service),
        state="unverified",
        description=asked.description,
        created_s=now_s,
        updated_s=now_s,
        channel=asked.channel,
        format=_format(asked.format, asked.channel),
        audience=call.service.audience,
        pending_url=url,
        contact=_contact(asked.contact, call.service),
        **kept,
    )
    await held.create_subscription(call.service.store, row)
    await confirming.send_challenge(call.service.store, row.uid, code, now_s)
    body = m.NewlyMade(
        subscription=await tell_subscription(row, call.service),
        token=token,
        secret=secret,
        confirm_by=told(kept["challenge_until_s"]),
    )
    return Reply(body, status=201, headers={"Location": f"/v1/subscriptions/{row.uid}", "Cache-Control": "no-store"})


async def subscription(call: Call) -> Reply:
    """One subscription."""
    return await _told(await own_subscription(call), call.service)


async def _told(row: SubscriptionRow, service: Service) -> Reply:
    return _private(m.SubscriptionAnswer(subscription=await tell_subscription(row, service)))


def _private(body: msgspec.Struct | None, status: int = 200) -> Reply:
    return Reply(body, status=status, headers={"Cache-Control": "no-store"})


async def change(call: Call) -> Reply:
    """Change a subscription; a paused one keeps its messages until it is active again, a new address is used once it is proved."""
    row, service = await own_subscription(call), call.service
    changes = _changes(call.body, row, service)
    code = ""
    if "pending_url" in changes:
        code, kept = confirming.proof(call.now_s)
        changes |= kept
    if changes.get("state") == "active" and row.state == "disabled":
        del changes["state"], changes["notice"]
        row = await held.resume(service.store, row.uid, call.now_s) or row
    after = await held.patch_subscription(service.store, row.uid, call.now_s, **changes) if changes else row
    if code:
        await confirming.send_challenge(service.store, row.uid, code, call.now_s)
    return await _told(after or row, service)


def _changes(asked: m.Changes, row: SubscriptionRow, service: Service) -> dict[str, Any]:
    """What a request changes, by column; raises ProblemError 422 for what cannot be."""
    changes: dict[str, Any] = {}
    if asked.url is not UNSET and asked.url != (row.pending_url or row.url):
        changes["pending_url"] = _target(asked.url, row.channel, service)
    if asked.filter is not UNSET:
        changes["filter"] = _checked(asked.filter, service)
    if asked.description is not UNSET:
        changes["description"] = asked.description
    if asked.format is not UNSET:
        changes["format"] = _format(asked.format, row.channel)
    if asked.contact is not UNSET:
        changes["contact"] = _contact(asked.contact, service)
    if asked.state is not UNSET:
        changes["state"] = _state(asked.state, row)
        changes["notice"] = ""
    return changes


def _state(asked: str, row: SubscriptionRow) -> str:
    if asked not in ("active", "paused"):
        raise ProblemError(Code.NOT_MEANINGFUL, "`state` is active or paused.", "state")
    if row.state == "unverified":
        raise ProblemError(Code.NOT_MEANINGFUL, _UNPROVED, "state")
    return asked


async def unsubscribe(call: Call) -> Reply:
    """End a subscription; nothing is delivered to it any more."""
    row = await own_subscription(call)
    await held.patch_subscription(call.service.store, row.uid, call.now_s, state="deleted")
    return _private(None, 204)


async def test(call: Call) -> Reply:
    """Send a test message, marked as an exercise."""
    row = await own_subscription(call)
    if row.state == "unverified":
        raise ProblemError(Code.NOT_MEANINGFUL, _UNPROVED)
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


_PATH = "/v1/subscriptions/{id}"
_ONE = {"id": "sub_0123456789abcdef01234567"}
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
        problems=(*_GONE, Code.NOT_MEANINGFUL),
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
    *confirming.OPERATIONS,
    *delivery_routes.OPERATIONS,
)
