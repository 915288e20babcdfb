"""Databases for the tests of this room."""

from tests.databases import (
    database_url,
    migrated_postgres,
    migrated_sqlite,
    postgres_copy,
    postgres_server,
    postgres_url,
    sqlite_copy,
    sqlite_store,
    sqlite_url,
    store,
)

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
