"""Packed history (a row per series and day), roll-ups beside it, and the set of days whose roll-ups are out of date."""

from datetime import UTC, datetime
from typing import Any

import numpy as np
import sqlalchemy as sa
from alembic import op

from store.dirt import written
from store.incoming import SERIES_BITS
from store.packing import rows_of, unpack

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_AT_ONCE = 200
DAY_S = 86400


def upgrade() -> None:
    op.create_table(
        "packed",
        sa.Column("series_id", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("readings", sa.Integer(), nullable=False),
        sa.Column("last_end_s", sa.BigInteger(), nullable=False),
        sa.Column("first_received_s", sa.BigInteger(), nullable=False),
        sa.Column("blob", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("series_id", "day", name="packed_pkey"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "rollups",
        sa.Column("series_id", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("blob", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("series_id", "day", name="rollups_pkey"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "dirty",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("days", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    _mark_everything(op.get_bind())


def _mark_everything(bind: sa.Connection) -> None:
    """Readings of before have no roll-ups yet: their days are marked, one row of `dirty` for each day."""
    mark = "?" if bind.dialect.name == "sqlite" else "%s"
    day = -(2**31)
    while True:
        end_s = bind.exec_driver_sql(f"SELECT min(end_s) FROM readings WHERE end_s > {mark}", (day * DAY_S,)).scalar()  # noqa: S608
        if end_s is None:
            return
        day = (end_s - 1) // DAY_S
        found = bind.exec_driver_sql(
            f"SELECT DISTINCT series_id FROM readings WHERE end_s > {mark} AND end_s <= {mark}",  # noqa: S608
            (day * DAY_S, (day + 1) * DAY_S),
        )
        keys = np.array([(day << SERIES_BITS) | number for number in found.scalars()], dtype=np.int64)
        bind.exec_driver_sql(f"INSERT INTO dirty (days) VALUES ({mark})", (written(np.sort(keys)),))  # noqa: S608
        day += 1


def downgrade() -> None:
    """Packed readings become rows again before their table goes: an older program must find every one of them."""
    _unpack_everything(op.get_bind())
    op.execute("DELETE FROM state_values WHERE name = 'packed_until_s'")
    op.drop_table("dirty")
    op.drop_table("rollups")
    op.drop_table("packed")


def _unpack_everything(bind: sa.Connection) -> None:
    sqlite = bind.dialect.name == "sqlite"
    mark = "?" if sqlite else "%s"
    page = f"SELECT series_id, day, blob FROM packed WHERE (series_id, day) > ({mark}, {mark}) ORDER BY series_id, day LIMIT {_AT_ONCE}"  # noqa: S608
    put = f"INSERT INTO readings VALUES ({', '.join([mark] * 11)})"  # noqa: S608 - marks only
    after = (-1, -(2**31))
    while found := bind.exec_driver_sql(page, after).fetchall():
        after = (found[-1][0], found[-1][1])
        versions = [row[:11] for series_id, _, blob in found for row in rows_of(series_id, unpack(bytes(blob)))]
        if not sqlite:
            _ensure_months(bind, versions)
        bind.exec_driver_sql(put, versions)


def _ensure_months(bind: sa.Connection, versions: list[tuple[Any, ...]]) -> None:
    for month in sorted({datetime.fromtimestamp(row[0], UTC).strftime("%Y-%m") for row in versions}):
        year, number = int(month[:4]), int(month[5:])
        following = (year + 1, 1) if number == 12 else (year, number + 1)
        begin_s, until_s = (int(datetime(*which, 1, tzinfo=UTC).timestamp()) for which in ((year, number), following))
        bind.exec_driver_sql(
            f"CREATE TABLE IF NOT EXISTS readings_{year:04d}_{number:02d} PARTITION OF readings "
            f"FOR VALUES FROM ({begin_s}) TO ({until_s})"
        )
