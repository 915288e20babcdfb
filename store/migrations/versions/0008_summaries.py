"""Summaries as they were told at each step, and watches of nuclear sites after an earthquake."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def _text(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Text(), server_default="", nullable=False)


def _uid(name: str) -> sa.Column[Any]:
    kind = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    return sa.Column(name, kind, nullable=False)


def _moment(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.BigInteger(), nullable=nullable)


def upgrade() -> None:
    op.create_table(
        "kept_summaries",
        _uid("area_id"),
        _moment("at_s"),
        _uid("audience"),
        sa.Column("method", sa.Integer(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("area_id", "at_s", "audience", name="kept_summaries_pkey"),
    )
    op.create_table(
        "site_watches",
        _uid("site_id"),
        _uid("event_uid"),
        _text("rule"),
        _moment("shock_s"),
        _moment("opened_s"),
        _moment("closed_s", nullable=True),
        _text("evidence"),
        _text("asked"),
        sa.Column("exercise", sa.Boolean(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("site_id", "event_uid", name="site_watches_pkey"),
    )
    op.create_index("site_watches_open", "site_watches", ["closed_s"])


def downgrade() -> None:
    op.drop_table("site_watches")
    op.drop_table("kept_summaries")
