"""What all tests share: where real captured payloads lie, when they are at hand."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from tests.databases import (
    USED,
    database_url,
    migrated_postgres,
    migrated_sqlite,
    note_used,
    postgres_copy,
    postgres_server,
    postgres_url,
    sqlite_copy,
    sqlite_store,
    sqlite_url,
    store,
)

#: The databases are fixtures of every room.
__all__ = [
    "database_url",
    "migrated_postgres",
    "migrated_sqlite",
    "postgres_copy",
    "postgres_server",
    "postgres_url",
    "sqlite_copy",
    "sqlite_store",
    "sqlite_url",
    "store",
]

ROOT = Path(__file__).parents[1]
#: Folder of real captured payloads; it is not part of this repository. Tests that need it are collected only where it exists.
SHARED = Path(os.environ.get("RADCOMMONS_SHARED", str(ROOT.parent / "shared")))
HAS_SHARED = (SHARED / "data").is_dir()


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """A worker process has ended: take over what it says of its PostgreSQL."""
    if version := getattr(node, "workeroutput", {}).get("postgresql"):
        note_used(node.config, version)


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Say which PostgreSQL was really used."""
    for version in sorted(config.stash.get(USED, set())):
        terminalreporter.write_line(f"PostgreSQL {version} was used")
