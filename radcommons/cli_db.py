"""`radcommons db ...`: the store's upkeep."""

from __future__ import annotations

import typer

app = typer.Typer(no_args_is_help=True, help="Upkeep of the store.")
