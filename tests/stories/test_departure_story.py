from domain.states import FeedState
from store import alerts

HIGH = 90.0


async def test_a_quiet_country_says_nothing(world):
    await world.past()
    for _ in range(5):
        await world.poll()
    assert await world.alerts() == []
    assert await alerts.unhandled(world.store) == 0


async def test_one_reading_is_nothing_two_are_an_unverified_alert_with_its_evidence(world):
    await world.past()
    await world.poll({"s1": HIGH})
    assert await world.alerts() == []
    await world.poll({"s1": HIGH + 5})
    (alert,) = await world.alerts()
    assert (alert.state.value, alert.level.value, alert.areas, alert.exercise) == (
        "unverified",
        "unverified",
        ("JP-18",),
        False,
    )
    (event,) = await alerts.events(world.store, alert.uid, evidence=True)
    assert event.kind == "unverified" and event.at_s == world.now
    assert [(row.value, row.revision) for row in event.evidence] == [(HIGH, 1), (HIGH + 5, 1)]
    assert all(row.sha256 and row.numbers["count"] >= 48 for row in event.evidence)
    assert set(event.reasons) == {"en", "ja", "ko", "zh"}
    assert "Station s1" in event.reasons["en"] and "90, 95 nSv/h" in event.reasons["en"]


async def test_rise_silence_return_and_end(any_world):
    world = any_world
    await world.past()
    for _ in range(3):
        await world.poll({"s1": HIGH})
    others = [key for key in world.stations if key != "s1"]
    for _ in range(22):
        await world.poll(only=others)
    assert (await world.story()) == [("unverified", "unverified"), ("stale", "stale")]
    await world.poll({"s1": HIGH})
    assert (await world.story())[-1] == ("returned", "unverified")
    await world.poll()
    assert (await world.story())[-1] == ("returned", "unverified")
    await world.poll()
    assert (await world.story())[-1] == ("resolved", "resolved")
    for _ in range(5):
        await world.poll()
    assert len(await world.story()) == 4


async def test_an_outage_of_the_whole_feed_resolves_nothing_and_is_an_alert_of_its_own(world):
    await world.past()
    for _ in range(3):
        await world.poll({"s1": HIGH})
    await world.silence(3 * 86_400, every=3600)
    assert await world.story() == [("unverified", "unverified"), ("stale", "stale")]
    assert await world.story("blindness") == [("firing", "firing")]
    (blind,) = await world.alerts("blindness")
    event = (await alerts.events(world.store, blind.uid))[0]
    assert "No poll of Feed jp-test" in event.reasons["en"]
    await world.poll()
    await world.silence(120)
    assert await world.story("blindness") == [("firing", "firing"), ("resolved", "resolved")]
    await world.poll()
    assert (await world.story())[-1] == ("resolved", "resolved")


async def test_one_event_over_many_stations_is_one_alert_that_grows(world):
    await world.past()
    up = {"s0": HIGH}
    for _ in range(2):
        await world.poll(up)
    up |= {"s1": HIGH}
    for _ in range(2):
        await world.poll(up)
    up |= {f"s{i}": 130.0 for i in range(6)}
    for _ in range(2):
        await world.poll(up)
    (alert,) = await world.alerts()
    assert alert.state.value == "firing"
    assert await world.story() == [("unverified", "unverified"), ("grew", "unverified"), ("firing", "firing")]


async def test_a_correction_that_takes_the_rise_away_cancels(world):
    await world.past()
    await world.poll({"s1": HIGH})
    await world.poll({"s1": HIGH})
    await world.correct("s1", world.now - 300, 50.0)
    assert await world.story() == [("unverified", "unverified"), ("cancelled", "cancelled")]
    (alert,) = await world.alerts()
    events = await alerts.events(world.store, alert.uid, evidence=True)
    assert [row.value for row in events[0].evidence] == [HIGH, HIGH]
    assert [(row.value, row.revision) for row in events[1].evidence] == [(HIGH, 1), (50.0, 2)]


async def test_a_correction_that_leaves_a_rise_amends_and_it_ends_as_usual(world):
    await world.past()
    await world.poll({"s1": HIGH})
    await world.poll({"s1": HIGH})
    await world.correct("s1", world.now - 360 + 60, 80.0)
    assert await world.story() == [("unverified", "unverified"), ("amended", "amended")]
    await world.poll()
    await world.poll()
    assert (await world.story())[-1] == ("resolved", "resolved")


async def test_a_correction_after_the_end_still_cancels(world):
    await world.past()
    await world.poll({"s1": HIGH})
    await world.poll({"s1": HIGH})
    end = world.now - 300
    for _ in range(3):
        await world.poll()
    await world.correct("s1", end, 50.0)
    assert [kind for kind, _ in await world.story()] == ["unverified", "resolved", "cancelled"]


async def test_a_withdrawn_reading_cancels(world):
    await world.past()
    await world.poll({"s1": HIGH})
    await world.poll({"s1": HIGH})
    await world.take_back("s1", [world.now - 300])
    assert [kind for kind, _ in await world.story()] == ["unverified", "cancelled"]


async def test_an_exercise_is_an_alert_of_its_own_kind(world):
    world.exercise = True
    await world.past()
    await world.poll({"s1": HIGH})
    await world.poll({"s1": HIGH})
    (alert,) = await world.alerts()
    (event,) = await alerts.events(world.store, alert.uid)
    assert alert.exercise and event.exercise and event.reasons["en"].startswith("[EXERCISE]")
    assert '"type":"exercise.alert.unverified"' in event.document


async def test_a_late_publisher_is_one_blindness_and_no_station_is_called_dead(world):
    await world.past()
    for _ in range(3):
        await world.poll()
    for _ in range(4):  # the publisher answers, with hours-old lists
        world.clock.advance_to(world.now + 3600)
        await world.commit(
            [(key, world.now - 4 * 3600 - 300, world.quiet(key, world.now)) for key in world.stations], FeedState.LATE
        )
        await world.watch()
    for _ in range(4):
        await world.poll()
    assert await world.story("blindness") == [("firing", "firing"), ("resolved", "resolved")]
    (blind,) = await world.alerts("blindness")
    event = (await alerts.events(world.store, blind.uid))[0]
    assert "3 polls of Feed jp-test" in event.reasons["en"] and "(late)" in event.reasons["en"]
    assert await world.alerts() == []


async def test_an_area_whose_stations_stay_quiet_while_the_feed_is_on_time_is_an_alert(world):
    await world.past()
    for _ in range(30):
        await world.poll(only=["s0", "s1", "s2", "s3"])
    assert await world.story("blindness") == [("firing", "firing")]
    (blind,) = await world.alerts("blindness")
    assert (blind.subject, blind.areas) == ("JP-18", ("JP-18",))
    event = (await alerts.events(world.store, blind.uid))[0]
    assert "2 of 6 stations of Fukui" in event.reasons["en"]
    for _ in range(2):
        await world.poll()
    assert await world.story("blindness") == [("firing", "firing"), ("resolved", "resolved")]
