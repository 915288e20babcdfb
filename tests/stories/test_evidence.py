"""An event can be decided again from the store alone, and the numbers are the same to the last bit."""

from __future__ import annotations

import json

import pytest

from alerting.records import Account, decoded
from analysis.departure import parameters_of, rederived
from domain.states import FeedState
from store import alerts, read


async def again(store, event):
    """(what was stored, what the store gives today) for every series behind an event."""
    p = parameters_of(json.loads(event.parameters))
    account = decoded(event.document, Account)
    for basis in account.basis:
        pair_s = [row.end_s for row in event.evidence if row.series_uid == basis.series_uid][:2]
        arrays = await read.arrays(
            store, [basis.series_uid], max(pair_s) - p.span_s, max(pair_s) + 1, as_of_s=event.at_s
        )
        found = rederived(arrays, 0, pair_s, p)
        y = found.yardstick
        yield (
            basis,
            (basis.series_uid, y.count, y.median, y.mad, y.q99, y.scale, y.oldest_s, y.newest_s, found.rise, found.z),
        )


@pytest.mark.parametrize("spoil", ["nothing", "a later correction", "a late reading"])
async def test_every_event_is_decided_again_from_the_store(world, spoil):
    await world.past(70)
    up = {"s1": 90.0, "s2": 75.5}
    for _ in range(3):
        await world.poll(up)
    world.restart()
    await world.poll(up)
    await world.poll()
    await world.poll()
    if spoil == "a later correction":
        await world.correct("s1", world.now - 20 * 600 - 300, 61.0)
    if spoil == "a late reading":
        world.clock.advance_to(world.now + 60)
        await world.commit([("s2", world.now - 12 * 600 + 17, 58.0)], FeedState.OK)
        await world.watch()
    checked = 0
    for row in await world.alerts():
        for event in await alerts.events(world.store, row.uid, evidence=True):
            async for basis, now in again(world.store, event):
                assert tuple(getattr(basis, name) for name in basis.__slots__) == now
                checked += 1
    assert checked >= 3
