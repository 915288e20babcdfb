"""`radcommons feed ...`: look at feeds, check them, and try them without storing anything."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from radcommons import options as at
from radcommons.settings import database_url, default_config

if TYPE_CHECKING:
    from specs.feed import FeedSpec
    from specs.loading import Config

app = typer.Typer(no_args_is_help=True, help="Look at feeds, check them, and try them.")

FeedArgument = Annotated[str, typer.Argument(metavar="FEED", help="Id of a feed.")]


@app.command("list")
def list_feeds(config: at.ConfigOption = None) -> None:
    """Every feed with its schedule and its licence verdict."""
    from rich.console import Console
    from rich.table import Table

    table = Table("feed", "title", "status", "on", "every", "stations", "redistribute", "licence")
    for feed in _config(config).feeds:
        table.add_row(
            feed.id, feed.title.get("en", ""), feed.status, "yes" if feed.enabled else "no", f"{feed.schedule.every_s} s",
            str(feed.expect.stations or ""), feed.rights.redistribute.value, feed.rights.licence,
        )  # fmt: skip
    Console(width=160).print(table)


@app.command()
def validate(config: at.ConfigOption = None) -> None:
    """Check every file of the configuration; all problems at once, each with file, line and column."""
    checked = _config(config)
    areas = len(checked.geography.areas)
    print(
        f"{checked.folder}: {len(checked.feeds)} feeds, {len(checked.sources)} sources, {len(checked.rules)} rules, {areas} areas: all in order"
    )


@app.command()
def vocabulary() -> None:
    """The words that a feed file may use: formats, mapping, quantities, units, media, analytes, reasons of refusal."""
    from domain import analytes, media, quantities, units
    from domain.reasons import Refusal
    from specs import schema

    print(schema.vocabulary())
    print("quantities")
    for quantity in quantities.TABLE:
        print(f"  {quantity.id:<45} {quantity.unit:<12} {quantity.meaning}")
    print("units\n  " + ", ".join(sorted(units.BY_CODE)))
    print("media\n  " + ", ".join(medium.id for medium in media.TABLE))
    print("analytes\n  " + ", ".join(sorted(analytes.HALF_LIFE_S) + sorted(analytes.SUMS)))
    print("refusals\n  " + ", ".join(reason.value for reason in Refusal))


@app.command()
def plan(
    feed: FeedArgument,
    config: at.ConfigOption = None,
    captures: Annotated[
        list[Path] | None, typer.Option("--from", help="A capture archive to read instead of asking the publisher.")
    ] = None,
    requests_only: Annotated[bool, typer.Option("--requests", help="Only show the requests.")] = False,
    contact: at.ContactOption = "",
) -> None:
    """What one poll would ask and store. Nothing is written; secrets are never shown."""
    from radcommons import trying

    checked = _config(config)
    spec = _feed(checked, feed)
    trying.show_requests(checked, spec)
    if not requests_only:
        asyncio.run(trying.show_harvest(checked, spec, captures or [], contact))


@app.command()
def run(
    feed: FeedArgument,
    config: at.ConfigOption = None,
    database: at.DatabaseOption = at.DATABASE,
    archive: at.ArchiveOption = at.ARCHIVE,
    contact: at.ContactOption = "",
) -> None:
    """Poll one feed once, now, into the store."""
    from radcommons import trying
    from radcommons.settings import Settings

    checked = _config(config)
    settings = Settings(checked.folder, database_url(database), archive, contact=contact)
    asyncio.run(trying.poll_once(settings, _feed(checked, feed)))


def _config(folder: Path | None) -> Config:
    from specs.loading import ConfigError, load_config

    try:
        return load_config(folder or default_config())
    except ConfigError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None


def _feed(config: Config, feed_id: str) -> FeedSpec:
    from specs.near import nearest

    if found := config.feed(feed_id):
        return found
    near = nearest(feed_id, [feed.id for feed in config.feeds])
    typer.echo(f"no feed is called {feed_id}" + (f"; did you mean {near}?" if near else ""), err=True)
    raise typer.Exit(1)
