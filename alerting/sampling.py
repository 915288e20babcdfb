"""Samples of an answer and the rules about them: what the store holds of a feed's last months, given to the pure part."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from alerting import samples
from alerting.announce import Finding
from alerting.records import AlertRecord
from specs.rule import Rule, SampleRule
from store import read
from store.alert_rows import ClaimedBatch
from store.engine import Store
from store.rows import Filter

_MOST = 20_000


async def sampled(
    store: Store, rules: Iterable[Rule], batch: ClaimedBatch, records: Mapping[str, AlertRecord]
) -> list[Finding]:
    """What the samples of an answer mean to the rules about samples."""
    findings: list[Finding] = []
    for rule in rules:
        if not isinstance(rule, SampleRule) or not rule.enabled or (rule.feeds and batch.feed_id not in rule.feeds):
            continue
        at_s = batch.received_s
        f = Filter(feeds=frozenset({batch.feed_id}), media=frozenset(rule.media), quantities=frozenset(rule.quantities))
        rows = await read.samples(store, f, at_s - rule.parameters.within_s, at_s + 1, as_of_s=at_s, limit=_MOST)
        moves = samples.moves(rule, rows, records.values(), at_s) if rows else []
        findings += [Finding(rule, moved, samples=rows) for moved in moves]
    return findings
