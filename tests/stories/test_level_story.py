"""Levels of authorities and of operators: crossing one is told with its issuer, lives by readings, and is never a declaration."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from specs.rule import LevelNumbers, LevelRule, load_rules, rule_of
from store import alerts
from tests.stories.world import QUANTITY, RULES, FakeConfig, feed

SHIPPED = {rule.id: rule for rule in RULES}


def level(**changes):
    names = {"en": "Own level", "ja": "独自の水準", "ko": "자체 기준", "zh": "自定水平"}
    given = {
        "id": "own-level", "version": 1, "kind": "level", "title": names, "issuer": {"en": "The operator"}, "source": "operator",
        "quantities": (QUANTITY,), "parameters": LevelNumbers(level=110.0),
    }  # fmt: skip
    return LevelRule(**(given | changes))


def watching(world, rule):
    world.config = FakeConfig(feeds=(feed("jp-test"),), rules=(rule,))
    world.restart()
    return world


async def kinds(world):
    return [kind for kind, _ in await world.story("own-level")]


async def test_two_readings_above_are_told_with_issuer_and_end_well_below(world):
    watching(world, level())
    await world.past()
    await world.poll({"s1": 120.0})
    assert await kinds(world) == []
    await world.poll({"s1": 120.0})
    assert await kinds(world) == ["unverified"]
    (alert,) = await world.alerts("own-level")
    (event,) = await alerts.events(world.store, alert.uid, evidence=True)
    assert "Own level (The operator): 110 nSv/h" in event.reasons["en"]
    assert "not a declaration" in event.reasons["en"]
    for _ in range(4):
        await world.poll({"s1": 80.0})  # below the level, but not below half of it
    assert await kinds(world) == ["unverified"]
    for _ in range(2):
        await world.poll({"s1": 30.0})
    assert await kinds(world) == ["unverified", "resolved"]


async def test_a_level_can_ask_to_be_held_for_a_while_and_for_places(world):
    numbers = LevelNumbers(level=110.0, sustained_s=3000)
    watching(world, level(parameters=numbers, stations=("jp-test:s1",)))
    await world.past()
    for _ in range(5):
        await world.poll({"s1": 120.0, "s2": 120.0})
    assert await kinds(world) == []
    await world.poll({"s1": 120.0, "s2": 120.0})
    assert await kinds(world) == ["unverified"]
    (alert,) = await world.alerts("own-level")
    assert alert.subject == world.uid("s1")


async def test_a_place_that_is_above_it_always_is_no_news(world):
    watching(world, level(parameters=LevelNumbers(level=40.0)))
    await world.past()
    for _ in range(3):
        await world.poll()
    assert await kinds(world) == []


@pytest.mark.parametrize(("needed", "told"), [(True, []), (False, ["unverified"])])
async def test_of_a_place_without_a_past_it_is_told_unless_a_past_is_needed(world, needed, told):
    watching(world, level(parameters=LevelNumbers(level=110.0, past_needed=needed)))
    for _ in range(3):
        await world.poll({"s1": 120.0})
    assert await kinds(world) == told


async def test_silence_makes_it_stale_and_a_correction_cancels(world):
    watching(world, level())
    await world.past()
    await world.poll({"s1": 120.0})
    await world.poll({"s1": 120.0})
    end = world.now - 300
    await world.silence(4 * 3600, every=1800)
    assert await kinds(world) == ["unverified", "stale"]
    await world.correct("s1", end, 50.0)
    assert await kinds(world) == ["unverified", "stale", "cancelled"]


def test_the_shipped_levels_name_issuer_and_source_and_doubted_ones_are_off():
    levels = [rule for rule in load_rules_shipped() if rule.kind == "level"]
    assert {rule.id: rule.parameters.level for rule in levels if rule.enabled} == {
        "jp-oil1": 500_000.0, "jp-oil2": 20_000.0, "jp-food-screening": 500.0, "kr-warning": 973.0, "kr-emergency": 973_000.0,
        "iaea-oil1": 1_000_000.0, "iaea-oil3": 1_000.0,
    }  # fmt: skip
    assert all(rule.source and rule.issuer for rule in levels)
    assert all(rule.doubt for rule in levels if not rule.enabled)
    assert not any({"air_kerma_rate", "absorbed_dose_rate_in_air"} & set(rule.quantities) for rule in levels)
    assert all(rule_of(rule.model_dump(mode="json")) == rule for rule in levels)


def load_rules_shipped():
    from pathlib import Path

    return load_rules(Path(__file__).parents[2] / "config" / "rules.yaml")


def test_a_doubted_level_cannot_be_enabled():
    with pytest.raises(ValidationError, match="doubt"):
        level(doubt="nobody has read the table")


def test_a_level_is_for_the_countries_and_areas_that_it_names():
    rule = SHIPPED["jp-oil2"]
    assert rule.applies_to("any", "any:s", ("JP-07",))
    assert not rule.applies_to("any", "any:s", ("KR-26",))
    assert not rule.applies_to("any", "any:s", ())
