"""A process follows its configuration: an edit takes over within two looks, a broken one changes nothing but what is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from radcommons.live import LiveConfig, reusing, signature
from specs.loading import Config
from store.engine import Store
from tests.collector.operated import FORMS, GOOD, NAME, World, world
from tests.feeds.made import HEAD

SECOND = "feeds/yy-made.yaml"


@pytest.fixture
async def made(sqlite_store: Store, tmp_path: Path) -> World:
    found = world(sqlite_store, tmp_path)
    (found.file.parent / "yy-made.yaml").write_text((HEAD + FORMS).replace("xx-made", "yy-made"), encoding="utf-8")
    found.config = await found.versions().decide()
    return found


class Followed:
    """Remembers every configuration that took over."""

    def __init__(self) -> None:
        self.seen: list[Config] = []

    async def __call__(self, config: Config) -> None:
        self.seen.append(config)


async def live(made: World, *, decides: bool = True) -> tuple[LiveConfig, Followed]:
    followed = Followed()
    found = LiveConfig(made.folder / "config", made.store, made.config, made.versions().decide if decides else None)
    found.on_change(followed)
    await found.begin()
    return found, followed


async def test_nothing_happens_while_nothing_changes(made: World) -> None:
    watched, followed = await live(made)
    for _ in range(3):
        await watched.step()
    assert followed.seen == []


async def test_an_edit_takes_over_once_it_has_come_to_rest_and_the_other_feeds_stay_the_very_same(made: World) -> None:
    watched, followed = await live(made)
    neighbour = watched.config.feed("yy-made")
    made.write(GOOD.replace("A made-up", "A half-written"))
    await watched.step()
    made.write(GOOD.replace("A made-up feed", "A wholly written one"))
    await watched.step()
    assert followed.seen == [], "it was still being written"
    await watched.step()
    assert [one.feed("xx-made").title["en"] for one in followed.seen] == ["A wholly written one"]  # type: ignore[union-attr]
    assert watched.config.feed("yy-made") is neighbour


async def test_a_broken_file_is_said_and_the_others_go_on(made: World) -> None:
    watched, followed = await live(made)
    before = watched.config.feeds
    made.write("id: [")
    await watched.step()
    await watched.step()
    assert [one.name for one in followed.seen[-1].held] == [NAME]
    assert all(old is new for old, new in zip(before, watched.config.feeds, strict=True))
    made.write(GOOD)
    await watched.step()
    await watched.step()
    assert watched.config.held == ()


async def test_a_program_beside_the_collector_follows_its_decisions(made: World) -> None:
    deciding, _ = await live(made)
    following, followed = await live(made, decides=False)
    made.archive()
    made.write(GOOD.replace("unit: uSv/h", "unit: nSv/h"))
    for _ in range(2):
        await deciding.step()
    for _ in range(2):
        await following.step()
    assert followed.seen[-1].texts[NAME] == GOOD
    assert "0.001 times" in followed.seen[-1].held[0].problems[1]


async def test_a_configuration_that_cannot_be_loaded_leaves_the_running_one(
    sqlite_store: Store, tmp_path: Path
) -> None:
    bare = world(sqlite_store, tmp_path)
    watched, followed = await live(bare, decides=False)
    (bare.folder / "config" / "sources.yaml").write_text("[", encoding="utf-8")
    await watched.step()
    await watched.step()
    assert [feed.id for feed in watched.config.feeds] == ["xx-made"]
    assert followed.seen[-1].held[0].name == "sources.yaml"


def test_what_is_the_same_stays_the_same_object(made: World) -> None:
    copy = made.config.feeds[0].model_copy()
    assert reusing(made.config, Config(**{**_fields(made.config), "feeds": (copy,)})).feeds[0] is made.config.feeds[0]


def _fields(config: Config) -> dict[str, object]:
    return {name: getattr(config, name) for name in config.__dataclass_fields__}


def test_the_signature_sees_files_and_not_generated_schemas(tmp_path: Path) -> None:
    (tmp_path / "schema").mkdir()
    before = signature(tmp_path)
    (tmp_path / "schema" / "feed.json").write_text("{}")
    assert signature(tmp_path) == before
    (tmp_path / "a.yaml").write_text("a: 1")
    assert signature(tmp_path) != before
