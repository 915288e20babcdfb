"""Subscriptions to webhooks and their deliveries."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from api.models.common import Instant, Link, Struct

Url = Annotated[str, Meta(min_length=1, max_length=2000, examples=["https://receiver.example/hook"])]
Words = Annotated[tuple[str, ...], Meta(max_length=200)]
Description = Annotated[str, Meta(max_length=500)]


class Wanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a subscriber asks for; empty lists mean everything. `level`: from which level on; `exercises`: drills too."""

    regions: Words = ()
    feeds: Words = ()
    media: Words = ()
    quantities: Words = ()
    rules: Words = ()
    level: Annotated[str, Meta(description="unverified or firing")] = "unverified"
    languages: Annotated[tuple[str, ...], Meta(min_length=1, max_length=4)] = ("en", "ja", "ko", "zh")
    exercises: bool = False


class NewSubscription(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A subscription as it is asked for."""

    url: Url
    filter: Wanted = Wanted()
    description: Description = ""


class Changes(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What may be changed; parts that are not given stay."""

    url: Url | UnsetType = UNSET
    filter: Wanted | UnsetType = UNSET
    description: Description | UnsetType = UNSET
    state: Annotated[str, Meta(description="active or paused")] | UnsetType = UNSET


class Subscription(Struct, frozen=True, kw_only=True):
    """A subscription; its secret is never told again."""

    id: str
    url: str
    filter: Wanted
    description: str
    state: Annotated[
        str, Meta(description="active, paused or disabled (by a 410 or a receiver that failed for too long)")
    ]
    created_at: Instant
    updated_at: Instant
    last_sequence: Annotated[int, Meta(description="sequence of the newest delivery; there are no gaps")]
    deliveries: Link


class SubscriptionAnswer(Struct, frozen=True, kw_only=True):
    """One subscription."""

    subscription: Subscription


class NewlyMade(Struct, frozen=True, kw_only=True):
    """A new subscription. `token` opens it, `secret` (Standard Webhooks) signs its deliveries; both are shown this once."""

    subscription: Subscription
    token: str
    secret: str


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

    sequence: int
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


class Queued(Struct, frozen=True, kw_only=True):
    """How many deliveries were made due."""

    queued: int
