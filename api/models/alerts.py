"""Alerts, their events and evidence, and the rules that they were decided by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from msgspec import Meta

from api.models.common import Instant, Link, Page, Struct
from api.models.silences import Acknowledgement
from api.models.values import Conversion, Published

Texts = Annotated[Mapping[str, str], Meta(description="by language")]


class AlertStation(Struct, frozen=True, kw_only=True):
    """One series that departed: its own median, the rise that fired and the largest one since, in the alert's unit."""

    station: str
    series: str
    longitude: float | None
    latitude: float | None
    median: float
    trigger: float
    peak: float
    rain: Annotated[bool | None, Meta(description="whether rain near explains the rise; null if not known")]


class RuleBrief(Struct, frozen=True, kw_only=True):
    """The rule and the version of it that decided."""

    id: str
    version: int


class SilencedBy(Struct, frozen=True, kw_only=True):
    """A silence that an alert falls under now."""

    id: str
    kind: str
    reason: str
    ends_at: Instant


class Alert(Struct, frozen=True, kw_only=True):
    """An alert at its newest revision. `level` is what it reached; silence leads to `stale`, never to `resolved`."""

    id: str
    kind: str
    rule: RuleBrief
    title: Texts
    sentence: Annotated[Mapping[str, str], Meta(description="why, at the newest event, by language")]
    state: str
    level: str
    revision: int
    began_at: Instant
    detected_at: Instant
    updated_at: Instant
    resolved_at: Instant | None
    about: str
    regions: tuple[str, ...]
    feeds: tuple[str, ...]
    quantity: str
    medium: str
    unit: str
    series: tuple[str, ...]
    stations: tuple[AlertStation, ...]
    exercise: bool
    acknowledged: Annotated[
        Acknowledgement | None,
        Meta(description="the newest acknowledgement that has not expired; it ends and mutes nothing"),
    ]
    silenced: Annotated[
        tuple[SilencedBy, ...],
        Meta(description="silences that hold for it now; the alert goes on, its notices may not go out"),
    ]
    note: str
    links: Mapping[str, Link]


class AlertPage(Page, frozen=True, kw_only=True):
    """Alerts, newest start first. None listed means that none was raised, not that nothing happened: see the feeds."""

    alerts: tuple[Alert, ...]


class AlertAnswer(Struct, frozen=True, kw_only=True):
    """One alert."""

    alert: Alert


class Event(Struct, frozen=True, kw_only=True):
    """One step in an alert's life."""

    id: str
    alert: str
    revision: int
    kind: str
    state: str
    level: str
    at: Instant
    rule_version: str
    reasons: Texts
    exercise: bool
    muted: Annotated[
        str,
        Meta(description="the silence or the blindness because of which nobody was notified of this step; else empty"),
    ]


class EventList(Struct, frozen=True, kw_only=True):
    """The history of an alert, in order."""

    alert: str
    events: tuple[Event, ...]


class Proof(Struct, frozen=True, kw_only=True):
    """The exact revision of a reading that an event stands on, with the numbers it was judged by (unit in each name)."""

    series: str
    phenomenon_end: Instant
    revision: int
    value: float | None
    unit: str
    conversion: Conversion | None
    published: Published
    qc: tuple[str, ...]
    published_at: Instant | None
    received_at: Instant
    sha256: str
    numbers: Mapping[str, float]


class RederivedPart(Struct, frozen=True, kw_only=True):
    """One thing that the decision was made of, or came to: as it was kept and as the store gives it today."""

    part: str
    same: bool
    kept: str
    now: str


class Rederived(Struct, frozen=True, kw_only=True):
    """The decision made again from the store alone; `same` when every part of it came out byte for byte."""

    same: bool
    parts: tuple[RederivedPart, ...]
    note: str


class EventEvidence(Struct, frozen=True, kw_only=True):
    """One event with everything it stood on: readings, parameters of the rule, and the account of what was weighed."""

    event: Event
    parameters: Annotated[Any, Meta(description="of the rule, at its version then")]
    account: Annotated[Any, Meta(description="what was weighed: baselines, rain with its age, counts")]
    evidence: tuple[Proof, ...]
    withheld: Annotated[int, Meta(description="readings held but not shown: ask the publisher")]
    rederived: Annotated[
        Rederived | None, Meta(description="null when it was no decision about numbers, or was not asked for")
    ]


class EvidenceList(Struct, frozen=True, kw_only=True):
    """The evidence of an alert, event by event."""

    alert: str
    events: tuple[EventEvidence, ...]


class Rule(Struct, frozen=True, kw_only=True):
    """A rule in words and numbers; `measured` holds its false alarms and time to detect once they were measured."""

    id: str
    version: int
    kind: str
    enabled: bool
    title: Texts
    description: Texts
    quantities: tuple[str, ...]
    feeds: Annotated[tuple[str, ...], Meta(description="feeds that it is for; empty means every one")]
    issuer: Annotated[Mapping[str, str], Meta(description="whose level it is, by language; empty for our own rules")]
    source: Annotated[str, Meta(description="where the level was read")]
    doubt: Annotated[str, Meta(description="what nobody has verified of it; such a rule is not enabled")]
    parameters: Any
    measured: Any


class Drill(Struct, frozen=True, kw_only=True):
    """A drill with what it measured: seconds from the commit of the rise; null where it did not come so far."""

    id: str
    region: str
    state: Annotated[
        str, Meta(description="passed, unheard (nobody asks for drills) or failed; asked and running before its end")
    ]
    began_at: Instant
    ended_at: Instant | None
    detect_s: float | None
    attempt_s: float | None
    end_to_end_s: float | None
    resolved_s: float | None
    receivers: int
    acknowledged: int
    problem: str


class RuleList(Struct, frozen=True, kw_only=True):
    """The rules of this service, and how long the last drill took from an invented rise to a receiver's acknowledgement."""

    rules: tuple[Rule, ...]
    drill: Drill | None


class RuleAnswer(Struct, frozen=True, kw_only=True):
    """One rule."""

    rule: Rule
