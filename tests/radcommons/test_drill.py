"""A drill goes the whole way, is marked all along, and is timed; the dead-man's address hears nothing when any link does not live."""

from __future__ import annotations

import asyncio
import json
import random

import msgspec
import pytest

from alerting.cap import read as read_cap
from alerting.cap_model import CapMessage, Status
from alerting.evaluate import Watcher
from alerting.webhooks import sign
from alerting.webhooks.deliver import Deliverer
from alerting.webhooks.retry import Answered
from api.drills import last_drill, tell_drill
from api.metrics import ApiMetrics
from domain.clock import SystemClock
from domain.drill import DRILL_FEED
from radcommons.dead_man import Beats, DeadMan, poll_alive_s, since, since_newest_poll
from radcommons.drilling import Driller, UnknownRegion, new_drill
from specs.loading import Config
from store import alerts, deliveries, drills, read
from store.alert_rows import SubscriptionRow
from store.rows import Filter
from tests.api import made

CONFIG = Config(made.CONFIG, made.FEEDS, (), made.RULES, made.GEOGRAPHY, "made")


class Receiver:
    def __init__(self, status: int = 204) -> None:
        self.status = status
        self.got: list[tuple[str, bytes]] = []

    async def post(self, url, headers, body) -> Answered:
        self.got.append((url, body))
        return Answered(self.status)


async def through(store, receiver, patience_s=20.0, **asked):
    """One drill, with a watcher and a sender at work beside it."""
    for key, wants in asked.items():
        row = SubscriptionRow(f"sub-{key}", f"https://{key}.example/", sign.new_secret(), "", json.dumps(wants))
        await deliveries.create_subscription(store, row)
    clock = SystemClock()
    watcher = Watcher(store, CONFIG, clock)
    driller = Driller(store, CONFIG, clock, patience_s=patience_s)
    await drills.ask(store, new_drill(CONFIG, "JP-18", clock.now_s()))
    async with Deliverer(store, clock, sender=receiver, chance=random.Random(1)) as sender:
        ended = asyncio.Event()

        async def work() -> None:
            while not ended.is_set():
                await watcher.step()
                await sender.step()
                await asyncio.sleep(0)
            await sender.step()  # the drill does not wait until its last event has arrived; who counts messages does

        beside = asyncio.create_task(work())
        try:
            return await driller.step()
        finally:
            ended.set()
            await beside


async def test_a_drill_is_timed_and_marked_from_the_first_row_to_the_last_message(sqlite_store) -> None:
    receiver = Receiver()
    report = await through(sqlite_store, receiver, wants={"exercises": True}, real={})
    (row,) = await drills.drills(sqlite_store)
    assert (row.state, row.region_id) == ("passed", "JP-18")
    assert (report.receivers, report.acknowledged) == (1, 1)
    assert 0 < report.commit_s < report.detect_s <= report.attempt_s <= report.end_to_end_s
    assert report.resolved_s > report.detect_s
    assert {url for url, _ in receiver.got} == {"https://wants.example/"}, "who did not ask for drills hears of none"
    assert [json.loads(body)["type"] for _, body in receiver.got] == [
        "exercise.alert.firing",
        "exercise.alert.resolved",
    ]
    latest = await read.latest(sqlite_store, Filter())
    assert {(one.series.series.exercise, one.series.station.exercise) for one in latest} == {(True, True)}
    (alert,) = await alerts.alerts(sqlite_store)
    assert alert.exercise
    assert "JP-18" in alert.areas
    events = await alerts.events(sqlite_store, alert.uid)
    assert all(event.exercise for event in events)
    spoken = made_voice()
    for count in range(1, len(events) + 1):
        message = read_cap(spoken.cap(events[:count], {}, None))
        assert isinstance(message, CapMessage)
        assert message.status is Status.EXERCISE


def made_voice():
    from alerting.voicing import Spoken
    from tests.alerting.cap_made import VOICE

    return Spoken(VOICE, CONFIG)


async def test_what_a_drill_measured_is_told(sqlite_store) -> None:
    metrics = ApiMetrics()
    await tell_drill(metrics, sqlite_store, 0)
    assert metrics.registry.get_sample_value("radcommons_drill_seconds", {"step": "end_to_end"}) is None
    assert await last_drill(sqlite_store) is None
    report = await through(sqlite_store, Receiver(), wants={"exercises": True})
    told = await last_drill(sqlite_store)
    assert (told.state, told.end_to_end_s) == ("passed", report.end_to_end_s)
    await tell_drill(metrics, sqlite_store, int(SystemClock().now_s()))
    assert metrics.registry.get_sample_value("radcommons_drill_seconds", {"step": "end_to_end"}) == report.end_to_end_s
    assert metrics.registry.get_sample_value("radcommons_drill_passed") == 1


async def test_a_drill_that_nobody_hears_or_acknowledges_has_not_passed(sqlite_store) -> None:
    await through(sqlite_store, Receiver())
    assert [row.state for row in await drills.drills(sqlite_store)] == ["unheard"]
    await through(sqlite_store, Receiver(500), patience_s=2.0, wants={"exercises": True})
    newest = sorted(await drills.drills(sqlite_store), key=lambda row: row.document)
    states = {row.state: msgspec.json.decode(row.document) for row in newest}
    assert states["failed"]["problem"] == "a receiver has not acknowledged in time"


async def test_a_drill_without_a_watcher_fails(sqlite_store) -> None:
    clock = SystemClock()
    await drills.ask(sqlite_store, new_drill(CONFIG, "JP-18", clock.now_s()))
    report = await Driller(sqlite_store, CONFIG, clock, patience_s=0.3).step()
    assert report.problem == "no alert was raised in time"


async def test_drills_by_the_calendar(sqlite_store) -> None:
    clock = SystemClock()
    driller = Driller(sqlite_store, CONFIG, clock, "JP-18", every_days=30, patience_s=0.1)
    await driller.step()
    await driller.step()
    assert len(await drills.drills(sqlite_store)) == 1
    clock_then = type("Then", (), {"now_s": lambda self: SystemClock().now_s() + 31 * 86_400})()
    driller.clock = clock_then
    await driller._by_calendar()
    assert [row.state for row in await drills.drills(sqlite_store)] == ["asked", "failed"]
    with pytest.raises(UnknownRegion):
        new_drill(CONFIG, "JP-99", 0)


LINKS = ("collector", "watcher", "deliverer")


@pytest.mark.parametrize("broken", [None, *LINKS])
@pytest.mark.parametrize("how", [None, 1e6])
async def test_the_outside_hears_only_while_every_link_lives(broken, how) -> None:
    ages = dict.fromkeys(LINKS, 1.0)
    if broken:
        ages[broken] = how

    def link(name):
        async def age():
            return ages[name]

        return age, 60.0

    receiver = Receiver()
    man = DeadMan("https://outside.example/alive", receiver, {name: link(name) for name in LINKS})
    assert await man.step() == ((broken,) if broken else ())
    assert len(receiver.got) == (0 if broken else 1)
    for name in LINKS:
        assert man.registry.get_sample_value("radcommons_link_alive", {"link": name}) == float(name != broken)
    if broken:
        ages[broken] = 2.0
        assert await man.step() == ()
        assert len(receiver.got) == 1, "and again once it lives"


async def test_a_link_is_what_its_loop_has_really_done(sqlite_store) -> None:
    beats, clock = Beats(), SystemClock()

    async def fails() -> None:
        raise RuntimeError

    async def works() -> None:
        pass

    age = since(lambda: beats.at.get("watch"))
    with pytest.raises(RuntimeError):
        await beats.of("watch", fails)()
    assert await age() is None
    await beats.of("watch", works)()
    assert 0 <= await age() < 5
    async with Deliverer(sqlite_store, clock, sender=Receiver()) as deliverer:
        assert deliverer.stepped_s is None
        await deliverer.step()
        assert deliverer.stepped_s is not None
    polled = since_newest_poll(sqlite_store, clock)
    assert await polled() is None
    await made.fill(sqlite_store, days=0.1)
    assert await polled() == pytest.approx(clock.now_s() - made.NOW, abs=4000)
    assert DRILL_FEED not in {feed.id for feed in CONFIG.feeds}
    assert poll_alive_s(CONFIG) == 3 * 600 + 120
