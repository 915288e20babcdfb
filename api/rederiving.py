"""The decision behind an event made again from the store, and held against what was kept of it, byte for byte."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import msgspec

from analysis.departure import parameters_of, rederived
from analysis.detect_feed import OLDEST_S, RAIN, RAIN_BACK_S, Poll, RainSources, newest_of, poll_of, rain_of
from analysis.detect_state import StateError
from analysis.detect_watch import Watch, digest_of, verdict_of
from api.models import alerts as m
from store import detector_states, read
from store.alert_rows import EventRow
from store.engine import Store
from store.rows import Filter


class Step(msgspec.Struct, frozen=True):
    """The step of a detector as alerting keeps it with an event."""

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


class Basis(msgspec.Struct, frozen=True):
    """What a series was measured against, as alerting keeps it with an event of the two-reading rule."""

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


class Account(msgspec.Struct, frozen=True):
    """The parts of an event's account that a decision can be made again from."""

    step: Step | None = None
    basis: tuple[Basis, ...] = ()


async def made_again(store: Store, event: EventRow) -> m.Rederived | None:
    """The decision of an event made again; None when it was no decision about numbers (silence, a correction, a blindness)."""
    account = msgspec.json.decode(event.document, type=Account)
    parameters = msgspec.json.decode(event.parameters)
    if account.step is not None:
        return await _step_again(store, account.step, parameters)
    if account.basis:
        return await _departures_again(store, event, account.basis, parameters)
    return None


async def _step_again(store: Store, step: Step, parameters: Mapping[str, Any]) -> m.Rederived:
    kept = await detector_states.by_digest(store, step.state_before)
    if kept is None:
        return m.Rederived(same=False, parts=(), note="The state before the step is not kept any more.")
    try:
        watch = await asyncio.to_thread(Watch.restore, kept.state)
    except StateError as error:
        return m.Rederived(same=False, parts=(), note=f"This version cannot read that state: {error}.")
    poll = await _poll_again(store, watch, step, parameters)
    verdict = verdict_of(await asyncio.to_thread(watch.step, poll))
    parts = (
        _part("state_before", step.state_before, digest_of(kept.state)),
        _part("inputs", step.inputs, poll.digest()),
        _part("verdict", step.verdict, verdict),
        _part("state_after", step.state_after, digest_of(await asyncio.to_thread(watch.save))),
    )
    told = f"One step of {step.detector} after the poll {step.run}, from the state before it and {poll.fresh} new readings."
    return m.Rederived(same=all(part.same for part in parts), parts=parts, note=told)


async def _poll_again(store: Store, watch: Watch, step: Step, parameters: Mapping[str, Any]) -> Poll:
    at_s = step.at_s
    sources = RainSources(
        parameters.get("radar_feed") or "",
        tuple(parameters.get("gauge_feeds", ())),
        float(parameters["gauge_within_m"]),
        int(parameters["rain_within_s"]),
        step.detector.endswith("/exercise"),
    )
    f = Filter(feeds=frozenset({step.feed_id}), quantities=frozenset({step.quantity}))
    found = await read.arrays(store, f, at_s - OLDEST_S, at_s + 1, as_of_s=at_s)
    wet = Filter(feeds=frozenset({sources.radar_feed, *sources.gauge_feeds}), quantities=RAIN)
    rain = rain_of(
        watch.stations, await read.arrays(store, wet, at_s - RAIN_BACK_S, at_s + 1, as_of_s=at_s), sources, at_s
    )
    return poll_of(watch.uids, watch.given_s, newest_of(found, at_s), rain, at_s)


async def _departures_again(
    store: Store, event: EventRow, basis: tuple[Basis, ...], parameters: Mapping[str, Any]
) -> m.Rederived:
    p = parameters_of(parameters)
    parts = []
    for one in basis:
        pair_s = [row.end_s for row in event.evidence if row.series_uid == one.series_uid][:2]
        again: Basis | None = None
        if len(pair_s) == 2:
            arrays = await read.arrays(
                store, [one.series_uid], max(pair_s) - p.span_s, max(pair_s) + 1, as_of_s=event.at_s
            )
            found = rederived(arrays, 0, pair_s, p)
            if found is not None:
                y = found.yardstick
                again = Basis(
                    one.series_uid, y.count, y.median, y.mad, y.q99, y.scale, y.oldest_s, y.newest_s, found.rise, found.z
                )  # fmt: skip
        parts.append(_part(one.series_uid, _json(one), "" if again is None else _json(again)))
    told = "Each series' departure from its own past, from its readings as known then."
    return m.Rederived(same=all(part.same for part in parts), parts=tuple(parts), note=told)


def _part(name: str, kept: str, now: str) -> m.RederivedPart:
    return m.RederivedPart(part=name, same=kept == now, kept=kept, now=now)


def _json(basis: Basis) -> str:
    return msgspec.json.encode(basis, order="deterministic").decode()
