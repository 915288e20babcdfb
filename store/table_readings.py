"""Readings: hot, superseded, packed, rolled up, and the newest pointers.

Both engines get the same columns; only the order of the reading key differs. SQLite keeps rows in key order, and a sweep
brings thousands of series at a few stamps: (end_s, series_id) writes 10 to 16 times faster there than (series_id, end_s).
PostgreSQL has a heap and partitions by time, so its key serves the question most asked: one series over a while.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Double,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
)

from store.table_columns import Id, metadata, row_id, text, whole


def _reading() -> list[Column[object]]:
    """Fresh columns of one version of a reading; `published_after_s` counts from `end_s`, `text` is kept only where digits fail."""
    return [
        Column("end_s", BigInteger, nullable=False),
        Column("series_id", BigInteger, nullable=False),
        Column("value", Double),
        Column("batch_id", BigInteger, nullable=False),
        Column("digits", SmallInteger, nullable=False),
        Column("qc", Integer, nullable=False),
        Column("censoring", SmallInteger, nullable=False),
        Column("revision", Integer, nullable=False),
        Column("published_after_s", BigInteger),
        Column("limit_value", Double),
        Column("text", Text),
    ]


readings = Table(
    "readings",
    metadata,
    *_reading(),
    PrimaryKeyConstraint("end_s", "series_id", name="readings_pkey"),
    sqlite_with_rowid=False,
)

revisions = Table(
    "revisions",
    metadata,
    *_reading(),
    whole("received_s"),
    whole("superseded_s"),
    whole("superseded_by"),
    text("reason"),
    text("note"),
    PrimaryKeyConstraint("series_id", "end_s", "revision", name="revisions_pkey"),
    Index("revisions_by_reason", "reason"),
    Index("revisions_by_time", "end_s"),
    sqlite_with_rowid=False,
)

latest = Table(
    "latest",
    metadata,
    Column("series_id", Id, primary_key=True, autoincrement=False),
    whole("end_s"),
    whole("received_s"),
)

packed = Table(
    "packed",
    metadata,
    Column("series_id", BigInteger, nullable=False),
    Column("day", Integer, nullable=False),
    Column("days", SmallInteger, nullable=False, server_default="1"),
    Column("readings", Integer, nullable=False),
    whole("last_end_s"),
    whole("first_received_s"),
    Column("blob", LargeBinary, nullable=False),
    PrimaryKeyConstraint("series_id", "day", name="packed_pkey"),
    sqlite_with_rowid=False,
)

receipts = Table(
    "receipts",
    metadata,
    row_id(),
    Column("blob", LargeBinary, nullable=False),
)

rollups = Table(
    "rollups",
    metadata,
    Column("series_id", BigInteger, nullable=False),
    Column("day", Integer, nullable=False),
    Column("blob", LargeBinary, nullable=False),
    PrimaryKeyConstraint("series_id", "day", name="rollups_pkey"),
    sqlite_with_rowid=False,
)

dirty = Table(
    "dirty",
    metadata,
    row_id(),
    Column("days", LargeBinary, nullable=False),
)

dropped = Table(
    "dropped",
    metadata,
    Column("feed_id", Text, nullable=False),
    whole("until_s"),
    whole("from_s"),
    whole("keep_days"),
    whole("at_s"),
    whole("leaf"),  # what the log says of it
    whole("readings", "0"),
    whole("revisions", "0"),
    whole("finished_s", nullable=True),
    PrimaryKeyConstraint("feed_id", "until_s", name="dropped_pkey"),
)
