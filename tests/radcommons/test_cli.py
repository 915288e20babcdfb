"""The command: sentences for operators, settings from options and environment, no secret printed."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from domain.states import Audience
from radcommons import settings
from radcommons.cli import app
from tests.radcommons import made

runner = CliRunner()


def command(*words: str, **environment: str) -> tuple[int, str]:
    done = runner.invoke(app, list(words), env=environment)
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, done.output


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("var/x.db", "sqlite+aiosqlite:///var/x.db"),
        ("sqlite:///x.db", "sqlite+aiosqlite:///x.db"),
        ("postgresql://u@h/d", "postgresql+psycopg://u:p%40ss@h/d"),
        ("postgresql+psycopg://u:own@h/d", "postgresql+psycopg://u:own@h/d"),
    ],
)
def test_a_database_may_be_named_in_short(text: str, url: str) -> None:
    assert settings.database_url(text, password="p@ss") == url


def test_a_password_is_never_printed() -> None:
    assert settings.without_password("postgresql+psycopg://u:p%40ss@h/d") == "postgresql+psycopg://u:***@h/d"
    assert "token" not in repr(settings.Settings(Path(), operator_token="token-of-mine")).replace("operator_token", "")


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "127.9.9.9"])
def test_on_loopback_the_operator_is_answered(host: str) -> None:
    assert settings.chosen_audience(host, None) is Audience.INTERNAL


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.4", "::", "radcommons.example"])
def test_beyond_loopback_somebody_must_say_who_is_answered(host: str) -> None:
    with pytest.raises(settings.SettingsError, match="--audience public"):
        settings.chosen_audience(host, None)
    assert settings.chosen_audience(host, Audience.PUBLIC) is Audience.PUBLIC


def test_run_refuses_to_listen_beyond_loopback_without_an_audience() -> None:
    status, said = command("run", "--host", "0.0.0.0")
    assert status == 1
    assert "--audience" in said


def test_a_secret_may_lie_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("abc\n")
    assert settings.secret_from("X", {"X_FILE": str(tmp_path / "token")}) == "abc"
    assert settings.secret_from("X", {"X": "def"}) == "def"
    assert settings.secret_from("X", {}) == ""


def test_validate_says_that_all_is_in_order() -> None:
    status, said = command("feed", "validate", RADCOMMONS_CONFIG=str(made.CONFIG))
    assert status == 0
    assert "all in order" in said


def test_validate_tells_every_problem_with_its_line(tmp_path: Path) -> None:
    import shutil

    shutil.copytree(made.CONFIG, tmp_path / "config")
    feed = tmp_path / "config" / "feeds" / "jp-jma-quakes.yaml"
    feed.write_text(
        feed.read_text().replace("every_s: 120", "every: 120").replace("status: verified", "status: veryfied")
    )
    status, said = command("feed", "validate", "--config", str(tmp_path / "config"))
    assert status == 1
    assert said.count("jp-jma-quakes.yaml:") >= 2


def test_plan_shows_requests_and_no_secret() -> None:
    status, said = command(
        "feed", "plan", "kr-khnp-radiorate", "--requests", "--config", str(made.CONFIG), KHNP_SERVICE_KEY="very-secret"
    )
    assert status == 0
    assert said.count("GET http://data.khnp.co.kr/") == 5
    assert "very-secret" not in said


def test_plan_shows_what_an_archive_holds(tmp_path: Path) -> None:
    folder = made.archive(tmp_path / "archive", polls=1, urls=made.TAIWAN)
    status, said = command("feed", "plan", "tw-nusc-gamma", "--from", str(folder), "--config", str(made.CONFIG))
    assert status == 0
    assert "readings 44" in said


def test_an_unknown_feed_is_answered_with_the_nearest_name() -> None:
    status, said = command("feed", "plan", "tw-nusc-gama", "--requests", "--config", str(made.CONFIG))
    assert status == 1
    assert "tw-nusc-gamma" in said


def test_words_of_the_vocabulary() -> None:
    status, said = command("feed", "vocabulary")
    assert status == 0
    for word in ("ambient_dose_equivalent_rate", "uSv/h", "sea_water", "Cs-137", "html_instead"):
        assert word in said


def test_a_replay_without_an_archive_is_a_sentence(tmp_path: Path) -> None:
    status, said = command("replay", str(tmp_path), "--database", str(tmp_path / "x.db"), "--config", str(made.CONFIG))
    assert status == 1
    assert "is no capture archive" in said


def test_replay_then_db(tmp_path: Path) -> None:
    folder = made.archive(tmp_path / "archive", polls=2, urls=made.TAIWAN)
    database = str(tmp_path / "deep" / "store.db")
    status, said = command("replay", str(folder), "--database", database, "--config", str(made.CONFIG), "--quiet")
    assert status == 0, said
    assert "tw-nusc-gamma" in said
    assert "peak memory" in said
    assert command("db", "check", "--database", database) == (0, "nothing found\n")
    status, said = command("db", "verify", "--database", database)
    assert status == 0, said
    assert said.startswith("nothing found; ")
    assert command("db", "verify", "--database", database, "--public-key", "no key")[0] == 2
    status, said = command("db", "stats", "--database", database)
    assert status == 0
    assert "88" in said
    assert command("db", "vacuum", "--database", database)[0] == 0
    assert command("db", "upgrade", RADCOMMONS_DATABASE=database)[0] == 0


def test_nobody_is_healthy_where_nobody_listens() -> None:
    assert command("health", "http://127.0.0.1:9/")[0] == 1


UNUSABLE = {
    "no folder": ("/dev/null/x.db", "unable to open database file"),
    "no database": (str(made.CONFIG / "rules.yaml"), "file is not a database"),
    "no server": ("postgresql://u:hush@127.0.0.1:9/x", "Connection refused"),
}


@pytest.mark.parametrize("case", UNUSABLE)
@pytest.mark.parametrize("word", ["check", "stats", "verify", "vacuum"])
def test_an_unusable_database_is_a_sentence(case: str, word: str) -> None:
    database, why = UNUSABLE[case]
    status, said = command("db", word, "--database", database)
    assert status == 1
    assert why in said
    assert "hush" not in said
    assert said.count("\n") == 1
