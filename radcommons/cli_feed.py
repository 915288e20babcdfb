"""`radcommons feed ...`: look at feeds, check them, and try them without storing anything."""

from __future__ import annotations

import typer

app = typer.Typer(no_args_is_help=True, help="Look at feeds, check them, and try them.")
