"""Laboratory samples and the levels that they are held against: per sample, never "now", and a limit is no value."""

from __future__ import annotations

from dataclasses import replace

from domain.readings import Answer, Batch, Harvest, Sample, SampleResult, Station
from domain.states import Censoring, FeedState
from specs.rule import SampleNumbers, SampleRule
from store import alerts
from store.write import commit_batch, finish_run
from tests.stories.world import RULES, FakeConfig, feed

RULE = "sea-level"
DAY = 86_400


def rule(**changes):
    names = {"en": "Tritium above a level", "ja": "トリチウム", "ko": "삼중수소", "zh": "氚"}
    given = {
        "id": RULE, "version": 1, "kind": "sample", "title": names, "issuer": {"en": "The issuer"}, "source": "a page",
        "quantities": ("activity_concentration_in_water",), "analytes": ("H-3",), "media": ("sea_water",),
        "parameters": SampleNumbers(level=700.0, unit="Bq/L"),
    }  # fmt: skip
    return SampleRule(**(given | changes))


def sample(world, at_s, value, censoring=Censoring.NONE, key="p1"):
    result = SampleResult(
        f"r-{key}-{at_s}", f"jp-test:{key}:H-3", "H-3", "activity_concentration_in_water", "Bq/L", value, censoring
    )
    return Sample(
        f"jp-test:{key}:{at_s}",
        f"jp-test:{key}",
        "sea_water",
        at_s - 60,
        at_s,
        "2026-09-20",
        "day",
        "Asia/Tokyo",
        False,
        results=(result,),
    )


async def taken(world, *samples, place=(37.42, 141.03)):
    world.clock.advance_to(world.now + 600)
    stations = tuple(
        Station(uid, "jp-test", uid.split(":")[1], (("en", "Point one"),), *place)
        for uid in sorted({s.station_uid for s in samples})
    )
    blank = world.batch([])
    answer = Answer(
        "jp-test",
        "GET",
        f"https://x.example/s{world.now}",
        float(world.now),
        float(world.now),
        200,
        sha256=f"{world.now:064x}",
    )
    harvest = replace(Harvest(len(samples), stations, None), samples=samples)
    batch = Batch("jp-test", blank.run_uid, world.now, answer, harvest, world.now, False)
    await commit_batch(world.store, batch, {one.uid: ("SEA-01",) for one in stations})
    await finish_run(world.store, batch.run_uid, world.now, FeedState.OK, "")
    await world.watch()


def watching(world, **changes):
    world.config = FakeConfig(feeds=(feed("jp-test"),), rules=(rule(**changes),))
    world.restart()


async def kinds(world):
    return [kind for kind, _ in await world.story(RULE)]


async def test_a_sample_above_is_told_with_its_time_and_two_later_ones_end_it(world):
    watching(world)
    at_s = world.now - 5 * DAY
    await taken(world, sample(world, at_s, 750.0))
    assert await kinds(world) == ["unverified"]
    (alert,) = await world.alerts(RULE)
    (event,) = await alerts.events(world.store, alert.uid, evidence=True)
    assert "Taken 2026-09-20 at Point one: 750 Bq/L (H-3)" in event.reasons["en"]
    assert "not the state now" in event.reasons["en"]
    assert [(row.value, row.end_s, row.revision) for row in event.evidence] == [(750.0, at_s, 1)]
    world.restart()
    await taken(world, sample(world, at_s + DAY, 100.0))
    await world.silence(DAY, every=DAY)
    assert await kinds(world) == ["unverified"]
    await taken(world, sample(world, at_s + 2 * DAY, 90.0))
    assert await kinds(world) == ["unverified", "resolved"]


async def test_below_its_limit_old_or_elsewhere_never_fires(world):
    watching(world, box=(140.9, 37.3, 141.1, 37.5))
    await taken(world, sample(world, world.now - DAY, 900.0, Censoring.BELOW))
    await taken(world, sample(world, world.now - 200 * DAY, 900.0))
    await taken(world, sample(world, world.now - DAY, 900.0, key="p2"), place=(38.0, 141.5))
    await taken(world, sample(world, world.now - DAY, 699.9))
    assert await kinds(world) == []


async def test_a_corrected_sample_cancels_and_the_same_again_is_no_news(world):
    watching(world)
    at_s = world.now - 2 * DAY
    await taken(world, sample(world, at_s, 800.0))
    await taken(world, sample(world, at_s, 800.0))
    assert await kinds(world) == ["unverified"]
    await taken(world, sample(world, at_s, 8.0))
    assert await kinds(world) == ["unverified", "cancelled"]


def test_shipped_sample_levels_name_their_source_and_doubted_ones_are_off():
    shipped = [one for one in RULES if one.kind == "sample"]
    assert [one.id for one in shipped if one.enabled] == ["alps-sea-stop-700", "jp-oil6-food-caesium"]
    assert all(one.doubt for one in shipped if not one.enabled)
    assert all(one.source and one.issuer for one in shipped)
