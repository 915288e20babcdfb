"""From what the store keeps of an alert to the input of every message to people. Pure; the caller reads the rows."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence

from alerting.cap_alert import AlertStation, CapAlert, PastEvent, Topic
from alerting.life import EventKind, Member
from alerting.records import Account, AlertRecord, decoded
from domain.quantities import BY_ID as QUANTITIES
from specs.region import Area, Geography
from store.alert_rows import EventRow

Names = Mapping[str, str]


def cap_alert(
    events: Sequence[EventRow],
    geography: Geography,
    stations: Names | None = None,
    abouts: Mapping[str, Names] | None = None,
    *,
    open_feeds: Collection[str] | None = None,
) -> CapAlert:
    """The last of an alert's events, the others being its past (`store.alerts.events` in its order, cut where one likes).

    `open_feeds`: feeds whose readings may be passed on; an alert on any other one is restricted. `stations`: station uid -> name; `abouts`: feed id -> names by language, for an alert about a whole feed. Raises
    msgspec.ValidationError for a row that alerting did not write, ValueError without events.
    """
    if not events:
        raise ValueError("an alert has at least one event")
    *before, event = sorted(events, key=lambda row: row.revision)
    account = decoded(event.document, Account)
    record = account.record
    kind = EventKind(event.kind)
    top = max(record.life.members, key=_highest, default=None)
    quantity = QUANTITIES.get(record.subject.quantity)
    return CapAlert(
        alert_id=event.alert_uid, topic=_topic(record), event=kind, state=event.state, level=event.level,
        revision=event.revision, at_s=event.at_s, onset_s=record.life.began_s, rule_id=record.subject.rule_id,
        rule_version=record.rule_version, detector=account.method, titles=account.rule_title, reasons=event.reasons,
        about=_about(record, abouts or {}), areas=_areas(record, geography),
        stations=_stations(record.life.members, stations or {}, record.subject.exercise),
        station_count=account.counts.get("quiet"), quantity=record.subject.quantity,
        unit=quantity.unit if quantity else record.subject.unit, highest=_highest(top) if top else None,
        baseline=top.median if top else None, newest_reading_s=account.observed_s,
        earlier=tuple(PastEvent(row.revision, row.state, row.at_s) for row in before),
        exercise=event.exercise or record.subject.exercise, restriction=_restriction(record, open_feeds),
    )  # fmt: skip


def _restriction(record: AlertRecord, open_feeds: Collection[str] | None) -> str:
    """Rights are data: an alert that stands on readings which may not be passed on is for the operator's own audience."""
    closed = [] if open_feeds is None else sorted(set(record.feeds) - set(open_feeds))
    return f"Not for redistribution: it stands on readings of {', '.join(closed)}." if closed else ""


def _topic(record: AlertRecord) -> Topic:
    """A rule of a kind that is not known here says its own title; its readings are treated as a departure."""
    return {topic.value: topic for topic in Topic}.get(record.kind, Topic.DEPARTURE)


def _about(record: AlertRecord, abouts: Mapping[str, Names]) -> Names:
    """What an alert without stations is about; a feed whose name is not at hand goes by its id."""
    return abouts.get(record.about) or ({} if record.areas or record.life.members else {"en": record.about})


def _highest(member: Member) -> float:
    """The highest value that the alert knows of a member: the pair that it began with, or its own past plus the largest rise."""
    values = [*member.pair, round(member.median + member.peak, 6)]
    return max((value for value in values if math.isfinite(value)), default=-math.inf)


def _areas(record: AlertRecord, geography: Geography) -> tuple[Area, ...]:
    return tuple(geography.by_id[area] for area in dict.fromkeys(record.areas) if area in geography.by_id)


def _stations(members: Sequence[Member], names: Names, exercise: bool) -> tuple[AlertStation, ...]:
    found = {
        m.station_uid: AlertStation(
            m.station_uid, names.get(m.station_uid, ""), m.latitude_deg, m.longitude_deg, exercise
        )
        for m in members
    }
    return tuple(found[uid] for uid in sorted(found))
