"""The log of committed batches: hashes of subtrees, signed heads, each answer's leaf; who holds which feed."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "log_state",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("peaks", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "log_nodes",
        sa.Column("level", sa.SmallInteger(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("level", "number", name="log_nodes_pkey"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "log_rereads",
        sa.Column("leaf", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("batch_id", sa.BigInteger(), nullable=False),
        sa.Column("keys", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("leaf"),
    )
    op.create_table(
        "log_heads",
        sa.Column("at_s", sa.BigInteger(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("at_s", "public_key", name="log_heads_pkey"),
    )
    op.create_table(
        "feed_leases",
        sa.Column("feed_id", sa.Text(), nullable=False),
        sa.Column("holder", sa.Text(), server_default="", nullable=False),
        sa.Column("until_s", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("feed_id"),
    )
    op.create_table(
        "collectors",
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("until_s", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("holder"),
    )
    op.add_column("answers", sa.Column("leaf", sa.BigInteger(), nullable=True))
    op.create_index("answers_by_leaf", "answers", ["leaf"], unique=True)
    if op.get_bind().dialect.name == "postgresql":
        # Every sweep moves every row: with room in its page a row moves within it and no index is written.
        op.execute("ALTER TABLE latest SET (fillfactor = 40)")
    op.execute(sa.text("INSERT INTO log_state (id, size, peaks) VALUES (1, 0, :none)").bindparams(none=b""))


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE latest RESET (fillfactor)")
    op.drop_index("answers_by_leaf", table_name="answers")
    op.drop_column("answers", "leaf")
    for table in ("collectors", "feed_leases", "log_heads", "log_rereads", "log_nodes", "log_state"):
        op.drop_table(table)
