"""What retention dropped: which feed, which days, when, and the leaf of the log that says so."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "dropped",
        sa.Column("feed_id", sa.Text(), nullable=False),
        sa.Column("until_s", sa.BigInteger(), nullable=False),
        sa.Column("from_s", sa.BigInteger(), nullable=False),
        sa.Column("keep_days", sa.BigInteger(), nullable=False),
        sa.Column("at_s", sa.BigInteger(), nullable=False),
        sa.Column("leaf", sa.BigInteger(), nullable=False),
        sa.Column("readings", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("revisions", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("finished_s", sa.BigInteger()),
        sa.PrimaryKeyConstraint("feed_id", "until_s", name="dropped_pkey"),
    )


def downgrade() -> None:
    op.drop_table("dropped")
