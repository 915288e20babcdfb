"""`radcommons feed ...`: what is there, whether it is in order, and which words it may use."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from radcommons import cli_operate
from radcommons import options as at
from radcommons.settings import default_config

if TYPE_CHECKING:
    from specs.loading import Config

app = typer.Typer(no_args_is_help=True, help="Look at feeds, check and try them, change and pause them.")


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


for _command in cli_operate.COMMANDS:
    app.command()(_command)


def _config(folder: Path | None) -> Config:
    from specs.loading import ConfigError, load_config

    try:
        return load_config(folder or default_config())
    except ConfigError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
