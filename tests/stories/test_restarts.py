"""Kill, start again, repeat, be late: the outcome is the same, and silence resolves nothing."""

from __future__ import annotations

import tempfile

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.clock import VirtualClock
from store import alerts
from store.engine import open_store
from tests.stories.world import STEP_S, T0, World

#: One step of a history: what s1 and s2 do (q quiet, h high, - silent), how long nothing comes from anybody before it.
steps = st.lists(
    st.tuples(st.sampled_from("qqhh-"), st.sampled_from("qh-"), st.sampled_from([0, 0, 0, 3 * 3600, 5 * 3600])),
    min_size=3,
    max_size=9,
)


async def told(history, *, restarts=frozenset(), lazy=frozenset(), repeats=frozenset()):
    """Every event of every alert after a history, with the watcher killed, not run, or batches committed twice at some steps."""
    with tempfile.TemporaryDirectory() as folder:
        store = await open_store(f"sqlite+aiosqlite:///{folder}/w.db")
        world = World(store, VirtualClock(float(T0)))
        await world.past(52)
        for number, (one, two, gap) in enumerate(history):
            if number in restarts:
                world.restart()
            watch = number not in lazy
            if gap:
                await world.silence(gap, watch=watch, every=3600)
            said = {key: 90.0 for key, what in (("s1", one), ("s2", two)) if what == "h"}
            silent = {key for key, what in (("s1", one), ("s2", two)) if what == "-"}
            keys = [key for key in world.stations if key not in silent]
            await world.poll(said, only=keys, watch=watch)
            if number in repeats:
                await world.commit([(key, world.now - 300, said.get(key, world.quiet(key, world.now))) for key in keys])
        world.clock.advance_to(world.now + STEP_S)
        await world.watch()
        found = []
        for row in await alerts.alerts(store, limit=1000):
            for event in await alerts.events(store, row.uid, evidence=True):
                found.append(
                    (
                        event.at_s,
                        event.uid,
                        event.kind,
                        event.state.value,
                        event.level.value,
                        tuple(event.reasons.items()),
                        event.evidence,
                    )
                )
        await store.close()
    return sorted(found, key=lambda event: event[:2])


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
@given(steps, st.sets(st.integers(0, 8)), st.sets(st.integers(0, 8)), st.sets(st.integers(0, 8)))
async def test_restarts_pauses_and_duplicates_change_nothing(history, restarts, lazy, repeats):
    plain = await told(history)
    assert await told(history, restarts=restarts, lazy=lazy, repeats=repeats) == plain
    for _, uid, kind, *_, evidence in plain:
        if kind == "resolved" and evidence:
            below = [row for row in evidence if row.value is not None and row.value <= 71]
            assert len(below) >= 2, uid
