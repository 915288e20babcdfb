"""The first schema: readings and their revisions, catalogue, samples, runs, alerts and their delivery."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
UID = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
#: In the order in which they go.
_TABLES = (
    "subscriptions", "stations", "station_marks", "station_history", "state_values", "series_history",
    "series", "samples", "sample_results", "runs", "revisions", "refusals", "readings", "quakes", "outbox",
    "latest", "feed_health", "delivery_attempts", "catalogue", "answers", "alerts", "alert_evidence",
    "alert_events", "alert_areas",
)  # fmt: skip


def upgrade() -> None:
    _create_alerts()
    _create_answers()
    _create_deliveries()
    _create_quakes()
    _create_readings()
    _create_runs()
    _create_samples()
    _create_series()
    _create_stations()
    _create_subscriptions()
    op.execute("INSERT INTO catalogue (id, version) VALUES (1, 0)")


def _texts(*names: str) -> list[sa.Column[str]]:
    """Columns of text that is never null."""
    return [sa.Column(name, sa.Text(), server_default="", nullable=False) for name in names]


def _numbered(*, revised: bool = False) -> list[sa.schema.SchemaItem]:
    """What a row is called inside and outside of the store; where rows are `revised`, several versions bear one name outside."""
    own = sa.Column("id", ID, autoincrement=True, nullable=False), sa.Column("uid", UID, nullable=False)
    once = () if revised else (sa.UniqueConstraint("uid"),)
    return [*own, sa.PrimaryKeyConstraint("id"), *once]


def _columns(kind: sa.types.TypeEngine[Any], *names: str, nullable: bool = False) -> list[sa.Column[Any]]:
    """Columns of one kind."""
    return [sa.Column(name, kind, nullable=nullable) for name in names]


def _counts(*names: str) -> list[sa.Column[int]]:
    """Columns that count from 0."""
    return [sa.Column(name, sa.BigInteger(), server_default="0", nullable=False) for name in names]


def _create_alerts() -> None:
    op.create_table(
        "alert_areas",
        sa.Column("alert_id", sa.BigInteger(), nullable=False),
        sa.Column("area_id", UID, nullable=False),
        sa.PrimaryKeyConstraint("alert_id", "area_id", name="alert_areas_pkey"),
    )
    op.create_index("alert_areas_by_area", "alert_areas", ["area_id"], unique=False)
    op.create_table(
        "alert_events",
        *_numbered(),
        sa.Column("alert_id", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        *_texts("kind", "state", "level"),
        sa.Column("at_s", sa.BigInteger(), nullable=False),
        *_texts("rule_version", "parameters", "reasons"),
        sa.Column("exercise", sa.Boolean(), server_default="0", nullable=False),
        sa.Column("document", sa.Text(), server_default="", nullable=False),
    )
    op.create_index("alert_events_by_alert", "alert_events", ["alert_id", "revision"], unique=True)
    op.create_table(
        "alert_evidence",
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("series_uid", sa.Text(), server_default="", nullable=False),
        sa.Column("end_s", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("value", sa.Double(), nullable=True),
        *_texts("text", "unit"),
        sa.Column("qc", sa.Integer(), nullable=False),
        sa.Column("published_s", sa.BigInteger(), nullable=True),
        sa.Column("received_s", sa.BigInteger(), nullable=False),
        *_texts("sha256", "numbers"),
        sa.PrimaryKeyConstraint("event_id", "position", name="alert_evidence_pkey"),
    )
    op.create_table(
        "alerts",
        *_numbered(),
        *_texts("rule_id", "subject", "state", "level"),
        sa.Column("revision", sa.Integer(), nullable=False),
        *_columns(sa.BigInteger(), "began_s", "detected_s", "updated_s"),
        sa.Column("resolved_s", sa.BigInteger(), nullable=True),
        sa.Column("exercise", sa.Boolean(), server_default="0", nullable=False),
        sa.Column("document", sa.Text(), server_default="", nullable=False),
    )
    op.create_index("alerts_by_state", "alerts", ["state", "updated_s"], unique=False)
    op.create_index("alerts_by_subject", "alerts", ["rule_id", "subject"], unique=False)


def _create_answers() -> None:
    op.create_table(
        "answers",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        *_texts("feed_id", "method", "url"),
        *_columns(sa.Double(), "requested_s", "answered_s"),
        sa.Column("received_s", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.Text(), server_default="", nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("not_modified", sa.Boolean(), server_default="0", nullable=False),
        *_texts("failure", "failure_detail"),
        *_counts("read", "stored", "unchanged", "revised", "flagged"),
        *_texts("refused", "ignored"),
        sa.Column("exercise", sa.Boolean(), server_default="0", nullable=False),
        *_columns(sa.BigInteger(), "first_end_s", "last_end_s", "handled_s", "claimed_s", nullable=True),
        sa.Column("claimed_by", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("answers_by_handled", "answers", ["handled_s", "id"], unique=False)
    op.create_index(op.f("ix_answers_run_id"), "answers", ["run_id"], unique=False)
    op.create_table(
        "catalogue",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )


def _create_deliveries() -> None:
    op.create_table(
        "delivery_attempts",
        sa.Column("outbox_id", sa.BigInteger(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("at_s", sa.Double(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        *_texts("outcome", "detail"),
        sa.Column("duration_ms", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("outbox_id", "attempt", name="delivery_attempts_pkey"),
    )
    op.create_table(
        "feed_health",
        sa.Column("feed_id", sa.Text(), nullable=False),
        *_texts("state", "cause"),
        *_columns(sa.BigInteger(), "last_try_s", "last_success_s", "last_new_s", "last_run_id", nullable=True),
        sa.PrimaryKeyConstraint("feed_id"),
    )
    op.create_table(
        "latest",
        sa.Column("series_id", ID, autoincrement=False, nullable=False),
        *_columns(sa.BigInteger(), "end_s", "received_s"),
        sa.PrimaryKeyConstraint("series_id"),
    )
    op.create_table(
        "outbox",
        *_numbered(),
        *_columns(sa.BigInteger(), "subscription_id", "sequence"),
        sa.Column("event_id", sa.BigInteger(), nullable=True),
        *_texts("kind", "payload", "state"),
        sa.Column("created_s", sa.BigInteger(), nullable=False),
        sa.Column("due_s", sa.Double(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("leased_until_s", sa.Double(), nullable=True),
        sa.Column("done_s", sa.BigInteger(), nullable=True),
    )
    op.create_index("outbox_by_due", "outbox", ["state", "due_s"], unique=False)
    op.create_index("outbox_by_sequence", "outbox", ["subscription_id", "sequence"], unique=True)


def _create_quakes() -> None:
    op.create_table(
        "quakes",
        *_numbered(revised=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        *_texts("digest", "event_uid", "feed_id"),
        *_columns(sa.BigInteger(), "batch_id", "received_s"),
        sa.Column("superseded_s", sa.BigInteger(), nullable=True),
        *_texts("status", "title", "place"),
        sa.Column("origin_s", sa.BigInteger(), nullable=True),
        sa.Column("reported_s", sa.BigInteger(), nullable=False),
        *_columns(sa.Double(), "latitude_deg", "longitude_deg", "depth_km", "magnitude", nullable=True),
        *_texts("magnitude_text", "max_intensity", "serial"),
        sa.Column("exercise", sa.Boolean(), server_default="0", nullable=False),
    )
    op.create_index("quakes_by_event", "quakes", ["event_uid", "reported_s"], unique=False)
    op.create_index("quakes_by_time", "quakes", ["reported_s"], unique=False)
    op.create_index("quakes_by_uid", "quakes", ["uid", "revision"], unique=True)


def _create_runs() -> None:
    op.create_table(
        "refusals",
        sa.Column("answer_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        *_texts("reason", "where_text", "detail"),
        sa.PrimaryKeyConstraint("answer_id", "position", name="refusals_pkey"),
    )
    op.create_table(
        "revisions",
        *_value_columns(),
        *_columns(sa.BigInteger(), "received_s", "superseded_s", "superseded_by"),
        *_texts("reason", "note"),
        sa.PrimaryKeyConstraint("series_id", "end_s", "revision", name="revisions_pkey"),
        sqlite_with_rowid=False,
    )
    op.create_index("revisions_by_reason", "revisions", ["reason"], unique=False)
    op.create_index("revisions_by_time", "revisions", ["end_s"], unique=False)
    op.create_table(
        "runs",
        *_numbered(),
        sa.Column("feed_id", sa.Text(), server_default="", nullable=False),
        sa.Column("started_s", sa.BigInteger(), nullable=False),
        sa.Column("finished_s", sa.BigInteger(), nullable=True),
        *_texts("state", "cause"),
        *_counts("read", "stored", "unchanged", "revised", "flagged"),
        *_texts("refused", "ignored"),
        sa.Column("exercise", sa.Boolean(), server_default="0", nullable=False),
    )
    op.create_index("runs_by_feed", "runs", ["feed_id", "started_s"], unique=False)


def _create_samples() -> None:
    op.create_table(
        "sample_results",
        sa.Column("sample_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("uid", sa.Text(), server_default="", nullable=False),
        sa.Column("series_id", sa.BigInteger(), nullable=True),
        *_texts("series_uid", "analyte", "quantity", "unit"),
        sa.Column("value", sa.Double(), nullable=True),
        sa.Column("censoring", sa.SmallInteger(), nullable=False),
        sa.Column("limit_value", sa.Double(), nullable=True),
        *_texts("text", "limit_text"),
        sa.Column("uncertainty", sa.Double(), nullable=True),
        sa.Column("uncertainty_kind", sa.Text(), server_default="", nullable=False),
        sa.Column("coverage_factor", sa.Double(), nullable=True),
        *_texts("published_unit_text", "laboratory", "method"),
        sa.Column("decay_reference_s", sa.BigInteger(), nullable=True),
        sa.Column("link", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("sample_id", "position", name="sample_results_pkey"),
    )
    op.create_index("sample_results_by_series", "sample_results", ["series_id"], unique=False)
    op.create_table(
        "samples",
        *_numbered(revised=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("digest", sa.Text(), server_default="", nullable=False),
        sa.Column("station_id", sa.BigInteger(), nullable=False),
        sa.Column("feed_id", sa.Text(), server_default="", nullable=False),
        *_columns(sa.BigInteger(), "batch_id", "received_s"),
        sa.Column("superseded_s", sa.BigInteger(), nullable=True),
        sa.Column("medium", sa.Text(), server_default="", nullable=False),
        *_columns(sa.BigInteger(), "begin_s", "end_s"),
        *_texts("time_text", "resolution", "zone"),
        sa.Column("zone_assumed", sa.Boolean(), server_default="0", nullable=False),
        sa.Column("layer_label", sa.Text(), server_default="", nullable=False),
        sa.Column("layer_reference", sa.Text(), server_default="label_only", nullable=False),
        *_columns(sa.Double(), "layer_min_m", "layer_max_m", nullable=True),
        *_texts("taxon", "tissue", "description"),
        sa.Column("water_depth_m", sa.Double(), nullable=True),
    )
    op.create_index(op.f("ix_samples_station_id"), "samples", ["station_id"], unique=False)
    op.create_index("samples_by_time", "samples", ["end_s", "uid"], unique=False)
    op.create_index("samples_by_uid", "samples", ["uid", "revision"], unique=True)


def _create_series() -> None:
    op.create_table(
        "series",
        *_numbered(),
        sa.Column("station_id", sa.BigInteger(), nullable=False),
        *_texts("feed_id", "quantity", "unit", "analyte", "medium", "instrument"),
        sa.Column("window_s", sa.BigInteger(), nullable=False),
        sa.Column("layer_label", sa.Text(), server_default="", nullable=False),
        sa.Column("layer_reference", sa.Text(), server_default="label_only", nullable=False),
        *_columns(sa.Double(), "layer_min_m", "layer_max_m", nullable=True),
        sa.Column("kind", sa.Text(), server_default="", nullable=False),
        *_columns(sa.Double(), "floor", "ceiling", nullable=True),
        sa.Column("published_unit_text", sa.Text(), server_default="", nullable=False),
        sa.Column("exercise", sa.Boolean(), server_default="0", nullable=False),
        *_columns(sa.BigInteger(), "first_seen_s", "changed_s", "version"),
    )
    op.create_index(op.f("ix_series_station_id"), "series", ["station_id"], unique=False)
    op.create_index("series_by_version", "series", ["version"], unique=False)
    _create_history("series")
    op.create_table(
        "state_values",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), server_default="", nullable=False),
        sa.Column("blob", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("name"),
    )


def _create_stations() -> None:
    _create_history("station")
    op.create_table(
        "station_marks",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("station_id", sa.BigInteger(), nullable=False),
        *_texts("feed_id", "mark", "last_value_text"),
        *_columns(sa.BigInteger(), "first_seen_s", "last_seen_s"),
        sa.Column("open", sa.Boolean(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_station_marks_station_id"), "station_marks", ["station_id"], unique=False)
    op.create_index("station_marks_open", "station_marks", ["feed_id", "open"], unique=False)
    op.create_table(
        "stations",
        *_numbered(),
        *_texts("namespace", "key", "names"),
        *_columns(sa.Double(), "latitude_deg", "longitude_deg", nullable=True),
        sa.Column("position_origin", sa.Text(), server_default="", nullable=False),
        sa.Column("elevation_m", sa.Double(), nullable=True),
        *_texts("region_code", "zone", "kind", "owner"),
        sa.Column("moving", sa.Boolean(), server_default="0", nullable=False),
        *_texts("feed_id", "areas"),
        sa.Column("exercise", sa.Boolean(), server_default="0", nullable=False),
        *_columns(sa.BigInteger(), "first_seen_s", "changed_s"),
        sa.Column("mark", sa.Text(), server_default="", nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
    )
    op.create_index("stations_by_version", "stations", ["version"], unique=False)


def _create_history(owner: str) -> None:
    op.create_table(
        f"{owner}_history",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        *_columns(sa.BigInteger(), f"{owner}_id", "from_s", "until_s"),
        *_texts("attributes"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f(f"ix_{owner}_history_{owner}_id"), f"{owner}_history", [f"{owner}_id"], unique=False)


def _create_subscriptions() -> None:
    op.create_table(
        "subscriptions",
        *_numbered(),
        *_texts("url", "secret", "previous_secret"),
        sa.Column("previous_until_s", sa.BigInteger(), nullable=True),
        *_texts("token_sha256", "filter", "state", "description"),
        *_columns(sa.BigInteger(), "created_s", "updated_s"),
        sa.Column("last_sequence", sa.BigInteger(), server_default="0", nullable=False),
    )


def _value_columns() -> list[sa.schema.SchemaItem]:
    """A value and all that stands beside it, in force or superseded."""
    return [
        *_columns(sa.BigInteger(), "end_s", "series_id"),
        sa.Column("value", sa.Double(), nullable=True),
        sa.Column("batch_id", sa.BigInteger(), nullable=False),
        sa.Column("digits", sa.SmallInteger(), nullable=False),
        sa.Column("qc", sa.Integer(), nullable=False),
        sa.Column("censoring", sa.SmallInteger(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("published_after_s", sa.BigInteger(), nullable=True),
        sa.Column("limit_value", sa.Double(), nullable=True),
        sa.Column("text", sa.Text(), nullable=True),
    ]


def _create_readings() -> None:
    """The same columns in two shapes: key order by time in SQLite, partitions by month in PostgreSQL."""
    by_time = op.get_bind().dialect.name == "sqlite"
    op.create_table(
        "readings",
        *_value_columns(),
        sa.PrimaryKeyConstraint(*(("end_s", "series_id") if by_time else ("series_id", "end_s")), name="readings_pkey"),
        sqlite_with_rowid=False,
        postgresql_partition_by="RANGE (end_s)",
    )
    if not by_time:
        # Rows arrive nearly in order of time, so a block range index costs almost nothing and finds a window over all series.
        op.execute("CREATE INDEX readings_by_time ON readings USING brin (end_s)")


def downgrade() -> None:
    """Indexes go with their tables."""
    for table in _TABLES:
        op.drop_table(table)
