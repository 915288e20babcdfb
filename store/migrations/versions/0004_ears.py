"""Subscriptions of several channels, verified before the first event; drills with the times that were measured."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

#: What came before was a webhook with a JSON body that somebody else had asked for.
_TEXTS = {
    "channel": "webhook", "format": "json", "audience": "public", "pending_url": "", "challenge_sha256": "", "contact": "",
    "notice": "",
}  # fmt: skip


def upgrade() -> None:
    for name, default in _TEXTS.items():
        op.add_column("subscriptions", sa.Column(name, sa.Text(), server_default=default, nullable=False))
    op.add_column("subscriptions", sa.Column("challenge_until_s", sa.BigInteger(), nullable=True))
    op.add_column("subscriptions", sa.Column("verified_s", sa.BigInteger(), nullable=True))
    op.create_table(
        "drills",
        sa.Column(
            "uid", sa.Text(collation="C" if op.get_bind().dialect.name == "postgresql" else None), nullable=False
        ),
        sa.Column("region_id", sa.Text(), server_default="", nullable=False),
        sa.Column("state", sa.Text(), server_default="", nullable=False),
        sa.Column("began_s", sa.BigInteger(), nullable=False),
        sa.Column("ended_s", sa.BigInteger(), nullable=True),
        sa.Column("document", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("uid"),
    )
    op.create_index("drills_by_begin", "drills", ["began_s"])
    op.create_index("outbox_by_turn", "outbox", ["subscription_id", "state", "sequence"])


def downgrade() -> None:
    op.drop_index("outbox_by_turn", table_name="outbox")
    op.drop_index("drills_by_begin", table_name="drills")
    op.drop_table("drills")
    with op.batch_alter_table("subscriptions") as batch:
        for name in (*_TEXTS, "challenge_until_s", "verified_s"):
            batch.drop_column(name)
