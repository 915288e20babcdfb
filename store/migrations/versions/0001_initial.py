"""The first schema: readings and their revisions, catalogue, samples, runs, alerts and their delivery."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
UID = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "alert_areas",
        sa.Column("alert_id", sa.BigInteger(), nullable=False),
        sa.Column("area_id", UID, nullable=False),
        sa.PrimaryKeyConstraint("alert_id", "area_id", name="alert_areas_pkey"),
    )
    op.create_index("alert_areas_by_area", "alert_areas", ["area_id"], unique=False)
    op.create_table(
        "alert_events",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("uid", UID, nullable=False),
        sa.Column("alert_id", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), server_default="", nullable=False),
        sa.Column("state", sa.Text(), server_default="", nullable=False),
        sa.Column("level", sa.Text(), server_default="", nullable=False),
        sa.Column("at_s", sa.BigInteger(), nullable=False),
        sa.Column("rule_version", sa.Text(), server_default="", nullable=False),
        sa.Column("parameters", sa.Text(), server_default="", nullable=False),
        sa.Column("reasons", sa.Text(), server_default="", nullable=False),
        sa.Column("exercise", sa.Boolean(), server_default="0", nullable=False),
        sa.Column("document", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("uid"),
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
        sa.Column("text", sa.Text(), server_default="", nullable=False),
        sa.Column("unit", sa.Text(), server_default="", nullable=False),
        sa.Column("qc", sa.Integer(), nullable=False),
        sa.Column("published_s", sa.BigInteger(), nullable=True),
        sa.Column("received_s", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.Text(), server_default="", nullable=False),
        sa.Column("numbers", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("event_id", "position", name="alert_evidence_pkey"),
    )
    op.create_table(
        "alerts",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("uid", UID, nullable=False),
        sa.Column("rule_id", sa.Text(), server_default="", nullable=False),
        sa.Column("subject", sa.Text(), server_default="", nullable=False),
        sa.Column("state", sa.Text(), server_default="", nullable=False),
        sa.Column("level", sa.Text(), server_default="", nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("began_s", sa.BigInteger(), nullable=False),
        sa.Column("detected_s", sa.BigInteger(), nullable=False),
        sa.Column("updated_s", sa.BigInteger(), nullable=False),
        sa.Column("resolved_s", sa.BigInteger(), nullable=True),
        sa.Column("exercise", sa.Boolean(), server_default="0", nullable=False),
        sa.Column("document", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("uid"),
    )
    op.create_index("alerts_by_state", "alerts", ["state", "updated_s"], unique=False)
    op.create_index("alerts_by_subject", "alerts", ["rule_id", "subject"], unique=False)
    op.create_table(
        "answers",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("feed_id", sa.Text(), server_default="", nullable=False),
        sa.Column("method", sa.Text(), server_default="", nullable=False),
        sa.Column("url", sa.Text(), server_default="", nullable=False),
        sa.Column("requested_s", sa.Double(), nullable=False),
        sa.Column("answered_s", sa.Double(), nullable=False),
        sa.Column("received_s", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.Text(), server_default="", nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("not_modified", sa.Boolean(), server_default="0", nullable=False),
        sa.Column("failure", sa.Text(), server_default="", nullable=False),
        sa.Column("failure_detail", sa.Text(), server_default="", nullable=False),
        sa.Column("read", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("stored", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("unchanged", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("revised", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("flagged", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("refused", sa.Text(), server_default="", nullable=False),
        sa.Column("ignored", sa.Text(), server_default="", nullable=False),
        sa.Column("exercise", sa.Boolean(), server_default="0", nullable=False),
        sa.Column("first_end_s", sa.BigInteger(), nullable=True),
        sa.Column("last_end_s", sa.BigInteger(), nullable=True),
        sa.Column("handled_s", sa.BigInteger(), nullable=True),
        sa.Column("claimed_s", sa.BigInteger(), nullable=True),
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
    op.create_table(
        "delivery_attempts",
        sa.Column("outbox_id", sa.BigInteger(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("at_s", sa.Double(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("outcome", sa.Text(), server_default="", nullable=False),
        sa.Column("detail", sa.Text(), server_default="", nullable=False),
        sa.Column("duration_ms", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("outbox_id", "attempt", name="delivery_attempts_pkey"),
    )
    op.create_table(
        "feed_health",
        sa.Column("feed_id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="", nullable=False),
        sa.Column("cause", sa.Text(), server_default="", nullable=False),
        sa.Column("last_try_s", sa.BigInteger(), nullable=True),
        sa.Column("last_success_s", sa.BigInteger(), nullable=True),
        sa.Column("last_new_s", sa.BigInteger(), nullable=True),
        sa.Column("last_run_id", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("feed_id"),
    )
    op.create_table(
        "latest",
        sa.Column("series_id", ID, autoincrement=False, nullable=False),
        sa.Column("end_s", sa.BigInteger(), nullable=False),
        sa.Column("received_s", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("series_id"),
    )
    op.create_table(
        "outbox",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("uid", UID, nullable=False),
        sa.Column("subscription_id", sa.BigInteger(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=True),
        sa.Column("kind", sa.Text(), server_default="", nullable=False),
        sa.Column("payload", sa.Text(), server_default="", nullable=False),
        sa.Column("state", sa.Text(), server_default="", nullable=False),
        sa.Column("created_s", sa.BigInteger(), nullable=False),
        sa.Column("due_s", sa.Double(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("leased_until_s", sa.Double(), nullable=True),
        sa.Column("done_s", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("uid"),
    )
    op.create_index("outbox_by_due", "outbox", ["state", "due_s"], unique=False)
    op.create_index("outbox_by_sequence", "outbox", ["subscription_id", "sequence"], unique=True)
    op.create_table(
        "quakes",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("uid", UID, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("digest", sa.Text(), server_default="", nullable=False),
        sa.Column("event_uid", sa.Text(), server_default="", nullable=False),
        sa.Column("feed_id", sa.Text(), server_default="", nullable=False),
        sa.Column("batch_id", sa.BigInteger(), nullable=False),
        sa.Column("received_s", sa.BigInteger(), nullable=False),
        sa.Column("superseded_s", sa.BigInteger(), nullable=True),
        sa.Column("status", sa.Text(), server_default="", nullable=False),
        sa.Column("title", sa.Text(), server_default="", nullable=False),
        sa.Column("place", sa.Text(), server_default="", nullable=False),
        sa.Column("origin_s", sa.BigInteger(), nullable=True),
        sa.Column("reported_s", sa.BigInteger(), nullable=False),
        sa.Column("latitude_deg", sa.Double(), nullable=True),
        sa.Column("longitude_deg", sa.Double(), nullable=True),
        sa.Column("depth_km", sa.Double(), nullable=True),
        sa.Column("magnitude", sa.Double(), nullable=True),
        sa.Column("magnitude_text", sa.Text(), server_default="", nullable=False),
        sa.Column("max_intensity", sa.Text(), server_default="", nullable=False),
        sa.Column("serial", sa.Text(), server_default="", nullable=False),
        sa.Column("exercise", sa.Boolean(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("quakes_by_event", "quakes", ["event_uid", "reported_s"], unique=False)
    op.create_index("quakes_by_time", "quakes", ["reported_s"], unique=False)
    op.create_index("quakes_by_uid", "quakes", ["uid", "revision"], unique=True)
    _create_readings()
    op.create_table(
        "refusals",
        sa.Column("answer_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("where_text", sa.Text(), server_default="", nullable=False),
        sa.Column("detail", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("answer_id", "position", name="refusals_pkey"),
    )
    op.create_table(
        "revisions",
        sa.Column("end_s", sa.BigInteger(), nullable=False),
        sa.Column("series_id", sa.BigInteger(), nullable=False),
        sa.Column("value", sa.Double(), nullable=True),
        sa.Column("batch_id", sa.BigInteger(), nullable=False),
        sa.Column("digits", sa.SmallInteger(), nullable=False),
        sa.Column("qc", sa.Integer(), nullable=False),
        sa.Column("censoring", sa.SmallInteger(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("published_after_s", sa.BigInteger(), nullable=True),
        sa.Column("limit_value", sa.Double(), nullable=True),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("received_s", sa.BigInteger(), nullable=False),
        sa.Column("superseded_s", sa.BigInteger(), nullable=False),
        sa.Column("superseded_by", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("series_id", "end_s", "revision", name="revisions_pkey"),
        sqlite_with_rowid=False,
    )
    op.create_index("revisions_by_reason", "revisions", ["reason"], unique=False)
    op.create_index("revisions_by_time", "revisions", ["end_s"], unique=False)
    op.create_table(
        "runs",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("uid", UID, nullable=False),
        sa.Column("feed_id", sa.Text(), server_default="", nullable=False),
        sa.Column("started_s", sa.BigInteger(), nullable=False),
        sa.Column("finished_s", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.Text(), server_default="", nullable=False),
        sa.Column("cause", sa.Text(), server_default="", nullable=False),
        sa.Column("read", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("stored", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("unchanged", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("revised", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("flagged", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("refused", sa.Text(), server_default="", nullable=False),
        sa.Column("ignored", sa.Text(), server_default="", nullable=False),
        sa.Column("exercise", sa.Boolean(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("uid"),
    )
    op.create_index("runs_by_feed", "runs", ["feed_id", "started_s"], unique=False)
    op.create_table(
        "sample_results",
        sa.Column("sample_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("uid", sa.Text(), server_default="", nullable=False),
        sa.Column("series_id", sa.BigInteger(), nullable=True),
        sa.Column("series_uid", sa.Text(), server_default="", nullable=False),
        sa.Column("analyte", sa.Text(), server_default="", nullable=False),
        sa.Column("quantity", sa.Text(), server_default="", nullable=False),
        sa.Column("unit", sa.Text(), server_default="", nullable=False),
        sa.Column("value", sa.Double(), nullable=True),
        sa.Column("censoring", sa.SmallInteger(), nullable=False),
        sa.Column("limit_value", sa.Double(), nullable=True),
        sa.Column("text", sa.Text(), server_default="", nullable=False),
        sa.Column("limit_text", sa.Text(), server_default="", nullable=False),
        sa.Column("uncertainty", sa.Double(), nullable=True),
        sa.Column("uncertainty_kind", sa.Text(), server_default="", nullable=False),
        sa.Column("coverage_factor", sa.Double(), nullable=True),
        sa.Column("published_unit_text", sa.Text(), server_default="", nullable=False),
        sa.Column("laboratory", sa.Text(), server_default="", nullable=False),
        sa.Column("method", sa.Text(), server_default="", nullable=False),
        sa.Column("decay_reference_s", sa.BigInteger(), nullable=True),
        sa.Column("link", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("sample_id", "position", name="sample_results_pkey"),
    )
    op.create_index("sample_results_by_series", "sample_results", ["series_id"], unique=False)
    op.create_table(
        "samples",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("uid", UID, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("digest", sa.Text(), server_default="", nullable=False),
        sa.Column("station_id", sa.BigInteger(), nullable=False),
        sa.Column("feed_id", sa.Text(), server_default="", nullable=False),
        sa.Column("batch_id", sa.BigInteger(), nullable=False),
        sa.Column("received_s", sa.BigInteger(), nullable=False),
        sa.Column("superseded_s", sa.BigInteger(), nullable=True),
        sa.Column("medium", sa.Text(), server_default="", nullable=False),
        sa.Column("begin_s", sa.BigInteger(), nullable=False),
        sa.Column("end_s", sa.BigInteger(), nullable=False),
        sa.Column("time_text", sa.Text(), server_default="", nullable=False),
        sa.Column("resolution", sa.Text(), server_default="", nullable=False),
        sa.Column("zone", sa.Text(), server_default="", nullable=False),
        sa.Column("zone_assumed", sa.Boolean(), server_default="0", nullable=False),
        sa.Column("layer_label", sa.Text(), server_default="", nullable=False),
        sa.Column("layer_reference", sa.Text(), server_default="label_only", nullable=False),
        sa.Column("layer_min_m", sa.Double(), nullable=True),
        sa.Column("layer_max_m", sa.Double(), nullable=True),
        sa.Column("taxon", sa.Text(), server_default="", nullable=False),
        sa.Column("tissue", sa.Text(), server_default="", nullable=False),
        sa.Column("description", sa.Text(), server_default="", nullable=False),
        sa.Column("water_depth_m", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_samples_station_id"), "samples", ["station_id"], unique=False)
    op.create_index("samples_by_time", "samples", ["end_s", "uid"], unique=False)
    op.create_index("samples_by_uid", "samples", ["uid", "revision"], unique=True)
    op.create_table(
        "series",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("uid", UID, nullable=False),
        sa.Column("station_id", sa.BigInteger(), nullable=False),
        sa.Column("feed_id", sa.Text(), server_default="", nullable=False),
        sa.Column("quantity", sa.Text(), server_default="", nullable=False),
        sa.Column("unit", sa.Text(), server_default="", nullable=False),
        sa.Column("analyte", sa.Text(), server_default="", nullable=False),
        sa.Column("medium", sa.Text(), server_default="", nullable=False),
        sa.Column("instrument", sa.Text(), server_default="", nullable=False),
        sa.Column("window_s", sa.BigInteger(), nullable=False),
        sa.Column("layer_label", sa.Text(), server_default="", nullable=False),
        sa.Column("layer_reference", sa.Text(), server_default="label_only", nullable=False),
        sa.Column("layer_min_m", sa.Double(), nullable=True),
        sa.Column("layer_max_m", sa.Double(), nullable=True),
        sa.Column("kind", sa.Text(), server_default="", nullable=False),
        sa.Column("floor", sa.Double(), nullable=True),
        sa.Column("ceiling", sa.Double(), nullable=True),
        sa.Column("published_unit_text", sa.Text(), server_default="", nullable=False),
        sa.Column("exercise", sa.Boolean(), server_default="0", nullable=False),
        sa.Column("first_seen_s", sa.BigInteger(), nullable=False),
        sa.Column("changed_s", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("uid"),
    )
    op.create_index(op.f("ix_series_station_id"), "series", ["station_id"], unique=False)
    op.create_index("series_by_version", "series", ["version"], unique=False)
    op.create_table(
        "series_history",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("series_id", sa.BigInteger(), nullable=False),
        sa.Column("from_s", sa.BigInteger(), nullable=False),
        sa.Column("until_s", sa.BigInteger(), nullable=False),
        sa.Column("attributes", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_series_history_series_id"), "series_history", ["series_id"], unique=False)
    op.create_table(
        "state_values",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), server_default="", nullable=False),
        sa.Column("blob", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "station_history",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("station_id", sa.BigInteger(), nullable=False),
        sa.Column("from_s", sa.BigInteger(), nullable=False),
        sa.Column("until_s", sa.BigInteger(), nullable=False),
        sa.Column("attributes", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_station_history_station_id"), "station_history", ["station_id"], unique=False)
    op.create_table(
        "station_marks",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("station_id", sa.BigInteger(), nullable=False),
        sa.Column("feed_id", sa.Text(), server_default="", nullable=False),
        sa.Column("mark", sa.Text(), server_default="", nullable=False),
        sa.Column("last_value_text", sa.Text(), server_default="", nullable=False),
        sa.Column("first_seen_s", sa.BigInteger(), nullable=False),
        sa.Column("last_seen_s", sa.BigInteger(), nullable=False),
        sa.Column("open", sa.Boolean(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_station_marks_station_id"), "station_marks", ["station_id"], unique=False)
    op.create_index("station_marks_open", "station_marks", ["feed_id", "open"], unique=False)
    op.create_table(
        "stations",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("uid", UID, nullable=False),
        sa.Column("namespace", sa.Text(), server_default="", nullable=False),
        sa.Column("key", sa.Text(), server_default="", nullable=False),
        sa.Column("names", sa.Text(), server_default="", nullable=False),
        sa.Column("latitude_deg", sa.Double(), nullable=True),
        sa.Column("longitude_deg", sa.Double(), nullable=True),
        sa.Column("position_origin", sa.Text(), server_default="", nullable=False),
        sa.Column("elevation_m", sa.Double(), nullable=True),
        sa.Column("region_code", sa.Text(), server_default="", nullable=False),
        sa.Column("zone", sa.Text(), server_default="", nullable=False),
        sa.Column("kind", sa.Text(), server_default="", nullable=False),
        sa.Column("owner", sa.Text(), server_default="", nullable=False),
        sa.Column("moving", sa.Boolean(), server_default="0", nullable=False),
        sa.Column("feed_id", sa.Text(), server_default="", nullable=False),
        sa.Column("areas", sa.Text(), server_default="", nullable=False),
        sa.Column("exercise", sa.Boolean(), server_default="0", nullable=False),
        sa.Column("first_seen_s", sa.BigInteger(), nullable=False),
        sa.Column("changed_s", sa.BigInteger(), nullable=False),
        sa.Column("mark", sa.Text(), server_default="", nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("uid"),
    )
    op.create_index("stations_by_version", "stations", ["version"], unique=False)
    op.create_table(
        "subscriptions",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("uid", UID, nullable=False),
        sa.Column("url", sa.Text(), server_default="", nullable=False),
        sa.Column("secret", sa.Text(), server_default="", nullable=False),
        sa.Column("previous_secret", sa.Text(), server_default="", nullable=False),
        sa.Column("previous_until_s", sa.BigInteger(), nullable=True),
        sa.Column("token_sha256", sa.Text(), server_default="", nullable=False),
        sa.Column("filter", sa.Text(), server_default="", nullable=False),
        sa.Column("state", sa.Text(), server_default="", nullable=False),
        sa.Column("description", sa.Text(), server_default="", nullable=False),
        sa.Column("created_s", sa.BigInteger(), nullable=False),
        sa.Column("updated_s", sa.BigInteger(), nullable=False),
        sa.Column("last_sequence", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("uid"),
    )
    op.execute("INSERT INTO catalogue (id, version) VALUES (1, 0)")


def _create_readings() -> None:
    """The same columns in two shapes: key order by time in SQLite, partitions by month in PostgreSQL."""
    columns: list[sa.schema.SchemaItem] = [
        sa.Column("end_s", sa.BigInteger(), nullable=False),
        sa.Column("series_id", sa.BigInteger(), nullable=False),
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
    if op.get_bind().dialect.name == "sqlite":
        op.create_table(
            "readings",
            *columns,
            sa.PrimaryKeyConstraint("end_s", "series_id", name="readings_pkey"),
            sqlite_with_rowid=False,
        )
        return
    key = sa.PrimaryKeyConstraint("series_id", "end_s", name="readings_pkey")
    op.create_table("readings", *columns, key, postgresql_partition_by="RANGE (end_s)")
    # Rows arrive nearly in order of time, so a block range index costs almost nothing and finds a window over all series.
    op.execute("CREATE INDEX readings_by_time ON readings USING brin (end_s)")


def downgrade() -> None:
    op.drop_table("subscriptions")
    op.drop_index("stations_by_version", table_name="stations")
    op.drop_table("stations")
    op.drop_index("station_marks_open", table_name="station_marks")
    op.drop_index(op.f("ix_station_marks_station_id"), table_name="station_marks")
    op.drop_table("station_marks")
    op.drop_index(op.f("ix_station_history_station_id"), table_name="station_history")
    op.drop_table("station_history")
    op.drop_table("state_values")
    op.drop_index(op.f("ix_series_history_series_id"), table_name="series_history")
    op.drop_table("series_history")
    op.drop_index("series_by_version", table_name="series")
    op.drop_index(op.f("ix_series_station_id"), table_name="series")
    op.drop_table("series")
    op.drop_index("samples_by_uid", table_name="samples")
    op.drop_index("samples_by_time", table_name="samples")
    op.drop_index(op.f("ix_samples_station_id"), table_name="samples")
    op.drop_table("samples")
    op.drop_index("sample_results_by_series", table_name="sample_results")
    op.drop_table("sample_results")
    op.drop_index("runs_by_feed", table_name="runs")
    op.drop_table("runs")
    op.drop_index("revisions_by_time", table_name="revisions")
    op.drop_index("revisions_by_reason", table_name="revisions")
    op.drop_table("revisions")
    op.drop_table("refusals")
    op.drop_table("readings")
    op.drop_index("quakes_by_uid", table_name="quakes")
    op.drop_index("quakes_by_time", table_name="quakes")
    op.drop_index("quakes_by_event", table_name="quakes")
    op.drop_table("quakes")
    op.drop_index("outbox_by_sequence", table_name="outbox")
    op.drop_index("outbox_by_due", table_name="outbox")
    op.drop_table("outbox")
    op.drop_table("latest")
    op.drop_table("feed_health")
    op.drop_table("delivery_attempts")
    op.drop_table("catalogue")
    op.drop_index(op.f("ix_answers_run_id"), table_name="answers")
    op.drop_index("answers_by_handled", table_name="answers")
    op.drop_table("answers")
    op.drop_index("alerts_by_subject", table_name="alerts")
    op.drop_index("alerts_by_state", table_name="alerts")
    op.drop_table("alerts")
    op.drop_table("alert_evidence")
    op.drop_index("alert_events_by_alert", table_name="alert_events")
    op.drop_table("alert_events")
    op.drop_index("alert_areas_by_area", table_name="alert_areas")
    op.drop_table("alert_areas")
