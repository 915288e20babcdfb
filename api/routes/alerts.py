"""Alerts: what is known, its history, and the exact revisions it stood on."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from api import params as p
from api.alert_record import Record, muted_by, record_of
from api.clocktext import told, told_or_none
from api.drills import last_drill
from api.models import alerts as m
from api.models.values import Published
from api.operation import Call, Operation, Reply
from api.paging import begin, following, limit, moment, sliced
from api.problems import Code, ProblemError
from api.rederiving import made_again
from api.said import Said, said_of
from api.selecting import known_names
from api.service import Service
from api.telling import qc_codes, texts
from api.units import canonical_unit, conversion, converted
from domain.states import AlertState, Audience
from specs.rule import DetectorRule, LevelRule, RuleSpec, SampleRule
from store import alerts as held
from store import read
from store.alert_rows import AlertRow, EventRow, EvidenceRow
from store.rows import Filter, SeriesRow

NOTE = "Not an official declaration. Follow local authorities."
_OPEN = frozenset({AlertState.PENDING, AlertState.UNVERIFIED, AlertState.FIRING, AlertState.STALE, AlertState.AMENDED})
_WORDS = ("open", *AlertState)
STATUS = p.Param(
    "status",
    p.one_of(*_WORDS),
    {"type": "string", "enum": list(_WORDS)},
    "State of an alert; `open` means that it is still going on.",
    "open",
    many=True,
)
REGION = p.Param("region", p.REGION.parse, p.REGION.schema, "Region, sea area or zone by its id.", "JP-07")
REDERIVE = p.choice(
    "rederive", ("yes", "no"), "Make each decision again from the store and say whether it comes out the same.", "yes"
)
FROM = p.instant("from", "Alerts that had not ended before.", p.FROM.example)
TO = p.instant("to", "Alerts that began before.", p.TO.example)


def shown(record: Record, service: Service) -> bool:
    """Whether every feed that an alert stands on may be shown to the audience of this service."""
    return all(service.facts(feed).shown for feed in record.feeds)


def tell_alert(row: AlertRow, newest: EventRow | None, service: Service, said: Said) -> m.Alert:
    """An alert with the reasons of its newest event."""
    record = record_of(row.document)
    rule = service.rules.get(row.rule_id)
    members = record.life.members
    return m.Alert(
        id=row.uid,
        kind=record.kind or (rule.kind if rule else ""),
        rule=m.RuleBrief(id=row.rule_id, version=record.rule_version),
        title=texts(rule.title) if rule else {},
        sentence=dict(newest.reasons) if newest else {},
        state=row.state,
        level=row.level,
        revision=row.revision,
        began_at=told(row.began_s),
        detected_at=told(row.detected_s),
        updated_at=told(row.updated_s),
        resolved_at=told_or_none(row.resolved_s),
        about=record.about or row.subject,
        regions=row.areas,
        feeds=record.feeds,
        quantity=record.subject.quantity,
        medium=record.subject.medium,
        unit=record.subject.unit,
        series=tuple(member.series_uid for member in members),
        stations=tuple(
            m.AlertStation(
                station=member.station_uid,
                series=member.series_uid,
                longitude=member.longitude_deg,
                latitude=member.latitude_deg,
                median=member.median,
                trigger=member.trigger,
                peak=member.peak,
                rain=member.rain,
            )
            for member in members
        ),
        exercise=row.exercise,
        acknowledged=said.acknowledgement(row),
        silenced=said.silenced(row, record.feeds),
        note=NOTE,
        links={"self": f"/v1/alerts/{row.uid}"}
        | {name: f"/v1/alerts/{row.uid}/{name}" for name in ("events", "evidence", "chart")}
        | {"cap": f"/v1/alerts/{row.uid}.cap.xml"},
    )


class AskedAlerts(NamedTuple):
    """Which alerts a request asks for, in the words of the store."""

    states: frozenset[AlertState]
    area: str
    from_s: int | None
    to_s: int | None


def asked_alerts(call: Call) -> AskedAlerts:
    """The filters of a list of alerts; raises ProblemError for a region that is not known and a window that is reversed."""
    words = call.query.all(STATUS)
    states = frozenset(AlertState(word) for word in words if word != "open") | (
        _OPEN if "open" in words else frozenset()
    )
    region = call.query.get(REGION)
    known_names((region,) if region else (), call.service.config.geography.by_id, REGION.name)
    from_s, to_s = call.query.get(FROM), call.query.get(TO)
    if from_s is not None and to_s is not None and from_s > to_s:
        raise ProblemError(Code.WINDOW_REVERSED, "`from` lies after `to`.", TO.name)
    return AskedAlerts(states, region or "", from_s, to_s)


async def alerts(call: Call) -> Reply:
    """Alerts, newest start first."""
    service, mark, most = call.service, begin(call.route, call.query), limit(call.query)
    asked = asked_alerts(call)
    after = (mark.after_s, mark.after_id) if mark else None
    rows = await held.alerts(service.store, **asked._asdict(), after=after, limit=most + 1)
    page = rows[:most]
    seen = [row for row in page if shown(record_of(row.document), service)]
    hidden = [feed for row in page for feed in record_of(row.document).feeds[:1] if row not in seen]
    said = await said_of(service.store, seen, call.now_s, public=service.audience is Audience.PUBLIC)
    told_rows = tuple([tell_alert(row, await _newest(service, row), service, said) for row in seen])
    as_of_s = await moment(call, mark)
    more = (
        following(call.route, call.query, as_of_s=as_of_s, after_id=page[-1].uid, after_s=page[-1].began_s)
        if len(rows) > most
        else None
    )
    body = m.AlertPage(
        as_of=told(as_of_s),
        next=more,
        audience=service.audience,
        exercise=any(row.exercise for row in told_rows),
        withheld=service.withheld(hidden),
        alerts=told_rows,
    )
    return Reply(body, rows=told_rows, row=m.Alert, next=more)


async def _newest(service: Service, row: AlertRow) -> EventRow | None:
    events = await held.events(service.store, row.uid)
    return events[-1] if events else None


async def known_alert(call: Call) -> AlertRow:
    """The alert of a path; raises ProblemError 404 for one that is unknown or not for this audience."""
    uid = call.path["id"]
    row = await held.alert(call.service.store, uid)
    if row is None or not shown(record_of(row.document), call.service):
        raise ProblemError(Code.NOT_FOUND, f"No alert {uid!r} is known.")
    return row


async def alert(call: Call) -> Reply:
    """One alert."""
    row = await known_alert(call)
    service = call.service
    said = await said_of(service.store, [row], call.now_s, public=service.audience is Audience.PUBLIC)
    return Reply(m.AlertAnswer(alert=tell_alert(row, await _newest(service, row), service, said)))


def tell_event(row: EventRow) -> m.Event:
    """One step in an alert's life."""
    return m.Event(
        id=row.uid,
        alert=row.alert_uid,
        revision=row.revision,
        kind=row.kind,
        state=row.state,
        level=row.level,
        at=told(row.at_s),
        rule_version=row.rule_version,
        reasons=dict(row.reasons),
        exercise=row.exercise,
        muted=muted_by(row.document),
    )


async def events(call: Call) -> Reply:
    """The history of an alert."""
    row = await known_alert(call)
    listed = tuple(map(tell_event, await held.events(call.service.store, row.uid)))
    return Reply(m.EventList(alert=row.uid, events=listed), rows=listed, row=m.Event)


async def evidence(call: Call) -> Reply:
    """The readings that each event stood on, at the revisions it saw."""
    row, service = await known_alert(call), call.service
    found = await held.events(service.store, row.uid, evidence=True)
    uids = frozenset(proof.series_uid for event in found for proof in event.evidence)
    listed = await read.series_list(service.store, Filter(series=uids), limit=len(uids)) if uids else []
    known = {one.series.uid: one for one in listed}
    wanted = call.query.get(REDERIVE) != "no"
    again = [await made_again(service.store, event) if wanted else None for event in found]
    events = tuple(_evidence(event, known, service, once) for event, once in zip(found, again, strict=True))
    return Reply(m.EvidenceList(alert=row.uid, events=events))


def _evidence(
    event: EventRow, known: dict[str, SeriesRow], service: Service, again: m.Rederived | None
) -> m.EventEvidence:
    shown = [
        proof
        for proof in event.evidence
        if proof.series_uid not in known or service.facts(known[proof.series_uid].series.feed_id).shown
    ]
    return m.EventEvidence(
        event=tell_event(event),
        parameters=msgspec.json.decode(event.parameters),
        account=msgspec.json.decode(event.document),
        evidence=tuple(_proof(proof, known.get(proof.series_uid)) for proof in shown),
        withheld=len(event.evidence) - len(shown),
        rederived=again,
    )


def _proof(row: EvidenceRow, of: SeriesRow | None) -> m.Proof:
    unit = canonical_unit(of.series.quantity, row.unit) if of else row.unit
    return m.Proof(
        series=row.series_uid,
        phenomenon_end=told(row.end_s),
        revision=row.revision,
        value=converted(row.value, row.unit, unit),
        unit=unit,
        conversion=conversion(row.unit, unit),
        qc=qc_codes(row.qc),
        published_at=told_or_none(row.published_s),
        published=Published(text=row.text, unit=of.series.published_unit_text if of else "", ucum=row.unit),
        received_at=told(row.received_s),
        sha256=row.sha256,
        numbers=dict(row.numbers),
    )


def tell_rule(rule: RuleSpec, service: Service) -> m.Rule:
    """A rule in words and numbers."""
    return m.Rule(
        id=rule.id,
        version=rule.version,
        kind=rule.kind,
        enabled=rule.enabled,
        title=texts(rule.title),
        description=texts(rule.description),
        quantities=tuple(rule.quantities),
        feeds=rule.feeds if isinstance(rule, (DetectorRule, LevelRule, SampleRule)) else (),
        issuer=texts(rule.issuer) if isinstance(rule, (LevelRule, SampleRule)) else {},
        source=rule.source if isinstance(rule, (LevelRule, SampleRule)) else "",
        doubt=rule.doubt if isinstance(rule, (LevelRule, SampleRule)) else "",
        parameters=rule.parameters.model_dump(mode="json"),
        measured=service.measured.get(rule.id),
    )


async def rules(call: Call) -> Reply:
    """The rules of this service."""
    page, more = sliced(call, call.service.config.rules, lambda rule: rule.id)
    body = m.RuleList(
        rules=tuple(tell_rule(rule, call.service) for rule in page), drill=await last_drill(call.service.store)
    )
    return Reply(body, next=more, max_age_s=60)


async def rule(call: Call) -> Reply:
    """One rule."""
    found = call.service.rules.get(call.path["id"])
    if found is None:
        raise ProblemError(Code.NOT_FOUND, f"No rule {call.path['id']!r} is known.")
    return Reply(m.RuleAnswer(rule=tell_rule(found, call.service)), max_age_s=3600)


_ONE = {"id": "al-0123456789abcdef01234567"}
_GONE = (Code.NOT_FOUND,)
_FORMATS = ("json", "csv", "ndjson")
OPERATIONS = (
    Operation(
        "GET",
        "/v1/alerts",
        alerts,
        "Alerts",
        m.AlertPage,
        "alerts",
        (STATUS, REGION, FROM, TO, *p.PAGE),
        _FORMATS,
        (Code.UNKNOWN_NAME,),
    ),
    Operation(
        "GET", "/v1/alerts/{id}", alert, "One alert", m.AlertAnswer, "alerts", problems=_GONE, path_examples=_ONE
    ),
    Operation(
        "GET",
        "/v1/alerts/{id}/events",
        events,
        "History of an alert",
        m.EventList,
        "alerts",
        (),
        _FORMATS,
        _GONE,
        path_examples=_ONE,
    ),
    Operation(
        "GET",
        "/v1/alerts/{id}/evidence",
        evidence,
        "What an alert stood on",
        m.EvidenceList,
        "alerts",
        (REDERIVE,),
        problems=_GONE,
        kept_s=600,
        path_examples=_ONE,
    ),
    Operation("GET", "/v1/alert-rules", rules, "Rules", m.RuleList, "alerts", p.PAGE),
    Operation(
        "GET",
        "/v1/alert-rules/{id}",
        rule,
        "One rule",
        m.RuleAnswer,
        "alerts",
        problems=_GONE,
        path_examples={"id": "departure-two-readings"},
    ),
)
