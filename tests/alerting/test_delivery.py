import asyncio
import json
import random

from alerting.webhooks import sign
from alerting.webhooks.deliver import Deliverer
from alerting.webhooks.retry import Answered
from domain.clock import VirtualClock
from store import deliveries
from store.alert_rows import Message, SubscriptionRow

NOW = 1_790_000_000


class FakeSender:
    """Answers by URL from a list, then 204; keeps what was posted."""

    def __init__(self, answers=None):
        self.answers = answers or {}
        self.posted = []

    async def post(self, url, headers, body):
        self.posted.append((url, dict(headers), body))
        await asyncio.sleep(0)
        listed = self.answers.get(url, [])
        return listed.pop(0) if listed else Answered(204)


async def subscribe(store, key="a", **values):
    values = {"secret": sign.new_secret()} | values
    row = SubscriptionRow(f"sub-{key}", f"https://{key}.example/hook", token_sha256="", **values)
    await deliveries.create_subscription(store, row)
    return row


async def enqueue(store, subscription, *numbers, at=NOW):
    body = '{"type":"alert.firing","timestamp":"x","data":{"n":%d}}'
    await deliveries.enqueue(
        store, [Message(f"msg_{subscription.uid}_{n}", subscription.uid, "alert.firing", body % n) for n in numbers], at
    )


def deliverer(store, sender, clock):
    return Deliverer(store, clock, sender=sender, wall=clock, chance=random.Random(1))


def sequences(sender, url):
    return [json.loads(body)["data"]["sequence"] for target, _, body in sender.posted if target == url]


async def test_deliveries_are_signed_in_order_and_numbered_without_gaps(store):
    clock, sender = VirtualClock(NOW), FakeSender()
    a, b = await subscribe(store, "a"), await subscribe(store, "b")
    await enqueue(store, a, *range(5))
    await enqueue(store, b, *range(3))
    async with deliverer(store, sender, clock) as d:
        assert await d.step() == 8
        assert await d.step() == 0
    assert sequences(sender, a.url) == [1, 2, 3, 4, 5] and sequences(sender, b.url) == [1, 2, 3]
    for url, headers, body in sender.posted:
        secret = a.secret if url == a.url else b.secret
        sign.verify([sign.verifying_key(secret)], headers, body, NOW)


async def test_a_failing_receiver_holds_up_only_itself_and_nothing_overtakes(store):
    clock = VirtualClock(NOW)
    a, b = await subscribe(store, "a"), await subscribe(store, "b")
    sender = FakeSender({a.url: [Answered(500), Answered(301), Answered(429, "900"), Answered(0, failure="timeout")]})
    await enqueue(store, a, 1, 2)
    await enqueue(store, b, 1, 2)
    async with deliverer(store, sender, clock) as d:
        await d.step()
        assert sequences(sender, a.url) == [1] and sequences(sender, b.url) == [1, 2]
        for _ in range(8):
            clock.advance_to(await deliveries.next_due_s(store) or clock.now_s())
            clock.advance_to(clock.now_s() + 3600)
            await d.step()
    assert sequences(sender, a.url) == [1, 1, 1, 1, 1, 2]
    assert len({headers["webhook-id"] for url, headers, _ in sender.posted if url == a.url}) == 2
    listed = await deliveries.attempts(store, f"msg_{a.uid}_1")
    assert [row.status for row in listed] == [500, 301, 429, None, 204]
    assert listed[3].at_s - listed[2].at_s >= 900


async def test_410_and_an_exhausted_table_disable_and_keep_the_rest(store):
    clock = VirtualClock(NOW)
    a, b = await subscribe(store, "a"), await subscribe(store, "b")
    sender = FakeSender({a.url: [Answered(410)], b.url: [Answered(503)] * 20})
    await enqueue(store, a, 1, 2)
    await enqueue(store, b, 1, 2)
    async with deliverer(store, sender, clock) as d:
        for _ in range(12):
            await d.step()
            clock.advance_to(clock.now_s() + 100_000)
    assert sequences(sender, a.url) == [1] and sequences(sender, b.url) == [1] * 10
    assert [row.state for row in await deliveries.subscriptions(store)] == ["disabled", "disabled"]
    assert [row.state for row in await deliveries.deliveries(store, a.uid)] == ["failed", "pending"]


async def test_rotation_with_overlap_signs_with_both_keys_and_then_with_the_new_one(store):
    clock, sender = VirtualClock(NOW), FakeSender()
    old = sign.new_secret()
    private, public = sign.new_ed25519()
    a = await subscribe(store, "a", secret=private, previous_secret=old, previous_until_s=NOW + 100)
    await enqueue(store, a, 1)
    async with deliverer(store, sender, clock) as d:
        await d.step()
        clock.advance_to(NOW + 200)
        await enqueue(store, a, 2, at=NOW + 200)
        await d.step()
    (_, first, body), (_, second, _) = sender.posted
    for key in (old, public):
        sign.verify([sign.verifying_key(key)], first, body, NOW)
    assert second["webhook-signature"].startswith("v1a,") and " " not in second["webhook-signature"]


async def test_a_paused_subscription_keeps_its_messages(store):
    clock, sender = VirtualClock(NOW), FakeSender()
    a = await subscribe(store, "a", state="paused")
    await enqueue(store, a, 1)
    async with deliverer(store, sender, clock) as d:
        assert await d.step() == 0
        await deliveries.patch_subscription(store, a.uid, NOW, state="active")
        assert await d.step() == 1


async def test_an_answer_that_no_database_holds_stops_nobody(store):
    clock = VirtualClock(NOW)
    bad = await subscribe(store, "bad")
    good = await subscribe(store, "good")
    sender = FakeSender({bad.url: [Answered(500, first_bytes="a\x00b\ud800"), Answered(204, first_bytes="\x00")]})
    await enqueue(store, bad, 1)
    await enqueue(store, good, 1, 2)
    async with deliverer(store, sender, clock) as d:
        await d.step()
        clock.advance_to(NOW + 60)
        await d.step()
    assert sequences(sender, good.url) == [1, 2]
    assert [row.state for row in await deliveries.deliveries(store, bad.uid)] == ["delivered"]
    told = [row.detail for row in await deliveries.attempts(store, f"msg_{bad.uid}_1")]
    assert told == ["a\ufffdb?", "\ufffd"]


async def test_one_decision_numbers_many_messages_of_a_subscription_in_their_order(store):
    a, gone = await subscribe(store, "a"), await subscribe(store, "gone", state="deleted")
    await enqueue(store, a, 1)
    both = [
        Message(f"msg_x_{n}" if row is a else f"msg_z_{n}", row.uid, "alert.grew", "{}")
        for n in (3, 1, 2)
        for row in (a, gone)
    ]
    await deliveries.enqueue(store, [*both, both[0], Message("msg_y", "nobody", "alert.grew", "{}")], NOW)
    rows = await deliveries.deliveries(store, a.uid)
    assert [(row.uid, row.sequence) for row in rows] == [
        (f"msg_{a.uid}_1", 1),
        ("msg_x_3", 2),
        ("msg_x_1", 3),
        ("msg_x_2", 4),
    ]
    assert await deliveries.deliveries(store, gone.uid) == []
