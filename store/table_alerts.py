"""Alerts, the states that they rest on, who is told, and how that went."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Double, Index, Integer, LargeBinary, PrimaryKeyConstraint, Table, Text

from store.table_columns import Uid, flag, metadata, number, row_id, text, whole

alerts = Table(
    "alerts",
    metadata,
    row_id(),
    Column("uid", Uid, nullable=False, unique=True),
    text("rule_id"),
    text("subject"),
    text("state"),
    text("level"),
    Column("revision", Integer, nullable=False),
    whole("began_s"),
    whole("detected_s"),
    whole("updated_s"),
    whole("resolved_s", nullable=True),
    flag("exercise"),
    text("document"),
    Index("alerts_by_state", "state", "updated_s"),
    Index("alerts_by_subject", "rule_id", "subject"),
)

alert_areas = Table(
    "alert_areas",
    metadata,
    Column("alert_id", BigInteger, nullable=False),
    Column("area_id", Uid, nullable=False),
    PrimaryKeyConstraint("alert_id", "area_id", name="alert_areas_pkey"),
    Index("alert_areas_by_area", "area_id"),
)

alert_events = Table(
    "alert_events",
    metadata,
    row_id(),
    Column("uid", Uid, nullable=False, unique=True),
    Column("alert_id", BigInteger, nullable=False),
    Column("revision", Integer, nullable=False),
    text("kind"),
    text("state"),
    text("level"),
    whole("at_s"),
    text("rule_version"),
    text("parameters"),
    text("reasons"),
    flag("exercise"),
    text("document"),
    Index("alert_events_by_alert", "alert_id", "revision", unique=True),
)

alert_evidence = Table(
    "alert_evidence",
    metadata,
    Column("event_id", BigInteger, nullable=False),
    Column("position", Integer, nullable=False),
    text("series_uid"),
    whole("end_s"),
    Column("revision", Integer, nullable=False),
    number("value"),
    text("text"),
    text("unit"),
    Column("qc", Integer, nullable=False),
    whole("published_s", nullable=True),
    whole("received_s"),
    text("sha256"),
    text("numbers"),
    PrimaryKeyConstraint("event_id", "position", name="alert_evidence_pkey"),
)

subscriptions = Table(
    "subscriptions",
    metadata,
    row_id(),
    Column("uid", Uid, nullable=False, unique=True),
    text("url"),
    text("secret"),
    text("previous_secret"),
    whole("previous_until_s", nullable=True),
    text("token_sha256"),
    text("filter"),
    text("state"),
    text("description"),
    whole("created_s"),
    whole("updated_s"),
    whole("last_sequence", "0"),
    Column("channel", Text, nullable=False, server_default="webhook"),
    Column("format", Text, nullable=False, server_default="json"),
    Column("audience", Text, nullable=False, server_default="public"),
    text("pending_url"),
    text("challenge_sha256"),
    text("contact"),
    text("notice"),
    whole("challenge_until_s", nullable=True),
    whole("verified_s", nullable=True),
)

outbox = Table(
    "outbox",
    metadata,
    row_id(),
    Column("uid", Uid, nullable=False, unique=True),
    Column("subscription_id", BigInteger, nullable=False),
    whole("sequence"),
    whole("event_id", nullable=True),
    text("kind"),
    text("payload"),
    text("state"),
    whole("created_s"),
    Column("due_s", Double, nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("leased_until_s", Double),
    whole("done_s", nullable=True),
    Index("outbox_by_sequence", "subscription_id", "sequence", unique=True),
    Index("outbox_by_due", "state", "due_s"),
    Index("outbox_by_turn", "subscription_id", "state", "sequence"),
)

delivery_attempts = Table(
    "delivery_attempts",
    metadata,
    Column("outbox_id", BigInteger, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("at_s", Double, nullable=False),
    Column("status", Integer),
    text("outcome"),
    text("detail"),
    whole("duration_ms", "0"),
    PrimaryKeyConstraint("outbox_id", "attempt", name="delivery_attempts_pkey"),
)

drills = Table(
    "drills",
    metadata,
    Column("uid", Uid, primary_key=True),
    text("region_id"),
    text("state"),
    whole("began_s"),
    whole("ended_s", nullable=True),
    text("document"),
    Index("drills_by_begin", "began_s"),
)

detector_states = Table(
    "detector_states",
    metadata,
    row_id(),
    text("name"),
    text("version"),
    text("digest"),  # of the state before it was packed
    whole("at_s"),
    text("run_uid"),  # the poll after which it stands; empty when it was made before any
    flag("pinned"),  # an event stands on it
    Column("blob", LargeBinary, nullable=False),
    Index("detector_states_by_name", "name", "at_s"),
    Index("detector_states_by_digest", "digest"),
)

silences = Table(
    "silences",
    metadata,
    Column("uid", Uid, primary_key=True),
    text("kind"),
    text("author"),
    text("reason"),
    whole("from_s"),
    whole("until_s"),
    whole("created_s"),
    whole("ended_s", nullable=True),
    text("ended_by"),
    text("scope"),
    text("level"),
    Index("silences_by_end", "until_s"),
)

acknowledgements = Table(
    "acknowledgements",
    metadata,
    row_id(),
    text("alert_uid"),
    Column("revision", Integer, nullable=False),
    text("author"),
    text("note"),
    whole("at_s"),
    whole("expires_s"),
    Index("acknowledgements_by_alert", "alert_uid", "at_s"),
)

site_watches = Table(
    "site_watches",
    metadata,
    Column("site_id", Uid, nullable=False),
    Column("event_uid", Uid, nullable=False),
    text("rule"),
    whole("shock_s"),
    whole("opened_s"),
    whole("closed_s", nullable=True),
    text("evidence"),  # JSON: who had answered when it was last looked at
    text("asked"),  # JSON: feed -> when it was asked out of turn
    flag("exercise"),
    PrimaryKeyConstraint("site_id", "event_uid", name="site_watches_pkey"),
    Index("site_watches_open", "closed_s"),
)
