"""A detector's alerts under kills, late watching, repeats and reordering: the outcome is the same, and no end without readings."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alerting.records import AlertRecord, decoded
from domain.clock import VirtualClock
from store import alerts
from tests.stories.test_detector_story import HIGH, RULE, copied, detecting, past, polled, settle, story, with_a_past
from tests.stories.world import T0, World

__all__ = ["with_a_past"]

#: One step of a history: what s1 and s2 do (q quiet, h high, - silent), how long nothing comes from anybody before it.
steps = st.lists(
    st.tuples(st.sampled_from("qqhh-"), st.sampled_from("qh-"), st.sampled_from([0, 0, 0, 4 * 3600])),
    min_size=4,
    max_size=7,
)


async def told(made, history, *, restarts=frozenset(), lazy=frozenset(), repeats=frozenset(), order=None):
    """Every event of every alert of the detector after a history, with its evidence."""
    with tempfile.TemporaryDirectory() as folder:
        world, store = await copied(made, Path(folder) / "w.db", state_polls=3)
        for number, (one, two, gap) in enumerate(history):
            if number in restarts:
                world.restart()
            watch = number not in lazy
            if gap:
                await world.silence(gap, watch=watch, every=3600)
            said = {key: HIGH for key, what in (("s1", one), ("s2", two)) if what == "h"}
            silent = {key for key, what in (("s1", one), ("s2", two)) if what == "-"}
            keys = [key for key in world.stations if key not in silent]
            if order is not None:
                order.shuffle(keys)
            await world.poll(said, only=keys, watch=watch)
            if number in repeats:
                await world.commit([(key, world.now - 300, said.get(key, world.quiet(key, world.now))) for key in keys])
        await settle(world)
        found = []
        for row in await alerts.alerts(store, rule_id=RULE, limit=100):
            members = {m.series_uid: m for m in decoded(row.document, AlertRecord).life.members}
            for event in await alerts.events(store, row.uid, evidence=True):
                found.append(
                    (event.at_s, event.uid, event.kind, event.level.value, event.reasons["en"], event.evidence, members)
                )
        await store.close()
    return sorted(found, key=lambda event: event[:2])


@settings(max_examples=2, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(steps, st.sets(st.integers(0, 6)), st.sets(st.integers(0, 6)), st.integers(0, 99))
async def test_kills_pauses_repeats_and_order_change_nothing(with_a_past, history, restarts, lazy, seed):
    plain = await told(with_a_past, history)
    repeats = {number for number in range(7) if number % 3 == seed % 3}
    order = random.Random(seed)
    assert await told(with_a_past, history, restarts=restarts, lazy=lazy, repeats=repeats, order=order) == plain
    for *_, kind, _, _, evidence, members in plain:
        if kind == "resolved":
            calm = {}
            for row in evidence:
                member = members[row.series_uid]
                newer = row.end_s > member.pair_s[-1] and row.value <= member.resolve_below(0.5)
                calm[row.series_uid] = calm.get(row.series_uid, 0) + newer
            assert 2 * sum(count >= 2 for count in calm.values()) >= len(members)


async def test_mirrored_copies_of_a_station_never_raise_a_level(sqlite_store):
    places = {"s1": (35.60, 136.0), "s1b": (35.601, 136.0), "s1c": (35.602, 136.0), "far": (36.6, 137.0)}
    world = detecting(World(sqlite_store, VirtualClock(float(T0)), stations=places))
    await past(world)
    for _ in range(4):
        await polled(world, dict.fromkeys(("s1", "s1b", "s1c"), HIGH))
    assert set(await story(world)) <= {"unverified", "grew"}
    (alert,) = await world.alerts(RULE)
    assert alert.level.value == "unverified"


async def test_nothing_is_ended_by_an_outage_of_any_length(with_a_past, tmp_path):
    world, store = await copied(with_a_past, tmp_path / "w.db")
    for _ in range(2):
        await polled(world, {"s1": HIGH})
    await world.silence(9 * 86_400, every=43_200)
    assert await story(world) == ["unverified", "stale"]
    world.restart()
    await world.silence(86_400, every=43_200)
    assert await story(world) == ["unverified", "stale"]
    await store.close()
