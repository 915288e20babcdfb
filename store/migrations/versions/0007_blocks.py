"""Packed rows may hold several days of a series, and many of them share the receipts of their answers."""

from typing import Any

import numpy as np
import sqlalchemy as sa
from alembic import op

from store.packing import pack, taken
from store.unpacking import Day, Receipts, receipts_of, unpack, unpack_receipts

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_AT_ONCE = 200
DAY_S = 86400


def upgrade() -> None:
    op.add_column("packed", sa.Column("days", sa.SmallInteger(), nullable=False, server_default="1"))
    op.create_table(
        "receipts",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("blob", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )


def downgrade() -> None:
    """Each day gets its own row again, whole in itself: an older program must find every one of them."""
    _back_to_days(op.get_bind())
    op.drop_table("receipts")
    op.execute("ALTER TABLE packed DROP COLUMN days")


def _back_to_days(bind: sa.Connection) -> None:
    mark = "?" if bind.dialect.name == "sqlite" else "%s"
    page = (
        f"SELECT series_id, day, blob FROM packed WHERE days > 1 AND (series_id, day) > ({mark}, {mark}) "  # noqa: S608 - marks only
        f"ORDER BY series_id, day LIMIT {_AT_ONCE}"
    )
    put = f"INSERT INTO packed (series_id, day, days, readings, last_end_s, first_received_s, blob) VALUES ({', '.join([mark] * 7)})"  # noqa: S608
    known = {
        number: unpack_receipts(bytes(blob)) for number, blob in bind.exec_driver_sql("SELECT id, blob FROM receipts")
    }
    after = (-1, -(2**31))
    while found := bind.exec_driver_sql(page, after).fetchall():
        after = (found[-1][0], found[-1][1])
        for series_id, day, blob in found:
            bind.exec_driver_sql(f"DELETE FROM packed WHERE series_id = {mark} AND day = {mark}", (series_id, day))  # noqa: S608
            bind.exec_driver_sql(put, _days(series_id, bytes(blob), known))


def _days(series_id: int, blob: bytes, known: dict[int, Receipts]) -> list[tuple[Any, ...]]:
    assert not receipts_of(blob) or receipts_of(blob) in known
    whole = unpack(blob, None, known)
    of_row = (whole.end_s - 1) // DAY_S
    made: list[tuple[Any, ...]] = []
    for day in np.unique(of_row).tolist():
        part: Day = taken(whole, np.flatnonzero(of_row == day))
        received_s = int((part.end_s + part.received_after_s).min())
        made.append((series_id, day, 1, len(part), int(part.end_s[-1]), received_s, pack(part)))
    return made
