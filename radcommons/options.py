"""Command-line options that several commands share; each has its RADCOMMONS_* variable."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from domain.states import Audience
from radcommons.settings import DEFAULT_ARCHIVE, DEFAULT_DATABASE, DEFAULT_PORT

ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config", envvar="RADCOMMONS_CONFIG", help="Folder of feeds, areas and rules.", show_default="config"
    ),
]
DatabaseOption = Annotated[
    str,
    typer.Option(
        "--database",
        envvar="RADCOMMONS_DATABASE",
        help="sqlite+aiosqlite:///FILE, postgresql+psycopg://..., or a path.",
    ),
]
ReadDatabaseOption = Annotated[
    str,
    typer.Option(
        "--read-database",
        envvar="RADCOMMONS_READ_DATABASE",
        help="A PostgreSQL replica that answers questions; what is written goes to --database.",
    ),
]
ArchiveOption = Annotated[
    Path, typer.Option("--archive", envvar="RADCOMMONS_ARCHIVE", help="Folder of the raw archive that is written.")
]
HostOption = Annotated[str, typer.Option("--host", envvar="RADCOMMONS_HOST", help="Address to listen on.")]
PortOption = Annotated[int, typer.Option("--port", envvar="RADCOMMONS_PORT", help="Port to listen on.")]
AudienceOption = Annotated[
    Audience | None,
    typer.Option(
        "--audience",
        envvar="RADCOMMONS_AUDIENCE",
        help="Who is answered; needed beyond loopback, because rights depend on it.",
    ),
]
MonitorPortOption = Annotated[
    int, typer.Option("--port", envvar="RADCOMMONS_PORT", help="Port for /healthz and /metrics; 0 listens nowhere.")
]
WebhookNetworksOption = Annotated[
    list[str] | None,
    typer.Option(
        "--webhook-network",
        envvar="RADCOMMONS_WEBHOOK_NETWORKS",
        help="A private network that webhooks may reach, as 10.1.2.0/24.",
    ),
]
ContactOption = Annotated[
    str,
    typer.Option(
        "--contact",
        envvar="RADCOMMONS_CONTACT",
        help="Mail or page of the operator, told to every publisher that is asked.",
    ),
]

DATABASE = DEFAULT_DATABASE
ARCHIVE = DEFAULT_ARCHIVE
HOST = "127.0.0.1"
PORT = DEFAULT_PORT
AtOption = Annotated[
    str | None,
    typer.Option(
        "--at",
        metavar="TIME",
        help="Let the clock stand at this moment (ISO 8601 with offset), to look at replayed days as they were.",
    ),
]
