"""The operator's loop from a terminal: a candidate is planned, refused, forced with a reason, looked up; a publisher is paused."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from collector.archive import RawArchive
from collector.decode import DECODERS
from domain.readings import Answer
from radcommons.feed_template import new_file
from specs.loading import load_text
from tests.collector.operated import BODY, FORMS, GOOD, NOW, URL
from tests.feeds.made import loaded
from tests.radcommons.test_cli import command


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    loaded(tmp_path / "config", FORMS)
    raw = RawArchive(tmp_path / "raw")
    raw.put(Answer("xx-made", "GET", URL, NOW, NOW, 200, sha256=hashlib.sha256(BODY).hexdigest()), BODY)
    raw.close()
    return tmp_path


def feed(folder: Path, *words: str) -> tuple[int, str]:
    return command(
        "feed", *words, RADCOMMONS_CONFIG=str(folder / "config"), RADCOMMONS_DATABASE=str(folder / "x.db"),
        RADCOMMONS_ARCHIVE=str(folder / "raw"), RADCOMMONS_AUTHOR="Kim",
    )  # fmt: skip


def test_a_plan_prints_everything_and_writes_nothing(folder: Path) -> None:
    status, said = feed(folder, "plan", "xx-made", "--no-ask")
    assert status == 0, said
    for words in (
        "read 3, stations 3, readings 3",
        "rows: Asia/Tokyo",
        "redistribute: internal",
        "nSv/h",
        "no difference",
        "nothing speaks against it",
    ):
        assert words in said
    assert not (folder / "x.db").exists()


def test_a_bad_candidate_is_refused_until_somebody_answers_for_it(folder: Path) -> None:
    candidate = folder / "candidate.yaml"
    candidate.write_text(GOOD.replace("unit: uSv/h", "unit: nSv/h"), encoding="utf-8")
    status, said = feed(folder, "plan", "xx-made", "--no-ask", "--file", str(candidate))
    assert status == 1
    assert "BREACH feeds/xx-made.yaml:" in said
    assert "+      - {column: dose, quantity: air_dose_rate_as_published, unit: nSv/h}" in said
    status, said = feed(folder, "apply", "xx-made", "--file", str(candidate))
    assert status == 1
    assert "0.001 times what the running version reads" in said
    assert (folder / "config" / "feeds" / "xx-made.yaml").read_text(encoding="utf-8") == GOOD
    status, said = feed(
        folder, "apply", "xx-made", "--file", str(candidate), "--force", "--reason", "their unit changed"
    )
    assert status == 0, said
    assert (folder / "config" / "feeds" / "xx-made.yaml").read_text(encoding="utf-8") == candidate.read_text(
        encoding="utf-8"
    )
    _, said = feed(folder, "history", "xx-made")
    assert "force   by Kim" in said
    assert "their unit changed" in said
    version = hashlib.sha256(candidate.read_bytes()).hexdigest()[:12]
    assert version in said
    assert feed(folder, "history", "xx-made", "--show", version) == (0, candidate.read_text(encoding="utf-8"))
    assert feed(folder, "history", "xx-made", "--show", "0123")[0] == 1


def test_a_pause_from_a_terminal(folder: Path) -> None:
    assert feed(folder, "pause", "xx-made", "--reason", "they asked") == (0, "xx-made is paused\n")
    assert "already" in feed(folder, "pause", "xx-made")[1]
    status, said = feed(folder, "run", "xx-made")
    assert (status, said) == (0, "xx-made is paused; resume it first\n")
    assert feed(folder, "resume", "xx-made") == (0, "xx-made is asked again\n")
    _, said = feed(folder, "history", "xx-made")
    assert said.index("resume  by Kim") < said.index("pause   by Kim")
    status, said = feed(folder, "pause", "xx-mad")
    assert status == 1
    assert "xx-made" in said


def test_a_new_file_is_commented_off_and_never_written_over(folder: Path) -> None:
    status, _ = feed(
        folder, "new", "yy-new", "--source", "xx-lab", "--url", "https://lab.example/y", "--format", "delimited"
    )
    assert status == 0
    status, said = feed(folder, "validate")
    assert (status, "2 feeds" in said) == (0, True)
    assert "enabled: false" in (folder / "config" / "feeds" / "yy-new.yaml").read_text(encoding="utf-8")
    assert feed(folder, "new", "yy-new")[0] == 1
    assert "todo   verified" in feed(folder, "scorecard", "yy-new")[1]


@pytest.mark.parametrize("form", sorted(DECODERS))
def test_a_new_file_of_any_format_is_in_order(form: str, tmp_path: Path) -> None:
    config = loaded(tmp_path, FORMS)
    made = load_text(new_file("yy-new", "xx-lab", "https://lab.example/y", form), "feeds/yy-new.yaml", config)
    assert made.forms[0].decode.format == form and not made.enabled


def test_a_plan_of_an_answer_that_somebody_saved(folder: Path) -> None:
    feed(folder, "new", "yy-new", "--source", "xx-lab", "--url", "https://lab.example/y", "--format", "delimited")
    saved = folder / "saved.csv"
    saved.write_text(
        "CODE,NAME,LAT,LON,TIME,VALUE\nA,Quay,35.1,129.1,2026-11-01 20:50,0.071\nB,Hill,35.2,129.2,2026-11-01 20:50,<0.05\n",
        encoding="utf-8",
    )
    os.utime(saved, (1793534700, 1793534700))
    status, said = feed(folder, "plan", "yy-new", "--answer", str(saved))
    assert status == 0, said
    assert "on 1 answers: read 2, stations 2, readings 1" in said
    assert "newest 15 min before receipt" in said
