"""Evidence -> urgency, severity, certainty. The table is explained in docs/cap.md; silence never lowers a severity."""

from __future__ import annotations

from dataclasses import dataclass

from alerting.cap_alert import CapAlert, Gravity, Topic
from alerting.cap_model import Certainty, Severity, Urgency
from domain.states import AlertState

_OF_GRAVITY = {
    Gravity.ADVICE: Severity.MODERATE,
    Gravity.RESTRICTION: Severity.SEVERE,
    Gravity.EVACUATION: Severity.EXTREME,
}


@dataclass(frozen=True, slots=True)
class Assessment:
    urgency: Urgency
    severity: Severity
    certainty: Certainty


def assess(alert: CapAlert) -> Assessment:
    """The three words of CAP for an alert in any state of its life."""
    if alert.state is AlertState.CANCELLED:
        return Assessment(Urgency.PAST, Severity.UNKNOWN, Certainty.UNLIKELY)
    severity = _severity(alert)
    if alert.state is AlertState.RESOLVED:
        return Assessment(Urgency.PAST, severity, Certainty.OBSERVED)
    if alert.topic is Topic.BLINDNESS:
        return Assessment(Urgency.UNKNOWN, severity, Certainty.OBSERVED)
    if alert.state is AlertState.STALE:
        return Assessment(Urgency.UNKNOWN, severity, Certainty.UNKNOWN)
    if alert.topic is Topic.SAMPLE:
        return Assessment(Urgency.UNKNOWN, severity, Certainty.OBSERVED)
    return Assessment(_urgency(alert, severity), severity, _certainty(alert, severity))


def _severity(alert: CapAlert) -> Severity:
    """By the level passed if there is one, else by how far the rise is confirmed; of what is not seen nothing is known."""
    if alert.topic is Topic.BLINDNESS:
        return Severity.UNKNOWN
    if alert.named_level is not None:
        return _OF_GRAVITY[alert.named_level.gravity]
    return Severity.MODERATE if alert.confirmed else Severity.MINOR


def _urgency(alert: CapAlert, severity: Severity) -> Urgency:
    grave = severity in (Severity.SEVERE, Severity.EXTREME)
    if alert.confirmed:
        return Urgency.IMMEDIATE if grave else Urgency.EXPECTED
    return Urgency.EXPECTED if grave else Urgency.UNKNOWN


def _certainty(alert: CapAlert, severity: Severity) -> Certainty:
    if not alert.confirmed:
        return Certainty.POSSIBLE
    return Certainty.OBSERVED if severity in (Severity.SEVERE, Severity.EXTREME) else Certainty.LIKELY
