"""Claims, decisions and deliveries: each all or nothing, on both engines."""

from __future__ import annotations

from dataclasses import replace

import pytest

from domain.states import AlertState
from store import alerts, deliveries
from store.alert_rows import AlertRow, AttemptRow, Change, Decision, EventRow, EvidenceRow, Message, SubscriptionRow
from store.engine import Store
from store.refused import Outpaced
from store.write import commit_batch
from tests.store.builders import NO_AREAS, a_batch

EVIDENCE = EvidenceRow("s:1", 600, 1, 0.2, "0.200", "uSv/h", 0, None, 1000, "ab" * 32, {"median_usv_h": 0.05})
ALERT = AlertRow(
    "a1",
    "departure",
    "s:1",
    AlertState.UNVERIFIED,
    AlertState.UNVERIFIED,
    1,
    600,
    1000,
    1000,
    areas=("JP-07", "sea"),
    document='{"x": 1}',
)
EVENT = EventRow(
    "e1",
    "a1",
    1,
    "unverified",
    AlertState.UNVERIFIED,
    AlertState.UNVERIFIED,
    1000,
    "1",
    '{"k": 2}',
    {"en": "rose", "ja": "上昇"},
    evidence=(EVIDENCE,),
)
SUBSCRIBER = SubscriptionRow("w1", "https://x.example/hook", "whsec_x", "t" * 64, created_s=1)


async def test_batches_are_claimed_by_mark(store: Store) -> None:
    for received_s in (1000, 2000, 3000):
        await commit_batch(store, a_batch([("1", received_s, 0.04)], received_s), NO_AREAS)
    claimed = await alerts.claim_batches(store, 3000, "watcher-a", limit=2)
    assert [(batch.received_s, batch.last_end_s, batch.stored) for batch in claimed] == [
        (1000, 1000, 1),
        (2000, 2000, 1),
    ]
    others = await alerts.claim_batches(store, 3000, "watcher-b")
    assert [batch.received_s for batch in others] == [3000]
    await alerts.decide(store, Decision(3001, (claimed[1].id,)))
    assert [batch.received_s for batch in await alerts.claim_batches(store, 3002, "watcher-a")] == [1000]
    late = await alerts.claim_batches(store, 4000, "watcher-c")
    assert [batch.received_s for batch in late] == [1000, 3000]
    assert await alerts.unhandled(store) == 2


async def test_a_decision_is_found_again_whole(store: Store) -> None:
    await deliveries.create_subscription(store, SUBSCRIBER)
    await alerts.decide(
        store, Decision(1000, (), (Change(ALERT, EVENT),), (Message("m1", "w1", "alert.unverified", "{}", "e1"),))
    )
    assert await alerts.alert(store, "a1") == ALERT
    assert await alerts.events(store, "a1", evidence=True) == [EVENT]
    assert await alerts.event(store, "e1") == EVENT
    assert [
        row.uid for row in await alerts.alerts(store, area="sea", states=[AlertState.UNVERIFIED], from_s=0, to_s=601)
    ] == ["a1"]
    assert await alerts.alerts(store, area="elsewhere") == []
    grown = Change(
        replace(ALERT, state=AlertState.FIRING, level=AlertState.FIRING, revision=2, areas=("JP-07",)),
        replace(EVENT, uid="e2", revision=2, kind="firing", evidence=()),
    )
    await alerts.decide(store, Decision(1100, (), (grown,)))
    assert await alerts.alert(store, "a1") == grown.alert
    with pytest.raises(Outpaced):
        await alerts.decide(store, Decision(1200, (), (grown,), (Message("m2", "w1", "alert.firing", "{}"),)))
    assert [row.uid for row in await deliveries.deliveries(store, "w1")] == ["m1"]


async def test_sequences_have_no_gaps_and_messages_no_doubles(store: Store) -> None:
    await deliveries.create_subscription(store, SUBSCRIBER)
    for uid in ("m1", "m2", "m1", "m3"):
        await deliveries.enqueue(
            store, [Message(uid, "w1", "test", "{}"), Message(f"{uid}x", "nobody", "test", "{}")], 5
        )
    assert [(row.uid, row.sequence) for row in await deliveries.deliveries(store, "w1")] == [
        ("m1", 1),
        ("m2", 2),
        ("m3", 3),
    ]


async def test_a_delivery_is_leased_retried_and_done(store: Store) -> None:
    await deliveries.create_subscription(store, SUBSCRIBER)
    await deliveries.enqueue(store, [Message("m1", "w1", "test", "{}")], 5)
    assert await deliveries.due_deliveries(store, 4) == []
    assert [due.delivery.uid for due in await deliveries.due_deliveries(store, 5, lease_s=10)] == ["m1"]
    assert await deliveries.due_deliveries(store, 14) == []
    assert [due.subscription for due in await deliveries.due_deliveries(store, 15, lease_s=10)] == [
        replace(SUBSCRIBER, last_sequence=1)
    ]
    await deliveries.record_attempt(store, "m1", AttemptRow(16, 500, "http_status"), next_due_s=300)
    assert await deliveries.next_due_s(store) == 300
    await deliveries.record_attempt(store, "m1", AttemptRow(300, 204, "delivered"))
    assert [(row.state, row.attempts, row.done_s) for row in await deliveries.deliveries(store, "w1")] == [
        ("delivered", 2, 300)
    ]
    assert [row.number for row in await deliveries.attempts(store, "m1")] == [1, 2]
    assert await deliveries.redeliver(store, "w1", 1, 1, 400) == 1
    await deliveries.record_attempt(store, "m1", AttemptRow(401, 410, "gone"), subscription_state="disabled")
    found = await deliveries.subscription(store, "w1")
    assert found is not None
    assert found.state == "disabled"
    assert [row.state for row in await deliveries.deliveries(store, "w1")] == ["failed"]


async def test_a_subscription_is_patched_and_deleted(store: Store) -> None:
    await deliveries.create_subscription(store, SUBSCRIBER)
    await deliveries.enqueue(store, [Message("m1", "w1", "test", "{}")], 5)
    await deliveries.patch_subscription(store, "w1", 9, state="paused", description="x")
    assert await deliveries.due_deliveries(store, 10) == []
    with pytest.raises(ValueError, match="last_sequence"):
        await deliveries.patch_subscription(store, "w1", 9, last_sequence=7)
    await deliveries.patch_subscription(store, "w1", 10, state="deleted")
    assert await deliveries.subscriptions(store) == []
