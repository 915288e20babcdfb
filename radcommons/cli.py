"""The command `radcommons`."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Coroutine
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from domain.clock import VirtualClock
from domain.states import Audience
from radcommons import cli_db, cli_drill, cli_feed
from radcommons import options as at
from radcommons.settings import Settings, SettingsError, chosen_audience, database_url, default_config, secret_from

app = typer.Typer(
    name="radcommons",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Radiation in the air, on land and at sea around Japan, Korea and their neighbours: one store, one API, alerts.",
)
app.add_typer(cli_feed.app, name="feed")
app.add_typer(cli_db.app, name="db")
app.command()(cli_drill.drill)


@app.callback()
def prepare(
    log: Annotated[
        str, typer.Option(envvar="RADCOMMONS_LOG", help="Form of the log on stderr: text or json.")
    ] = "text",
) -> None:
    """Set up what all commands share."""
    from radcommons.logs import configure_logs

    configure_logs(log)


@app.command()
def run(
    config: at.ConfigOption = None,
    database: at.DatabaseOption = at.DATABASE,
    archive: at.ArchiveOption = at.ARCHIVE,
    host: at.HostOption = at.HOST,
    port: at.PortOption = at.PORT,
    audience: at.AudienceOption = None,
    contact: at.ContactOption = "",
    webhook_network: at.WebhookNetworksOption = None,
) -> None:
    """Everything in one process: collect, watch and serve."""
    settings = _settings(config, database, archive, host, port, audience, contact, webhook_network)
    _programs(settings, collect=True, watch=True, serve=True)


@app.command()
def collect(
    config: at.ConfigOption = None,
    database: at.DatabaseOption = at.DATABASE,
    archive: at.ArchiveOption = at.ARCHIVE,
    host: at.HostOption = at.HOST,
    port: at.MonitorPortOption = 0,
    audience: at.AudienceOption = None,
    contact: at.ContactOption = "",
) -> None:
    """Program 1: poll publishers; the only writer of readings."""
    _programs(_settings(config, database, archive, host, port, audience, contact), collect=True)


@app.command()
def watch(
    config: at.ConfigOption = None,
    database: at.DatabaseOption = at.DATABASE,
    archive: at.ArchiveOption = at.ARCHIVE,
    host: at.HostOption = at.HOST,
    port: at.MonitorPortOption = 0,
    audience: at.AudienceOption = None,
    webhook_network: at.WebhookNetworksOption = None,
) -> None:
    """Program 2: evaluate what was committed, raise alerts, deliver webhooks."""
    _programs(_settings(config, database, archive, host, port, audience, "", webhook_network), watch=True)


@app.command()
def serve(
    config: at.ConfigOption = None,
    database: at.DatabaseOption = at.DATABASE,
    archive: at.ArchiveOption = at.ARCHIVE,
    host: at.HostOption = at.HOST,
    port: at.PortOption = at.PORT,
    audience: at.AudienceOption = None,
    contact: at.ContactOption = "",
    at_time: at.AtOption = None,
    read_database: at.ReadDatabaseOption = "",
) -> None:
    """Program 3: answer questions over HTTP."""
    settings = _settings(config, database, archive, host, port, audience, contact)
    if read_database:
        replica = database_url(read_database, secret_from("RADCOMMONS_DATABASE_PASSWORD"))
        settings = replace(settings, read_database=replica)
    _programs(settings, serve=True, at_time=at_time)


@app.command()
def health(address: Annotated[str, typer.Argument(help="Of a program; default: the one started last.")] = "") -> None:
    """Exit status 0 when a program of this machine says that it lives."""
    from radcommons.monitor import healthy

    raise typer.Exit(0 if healthy(address) else 1)


@app.command()
def replay(
    archives: Annotated[list[Path], typer.Argument(metavar="ARCHIVE...", help="Capture archives, replayed as one.")],
    config: at.ConfigOption = None,
    database: at.DatabaseOption = at.DATABASE,
    archive: at.ArchiveOption = at.ARCHIVE,
    tick: Annotated[float, typer.Option(help="Virtual seconds between two looks at the clock.")] = 600.0,
    alerts: Annotated[bool, typer.Option(help="Evaluate alert rules after each batch.")] = True,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress bar.")] = False,
) -> None:
    """Push captured days through the whole pipeline on a virtual clock."""
    from radcommons.replaying import replay_archives

    settings = _settings(config, database, archive)
    _finish(replay_archives(settings, archives, tick_s=tick, alerts=alerts, quiet=quiet))


@app.command()
def rehearsal(
    database: at.DatabaseOption = "",
    host: at.HostOption = at.HOST,
    port: at.PortOption = at.PORT,
    speed: Annotated[float, typer.Option(help="How much faster than real time the rehearsal's clock runs.")] = 60.0,
    config: at.ConfigOption = None,
) -> None:
    """The whole service against a simulated upstream on loopback; every row, answer and page is marked as an exercise."""
    from radcommons.rehearsal.play import play

    settings = _settings(config, database or "sqlite+aiosqlite:///:memory:", Path(), host, port, Audience.INTERNAL)
    _finish(play(settings, speed=speed, keep=bool(database)))


def main() -> None:
    """Entry point of the console script."""
    app()


def _settings(
    config: Path | None,
    database: str,
    archive: Path,
    host: str = at.HOST,
    port: int = at.PORT,
    audience: Audience | None = None,
    contact: str = "",
    webhook_networks: list[str] | None = None,
) -> Settings:
    try:
        who = chosen_audience(host, audience)
    except SettingsError as error:
        _die(str(error))
    return Settings(
        config=config or default_config(), database=database_url(database, secret_from("RADCOMMONS_DATABASE_PASSWORD")), archive=archive, host=host, port=port,
        audience=who, contact=contact, operator_token=secret_from("RADCOMMONS_OPERATOR_TOKEN"),
        webhook_networks=tuple(webhook_networks or ()),
    )  # fmt: skip


def _programs(
    settings: Settings, *, collect: bool = False, watch: bool = False, serve: bool = False, at_time: str | None = None
) -> None:
    from radcommons.programs import run_programs

    clock = None if at_time is None else VirtualClock(_moment(at_time))
    _finish(run_programs(settings, collect=collect, watch=watch, serve=serve, clock=clock))


def _moment(text: str) -> float:
    """Epoch seconds of an aware ISO 8601 time; a naive one is refused, because nobody can know its zone."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        _die(f"--at {text}: not an ISO 8601 time; write it as 2026-08-15T23:48:00+09:00")
    if moment.tzinfo is None:
        _die(f"--at {text}: the offset is missing; write it as 2026-08-15T23:48:00+09:00")
    return moment.timestamp()


def _finish(work: Coroutine[Any, Any, None]) -> None:
    """Run to the end; failures that an operator can mend are said in a sentence, all others keep their traceback."""
    from collector.archive import ArchiveError
    from specs.loading import ConfigError
    from store.engine import StoreRefused

    try:
        asyncio.run(work)
    except (ConfigError, SettingsError, StoreRefused, ArchiveError) as error:
        _die(str(error))
    except OSError as error:
        if error.filename or error.strerror:
            _die(str(error))
        raise
    except KeyboardInterrupt:
        sys.exit(130)


def _die(sentence: str) -> NoReturn:
    print(sentence, file=sys.stderr)
    raise typer.Exit(1)
