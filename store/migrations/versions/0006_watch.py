"""What the watcher must not forget: which polls it has judged, states of detectors, silences, acknowledgements."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
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
    op.add_column("runs", _moment("judged_s", nullable=True))
    # Polls that ended before this version were judged as they came; whoever starts anew has none of them waiting.
    op.execute("UPDATE runs SET judged_s = finished_s WHERE EXISTS (SELECT 1 FROM answers WHERE handled_s IS NOT NULL)")
    op.create_index("runs_by_judged", "runs", ["judged_s", "finished_s"])
    op.create_table(
        "detector_states",
        _row_id(),
        _text("name"),
        _text("version"),
        _text("digest"),
        _moment("at_s"),
        _text("run_uid"),
        sa.Column("pinned", sa.Boolean(), server_default="0", nullable=False),
        sa.Column("blob", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("detector_states_by_name", "detector_states", ["name", "at_s"])
    op.create_index("detector_states_by_digest", "detector_states", ["digest"])
    op.create_table(
        "silences",
        sa.Column("uid", sa.Text(), nullable=False),
        _text("kind"),
        _text("author"),
        _text("reason"),
        _moment("from_s"),
        _moment("until_s"),
        _moment("created_s"),
        _moment("ended_s", nullable=True),
        _text("ended_by"),
        _text("scope"),
        _text("level"),
        sa.PrimaryKeyConstraint("uid"),
    )
    op.create_index("silences_by_end", "silences", ["until_s"])
    op.create_table(
        "acknowledgements",
        _row_id(),
        _text("alert_uid"),
        sa.Column("revision", sa.Integer(), nullable=False),
        _text("author"),
        _text("note"),
        _moment("at_s"),
        _moment("expires_s"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("acknowledgements_by_alert", "acknowledgements", ["alert_uid", "at_s"])


def downgrade() -> None:
    for table, index in (
        ("acknowledgements", "acknowledgements_by_alert"),
        ("silences", "silences_by_end"),
        ("detector_states", "detector_states_by_digest"),
        ("detector_states", "detector_states_by_name"),
    ):
        op.drop_index(index, table_name=table)
    for table in ("acknowledgements", "silences", "detector_states"):
        op.drop_table(table)
    op.drop_index("runs_by_judged", table_name="runs")
    op.drop_column("runs", "judged_s")
