"""Operator files: everything that is wrong is said at once, with file, line, column and the nearest valid name."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from domain.states import Redistribute
from specs.feed import Rights
from specs.loading import Config, ConfigError, Problem, load_config, load_feed
from specs.schema import FILES, FOLDER, reference, schema
from tests.conftest import ROOT

CONFIG = ROOT / "config"
FEED = """\
id: xx-small
source: xx-lab
title: {en: A small feed}
status: verified
rights: {redistribute: yes, licence: CC0, verdict: allowed}
schedule: {every_s: 600, lag_s: 60, late_after_s: 1200, silent_after_s: 7200}
forms:
  - id: rows
    request:
      url: https://lab.example/rows.csv
    decode: {format: delimited}
    station: {key: code}
    time: {column: time, zone: Asia/Tokyo}
    measures:
      - column: dose
        quantity: air_dose_rate_as_published
        unit: uSv/h
"""
SOURCES = "sources:\n  - {id: xx-lab, names: {en: Lab}, country: XX, attribution: {en: Lab}}\n"


def made(folder: Path, feed: str = FEED, name: str = "xx-small.yaml") -> Path:
    (folder / "feeds").mkdir(parents=True, exist_ok=True)
    (folder / "feeds" / name).write_text(feed, encoding="utf-8")
    (folder / "sources.yaml").write_text(SOURCES, encoding="utf-8")
    (folder / "rules.yaml").write_text("rules: []\n", encoding="utf-8")
    for shared in ("regions.geojson", "sea_areas.geojson"):
        shutil.copy(CONFIG / shared, folder / shared)
    return folder


def problems(folder: Path) -> list[Problem]:
    with pytest.raises(ConfigError) as caught:
        load_config(folder)
    return list(caught.value.problems)


@pytest.fixture(scope="module")
def config() -> Config:
    return load_config(CONFIG)


def test_our_own_configuration_is_in_order(config: Config) -> None:
    assert {feed.id for feed in config.feeds} >= {
        "jp-nra-ramis", "jp-radar-rain", "kr-khnp-radiorate", "kr-busan-radiation", "tw-nusc-gamma", "hk-hko-gamma",
        "int-safecast-devices", "jp-orbs-sea", "jp-jma-quakes",
    }  # fmt: skip


def test_every_feed_carries_what_a_reader_must_know(config: Config) -> None:
    sources = {source.id: source for source in config.sources}
    for feed in config.feeds:
        assert feed.title.get("en"), feed.id
        assert feed.notes, f"{feed.id} tells no trap"
        assert feed.rights.verdict, feed.id
        assert sources[feed.source].attribution, feed.id


def test_a_volunteer_service_is_asked_at_most_every_quarter_of_an_hour(config: Config) -> None:
    assert all(feed.schedule.every_s >= 900 for feed in config.feeds if feed.source == "int-safecast")


def test_unclear_rights_are_internal(config: Config) -> None:
    verdicts = {feed.id: feed.rights.redistribute.value for feed in config.feeds}
    assert verdicts["kr-khnp-radiorate"] == verdicts["kr-busan-radiation"] == "internal"
    assert verdicts["jp-orbs-sea"] == "ask"


def test_a_small_feed_loads(tmp_path: Path) -> None:
    (feed,) = load_config(made(tmp_path)).feeds
    assert feed.namespace == "xx-small"
    assert feed.rights.redistribute == "yes"  # YAML 1.2: a word, never a truth value


def test_the_digest_follows_every_byte(tmp_path: Path) -> None:
    before = load_config(made(tmp_path)).digest
    made(tmp_path, FEED.replace("every_s: 600", "every_s: 900"))
    assert load_config(tmp_path).digest != before


#: An edit of the small feed, and where and what is said about it.
WRONG: dict[str, tuple[str, str, str]] = {
    "unknown key": ("status: verified", "satus: verified", "feeds/xx-small.yaml:4:1 satus unknown key (did you mean `status`?)"),
    "missing key": ("status: verified\n", "", "feeds/xx-small.yaml:1:1 `status` is missing"),
    "unknown quantity": (
        "air_dose_rate_as_published", "air_dose_rate_as_publishd",
        "`air_dose_rate_as_publishd` is no quantity (did you mean `air_dose_rate_as_published`?)",
    ),
    "unknown unit": ("unit: uSv/h", "unit: uSv/hh", "feeds/xx-small.yaml:17:9 forms.0.measures.0.unit `uSv/hh` is no unit in the table (did you mean `uSv/h`?)"),
    "unit of another dimension": ("unit: uSv/h", "unit: uGy/h", "feeds/xx-small.yaml:15:9 forms.0.measures.0 unit `uGy/h` cannot measure"),
    "unknown zone": ("Asia/Tokyo", "Asia/Tokio", "`Asia/Tokio` is not an IANA time zone"),
    "assumed unit without a reason": ("unit: uSv/h", "unit: uSv/h\n        unit_origin: assumed", "an assumed unit needs `unit_why`"),
    "unknown format": ("format: delimited", "format: csv", "feeds/xx-small.yaml:11:5 forms.0.decode"),
    "key of another format": ("format: delimited", "format: delimited, row: x", "forms.0.decode.row unknown key"),
    "secret in a parameter": (
        "url: https://lab.example/rows.csv", "url: https://lab.example/rows.csv\n      parameters: {serviceKey: abc123}",
        "feeds/xx-small.yaml:11:20 forms.0.request.parameters.serviceKey `serviceKey` looks like a secret written in the file",
    ),
    "secret in a header": (
        "url: https://lab.example/rows.csv", "url: https://lab.example/rows.csv\n      headers: {Authorization: Basic abc}",
        "`Authorization` looks like a secret written in the file",
    ),
    "secret in the address": (
        "https://lab.example/rows.csv", "https://lab.example/rows.csv?api_key=abc", "`api_key` looks like a secret written in the file"
    ),
    "login in the address": ("https://lab.example", "https://me:pw@lab.example", "the address carries a login"),
    "undefined variable": ("rows.csv", "{day}.csv", "the template names day, which `variables` does not define"),
    "unknown source": ("source: xx-lab", "source: xx-lap", "feeds/xx-small.yaml:2:1 source `xx-lap` is not in sources.yaml (did you mean `xx-lab`?)"),
    "unknown table": (
        "station: {key: code}", "station: {key: code, listed: {table: posts}}",
        "forms.0.station.listed.table tables/posts.csv does not exist",
    ),
    "times out of order": ("lag_s: 60", "lag_s: 6000", "lag_s < late_after_s < silent_after_s must hold"),
    "two things of one row": (
        "    measures:", "    marks: {mark: gone}\n    measures:", "exactly one of `measures`, `samples`, `quakes` and `marks`"
    ),
    "another file name": ("id: xx-small", "id: xx-smaller", "feeds/xx-small.yaml:1:1 id the file must be called `xx-smaller.yaml`"),
    "not YAML": ("title: {en: A small feed}", "title: {en: A small feed", "not valid YAML"),
    "a key twice": ("status: verified", "status: verified\nstatus: unverified", "not valid YAML"),
    "swapped box": ("forms:", "expect: {bbox: [120, 50, 150, 20]}\nforms:", "bbox is west, south, east, north"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_edit_is_named_where_it_stands(tmp_path: Path, name: str) -> None:
    old, new, said = WRONG[name]
    assert old in FEED
    found = "\n".join(map(str, problems(made(tmp_path, FEED.replace(old, new, 1)))))
    assert said in found


def test_all_problems_of_all_files_are_said_at_once(tmp_path: Path) -> None:
    made(tmp_path, FEED.replace("unit: uSv/h", "unit: x").replace("Asia/Tokyo", "Nowhere"))
    made(tmp_path, FEED.replace("verified", "fine"), "xx-other.yaml")
    found = problems(tmp_path)
    assert {problem.file for problem in found} == {"feeds/xx-small.yaml", "feeds/xx-other.yaml"}
    assert len(found) == 3


def test_of_a_variable_only_the_nearest_kind_is_reported(tmp_path: Path) -> None:
    edit = "url: https://lab.example/{day}.csv\n      variables:\n        day: {format: '%Y', zon: UTC}"
    found = problems(made(tmp_path, FEED.replace("url: https://lab.example/rows.csv", edit)))
    assert [problem.path for problem in found] == ["forms.0.request.variables.day.zon"]
    assert "did you mean `zone`?" in found[0].message


def test_a_secret_by_reference_is_fine(tmp_path: Path) -> None:
    edit = "url: https://lab.example/rows.csv\n      parameters: {serviceKey: {env: LAB_KEY}}"
    (feed,) = load_config(made(tmp_path, FEED.replace("url: https://lab.example/rows.csv", edit))).feeds
    assert feed.forms[0].request.parameters["serviceKey"].env == "LAB_KEY"


def test_a_dropped_column_cannot_be_mapped(tmp_path: Path) -> None:
    edit = FEED.replace("decode: {format: delimited}", "decode: {format: json_rows, drop: [owner]}")
    edit = edit.replace("station: {key: code}", "station: {key: code, owner: owner}")
    assert "dropped at the door" in str(problems(made(tmp_path, edit))[0])


def test_a_table_with_a_ragged_row_is_refused(tmp_path: Path) -> None:
    made(tmp_path)
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / "posts.csv").write_text("key,latitude\nA,1\nB\n", encoding="utf-8")
    assert problems(tmp_path)[0].file == "tables/posts.csv"


def test_one_feed_alone(tmp_path: Path) -> None:
    path = tmp_path / "one.yaml"
    path.write_text(FEED, encoding="utf-8")
    assert load_feed(path).id == "xx-small"
    path.write_text(FEED.replace("id: xx-small", "id: Not OK"), encoding="utf-8")
    with pytest.raises(ConfigError, match=r"one\.yaml:1:1 id"):
        load_feed(path)


def test_a_file_that_is_no_mapping(tmp_path: Path) -> None:
    assert "must be a mapping" in problems(made(tmp_path, "- just\n- a list\n"))[0].message


@pytest.mark.parametrize("name", FILES)
def test_the_schema_of_editors_is_current(name: str) -> None:
    assert (FOLDER / name).read_text(encoding="utf-8") == schema(name), "run python -m specs.schema"


def test_the_reference_names_every_part() -> None:
    text = reference()
    assert "### Measure" in text
    assert "| `only_measured` | boolean | false |" in text


def test_what_must_wait_is_not_public_at_once() -> None:
    rights = Rights(redistribute=Redistribute.YES, licence="CC-BY-4.0", verdict="stated")
    assert rights.public
    assert not rights.model_copy(update={"delay_s": 3600}).public
    assert not rights.model_copy(update={"redistribute": Redistribute.ASK}).public
