"""What operators have said about alerts, in words: silences and acknowledgements. The public hears that, not by whom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from api.clocktext import told, told_or_none
from api.models import alerts as m
from api.models import silences as ms
from store import silences as kept
from store.alert_rows import AlertRow
from store.engine import Store
from store.silences import AcknowledgementRow, SilenceRow


class Scope(msgspec.Struct, frozen=True):
    """What a silence is about, as the store keeps it."""

    rules: tuple[str, ...] = ()
    areas: tuple[str, ...] = ()
    alerts: tuple[str, ...] = ()
    feeds: tuple[str, ...] = ()


def tell_silence(row: SilenceRow, now_s: int) -> ms.Silence:
    """A silence in words."""
    scope = msgspec.json.decode(row.scope, type=Scope)
    over_s = row.until_s if row.ended_s is None else row.ended_s
    return ms.Silence(
        id=row.uid,
        kind=row.kind,
        author=row.author,
        reason=row.reason,
        starts_at=told(row.from_s),
        ends_at=told(row.until_s),
        created_at=told(row.created_s),
        ended_at=told_or_none(row.ended_s),
        ended_by=row.ended_by,
        active=row.from_s <= now_s < over_s,
        level=row.level,
        alerts=scope.alerts,
        rules=scope.rules,
        regions=scope.areas,
        feeds=scope.feeds,
    )


def tell_acknowledgement(row: AcknowledgementRow, now_s: int) -> ms.Acknowledgement:
    """An acknowledgement in words."""
    return ms.Acknowledgement(
        alert=row.alert_uid,
        revision=row.revision,
        author=row.author,
        note=row.note,
        at=told(row.at_s),
        expires_at=told(row.expires_s),
        active=now_s < row.expires_s,
    )


@dataclass(frozen=True, slots=True)
class Said:
    """What holds now: silences with what they are about, and the newest acknowledgement of each alert asked about."""

    now_s: int
    silences: Sequence[tuple[SilenceRow, Scope]] = ()
    acknowledged: dict[str, AcknowledgementRow] = field(default_factory=dict)
    public: bool = False

    def acknowledgement(self, alert: AlertRow) -> ms.Acknowledgement | None:
        """The newest one of an alert, while it has not expired."""
        row = self.acknowledged.get(alert.uid)
        if row is None or row.expires_s <= self.now_s:
            return None
        words = tell_acknowledgement(row, self.now_s)
        return msgspec.structs.replace(words, author="", note="") if self.public else words

    def silenced(self, alert: AlertRow, feeds: Sequence[str]) -> tuple[m.SilencedBy, ...]:
        """The silences that an alert falls under."""
        return tuple(
            m.SilencedBy(id=row.uid, kind=row.kind, reason="" if self.public else row.reason, ends_at=told(row.until_s))
            for row, scope in self.silences
            if _about(scope, alert, feeds)
        )


def _about(scope: Scope, alert: AlertRow, feeds: Sequence[str]) -> bool:
    named = (
        (scope.rules, (alert.rule_id,)),
        (scope.alerts, (alert.uid,)),
        (scope.areas, alert.areas),
        (scope.feeds, tuple(feeds)),
    )
    return all(not asked or set(asked) & set(has) for asked, has in named)


async def said_of(store: Store, alerts: Sequence[AlertRow], now_s: int, *, public: bool) -> Said:
    """What was said of these alerts."""
    standing = [(row, msgspec.json.decode(row.scope, type=Scope)) for row in await kept.silences(store, at_s=now_s)]
    acks = await kept.acknowledgements(store, [row.uid for row in alerts]) if alerts else {}
    return Said(now_s, standing, {uid: rows[0] for uid, rows in acks.items()}, public)
