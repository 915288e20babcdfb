"""Subscriptions to alerts, their proof and their deliveries."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from api.models.common import Instant, Link, Struct

Url = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=2000,
        description="https address of a receiver; for e-mail `mailto:` and one address",
        examples=["https://receiver.example/hook"],
    ),
]
Channel = Annotated[
    Literal["webhook", "email", "plain"],
    Meta(description="signed webhook, e-mail, or one plain post for each event in the manner of ntfy"),
]
Format = Annotated[
    Literal["json", "cap"], Meta(description="body of a webhook: our JSON, or the event as a CAP 1.2 message")
]
Contact = Annotated[
    str, Meta(max_length=320, description="mail address for notices when deliveries stop; may be empty")
]
Words = Annotated[tuple[str, ...], Meta(max_length=200)]
Description = Annotated[str, Meta(max_length=500)]


class Wanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a subscriber asks for; empty lists mean everything. `level`: from which level on; `exercises`: drills too.

    The first of `languages` is that of mails and plain posts.
    """

    regions: Words = ()
    feeds: Words = ()
    media: Words = ()
    quantities: Words = ()
    rules: Words = ()
    sites: Annotated[
        tuple[str, ...], Meta(max_length=50, description="alerts with a station within the widest ring of these sites")
    ] = ()
    level: Annotated[str, Meta(description="unverified or firing")] = "unverified"
    languages: Annotated[tuple[str, ...], Meta(min_length=1, max_length=4)] = ("en", "ja", "ko", "zh")
    exercises: bool = False


class NewSubscription(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A subscription as it is asked for."""

    url: Url
    filter: Wanted = Wanted()
    description: Description = ""
    channel: Channel = "webhook"
    format: Format = "json"
    contact: Contact = ""


class Changes(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What may be changed; parts that are not given stay."""

    url: Url | UnsetType = UNSET
    filter: Wanted | UnsetType = UNSET
    description: Description | UnsetType = UNSET
    format: Format | UnsetType = UNSET
    contact: Contact | UnsetType = UNSET
    state: Annotated[str, Meta(description="active or paused")] | UnsetType = UNSET


class Subscription(Struct, frozen=True, kw_only=True):
    """A subscription; its secret is never told again."""

    id: str
    url: str
    filter: Wanted
    description: str
    channel: Channel
    format: Format
    contact: str
    state: Annotated[
        str,
        Meta(
            description="unverified (only challenges are sent), active, paused or disabled (by a 410 or a receiver that failed for too long)"
        ),
    ]
    notice: Annotated[str, Meta(description="why it is disabled; else empty")]
    pending_url: Annotated[str, Meta(description="address that has not yet given its challenge back; else empty")]
    verified_at: Instant | None
    waiting: Annotated[int, Meta(description="deliveries not yet made")]
    waiting_since: Instant | None
    created_at: Instant
    updated_at: Instant
    last_sequence: Annotated[int, Meta(description="sequence of the newest delivery; there are no gaps")]
    deliveries: Link
    events: Link


class SubscriptionAnswer(Struct, frozen=True, kw_only=True):
    """One subscription."""

    subscription: Subscription


class NewlyMade(Struct, frozen=True, kw_only=True):
    """A new subscription. `token` opens it, `secret` (Standard Webhooks) signs its deliveries; both are shown this once.

    Nothing but a challenge is sent before the receiver has given that back, by `confirm_by`.
    """

    subscription: Subscription
    token: str
    secret: str
    confirm_by: Instant


class NewSecret(Struct, frozen=True, kw_only=True):
    """The new secret, shown this once; until `previous_until` deliveries carry a signature of the old one too."""

    secret: str
    previous_until: Instant


class Attempt(Struct, frozen=True, kw_only=True):
    """One attempt at a delivery."""

    at: Instant
    status: Annotated[int | None, Meta(description="HTTP status; null if no answer came")]
    outcome: str
    detail: str
    duration_ms: int


class Delivery(Struct, frozen=True, kw_only=True):
    """One message to a receiver; `id` is its `webhook-id`, the same over all attempts."""

    sequence: Annotated[int, Meta(description="below zero: about the subscription itself, outside the sequence")]
    id: str
    type: str
    event: str
    state: str
    created_at: Instant
    due_at: Instant
    done_at: Instant | None
    attempts: tuple[Attempt, ...]
    payload: Any


class DeliveryList(Struct, frozen=True, kw_only=True):
    """Deliveries of a subscription in order of sequence."""

    deliveries: tuple[Delivery, ...]
    next: Link | None


class Missed(Struct, frozen=True, kw_only=True):
    """An event as it was or will be sent: `body` is the webhook's JSON with its sequence, `id` its `webhook-id`."""

    sequence: int
    id: str
    state: str
    body: Any


class MissedList(Struct, frozen=True, kw_only=True):
    """Events of a subscription after a sequence, in order and without gaps; fetching them marks nothing as delivered."""

    events: tuple[Missed, ...]
    last_sequence: int
    next: Link | None


class Challenged(Struct, frozen=True, kw_only=True):
    """A challenge is on its way; it has to be given back by `confirm_by`."""

    confirm_by: Instant


class Confirmed(Struct, frozen=True, kw_only=True):
    """The address is proved."""

    confirmed: bool
    state: str


class Queued(Struct, frozen=True, kw_only=True):
    """How many deliveries were made due."""

    queued: int
