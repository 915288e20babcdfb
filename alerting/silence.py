"""Silences: a marked pause of notices with an author, a reason and an end. They mute, they never delete and never resolve. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

import msgspec

from alerting.life import EventKind
from alerting.records import AlertRecord
from domain.states import AlertState
from store.silences import SilenceRow

_RANK = {AlertState.UNVERIFIED: 1, AlertState.FIRING: 2}
#: What ends an alert or takes it back reaches everyone who knows of it, whatever is silenced meanwhile.
ALWAYS_TOLD: frozenset[EventKind] = frozenset({EventKind.RESOLVED, EventKind.CANCELLED, EventKind.AMENDED})
#: What a maintenance window mutes of an alert about values: that its stations fell silent, and came back.
_OF_SILENCE: frozenset[EventKind] = frozenset({EventKind.STALE, EventKind.RETURNED})


class BadSilence(ValueError):
    """A silence without an author, a reason or an end that lies after its beginning."""


@dataclass(frozen=True, slots=True)
class Silence:
    """From `from_s` to `until_s` no notice of the alerts it names; empty sets mean every one. `level`: what the alert had reached then.

    A maintenance window mutes no more than missing data: a blindness, and that the stations of an alert fell silent.
    """

    uid: str
    author: str
    reason: str
    from_s: int
    until_s: int
    rules: frozenset[str] = frozenset()
    areas: frozenset[str] = frozenset()
    alerts: frozenset[str] = frozenset()
    feeds: frozenset[str] = frozenset()
    maintenance: bool = False
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
        if self.feeds and not self.feeds & set(alert.feeds):
            return False
        return not self.alerts or alert.uid in self.alerts

    def mutes(self, kind: EventKind, alert: AlertRecord) -> bool:
        """Whether this kind of event of the alert is what it is about; an alert that rose above its level breaks through."""
        if self.maintenance:
            return alert.kind == "blindness" or kind in _OF_SILENCE
        if (
            alert.kind == "blindness"
        ):  # it has one level; whoever silences everything in a place still hears that it went blind
            return bool(self.rules or self.alerts) or self.level is AlertState.FIRING
        return _RANK.get(alert.life.level, 0) <= _RANK.get(self.level, 0)


class Scope(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a silence is about, as the store keeps it: ids; an empty list means every one."""

    rules: frozenset[str] = frozenset()
    areas: frozenset[str] = frozenset()
    alerts: frozenset[str] = frozenset()
    feeds: frozenset[str] = frozenset()


def silence_of(row: SilenceRow) -> Silence:
    """A silence from its row; one that was ended early ends then. Raises BadSilence, msgspec.ValidationError."""
    scope = msgspec.json.decode(row.scope, type=Scope)
    until_s = row.until_s if row.ended_s is None else max(row.ended_s, row.from_s + 1)
    return Silence(
        row.uid, row.author, row.reason, row.from_s, until_s, scope.rules, scope.areas, scope.alerts, scope.feeds,
        row.kind == "maintenance", AlertState(row.level),
    )  # fmt: skip


def muted(kind: EventKind, alert: AlertRecord, silences: Iterable[Silence], at_s: int) -> Silence | None:
    """The silence that mutes an event, or None."""
    if kind in ALWAYS_TOLD:
        return None
    return next((one for one in silences if one.covers(alert, at_s) and one.mutes(kind, alert)), None)


def inhibited(kind: EventKind, alert: AlertRecord, blind: Collection[str]) -> bool:
    """Whether a blindness says it already: all feeds of an alert are known to be blind, so the silence of its stations is no news."""
    return alert.kind != "blindness" and kind in _OF_SILENCE and bool(alert.feeds) and set(alert.feeds) <= set(blind)
