"""Who is told what, from publisher to receiver: filters, silences, and an end for everyone who heard of the beginning."""

from __future__ import annotations

import json
import random

import pytest

from alerting.route import BadFilter, wanted
from alerting.silence import BadSilence, Silence
from alerting.webhooks import sign
from alerting.webhooks.deliver import Deliverer
from alerting.webhooks.retry import Answered
from domain.states import FeedState, Redistribute
from specs.rule import LevelNumbers
from store import alerts, deliveries
from store.alert_rows import SubscriptionRow
from tests.stories.test_level_story import level, watching
from tests.stories.world import feed

HIGH = 90.0


class Inbox:
    def __init__(self):
        self.got = {}

    async def post(self, url, headers, body):
        assert len(body) < 20_000
        self.got.setdefault(url, []).append(json.loads(body))
        return Answered(204)

    def kinds(self, key):
        return [body["type"] for body in self.got.get(f"https://{key}.example/", [])]


async def subscribe(world, key, **asked):
    row = SubscriptionRow(f"sub-{key}", f"https://{key}.example/", sign.new_secret(), "", json.dumps(asked))
    await deliveries.create_subscription(world.store, row)


async def deliver(world):
    inbox = Inbox()
    async with Deliverer(world.store, world.clock, sender=inbox, wall=world.clock, chance=random.Random(1)) as d:
        await d.step()
    return inbox


async def rise_silence_end(world):
    for _ in range(2):
        await world.poll({"s1": HIGH})
    for _ in range(23):
        await world.poll(only=["s0", "s2", "s3", "s4", "s5"])
    for _ in range(2):
        await world.poll()


async def test_each_gets_what_it_asked_for_in_order_with_gap_free_numbers(world):
    await subscribe(world, "all")
    await subscribe(world, "here", areas=["JP-18"], languages=["ja"])
    await subscribe(world, "elsewhere", areas=["JP-01"])
    await subscribe(world, "firing", level="firing")
    await subscribe(world, "drills", exercises=True)
    await world.past()
    await rise_silence_end(world)
    inbox = await deliver(world)
    told = ["alert.unverified", "alert.stale", "alert.returned", "alert.resolved"]
    assert inbox.kinds("all") == inbox.kinds("here") == inbox.kinds("drills") == told
    assert inbox.kinds("elsewhere") == inbox.kinds("firing") == []
    bodies = inbox.got["https://here.example/"]
    assert [body["data"]["sequence"] for body in bodies] == [1, 2, 3, 4]
    assert set(bodies[0]["data"]["reasons"]) == {"ja"} and bodies[0]["data"]["exercise"] is False
    assert bodies[0]["data"]["links"]["evidence"].endswith("/evidence")


async def test_an_exercise_reaches_only_those_who_opted_in_under_its_own_types(world):
    world.exercise = True
    await subscribe(world, "all")
    await subscribe(world, "drills", exercises=True)
    await world.past()
    await rise_silence_end(world)
    inbox = await deliver(world)
    assert inbox.kinds("all") == []
    assert inbox.kinds("drills") == [
        f"exercise.alert.{kind}" for kind in ("unverified", "stale", "returned", "resolved")
    ]


async def test_a_silence_mutes_the_beginning_and_then_there_is_no_end_to_tell(world):
    await subscribe(world, "all")
    await world.past()
    world.watcher.silences = lambda: (Silence("x", "operator", "maintenance", 0, 2**40),)
    await rise_silence_end(world)
    assert (await deliver(world)).kinds("all") == []


async def test_an_alert_that_rises_breaks_through_a_silence_and_its_end_is_told(world):
    await subscribe(world, "all")
    await world.past()
    world.watcher.silences = lambda: (Silence("x", "operator", "maintenance", 0, 2**40),)
    await world.poll({"s1": HIGH})
    await world.poll({"s1": HIGH})
    for _ in range(2):
        await world.poll({f"s{i}": 150.0 for i in range(6)})
    for _ in range(2):
        await world.poll()
    assert (await deliver(world)).kinds("all") == ["alert.firing", "alert.resolved"]


@pytest.mark.parametrize(("author", "reason", "until"), [("", "x", 10), ("a", " ", 10), ("a", "x", 0)])
def test_a_silence_needs_an_author_a_reason_and_an_end(author, reason, until):
    with pytest.raises(BadSilence):
        Silence("s", author, reason, 0, until)


@pytest.mark.parametrize(
    "text", ["[]", '{"area": ["x"]}', '{"level": "loud"}', '{"languages": ["fr"]}', '{"areas": "JP-18"}', "{"]
)
def test_a_filter_with_a_mistake_is_refused(text):
    with pytest.raises(BadFilter):
        wanted(text)


async def test_a_public_audience_hears_of_nothing_that_may_not_be_passed_on(world):
    world.config.feeds = (feed("jp-test", redistribute=Redistribute.INTERNAL),)
    for key, audience in (("own", "internal"), ("public", "public")):
        row = SubscriptionRow(f"sub-{key}", f"https://{key}.example/", sign.new_secret(), "", audience=audience)
        await deliveries.create_subscription(world.store, row)
    await world.past()
    for _ in range(2):
        await world.poll({"s1": HIGH})
    inbox = await deliver(world)
    assert inbox.kinds("own") == ["alert.unverified"]
    assert inbox.kinds("public") == []


async def test_a_maintenance_window_mutes_missing_data_and_nothing_else(world):
    await subscribe(world, "all")
    await world.past()
    world.watcher.silences = lambda: (Silence("x", "operator", "work at the mast", 0, 2**40, maintenance=True),)
    await rise_silence_end(world)
    assert [kind for kind, _ in await world.story()] == ["unverified", "stale", "returned", "resolved"]
    assert (await deliver(world)).kinds("all") == ["alert.unverified", "alert.resolved"]


async def test_a_blind_feed_speaks_for_its_stations_and_what_it_kept_back_is_on_record(world):
    await subscribe(world, "rises", rules=["departure-two-readings"])
    await subscribe(world, "blind", rules=["blindness"])
    await world.past()
    for _ in range(2):
        await world.poll({"s1": HIGH})
    for _ in range(5):  # the publisher answers, with nothing that is new
        world.clock.advance_to(world.now + 3600)
        await world.commit([("s0", world.now - 4 * 3600, world.quiet("s0", world.now))], FeedState.LATE)
        await world.watch()
    assert [kind for kind, _ in await world.story()] == ["unverified", "stale"]
    (alert,) = await world.alerts()
    (blind,) = await world.alerts("blindness")
    stale = (await alerts.events(world.store, alert.uid))[-1]
    assert json.loads(stale.document)["muted"] == f"blindness {blind.uid}"
    inbox = await deliver(world)
    assert inbox.kinds("blind") == ["alert.firing"]
    assert inbox.kinds("rises") == ["alert.unverified"]


async def test_a_subscribers_own_level_is_told_to_nobody_else_from_beginning_to_end(world):
    own = level(on_request=True, stations=("jp-test:s1",), parameters=LevelNumbers(level=110.0, sustained_s=1200))
    watching(world, own)
    await subscribe(world, "all")
    await subscribe(world, "own", rules=["own-level"])
    await world.past()
    for _ in range(4):
        await world.poll({"s1": 120.0})
    for _ in range(2):
        await world.poll({"s1": 40.0})
    inbox = await deliver(world)
    assert inbox.kinds("own") == ["alert.unverified", "alert.resolved"]
    assert inbox.kinds("all") == []
