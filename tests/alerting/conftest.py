"""Databases for the tests of this room."""

from tests.databases import (
    migrated_postgres,
    migrated_sqlite,
    postgres_copy,
    postgres_server,
    sqlite_copy,
    sqlite_store,
    store,
)

__all__ = [
    "migrated_postgres",
    "migrated_sqlite",
    "postgres_copy",
    "postgres_server",
    "sqlite_copy",
    "sqlite_store",
    "store",
]
