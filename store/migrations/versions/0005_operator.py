"""What operators do: versions of their files and who changed what, pauses, requests; and what a collector must not forget when it restarts."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def _text(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Text(), server_default="", nullable=False)


def _moment(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.BigInteger(), nullable=nullable)


def _row_id() -> sa.Column[Any]:
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    return sa.Column("id", number, autoincrement=True, nullable=False)


def upgrade() -> None:
    op.create_table(
        "config_texts",
        sa.Column("digest", sa.Text(), nullable=False),
        _text("text"),
        sa.PrimaryKeyConstraint("digest"),
    )
    op.create_table(
        "config_files",
        sa.Column("name", sa.Text(), nullable=False),
        _text("digest"),
        sa.Column("instead_of", sa.Text(), nullable=True),
        _text("problems"),
        _moment("since_s"),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "config_changes",
        _row_id(),
        _moment("at_s"),
        _text("name"),
        _text("feed_id"),
        _text("action"),
        _text("author"),
        _text("digest"),
        _text("before"),
        _text("diff"),
        _text("reason"),
        _text("numbers"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("config_changes_by_feed", "config_changes", ["feed_id", "id"])
    op.create_table(
        "feed_pauses",
        sa.Column("feed_id", sa.Text(), nullable=False),
        _text("author"),
        _moment("since_s"),
        _text("reason"),
        sa.PrimaryKeyConstraint("feed_id"),
    )
    op.create_table(
        "feed_breakers",
        sa.Column("feed_id", sa.Text(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        _moment("until_s"),
        _text("cause"),
        sa.PrimaryKeyConstraint("feed_id"),
    )
    op.create_table(
        "feed_validators",
        sa.Column("feed_id", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        _text("etag"),
        _text("last_modified"),
        sa.PrimaryKeyConstraint("feed_id", "method", "url", name="feed_validators_pkey"),
    )
    op.create_table(
        "operator_requests",
        _row_id(),
        _text("kind"),
        _text("feed_id"),
        _text("author"),
        _text("body"),
        _moment("asked_s"),
        _moment("taken_s", nullable=True),
        _moment("done_s", nullable=True),
        _text("outcome"),
        _text("answer"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("operator_requests_open", "operator_requests", ["done_s", "id"])


def downgrade() -> None:
    op.drop_index("operator_requests_open", table_name="operator_requests")
    op.drop_index("config_changes_by_feed", table_name="config_changes")
    for table in (
        "operator_requests", "feed_validators", "feed_breakers", "feed_pauses", "config_changes", "config_files", "config_texts",
    ):  # fmt: skip
        op.drop_table(table)
