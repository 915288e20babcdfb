"""What the store keeps of alerts: records that can be read back, and events that say everything they stood on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from alerting.life import Life
from domain.identity import digest


@dataclass(frozen=True, slots=True)
class Subject:
    """What an alert is about. Alerts of two subjects are never merged; an exercise never meets the real."""

    rule_id: str
    quantity: str
    medium: str
    unit: str
    exercise: bool


@dataclass(frozen=True, slots=True)
class AlertRecord:
    """One alert as it stands. `about` is a feed or area id for blindness, else the first series; `areas` are all that its stations lie in."""

    uid: str
    kind: str
    rule_version: int
    subject: Subject
    about: str
    areas: tuple[str, ...]
    life: Life
    feeds: tuple[str, ...] = ()
    heard_of: int = 0


@dataclass(frozen=True, slots=True)
class Proof:
    """One reading that an event stands on, in the very revision that was used: as published, with the digest of the body it came in."""

    series_uid: str
    station_uid: str
    end_s: int
    revision: int
    value: float | None
    unit: str
    text: str
    qc: int
    published_s: int | None
    received_s: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Basis:
    """What one series was measured against at the moment of an event, in the quantity's own unit."""

    series_uid: str
    count: int
    median: float
    mad: float
    q99: float
    scale: float
    oldest_s: int
    newest_s: int
    rise: tuple[float, ...]
    z: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class RainSeen:
    """Rain near one station at the moment of an event: None is not known; `age_s` is the age of the newest rain reading used."""

    series_uid: str
    explains: bool | None
    age_s: int | None


@dataclass(frozen=True, slots=True)
class EventRecord:
    """One event of an alert's life. `at_s`: the moment that the decision is about (receipt of the data); `decided_s`: when it was made."""

    uid: str
    alert_uid: str
    revision: int
    kind: str
    state: str
    level: str
    at_s: int
    decided_s: int
    exercise: bool
    rule: Mapping[str, Any]
    method: str
    reasons: Mapping[str, str]
    record: AlertRecord
    basis: tuple[Basis, ...] = ()
    rain: tuple[RainSeen, ...] = ()
    proofs: tuple[Proof, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)

    @property
    def type(self) -> str:
        """The webhook type: exercises have types of their own."""
        return f"exercise.alert.{self.kind}" if self.exercise else f"alert.{self.kind}"


def alert_uid(rule_id: str, about: str, began_s: int, exercise: bool) -> str:
    """A stable id made of what happened, so that a second evaluation of the same data finds the same alert."""
    return "al-" + digest(rule_id, about, str(began_s), "exercise" if exercise else "real")


def event_uid(alert: str, revision: int) -> str:
    """`<alert>-<revision>`: the delivery id of that revision, the same at every attempt and for every copy of us."""
    return f"{alert}-{revision}"


def encoded(value: AlertRecord | EventRecord) -> str:
    """Canonical JSON."""
    return msgspec.json.encode(value, order="deterministic").decode()


def record_of(text: str) -> AlertRecord:
    """A record from its JSON; raises msgspec.ValidationError."""
    return msgspec.json.decode(text, type=AlertRecord)


def event_of(text: str) -> EventRecord:
    """An event from its JSON; raises msgspec.ValidationError."""
    return msgspec.json.decode(text, type=EventRecord)
