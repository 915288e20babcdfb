"""Alerts that the watcher itself has raised, kept and moved: every event of them as a CAP message, from the rows of the store."""

import pytest

from alerting.cap import document, message_of, read, read_actual
from alerting.cap_alert import Topic
from alerting.cap_from import cap_alert
from alerting.cap_model import CapMessage, CapRefusal, MsgType
from alerting.syndication import FeedHead, atom
from store import alerts
from store.engine import open_store
from tests.alerting.cap_made import VOICE, geography, schema_errors
from tests.stories.world import World

HIGH = 90.0


@pytest.fixture
async def world(tmp_path):
    store = await open_store(f"sqlite+aiosqlite:///{tmp_path}/w.db")
    yield World(store)
    await store.close()


async def told(world, rule="departure-two-readings"):
    """The CAP message of each event of the only alert of a rule, checked on the way."""
    (row,) = await world.alerts(rule)
    events = await alerts.events(world.store, row.uid)
    messages = []
    for count in range(1, len(events) + 1):
        alert = cap_alert(events[:count], geography(), abouts={"jp-test": world.feed_titles})
        for as_of_s in (None, alert.at_s + 20 * 3600):
            body = document(alert, VOICE, as_of_s)
            assert schema_errors(body) == ""
            assert read(body) == message_of(alert, VOICE, as_of_s)
        message = message_of(alert, VOICE)
        known = {one.reference for one in messages}
        assert set(message.references or ()) <= known | {r for r in message.references or () if ".n" in r.identifier}
        assert (message.msg_type is MsgType.ALERT) == (count == 1)
        messages.append(message)
    return alert, messages


@pytest.fixture(autouse=True)
def _titles(monkeypatch):
    monkeypatch.setattr(World, "feed_titles", {"en": "Feed jp-test", "ja": "配信 jp-test"}, raising=False)


def judged(messages):
    return [
        (m.msg_type.value, m.infos[0].urgency.value, m.infos[0].severity.value, m.infos[0].certainty.value)
        for m in messages
    ]


async def test_rise_silence_return_growth_correction_end_and_withdrawal(world):
    await world.past()
    for _ in range(2):
        await world.poll({"s1": HIGH})
    begun = world.now - 300
    for _ in range(22):
        await world.poll(only=["s5"])
    up = {f"s{i}": 130.0 for i in range(4)}
    for _ in range(3):
        await world.poll(up)
    for _ in range(4):
        await world.poll()
    alert, messages = await told(world)
    kinds = [event.kind for event in await alerts.events(world.store, alert.alert_id)]
    assert kinds[:2] == ["unverified", "stale"]
    assert {"firing", "resolved"} <= set(kinds)
    assert judged(messages)[0] == ("Alert", "Unknown", "Minor", "Possible")
    assert judged(messages)[1] == ("Update", "Unknown", "Minor", "Unknown")
    assert ("Update", "Expected", "Moderate", "Likely") in judged(messages)
    assert judged(messages)[-1] == ("Update", "Past", "Moderate", "Observed")
    assert messages[0].infos[0].onset.s < begun
    assert isinstance(read_actual(document(alert, VOICE)), CapMessage)
    assert messages[0].infos[1].areas[0].description == geography().by_id["JP-18"].name("ja")


async def test_amended_and_cancelled(world):
    await world.past()
    for _ in range(2):
        await world.poll({"s1": HIGH})
    await world.correct("s1", world.now - 300, 80.0)
    await world.correct("s1", world.now - 420 + 60, 50.0)
    alert, messages = await told(world)
    kinds = [event.kind for event in await alerts.events(world.store, alert.alert_id)]
    assert kinds == ["unverified", "amended", "cancelled"]
    assert [m.msg_type for m in messages] == [MsgType.ALERT, MsgType.UPDATE, MsgType.CANCEL]
    assert {r.identifier for r in messages[2].references} == {messages[0].identifier, messages[1].identifier}


async def test_a_blind_feed_is_told_by_its_name(world):
    await world.past()
    for _ in range(3):
        await world.poll()
    await world.silence(2 * 86_400, every=3600)
    alert, messages = await told(world, "blindness")
    assert alert.topic is Topic.BLINDNESS
    assert messages[0].infos[1].headline.startswith("配信 jp-test：測定データが届かず")
    assert "stations: 0" not in messages[0].infos[0].headline
    assert "no measurements arrive" in atom([alert], VOICE, FeedHead("https://x.example/a", world.now)).decode()


async def test_an_exercise_from_the_first_row_to_the_last_message(world):
    world.exercise = True
    await world.past()
    for _ in range(2):
        await world.poll({"s1": HIGH})
    alert, messages = await told(world)
    assert all(message.status.value == "Exercise" for message in messages)
    assert read_actual(document(alert, VOICE)).reason is CapRefusal.NOT_ACTUAL
