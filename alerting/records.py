"""What the store keeps of alerts in its `document` columns: records that can be read back, and accounts that say what was weighed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

import msgspec

from alerting.life import Life
from analysis.detect_watch import Weighed
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
    """One alert as it stands. `about` is a feed or area id for blindness, else the first series; `areas` are all that its stations lie in.

    `heard_of` is the number of stations that were heard before a blindness began; `key` is the detector's own name of the alert.
    """

    uid: str
    kind: str
    rule_version: int
    subject: Subject
    about: str
    areas: tuple[str, ...]
    feeds: tuple[str, ...]
    life: Life
    heard_of: int = 0
    key: str = ""


@dataclass(frozen=True, slots=True)
class Basis:
    """What one series was measured against at the moment of an event, in the quantity's own unit; `rise` and `z` of its evidence."""

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
class DetectorStep:
    """The step of a detector that an event came of, so that it can be made again: the state before it, what it was given (digests,
    SHA-256), what it answered (canonical JSON), the state after it. `at_s` is the end of the poll `run`; `radar_s` that of the radar image.
    """

    detector: str
    version: str
    feed_id: str
    quantity: str
    run: str
    at_s: int
    state_before: str
    inputs: str
    verdict: str
    state_after: str
    radar_s: int | None


@dataclass(frozen=True, slots=True)
class Account:
    """What stands behind an event beside its readings. `at_s`: the moment decided about (receipt of the data); `decided_s`: when.

    `muted`: the silence, or the blindness, because of which nobody was notified; empty when nothing kept it back.
    """

    type: str
    method: str
    rule_title: Mapping[str, str]
    record: AlertRecord
    observed_s: int | None
    at_s: int
    decided_s: int
    basis: tuple[Basis, ...] = ()
    rain: tuple[RainSeen, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    weighed: tuple[Weighed, ...] = ()
    step: DetectorStep | None = None
    muted: str = ""


Kept = TypeVar("Kept", AlertRecord, Account)


def alert_uid(rule_id: str, about: str, began_s: int, exercise: bool) -> str:
    """A stable id made of what happened, so that a second evaluation of the same data finds the same alert."""
    return "al-" + digest(rule_id, about, str(began_s), "exercise" if exercise else "real")


def event_uid(alert: str, revision: int) -> str:
    """`<alert>-<revision>`."""
    return f"{alert}-{revision}"


def event_type(kind: str, exercise: bool) -> str:
    """The webhook type; exercises have types of their own, so that no receiver can take one for the real thing."""
    return f"exercise.alert.{kind}" if exercise else f"alert.{kind}"


def encoded(value: AlertRecord | Account) -> str:
    """Canonical JSON."""
    return msgspec.json.encode(value, order="deterministic").decode()


def decoded(text: str, kind: type[Kept]) -> Kept:
    """A record or an account from its JSON; raises msgspec.ValidationError."""
    return msgspec.json.decode(text, type=kind)
