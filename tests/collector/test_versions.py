"""Which version of a file runs: an edit is checked, held against the running one, written down with who and why, and followed by all."""

from __future__ import annotations

from pathlib import Path

import pytest

from collector.applying import ApplyRefusedError, allow, apply_version, known_of, plan_text, running_text
from collector.planning import Plan, archived
from specs.running import digest_of
from store.config_files import config_changes, config_files
from store.engine import Store
from tests.collector.operated import GOOD, NAME, NOW, World, world


@pytest.fixture
async def made(sqlite_store: Store, tmp_path: Path) -> World:
    found = world(sqlite_store, tmp_path)
    found.archive()
    found.config = await found.versions().decide()
    return found


async def actions(made: World) -> list[str]:
    return [one.action for one in await config_changes(made.store, "xx-made")]


async def test_the_first_look_writes_down_what_runs(made: World) -> None:
    assert await actions(made) == ["first"]
    assert (await config_files(made.store))[NAME].digest == digest_of(GOOD)


async def test_a_harmless_edit_runs_and_says_who_and_what(made: World) -> None:
    made.write(GOOD.replace("A made-up feed", "Another name"))
    config = await made.versions().decide()
    assert config.feeds[0].title == {"en": "Another name"}
    newest = (await config_changes(made.store, "xx-made"))[0]
    assert newest.action == "edit"
    assert "owner of the file" in newest.author
    assert "+title: {en: Another name}" in newest.diff
    assert "compared; 0 breaches" in newest.numbers


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("unit: uSv/h", "unit: nSv/h", "0.001 times what the running version reads"),
        ("latitude: lat, longitude: lon", "latitude: lon, longitude: lat", "latitude and longitude swapped"),
        ("Asia/Tokyo", "Pacific/Guam", "1 h earlier"),
        ("column: dose", "column: dosis", "missing_column"),
        ("key: code", "key: lat", "3 of 3 stations are lost"),
    ],
)
async def test_an_edit_that_leads_astray_is_held_until_the_file_is_mended(
    made: World, old: str, new: str, said: str
) -> None:
    versions = made.versions()
    made.write(GOOD.replace(old, new))
    config = await versions.decide()
    assert config.texts[NAME] == GOOD, "the running version goes on"
    (held,) = config.held
    assert said in "\n".join(held.problems)
    assert "radcommons feed apply xx-made --force --reason" in held.problems[-1]
    assert (await made.followed()).texts[NAME] == GOOD, "the other programs follow"
    await versions.decide()
    assert await actions(made) == ["hold", "first"], "and it is said once"
    made.write(GOOD)
    assert (await versions.decide()).held == ()


async def test_a_broken_file_is_said_once_and_again_when_it_is_in_order(made: World) -> None:
    versions = made.versions()
    made.write(GOOD.replace("forms:", "forms: ["))
    config = await versions.decide()
    await versions.decide()
    assert (config.texts[NAME], config.held[0].name) == (GOOD, NAME)
    assert await actions(made) == ["broken", "first"]
    made.write(GOOD.replace("A made-up feed", "Mended"))
    assert (await versions.decide()).feeds[0].title == {"en": "Mended"}
    assert (await made.versions().decide()).held == ()


async def test_a_restart_with_a_broken_file_runs_the_last_good_version(made: World) -> None:
    made.write("id: [")
    assert (await made.versions().decide()).texts[NAME] == GOOD


async def test_without_archived_answers_an_edit_is_taken_and_said_not_to_be_compared(
    sqlite_store: Store, tmp_path: Path
) -> None:
    bare = world(sqlite_store, tmp_path)
    await bare.versions().decide()
    bare.write(GOOD.replace("Asia/Tokyo", "UTC"))
    assert (await bare.versions().decide()).held == ()
    assert "not compared" in (await config_changes(sqlite_store, "xx-made"))[0].numbers


async def test_a_feed_that_is_taken_away_is_written_down(made: World) -> None:
    made.write(GOOD)
    (made.file.parent / "yy-made.yaml").write_text(GOOD.replace("xx-made", "yy-made"), encoding="utf-8")
    versions = made.versions()
    assert len((await versions.decide()).feeds) == 2
    (made.file.parent / "yy-made.yaml").unlink()
    assert len((await versions.decide()).feeds) == 1
    assert [one.action for one in await config_changes(made.store, "yy-made")] == ["remove", "first"]


async def plan_of(made: World, text: str) -> Plan:
    before = await running_text(made.store, made.file.parents[1], "xx-made")
    captures = archived(made.config, [made.config.feeds[0]], made.folder / "raw")
    return plan_text(made.config, "xx-made", text, before, captures, await known_of(made.store, "xx-made"))


async def test_a_breach_is_refused_with_the_numbers_unless_somebody_answers_for_it(made: World) -> None:
    plan = await plan_of(made, GOOD.replace("Asia/Tokyo", "Pacific/Guam"))
    with pytest.raises(ApplyRefusedError, match=r"feeds/xx-made\.yaml:\d+:\d+ forms\.0\.time\.zone"):
        allow(plan, force=False, reason="")
    with pytest.raises(ApplyRefusedError, match="needs a reason"):
        allow(plan, force=True, reason=" ")
    allow(plan, force=True, reason="their clock was wrong until today")


async def test_a_forced_version_runs_everywhere_and_keeps_its_reason(made: World) -> None:
    text = GOOD.replace("Asia/Tokyo", "Pacific/Guam")
    made.write(text)
    await made.versions().decide()
    plan = await plan_of(made, text)
    done = await apply_version(
        made.store, made.file.parents[1], plan, text, author="Kim", reason="their clock", now_s=int(NOW)
    )
    assert done.written
    assert (await made.versions().decide()).texts[NAME] == text
    assert (await made.followed()).held == ()
    newest = (await config_changes(made.store, "xx-made"))[0]
    assert (newest.action, newest.author, newest.digest, newest.before) == (
        "force",
        "Kim",
        digest_of(text),
        digest_of(GOOD),
    )
    assert newest.reason.startswith("their clock\nfeeds/xx-made.yaml:")


async def test_a_folder_that_cannot_be_written_leaves_the_version_in_the_store(
    made: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(30, "Read-only file system")

    text = GOOD.replace("A made-up feed", "From the store")
    monkeypatch.setattr("collector.applying.tempfile.mkstemp", refuse)
    done = await apply_version(
        made.store, made.file.parents[1], await plan_of(made, text), text, author="Kim", reason="", now_s=int(NOW)
    )
    assert not done.written
    assert made.file.read_text(encoding="utf-8") == GOOD
    assert (await made.versions().decide()).texts[NAME] == text
    made.write(GOOD.replace("A made-up feed", "The file wins again"))
    assert (await made.versions().decide()).feeds[0].title == {"en": "The file wins again"}
