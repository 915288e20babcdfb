"""CAP 1.2 of an alert: one message per event of its life, pure and repeatable. Start reading here; docs/cap.md explains the choices.

A message lasts `LASTS_S` and its end is no all-clear, so an alert that stays open longer is said again every `RENEWED_S`
under a new identifier, as an Update. Which renewals exist follows from the events' times alone: every copy of us, and every
asker, gets the same bytes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

from alerting.cap_alert import CapAlert, PastEvent, Voice
from alerting.cap_area import cap_areas
from alerting.cap_assess import assess
from alerting.cap_model import (
    CapInfo,
    CapMessage,
    CapPair,
    CapReference,
    CapRefused,
    CapTime,
    Category,
    MsgType,
    ResponseType,
    Scope,
    Status,
)
from alerting.cap_read import read, read_actual
from alerting.cap_rules import is_identifier
from alerting.cap_text import LANGUAGES, clean, note_of, told
from alerting.cap_write import number, write
from domain.identity import slug
from domain.states import AlertState

__all__ = ["CapMessage", "CapRefused", "document", "message_of", "read", "read_actual", "write"]

MEDIA_TYPE = "application/cap+xml"
LASTS_S = 12 * 3600
RENEWED_S = 6 * 3600
_TAGS = {"en": "en", "ja": "ja", "ko": "ko", "zh": "zh-Hans"}
_OVER = frozenset({AlertState.RESOLVED, AlertState.CANCELLED})


@dataclass(frozen=True, slots=True)
class _Issue:
    """A message that was or is sent: the revision, which renewal of it (0: the event itself), and when."""

    revision: int
    renewal: int
    sent_s: int


def document(alert: CapAlert, voice: Voice, as_of_s: int | None = None) -> bytes | None:
    """The CAP document of an alert's event, None when the event is none to publish (see `message_of`)."""
    message = message_of(alert, voice, as_of_s)
    return None if message is None else write(message)


def message_of(alert: CapAlert, voice: Voice, as_of_s: int | None = None) -> CapMessage | None:
    """The message of an alert's event; with `as_of_s` its newest renewal until then, while the alert is open.

    None for an event that nobody is told of: a pending alert, and the end of one that was never published.
    """
    if alert.state is AlertState.PENDING or (alert.state in _OVER and not alert.earlier):
        return None
    *before, now = _issues(alert, as_of_s)
    return CapMessage(
        identifier=identifier(alert.alert_id, now.revision, now.renewal),
        sender=voice.sender,
        sent=CapTime.of(now.sent_s),
        status=_status(alert),
        msg_type=_msg_type(alert, before),
        scope=Scope.RESTRICTED if alert.restriction else Scope.PUBLIC,
        restriction=clean(alert.restriction) or None,
        source="Radcommons",
        note=_note(alert),
        references=_references(alert, voice, before, now),
        incidents=_fit(alert.alert_id),
        infos=tuple(_info(alert, voice, language, now.sent_s) for language in LANGUAGES),
    )


def identifier(alert_id: str, revision: int, renewal: int = 0) -> str:
    """`<alert>.r<revision>` or `<alert>.r<revision>.n<renewal>`, without the characters that CAP forbids."""
    return f"{_fit(alert_id)}.r{revision}" + (f".n{renewal}" if renewal else "")


def _fit(alert_id: str) -> str:
    return alert_id if is_identifier(alert_id) and clean(alert_id) == alert_id else slug(alert_id)


def _issues(alert: CapAlert, as_of_s: int | None) -> list[_Issue]:
    """Every message up to and including the one asked for, oldest first."""
    steps = [past for past in alert.earlier if past.state is not AlertState.PENDING]
    steps.append(PastEvent(alert.revision, alert.state, alert.at_s))
    end = PastEvent(0, alert.state, max(alert.at_s, as_of_s if as_of_s is not None else alert.at_s) + 1)
    issues: list[_Issue] = []
    for step, following in pairwise([*steps, end]):
        renewals = 0 if step.state in _OVER else max(0, (following.at_s - 1 - step.at_s) // RENEWED_S)
        issues += [_Issue(step.revision, k, step.at_s + k * RENEWED_S) for k in range(renewals + 1)]
    return issues


def _status(alert: CapAlert) -> Status:
    if alert.is_exercise:
        return Status.EXERCISE
    return Status.TEST if alert.test else Status.ACTUAL


def _msg_type(alert: CapAlert, before: list[_Issue]) -> MsgType:
    if not before:
        return MsgType.ALERT
    return MsgType.CANCEL if alert.state is AlertState.CANCELLED else MsgType.UPDATE


def _note(alert: CapAlert) -> str | None:
    """CAP wants a note that explains an Exercise and a Cancel."""
    note = note_of(alert, "en")
    if alert.state is AlertState.CANCELLED:
        note = f"{note} Withdrawn: the data that the alert stood on no longer hold.".strip()
    return note or None


def _references(alert: CapAlert, voice: Voice, before: list[_Issue], now: _Issue) -> tuple[CapReference, ...] | None:
    """All earlier messages that have not expired; at least the last one, because an Update must say what it updates."""
    active = [issue for issue in before if issue.sent_s + LASTS_S > now.sent_s] or before[-1:]
    found = (
        CapReference(voice.sender, identifier(alert.alert_id, i.revision, i.renewal), CapTime.of(i.sent_s))
        for i in active
    )
    return tuple(found) or None


def _info(alert: CapAlert, voice: Voice, language: str, sent_s: int) -> CapInfo:
    words = told(alert, language, sent_s)
    judged = assess(alert)
    return CapInfo(
        language=_TAGS[language],
        categories=(Category.CBRNE, Category.ENV),
        event=words.event,
        responses=(ResponseType.MONITOR,),
        urgency=judged.urgency,
        severity=judged.severity,
        certainty=judged.certainty,
        effective=CapTime.of(sent_s),
        onset=CapTime.of(alert.onset_s),
        expires=CapTime.of(sent_s + LASTS_S),
        sender_name=clean(voice.name(language)),
        headline=words.headline,
        description=words.description,
        instruction=words.instruction,
        web=voice.url(alert.alert_id),
        contact=clean(voice.contact) or None,
        parameters=tuple(_parameters(alert, sent_s)),
        areas=cap_areas(alert, language),
    )


def _parameters(alert: CapAlert, sent_s: int) -> list[CapPair]:
    """Machine values; a unit stands in the name (UCUM), a number that is not known is left out."""
    age_s = None if alert.newest_reading_s is None else max(0, sent_s - alert.newest_reading_s)
    level = alert.named_level
    pairs: list[tuple[str, str | float | None]] = [
        ("alert_id", alert.alert_id), ("revision", str(alert.revision)), ("state", alert.state.value),
        ("level", alert.level.value), ("topic", alert.topic.value), ("event", alert.event.value),
        ("exercise", "true" if alert.is_exercise else "false"),
        ("rule", alert.rule_id), ("rule_version", str(alert.rule_version) if alert.rule_version else ""),
        ("detector_version", alert.detector), ("station_count", str(alert.count) if alert.count else ""), ("quantity", alert.quantity),
        (f"max_value [{alert.unit}]", alert.highest), (f"baseline [{alert.unit}]", alert.baseline),
        ("newest_reading_age [s]", None if age_s is None else str(age_s)),
    ]  # fmt: skip
    if level is not None:
        pairs += [
            ("named_level", level.name("en")),
            ("named_level_issuer", level.issuer),
            (f"named_level_value [{level.unit}]", level.value),
        ]
    return [CapPair(clean(name), value) for name, v in pairs if (value := _value(v))]


def _value(value: str | float | None) -> str:
    if isinstance(value, int | float):
        return number(float(value)) if math.isfinite(value) else ""
    return clean(value or "")
