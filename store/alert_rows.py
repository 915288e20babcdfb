"""What alerting keeps in the store: alerts, their events with evidence, subscriptions, deliveries. Frozen values.

`document` is alerting's own account of an alert at one revision (JSON text); the store keeps it and does not look inside.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from domain.states import AlertState


@dataclass(frozen=True, slots=True)
class ClaimedBatch:
    """A committed batch that nobody has evaluated yet; ends are those of readings that were new or changed (None: none were)."""

    id: int
    feed_id: str
    received_s: int
    first_end_s: int | None
    last_end_s: int | None
    stored: int
    revised: int
    failure: str
    exercise: bool


@dataclass(frozen=True, slots=True)
class AlertRow:
    """An alert at its newest revision. `subject` names what it is about, so that the same rise finds its alert again."""

    uid: str
    rule_id: str
    subject: str
    state: AlertState
    level: AlertState
    revision: int
    began_s: int
    detected_s: int
    updated_s: int
    resolved_s: int | None = None
    areas: tuple[str, ...] = ()
    exercise: bool = False
    document: str = "{}"


@dataclass(frozen=True, slots=True)
class EvidenceRow:
    """The exact version of a reading that an event stands on, with the baseline numbers it was judged by (by name, unit in the name)."""

    series_uid: str
    end_s: int
    revision: int
    value: float | None
    text: str
    unit: str
    qc: int
    published_s: int | None
    received_s: int
    sha256: str
    numbers: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class EventRow:
    """One step in an alert's life; `reasons` says why in words, by language; `parameters` is the rule's (JSON text)."""

    uid: str
    alert_uid: str
    revision: int
    kind: str
    state: AlertState
    level: AlertState
    at_s: int
    rule_version: str = ""
    parameters: str = "{}"
    reasons: Mapping[str, str] = field(default_factory=dict)
    exercise: bool = False
    document: str = "{}"
    evidence: tuple[EvidenceRow, ...] = ()


@dataclass(frozen=True, slots=True)
class Message:
    """A delivery to be made: who gets it, and what. `uid` is the webhook's id, the same over all its attempts."""

    uid: str
    subscription_uid: str
    kind: str
    payload: str
    event_uid: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """An alert as it is after an event. For a new alert the event's revision is the first one."""

    alert: AlertRow
    event: EventRow


@dataclass(frozen=True, slots=True)
class StateRow:
    """What a detector knew at `at_s`, after the poll `run_uid`; `digest` is that of `state`, `pinned` that an event stands on it."""

    name: str
    version: str
    digest: str
    at_s: int
    run_uid: str
    state: bytes
    pinned: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """What one evaluation leaves behind: batches handled, polls judged, changes made, messages to send, what detectors know now.

    One transaction, all or nothing.
    """

    at_s: int
    batch_ids: tuple[int, ...] = ()
    changes: tuple[Change, ...] = ()
    messages: tuple[Message, ...] = ()
    run_uids: tuple[str, ...] = ()
    states: tuple[StateRow, ...] = ()


#: Messages about the subscription itself: to prove an address, and to tell the owner that it is disabled. They stand outside
#: the sequence (their numbers are negative) and go out whatever the state of the subscription.
CHALLENGE, NOTICE = "subscription.challenge", "subscription.notice"
ABOUT_ITSELF = frozenset({CHALLENGE, NOTICE})


@dataclass(frozen=True, slots=True)
class SubscriptionRow:
    """Someone who wants to be told; `filter` is alerting's (JSON text).

    `state` is `unverified` (nobody has proved to receive there: only challenges go out), `active`, `paused`, `disabled` or
    `deleted`. `channel` is `webhook`, `email` or `plain`, `format` of a webhook's body `json` or `cap`. `audience` is that of the
    service which took the subscription: `public` hears of nothing that may not be passed on. `pending_url` waits for proof and
    then becomes `url`; of the challenge only a digest is kept here. `contact` is a mail address for `notice`s.
    """

    uid: str
    url: str
    secret: str
    token_sha256: str
    filter: str = "{}"
    state: str = "active"
    description: str = ""
    previous_secret: str = ""
    previous_until_s: int | None = None
    created_s: int = 0
    updated_s: int = 0
    last_sequence: int = 0
    channel: str = "webhook"
    format: str = "json"
    audience: str = "internal"
    pending_url: str = ""
    challenge_sha256: str = ""
    challenge_until_s: int | None = None
    verified_s: int | None = None
    contact: str = ""
    notice: str = ""


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    """A message in the outbox; `sequence` has no gaps within a subscription (negative: about the subscription itself), `attempts` counts since it was last made due."""

    uid: str
    subscription_uid: str
    sequence: int
    kind: str
    payload: str
    event_uid: str
    state: str  # pending, delivered, failed
    created_s: int
    due_s: float
    attempts: int
    done_s: int | None


@dataclass(frozen=True, slots=True)
class DueDelivery:
    """A delivery that is due, leased to the caller, with its subscription."""

    delivery: DeliveryRow
    subscription: SubscriptionRow


@dataclass(frozen=True, slots=True)
class AttemptRow:
    """One attempt at a delivery: HTTP status (None: no answer), outcome code and detail."""

    at_s: float
    status: int | None
    outcome: str
    detail: str = ""
    duration_ms: int = 0
    number: int = 0
