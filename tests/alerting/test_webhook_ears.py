"""What each subscriber hears: mails, plain posts, CAP bodies, notices to owners; and one notice that grows for people."""

from __future__ import annotations

import json
import random

import pytest

from alerting.cap import read
from alerting.cap_model import CapMessage, Status
from alerting.mail import MailOutcome, MailRelay
from alerting.records import AlertRecord, decoded
from alerting.route import message, wanted
from alerting.voicing import Spoken
from alerting.webhooks import sign
from alerting.webhooks.deliver import GROUP_S, Deliverer
from alerting.webhooks.retry import Answered
from domain.clock import VirtualClock
from store import alerts, deliveries
from store.alert_rows import CHALLENGE, Message, SubscriptionRow
from tests.alerting.cap_made import VOICE, schema_errors
from tests.api import made
from tests.api.test_alert_words import STORIES, tell

NOW = made.NOW


class Outside:
    """Receivers of posts and a relay of mails."""

    def __init__(self) -> None:
        self.posts = []
        self.mails = []
        self.outcomes = []
        self.statuses = []

    async def post(self, url, headers, body) -> Answered:
        self.posts.append((url, dict(headers), body))
        return Answered(self.statuses.pop(0) if self.statuses else 204)

    async def mail(self, letter, relay) -> MailOutcome:
        self.mails.append(letter)
        return self.outcomes.pop(0) if self.outcomes else MailOutcome(True, 250)


@pytest.fixture
def outside():
    return Outside()


async def deliver(store, outside, clock, *, relay=True):
    async with Deliverer(
        store, clock, sender=outside, wall=clock, chance=random.Random(1), spoken=Spoken(VOICE, made.config()),
        relay=MailRelay("relay.example") if relay else None, mail_from="alerts@radcommons.example.org", mailer=outside.mail,
    ) as sender:  # fmt: skip
        return await sender.step()


async def subscribe(store, channel, url, **more):
    asked = more.pop("asked", {})
    row = SubscriptionRow(
        f"sub-{channel}", url, sign.new_secret(), "", json.dumps(asked), channel=channel, verified_s=NOW, **more
    )
    await deliveries.create_subscription(store, row)
    return row


async def enqueue(store, row, uid="al-1", *, only=None, at_s=NOW):
    """The messages of an alert's events to one subscription."""
    for event in await alerts.events(store, uid):
        if only is None or event.revision in only:
            held = await alerts.alert(store, uid)
            text = message(event, decoded(held.document, AlertRecord), row.uid, wanted(row.filter).languages)
            await deliveries.enqueue(store, [text], at_s)


async def test_a_mail_is_in_the_language_asked_for_with_the_cap_message(sqlite_store, outside) -> None:
    await tell(sqlite_store, "al-1", "still")
    row = await subscribe(sqlite_store, "email", "mailto:somebody@example.org", asked={"languages": ["ja", "en"]})
    await enqueue(sqlite_store, row)
    assert await deliver(sqlite_store, outside, VirtualClock(NOW)) == 1
    (letter,) = outside.mails
    assert letter["To"] == "somebody@example.org"
    assert "福島県" in letter["Subject"]
    assert letter["X-Radcommons-Sequence"] == "1"
    assert letter["List-Unsubscribe"] == f"<https://radcommons.example.org/v1/subscriptions/{row.uid}>"
    (attached,) = letter.iter_attachments()
    assert isinstance(read(attached.get_content()), CapMessage)
    (attempt,) = await deliveries.attempts(sqlite_store, (await deliveries.deliveries(sqlite_store, row.uid))[0].uid)
    assert (attempt.status, attempt.outcome) == (250, "delivered")
    assert outside.posts == []


async def test_a_plain_post_is_one_notice_that_changes(sqlite_store, outside) -> None:
    await tell(sqlite_store, "al-1", "grows")
    row = await subscribe(sqlite_store, "plain", "https://ntfy.example/topic", asked={"languages": ["ko"]})
    await enqueue(sqlite_store, row, only={1, 2})
    await deliver(sqlite_store, outside, VirtualClock(NOW))
    assert [url for url, *_ in outside.posts] == [row.url, row.url]
    _, headers, body = outside.posts[1]
    assert {name: headers[name] for name in ("x-sequence-id", "radcommons-sequence", "priority")} == {
        "x-sequence-id": "al-1",
        "radcommons-sequence": "2",
        "priority": "4",
    }
    assert "후쿠시마" in body.decode()
    sign.verify([sign.verifying_key(row.secret)], headers, body, NOW)


@pytest.mark.parametrize("how", [{}, {"exercise": True}, {"kind": "blindness"}])
async def test_a_cap_body_is_valid_signed_and_numbered(sqlite_store, outside, how) -> None:
    for story in STORIES:
        await tell(sqlite_store, f"al-{story}", story, **how)
    row = await subscribe(
        sqlite_store, "webhook", "https://cap.example/", format="cap", asked={"languages": ["en", "zh"]}
    )
    for story in STORIES:
        await enqueue(sqlite_store, row, f"al-{story}")
    await deliver(sqlite_store, outside, VirtualClock(NOW))
    assert len(outside.posts) == sum(map(len, STORIES.values()))
    for number, (_, headers, body) in enumerate(outside.posts, 1):
        assert headers["content-type"] == "application/cap+xml"
        assert headers["radcommons-sequence"] == str(number)
        assert schema_errors(body) == ""
        assert len(body) < 20_000
        told = read(body)
        assert [info.language for info in told.infos] == ["en", "zh-Hans"]
        assert ("delivery_sequence", str(number)) in [(one.name, one.value) for one in told.infos[0].parameters]
        assert told.status is (Status.EXERCISE if how.get("exercise") else Status.ACTUAL)
        sign.verify([sign.verifying_key(row.secret)], headers, body, NOW)


async def test_a_test_of_a_cap_subscription_is_a_test_in_cap(sqlite_store, outside) -> None:
    row = await subscribe(sqlite_store, "webhook", "https://cap.example/", format="cap")
    payload = json.dumps({"type": "exercise.subscription.test", "timestamp": "x", "data": {}})
    await deliveries.enqueue(sqlite_store, [Message("msg_t", row.uid, "exercise.subscription.test", payload)], NOW)
    await deliver(sqlite_store, outside, VirtualClock(NOW))
    ((_, _, body),) = outside.posts
    assert schema_errors(body) == ""
    assert read(body).status is Status.TEST


async def test_people_are_told_of_growth_once_and_machines_of_every_step(sqlite_store, outside) -> None:
    """An event that grows over forty stations is one notice that grows."""
    await tell(sqlite_store, "al-1", "grows")
    events = {event.kind: event for event in await alerts.events(sqlite_store, "al-1")}
    person = await subscribe(sqlite_store, "plain", "https://ntfy.example/topic")
    machine = await subscribe(sqlite_store, "webhook", "https://machine.example/")
    clock = VirtualClock(NOW)
    await enqueue(sqlite_store, person, only={1, 2})
    await enqueue(sqlite_store, machine, only={1, 2})
    await deliver(sqlite_store, outside, clock)

    async def grow(number: int) -> None:
        for row in (person, machine):
            payload = json.dumps({"type": "alert.grew", "data": {"alert": "al-1", "revision": 3}})
            uid = f"msg_{row.uid}_{number}"
            await deliveries.enqueue(
                sqlite_store, [Message(uid, row.uid, "alert.grew", payload, events["grew"].uid)], int(clock.now_s())
            )

    for number in range(38):
        clock.advance_to(clock.now_s() + 10)
        await grow(number)
        await deliver(sqlite_store, outside, clock)
    urls = [url for url, *_ in outside.posts]
    assert (urls.count(machine.url), urls.count(person.url)) == (40, 2)
    clock.advance_to(NOW + GROUP_S)
    await deliver(sqlite_store, outside, clock)
    assert [url for url, *_ in outside.posts].count(person.url) == 3
    await enqueue(sqlite_store, person, only={4}, at_s=int(clock.now_s()))
    await deliver(sqlite_store, outside, clock)
    assert [url for url, *_ in outside.posts].count(person.url) == 4, "an end waits for nothing"
    rows = await deliveries.deliveries(sqlite_store, person.uid)
    assert {row.state for row in rows} == {"delivered"}
    merged = [
        one for row in rows for one in await deliveries.attempts(sqlite_store, row.uid) if one.outcome == "merged"
    ]
    assert len(merged) == 37


async def test_what_is_put_off_holds_up_no_other_alert(sqlite_store, outside) -> None:
    await tell(sqlite_store, "al-1", "grows")
    await tell(sqlite_store, "al-2", "still")
    row = await subscribe(sqlite_store, "plain", "https://ntfy.example/topic")
    await enqueue(sqlite_store, row, only={1, 2, 3})
    clock = VirtualClock(NOW)
    await deliver(sqlite_store, outside, clock)
    assert len(outside.posts) == 2
    clock.advance_to(NOW + 30)
    await enqueue(sqlite_store, row, "al-2", at_s=NOW + 30)
    await deliver(sqlite_store, outside, clock)
    assert [headers["x-sequence-id"] for _, headers, _ in outside.posts] == ["al-1", "al-1", "al-1", "al-2"]


async def test_the_owner_of_a_dead_address_is_told_by_mail(sqlite_store, outside) -> None:
    row = await subscribe(sqlite_store, "webhook", "https://gone.example/", contact="owner@example.org")
    await deliveries.enqueue(sqlite_store, [Message("m1", row.uid, "alert.firing", '{"data":{}}')], NOW)
    outside.statuses = [410]
    await deliver(sqlite_store, outside, VirtualClock(NOW))
    after = await deliveries.subscription(sqlite_store, row.uid)
    assert (after.state, after.notice) == ("disabled", "the receiver says that it is gone (status 410)")
    (letter,) = outside.mails
    assert letter["To"] == "owner@example.org"
    assert "410" in letter.get_content()


async def test_a_notice_without_a_relay_is_seen_in_the_status(sqlite_store, outside) -> None:
    row = await subscribe(sqlite_store, "webhook", "https://gone.example/", contact="owner@example.org")
    await deliveries.enqueue(sqlite_store, [Message("m1", row.uid, "alert.firing", '{"data":{}}')], NOW)
    clock = VirtualClock(NOW)
    outside.statuses = [503] * 10
    for _ in range(10):
        await deliver(sqlite_store, outside, clock, relay=False)
        clock.advance_to(clock.now_s() + 110_000)
    after = await deliveries.subscription(sqlite_store, row.uid)
    assert after.notice == "10 attempts over 76 hours have failed, the last with status 503"
    assert outside.mails == []


async def test_refusals_of_a_relay_are_told_apart(sqlite_store, outside) -> None:
    """Nobody of that name ends the subscription; trouble of the relay itself ends none."""
    row = await subscribe(sqlite_store, "email", "mailto:nobody@example.org")
    payload = json.dumps({"type": "exercise.subscription.test", "data": {}})
    await deliveries.enqueue(sqlite_store, [Message("m1", row.uid, "exercise.subscription.test", payload)], NOW)
    clock = VirtualClock(NOW)
    outside.outcomes = [MailOutcome(False, 535, "no"), MailOutcome(False, 0, "tls"), MailOutcome(False, 550, "nobody")]
    for state in ("active", "active", "disabled"):
        await deliver(sqlite_store, outside, clock)
        clock.advance_to(clock.now_s() + 100_000)
        assert (await deliveries.subscription(sqlite_store, row.uid)).state == state


async def test_a_challenge_by_mail_holds_a_link_and_goes_where_it_must(sqlite_store, outside) -> None:
    row = await subscribe(
        sqlite_store, "email", "mailto:old@example.org", state="unverified", pending_url="mailto:new@example.org",
        challenge_sha256="x", challenge_until_s=NOW + 100, asked={"languages": ["zh"]},
    )  # fmt: skip
    payload = json.dumps({"type": CHALLENGE, "data": {"challenge": "c" * 32}})
    await deliveries.enqueue(sqlite_store, [Message("m1", row.uid, CHALLENGE, payload)], NOW)
    await deliver(sqlite_store, outside, VirtualClock(NOW))
    (letter,) = outside.mails
    assert letter["To"] == "new@example.org"
    assert f"/v1/subscriptions/{row.uid}/confirm?code={'c' * 32}" in letter.get_content()
    assert "请确认" in letter["Subject"]
    assert (await deliveries.subscription(sqlite_store, row.uid)).state == "unverified"
