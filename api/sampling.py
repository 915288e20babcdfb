"""Laboratory results of a region over the last year, counted and with quantiles that respect what is below its limit."""

from __future__ import annotations

import asyncio

from analysis.sampled import SampleSummary, summarise_samples
from analysis.summary import AreaName
from api.clocktext import told
from api.models import summaries as m
from api.service import Service
from api.usual import plain
from store import read
from store.rows import Filter

_YEAR_S = 366 * 86400
_MOST = 10_000
_NAMES = ("p05", "p25", "p50", "p75", "p95")


async def samples_of(service: Service, area: AreaName, now_s: int, as_of_s: int | None) -> tuple[m.SampleSummary, ...]:
    """Summaries of an area's samples of the last year, as this audience may see them."""
    begin_s, end_s = now_s - _YEAR_S, now_s + 1
    f = Filter(areas=frozenset({area.id}))
    rows = await read.samples(service.store, f, begin_s, end_s, as_of_s=as_of_s, limit=_MOST)
    shown = [row.sample for row in rows if service.facts(row.feed_id).shown and not row.station.exercise]
    if not shown:
        return ()
    found = await asyncio.to_thread(summarise_samples, area, shown, from_s=begin_s, to_s=end_s)
    return tuple(map(_told, found))


def _told(one: SampleSummary) -> m.SampleSummary:
    kind, known = one.kind, one.detected + one.below
    quantiles = zip(_NAMES, one.quantiles, strict=True)
    return m.SampleSummary(
        medium=kind.medium,
        quantity=kind.quantity,
        analyte=kind.analyte,
        unit=one.unit,
        begin=told(one.from_s),
        end=told(one.to_s),
        stations=one.stations,
        results=one.results,
        detected=one.detected,
        below=one.below,
        other=dict(one.other),
        detection_rate=plain(one.detected / known) if known else 0.0,
        quantiles={name: None if value is None else plain(value) for name, value in quantiles},
        newest=told(one.newest_s),
        sentence=dict(one.sentences),
    )
