"""Silences: a marked pause of notices with an author, a reason and an end. They mute, they never delete and never resolve. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from alerting.life import EventKind
from alerting.records import AlertRecord
from domain.states import AlertState

_RANK = {AlertState.UNVERIFIED: 1, AlertState.FIRING: 2}
#: What ends an alert or takes it back reaches everyone who knows of it, whatever is silenced meanwhile.
ALWAYS_TOLD: frozenset[EventKind] = frozenset({EventKind.RESOLVED, EventKind.CANCELLED, EventKind.AMENDED})


class BadSilence(ValueError):
    """A silence without an author, a reason or an end that lies after its beginning."""


@dataclass(frozen=True, slots=True)
class Silence:
    """From `from_s` to `until_s` no notice of the alerts it names; empty sets mean every one. `level`: what the alert had reached then."""

    uid: str
    author: str
    reason: str
    from_s: int
    until_s: int
    rules: frozenset[str] = frozenset()
    areas: frozenset[str] = frozenset()
    alerts: frozenset[str] = frozenset()
    level: AlertState = AlertState.UNVERIFIED

    def __post_init__(self) -> None:
        if not self.author.strip() or not self.reason.strip() or self.until_s <= self.from_s:
            raise BadSilence("a silence needs an author, a reason and an end after its beginning")

    def covers(self, alert: AlertRecord, at_s: int) -> bool:
        """Whether it is meant for this alert now."""
        if not self.from_s <= at_s < self.until_s:
            return False
        if self.rules and alert.subject.rule_id not in self.rules:
            return False
        if self.areas and not self.areas & set(alert.areas):
            return False
        return not self.alerts or alert.uid in self.alerts


def muted(kind: EventKind, alert: AlertRecord, silences: Iterable[Silence], at_s: int) -> Silence | None:
    """The silence that mutes an event, or None. An alert that rises above the level that was silenced breaks through."""
    if kind in ALWAYS_TOLD:
        return None
    for silence in silences:
        if silence.covers(alert, at_s) and _RANK.get(alert.life.level, 0) <= _RANK.get(silence.level, 0):
            return silence
    return None
