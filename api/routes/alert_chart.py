"""The picture of an alert: the readings of its stations around its life, as an SVG that needs nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from aiohttp import web

from analysis.arrays import BoolArray, bounded, floors
from analysis.departure import applies, in_own_unit
from analysis.detect_feed import RAIN, watchable
from api import params as p
from api.alert_drawing import Panel, Picture, draw
from api.alert_record import Member, record_of
from api.operation import Call, Operation
from api.problems import Code
from api.routes.alerts import known_alert
from api.routes.cap import document
from store import alerts as held
from store import read
from store.alert_rows import EventRow
from store.engine import Store
from store.rows import Filter, SeriesArrays

MEDIA = "image/svg+xml"
_DRAWN = 6
_BEFORE_S, _AFTER_S, _LONGEST_S = 12 * 3600, 3 * 3600, 10 * 86_400
LANGUAGE = p.choice("language", ("en", "ja", "ko", "zh"), "Language of the sentence.", "en")


async def chart(call: Call) -> web.StreamResponse:
    """Readings, baseline, rain and the moments of an alert's life."""
    row = await known_alert(call)
    service = call.service
    events = await held.events(service.store, row.uid, evidence=True)
    language = call.query.get(LANGUAGE) or "en"
    from_s = row.began_s - _BEFORE_S
    to_s = min(max(row.updated_s, row.resolved_s or 0) + _AFTER_S, from_s + _LONGEST_S)
    members = sorted(record_of(row.document).life.members, key=lambda member: (-member.peak, member.series_uid))
    rule = service.rules.get(row.rule_id)
    watched = rule is not None and rule.kind == "detector"
    panels = await _panels(service.store, members[:_DRAWN], events, (from_s, to_s), watched=watched)
    title = "" if rule is None else str(dict(rule.title).get(language) or dict(rule.title).get("en", ""))  # type: ignore[call-overload]
    picture = Picture(
        title or row.rule_id,
        events[-1].reasons.get(language, "") if events else "",
        record_of(row.document).subject.unit,
        from_s,
        to_s,
        [(event.at_s, event.kind) for event in events if from_s <= event.at_s <= to_s],
        panels,
        max(0, len(members) - _DRAWN),
        row.exercise,
    )
    return document(call.request, await asyncio.to_thread(draw, picture), MEDIA, 30)


async def _panels(
    store: Store, members: Sequence[Member], events: Sequence[EventRow], span_s: tuple[int, int], *, watched: bool
) -> list[Panel]:
    """One panel for each member; `watched`: drawn as a detector was given them, below the floor as published."""
    if not members:
        return []
    from_s, to_s = span_s
    uids = [member.series_uid for member in members]
    found = await read.arrays(store, uids, from_s, to_s + 1)
    wet = await read.arrays(
        store, Filter(stations=frozenset(m.station_uid for m in members), quantities=RAIN), from_s, to_s + 1
    )
    proofs: dict[str, set[int]] = {}
    for proof in (proof for event in events for proof in event.evidence):
        proofs.setdefault(proof.series_uid, set()).add(proof.end_s)
    place = {row.series.uid: number for number, row in enumerate(found.series)}
    value, fit = bounded(found.value, found.censoring, found.qc, floors(found.series)[found.index])
    if watched:
        value, fit = found.value, watchable(found)
    found = replace(found, value=value)
    return [_panel(member, place, found, fit, wet, proofs) for member in members if member.series_uid in place]


def _panel(
    member: Member,
    place: Mapping[str, int],
    found: SeriesArrays,
    fit: BoolArray,
    wet: SeriesArrays,
    proofs: Mapping[str, set[int]],
) -> Panel:
    number = place[member.series_uid]
    row = found.series[number]
    mine = (found.index == number) & fit
    kind = (row.series.quantity, row.series.unit)
    values = in_own_unit(*kind, found.value[mine]) if applies(*kind) else found.value[mine]
    rainy = np.array([one.station.station.uid == member.station_uid for one in wet.series], dtype=np.bool_)
    rain = rainy[wet.index] & np.isfinite(wet.value) if len(wet.index) else np.zeros(0, dtype=np.bool_)
    names = dict(row.station.station.names)
    name = names.get("en") or next(iter(names.values()), "")
    return Panel(
        f"{name} · {member.station_uid}" if name else member.station_uid,
        found.end_s[mine],
        values,
        frozenset(proofs.get(member.series_uid, ())),
        member.median or None,
        member.median + member.trigger,
        wet.end_s[rain],
        _rates(wet, rain),
    )


def _rates(wet: SeriesArrays, rows: np.ndarray) -> np.ndarray:
    """mm/h; an amount is taken over at least ten minutes, as the detector does."""
    hours = np.array(
        [
            1.0 if one.series.quantity == "precipitation_rate" else max(one.series.window_s, 600) / 3600.0
            for one in wet.series
        ]
    )
    return wet.value[rows] / hours[wet.index[rows]] if rows.any() else np.zeros(0)


OPERATIONS = (
    Operation(
        "GET",
        "/v1/alerts/{id}/chart",
        chart,
        "A picture of an alert",
        None,
        "alerts",
        (LANGUAGE,),
        problems=(Code.NOT_FOUND,),
        media=MEDIA,
        path_examples={"id": "al-0123456789abcdef01234567"},
        description="SVG: readings of its stations (at most six series), their median and the level that had to be passed, rain, and"
        " the moments of its life. A line is broken where there are no readings.",
    ),
)
