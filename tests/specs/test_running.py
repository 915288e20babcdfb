"""A broken file costs itself alone: its last good version runs, or it is left out, and both are said with file and line."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from specs.loading import Config, ConfigError, load_text
from specs.running import Kept, digest_of, load_running, texts_of
from tests.conftest import ROOT

RAMIS, QUAKES = "feeds/jp-nra-ramis.yaml", "feeds/jp-jma-quakes.yaml"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two feeds and everything that they share."""
    made = tmp_path / "config"
    (made / "feeds").mkdir(parents=True)
    for name in (RAMIS, QUAKES, "sources.yaml", "rules.yaml", "regions.geojson", "sea_areas.geojson"):
        shutil.copy(ROOT / "config" / name, made / name)
    shutil.copytree(ROOT / "config" / "tables", made / "tables")
    return made


@pytest.fixture
def kept(folder: Path) -> dict[str, Kept]:
    return {name: Kept(digest_of(text), text) for name, text in texts_of(folder).items()}


def edit(folder: Path, name: str, old: str, new: str) -> None:
    text = (folder / name).read_text(encoding="utf-8")
    assert old in text
    (folder / name).write_text(text.replace(old, new, 1), encoding="utf-8")


def ids(config: Config) -> set[str]:
    return {feed.id for feed in config.feeds}


BOTH = {"jp-nra-ramis", "jp-jma-quakes"}


def test_files_in_order_are_taken_as_they_stand(folder: Path, kept: dict[str, Kept]) -> None:
    config = load_running(folder, kept)
    assert (ids(config), config.held, config.folder) == (BOTH, (), folder)
    assert config.texts[RAMIS] == kept[RAMIS].text


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("quantity:", "quantitty:"),
        ("every_s: ", "every_s: never "),
        ("forms:", "forms: ["),
        ("source: jp-nra", "source: jp-nrb"),
    ],
)
def test_the_last_good_version_of_a_broken_feed_runs(folder: Path, kept: dict[str, Kept], old: str, new: str) -> None:
    good = load_running(folder, kept)
    edit(folder, RAMIS, old, new)
    config = load_running(folder, kept)
    assert config.feed("jp-nra-ramis") == good.feed("jp-nra-ramis")
    (held,) = config.held
    assert (held.name, held.runs) == (RAMIS, kept[RAMIS].digest)
    assert held.problems[0].startswith(f"{RAMIS}:")
    assert held.digest == digest_of((folder / RAMIS).read_text(encoding="utf-8"))


def test_bytes_that_are_no_text_are_broken_too(folder: Path, kept: dict[str, Kept]) -> None:
    (folder / RAMIS).write_bytes(b"\xff\xfe\x00")
    assert ids(load_running(folder, kept)) == BOTH


def test_without_a_good_version_a_broken_feed_is_left_out_and_said_to_be(folder: Path) -> None:
    edit(folder, RAMIS, "quantity:", "quantitty:")
    config = load_running(folder, {})
    assert ids(config) == {"jp-jma-quakes"}
    assert (config.held[0].name, config.held[0].runs) == (RAMIS, "")


def test_a_copy_with_the_same_id_costs_the_copy_and_not_the_feed(folder: Path) -> None:
    shutil.copy(folder / RAMIS, folder / "feeds" / "a-copy.yaml")
    config = load_running(folder, {})
    assert ids(config) == BOTH
    assert [one.name for one in config.held] == ["feeds/a-copy.yaml"]
    assert any("already the id of another feed" in line for line in config.held[0].problems)


def test_a_shared_file_whose_edit_breaks_a_feed_is_the_one_held(folder: Path, kept: dict[str, Kept]) -> None:
    edit(folder, "sources.yaml", "id: jp-nra", "id: jp-nrb")
    config = load_running(folder, kept)
    assert ids(config) == BOTH
    assert [one.name for one in config.held] == ["sources.yaml"]


@pytest.mark.parametrize("name", ["sources.yaml", "rules.yaml", "regions.geojson"])
def test_a_broken_shared_file_runs_in_its_last_good_version(folder: Path, kept: dict[str, Kept], name: str) -> None:
    (folder / name).write_text("[", encoding="utf-8")
    config = load_running(folder, kept)
    assert ids(config) == BOTH
    assert [one.name for one in config.held] == [name]


@pytest.mark.parametrize("name", ["sources.yaml", "rules.yaml"])
def test_a_broken_shared_file_without_a_good_version_stops_the_start_and_names_only_itself(
    folder: Path, name: str
) -> None:
    (folder / name).write_text("[", encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_running(folder, {})
    assert {problem.file for problem in caught.value.problems} == {name}


def test_a_folder_of_feeds_that_is_empty_all_at_once_is_a_lost_mount(folder: Path, kept: dict[str, Kept]) -> None:
    for path in (folder / "feeds").iterdir():
        path.unlink()
    config = load_running(folder, kept)
    assert ids(config) == BOTH
    assert {one.name for one in config.held} == {RAMIS, QUAKES}


def test_one_feed_that_is_taken_away_is_gone(folder: Path, kept: dict[str, Kept]) -> None:
    (folder / QUAKES).unlink()
    assert ids(load_running(folder, kept)) == {"jp-nra-ramis"}


def test_a_version_that_is_held_back_stays_back_until_the_file_changes(folder: Path, kept: dict[str, Kept]) -> None:
    good = kept[RAMIS]
    edit(folder, RAMIS, "Asia/Tokyo", "UTC")
    candidate = digest_of((folder / RAMIS).read_text(encoding="utf-8"))
    kept[RAMIS] = Kept(good.digest, good.text, candidate, ("why",))
    config = load_running(folder, kept)
    assert config.texts[RAMIS] == good.text
    assert config.held[0].problems == ("why",)
    edit(folder, RAMIS, "UTC", "Etc/GMT-9")
    assert "Etc/GMT-9" in load_running(folder, kept).texts[RAMIS]


def test_a_version_that_the_store_alone_holds_runs_without_a_file(folder: Path, kept: dict[str, Kept]) -> None:
    text = kept[QUAKES].text
    (folder / QUAKES).unlink()
    kept[QUAKES] = Kept(digest_of(text), text, "")
    assert ids(load_running(folder, kept)) == BOTH


def test_a_text_is_checked_beside_the_files_that_run(folder: Path, kept: dict[str, Kept]) -> None:
    config = load_running(folder, kept)
    text = kept[RAMIS].text
    assert load_text(text, RAMIS, config) == config.feed("jp-nra-ramis")
    for wrong in (
        "- no mapping",
        text.replace("jp-nra-ramis", "other-id"),
        text.replace("source: jp-nra", "source: nobody"),
    ):
        with pytest.raises(ConfigError, match=r"feeds/jp-nra-ramis\.yaml:\d+:\d+"):
            load_text(wrong, RAMIS, config)


SPARED = {
    "sites.yaml": ("sites: [{id: xx-site}]\n", lambda config: config.sites.sites),
    "retired.yaml": ("retired: [{station: old}]\n", lambda config: config.retired),
    "method_changes.yaml": ("changes: [{of: x, at: never}]\n", lambda config: config.changed),
    "twins.yaml": ("twins: 7\n", lambda config: config.twins),
}
GOOD = {
    "sites.yaml": (ROOT / "config" / "sites.yaml").read_text(encoding="utf-8"),
    "retired.yaml": "retired: [{station: a, redirect_to: b, since: 2026-04-01, reason: renumbered}]\n",
    "method_changes.yaml": "changes: [{of: a, at: 2025-07-01T00:00:00+02:00, what: calculation, source: notice}]\n",
    "twins.yaml": "twins: [{first: a, second: b, status: proposed, why: near}]\n",
}


@pytest.mark.parametrize("name", SPARED)
def test_a_broken_file_that_no_feed_needs_stops_nothing(name: str, folder: Path, kept: dict[str, Kept]) -> None:
    broken, part = SPARED[name]
    (folder / name).write_text(broken, encoding="utf-8")
    for known in (kept, {}):  # without a good version: at a first start too
        config = load_running(folder, known)
        assert ids(config) == BOTH and not part(config)
        assert [(one.name, one.runs) for one in config.held] == [(name, "")]
        assert config.held[0].problems[0].startswith(f"{name}:1:")
    good = {**kept, name: Kept(digest_of(GOOD[name]), GOOD[name])}
    config = load_running(folder, good)
    assert part(config) and [one.runs for one in config.held] == [digest_of(GOOD[name])]
