"""The schema: readings hot and superseded, stations and series, samples, bulletins, runs. Times are whole seconds, UTC.

Both engines get the same columns; only the order of the reading key differs. SQLite keeps rows in key order, and a sweep
brings thousands of series at a few stamps: (end_s, series_id) writes 10 to 16 times faster there than (series_id, end_s).
PostgreSQL has a heap and partitions by time, so its key serves the question most asked: one series over a while.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
)
from sqlalchemy.types import TypeEngine

metadata = MetaData()

#: Sixty-four bits on both engines; SQLite numbers rows by itself only when the type says INTEGER.
Id: TypeEngine[int] = BigInteger().with_variant(Integer, "sqlite")
#: Public identifiers sort by code point everywhere, as Python and SQLite do; PostgreSQL must be told.
Uid: TypeEngine[str] = Text().with_variant(Text(collation="C"), "postgresql")


def _row_id() -> Column[int]:
    return Column("id", Id, primary_key=True, autoincrement=True)


def _text(name: str) -> Column[str]:
    return Column(name, Text, nullable=False, server_default="")


def _whole(name: str, default: str | None = None, *, nullable: bool = False) -> Column[int]:
    return Column(name, BigInteger, nullable=nullable, server_default=default)


def _number(name: str) -> Column[float]:
    return Column(name, Double)


def _flag(name: str) -> Column[bool]:
    return Column(name, Boolean, nullable=False, server_default="0")


def _layer() -> list[Column[object]]:
    return [
        Column("layer_label", Text, nullable=False, server_default=""),
        Column("layer_reference", Text, nullable=False, server_default="label_only"),
        Column("layer_min_m", Double),
        Column("layer_max_m", Double),
    ]


def _reading() -> list[Column[object]]:
    """Fresh columns of one version of a reading; `published_after_s` counts from `end_s`, `text` is kept only where digits fail."""
    return [
        Column("end_s", BigInteger, nullable=False),
        Column("series_id", BigInteger, nullable=False),
        Column("value", Double),
        Column("batch_id", BigInteger, nullable=False),
        Column("digits", SmallInteger, nullable=False),
        Column("qc", Integer, nullable=False),
        Column("censoring", SmallInteger, nullable=False),
        Column("revision", Integer, nullable=False),
        Column("published_after_s", BigInteger),
        Column("limit_value", Double),
        Column("text", Text),
    ]


catalogue = Table(
    "catalogue",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    _whole("version"),
)

stations = Table(
    "stations",
    metadata,
    _row_id(),
    Column("uid", Uid, nullable=False, unique=True),
    _text("namespace"),
    _text("key"),
    _text("names"),
    _number("latitude_deg"),
    _number("longitude_deg"),
    _text("position_origin"),
    _number("elevation_m"),
    _text("region_code"),
    _text("zone"),
    _text("kind"),
    _text("owner"),
    _flag("moving"),
    _text("feed_id"),
    _text("areas"),
    _flag("exercise"),
    _whole("first_seen_s"),
    _whole("changed_s"),
    _text("mark"),
    _whole("version"),
    Index("stations_by_version", "version"),
)

station_history = Table(
    "station_history",
    metadata,
    _row_id(),
    Column("station_id", BigInteger, nullable=False, index=True),
    _whole("from_s"),
    _whole("until_s"),
    _text("attributes"),
)

series = Table(
    "series",
    metadata,
    _row_id(),
    Column("uid", Uid, nullable=False, unique=True),
    Column("station_id", BigInteger, nullable=False, index=True),
    _text("feed_id"),
    _text("quantity"),
    _text("unit"),
    _text("analyte"),
    _text("medium"),
    _text("instrument"),
    _whole("window_s"),
    *_layer(),
    _text("kind"),
    _number("floor"),
    _number("ceiling"),
    _text("published_unit_text"),
    _flag("exercise"),
    _whole("first_seen_s"),
    _whole("changed_s"),
    _whole("version"),
    Index("series_by_version", "version"),
)

series_history = Table(
    "series_history",
    metadata,
    _row_id(),
    Column("series_id", BigInteger, nullable=False, index=True),
    _whole("from_s"),
    _whole("until_s"),
    _text("attributes"),
)

readings = Table(
    "readings",
    metadata,
    *_reading(),
    PrimaryKeyConstraint("end_s", "series_id", name="readings_pkey"),
    sqlite_with_rowid=False,
)

revisions = Table(
    "revisions",
    metadata,
    *_reading(),
    _whole("received_s"),
    _whole("superseded_s"),
    _whole("superseded_by"),
    _text("reason"),
    _text("note"),
    PrimaryKeyConstraint("series_id", "end_s", "revision", name="revisions_pkey"),
    Index("revisions_by_reason", "reason"),
    Index("revisions_by_time", "end_s"),
    sqlite_with_rowid=False,
)

latest = Table(
    "latest",
    metadata,
    Column("series_id", Id, primary_key=True, autoincrement=False),
    _whole("end_s"),
    _whole("received_s"),
)

runs = Table(
    "runs",
    metadata,
    _row_id(),
    Column("uid", Uid, nullable=False, unique=True),
    _text("feed_id"),
    _whole("started_s"),
    _whole("finished_s", nullable=True),
    _text("state"),
    _text("cause"),
    _whole("read", "0"),
    _whole("stored", "0"),
    _whole("unchanged", "0"),
    _whole("revised", "0"),
    _whole("flagged", "0"),
    _text("refused"),
    _text("ignored"),
    _flag("exercise"),
    Column("judged_s", BigInteger),  # when alerting judged the poll as a whole
    Index("runs_by_feed", "feed_id", "started_s"),
    Index("runs_by_judged", "judged_s", "finished_s"),
)

answers = Table(
    "answers",
    metadata,
    _row_id(),
    Column("run_id", BigInteger, nullable=False, index=True),
    _text("feed_id"),
    _text("method"),
    _text("url"),
    Column("requested_s", Double, nullable=False),
    Column("answered_s", Double, nullable=False),
    _whole("received_s"),
    Column("status", Integer, nullable=False),
    _text("sha256"),
    _whole("size_bytes"),
    _flag("not_modified"),
    _text("failure"),
    _text("failure_detail"),
    _whole("read", "0"),
    _whole("stored", "0"),
    _whole("unchanged", "0"),
    _whole("revised", "0"),
    _whole("flagged", "0"),
    _text("refused"),
    _text("ignored"),
    _flag("exercise"),
    _whole("first_end_s", nullable=True),
    _whole("last_end_s", nullable=True),
    Column("handled_s", BigInteger),
    Column("claimed_s", BigInteger),
    _text("claimed_by"),
    Column("leaf", BigInteger),  # its place in the log
    Index("answers_by_handled", "handled_s", "id"),
    Index("answers_by_leaf", "leaf", unique=True),
)

refusals = Table(
    "refusals",
    metadata,
    Column("answer_id", BigInteger, nullable=False),
    Column("position", Integer, nullable=False),
    _text("reason"),
    _text("where_text"),
    _text("detail"),
    PrimaryKeyConstraint("answer_id", "position", name="refusals_pkey"),
)

feed_health = Table(
    "feed_health",
    metadata,
    Column("feed_id", Text, primary_key=True),
    _text("state"),
    _text("cause"),
    _whole("last_try_s", nullable=True),
    _whole("last_success_s", nullable=True),
    _whole("last_new_s", nullable=True),
    _whole("last_run_id", nullable=True),
)

samples = Table(
    "samples",
    metadata,
    _row_id(),
    Column("uid", Uid, nullable=False),
    Column("revision", Integer, nullable=False),
    _text("digest"),
    Column("station_id", BigInteger, nullable=False, index=True),
    _text("feed_id"),
    Column("batch_id", BigInteger, nullable=False),
    _whole("received_s"),
    _whole("superseded_s", nullable=True),
    _text("medium"),
    _whole("begin_s"),
    _whole("end_s"),
    _text("time_text"),
    _text("resolution"),
    _text("zone"),
    _flag("zone_assumed"),
    *_layer(),
    _text("taxon"),
    _text("tissue"),
    _text("description"),
    _number("water_depth_m"),
    Index("samples_by_uid", "uid", "revision", unique=True),
    Index("samples_by_time", "end_s", "uid"),
)

sample_results = Table(
    "sample_results",
    metadata,
    Column("sample_id", BigInteger, nullable=False),
    Column("position", Integer, nullable=False),
    _text("uid"),
    Column("series_id", BigInteger, nullable=True),
    _text("series_uid"),
    _text("analyte"),
    _text("quantity"),
    _text("unit"),
    _number("value"),
    Column("censoring", SmallInteger, nullable=False),
    _number("limit_value"),
    _text("text"),
    _text("limit_text"),
    _number("uncertainty"),
    _text("uncertainty_kind"),
    _number("coverage_factor"),
    _text("published_unit_text"),
    _text("laboratory"),
    _text("method"),
    _whole("decay_reference_s", nullable=True),
    _text("link"),
    PrimaryKeyConstraint("sample_id", "position", name="sample_results_pkey"),
    Index("sample_results_by_series", "series_id"),
)

quakes = Table(
    "quakes",
    metadata,
    _row_id(),
    Column("uid", Uid, nullable=False),
    Column("revision", Integer, nullable=False),
    _text("digest"),
    _text("event_uid"),
    _text("feed_id"),
    Column("batch_id", BigInteger, nullable=False),
    _whole("received_s"),
    _whole("superseded_s", nullable=True),
    _text("status"),
    _text("title"),
    _text("place"),
    _whole("origin_s", nullable=True),
    _whole("reported_s"),
    _number("latitude_deg"),
    _number("longitude_deg"),
    _number("depth_km"),
    _number("magnitude"),
    _text("magnitude_text"),
    _text("max_intensity"),
    _text("serial"),
    _flag("exercise"),
    Index("quakes_by_uid", "uid", "revision", unique=True),
    Index("quakes_by_event", "event_uid", "reported_s"),
    Index("quakes_by_time", "reported_s"),
)

station_marks = Table(
    "station_marks",
    metadata,
    _row_id(),
    Column("station_id", BigInteger, nullable=False, index=True),
    _text("feed_id"),
    _text("mark"),
    _text("last_value_text"),
    _whole("first_seen_s"),
    _whole("last_seen_s"),
    _flag("open"),
    Index("station_marks_open", "feed_id", "open"),
)

alerts = Table(
    "alerts",
    metadata,
    _row_id(),
    Column("uid", Uid, nullable=False, unique=True),
    _text("rule_id"),
    _text("subject"),
    _text("state"),
    _text("level"),
    Column("revision", Integer, nullable=False),
    _whole("began_s"),
    _whole("detected_s"),
    _whole("updated_s"),
    _whole("resolved_s", nullable=True),
    _flag("exercise"),
    _text("document"),
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
    _row_id(),
    Column("uid", Uid, nullable=False, unique=True),
    Column("alert_id", BigInteger, nullable=False),
    Column("revision", Integer, nullable=False),
    _text("kind"),
    _text("state"),
    _text("level"),
    _whole("at_s"),
    _text("rule_version"),
    _text("parameters"),
    _text("reasons"),
    _flag("exercise"),
    _text("document"),
    Index("alert_events_by_alert", "alert_id", "revision", unique=True),
)

alert_evidence = Table(
    "alert_evidence",
    metadata,
    Column("event_id", BigInteger, nullable=False),
    Column("position", Integer, nullable=False),
    _text("series_uid"),
    _whole("end_s"),
    Column("revision", Integer, nullable=False),
    _number("value"),
    _text("text"),
    _text("unit"),
    Column("qc", Integer, nullable=False),
    _whole("published_s", nullable=True),
    _whole("received_s"),
    _text("sha256"),
    _text("numbers"),
    PrimaryKeyConstraint("event_id", "position", name="alert_evidence_pkey"),
)

subscriptions = Table(
    "subscriptions",
    metadata,
    _row_id(),
    Column("uid", Uid, nullable=False, unique=True),
    _text("url"),
    _text("secret"),
    _text("previous_secret"),
    _whole("previous_until_s", nullable=True),
    _text("token_sha256"),
    _text("filter"),
    _text("state"),
    _text("description"),
    _whole("created_s"),
    _whole("updated_s"),
    _whole("last_sequence", "0"),
    Column("channel", Text, nullable=False, server_default="webhook"),
    Column("format", Text, nullable=False, server_default="json"),
    Column("audience", Text, nullable=False, server_default="public"),
    _text("pending_url"),
    _text("challenge_sha256"),
    _text("contact"),
    _text("notice"),
    _whole("challenge_until_s", nullable=True),
    _whole("verified_s", nullable=True),
)

outbox = Table(
    "outbox",
    metadata,
    _row_id(),
    Column("uid", Uid, nullable=False, unique=True),
    Column("subscription_id", BigInteger, nullable=False),
    _whole("sequence"),
    _whole("event_id", nullable=True),
    _text("kind"),
    _text("payload"),
    _text("state"),
    _whole("created_s"),
    Column("due_s", Double, nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("leased_until_s", Double),
    _whole("done_s", nullable=True),
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
    _text("outcome"),
    _text("detail"),
    _whole("duration_ms", "0"),
    PrimaryKeyConstraint("outbox_id", "attempt", name="delivery_attempts_pkey"),
)

drills = Table(
    "drills",
    metadata,
    Column("uid", Uid, primary_key=True),
    _text("region_id"),
    _text("state"),
    _whole("began_s"),
    _whole("ended_s", nullable=True),
    _text("document"),
    Index("drills_by_begin", "began_s"),
)

log_state = Table(
    "log_state",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    _whole("size"),
    Column("peaks", LargeBinary, nullable=False),
)

log_nodes = Table(
    "log_nodes",
    metadata,
    Column("level", SmallInteger, nullable=False),
    _whole("number"),
    Column("hash", LargeBinary, nullable=False),
    PrimaryKeyConstraint("level", "number", name="log_nodes_pkey"),
    sqlite_with_rowid=False,
)

log_rereads = Table(
    "log_rereads",
    metadata,
    Column("leaf", BigInteger, primary_key=True, autoincrement=False),
    _whole("batch_id"),
    _text("keys"),
)

log_heads = Table(
    "log_heads",
    metadata,
    _whole("at_s"),
    _whole("size"),
    Column("root", LargeBinary, nullable=False),
    Column("public_key", LargeBinary, nullable=False),
    Column("signature", LargeBinary, nullable=False),
    PrimaryKeyConstraint("at_s", "public_key", name="log_heads_pkey"),
)

feed_leases = Table(
    "feed_leases",
    metadata,
    Column("feed_id", Text, primary_key=True),
    _text("holder"),
    Column("until_s", Double, nullable=False),
)

collectors = Table(
    "collectors",
    metadata,
    Column("holder", Text, primary_key=True),
    Column("until_s", Double, nullable=False),
)

marks_of_work = Table(
    "state_values",
    metadata,
    Column("name", Text, primary_key=True),
    _text("value"),
    Column("blob", LargeBinary),
)

packed = Table(
    "packed",
    metadata,
    Column("series_id", BigInteger, nullable=False),
    Column("day", Integer, nullable=False),
    Column("days", SmallInteger, nullable=False, server_default="1"),
    Column("readings", Integer, nullable=False),
    _whole("last_end_s"),
    _whole("first_received_s"),
    Column("blob", LargeBinary, nullable=False),
    PrimaryKeyConstraint("series_id", "day", name="packed_pkey"),
    sqlite_with_rowid=False,
)

receipts = Table(
    "receipts",
    metadata,
    _row_id(),
    Column("blob", LargeBinary, nullable=False),
)

rollups = Table(
    "rollups",
    metadata,
    Column("series_id", BigInteger, nullable=False),
    Column("day", Integer, nullable=False),
    Column("blob", LargeBinary, nullable=False),
    PrimaryKeyConstraint("series_id", "day", name="rollups_pkey"),
    sqlite_with_rowid=False,
)

dirty = Table(
    "dirty",
    metadata,
    _row_id(),
    Column("days", LargeBinary, nullable=False),
)

config_texts = Table(
    "config_texts",
    metadata,
    Column("digest", Text, primary_key=True),
    _text("text"),
)

config_files = Table(
    "config_files",
    metadata,
    Column("name", Text, primary_key=True),
    _text("digest"),  # of the text that runs
    Column("instead_of", Text),  # digest of the file's content in whose stead it runs; NULL when the file itself does
    _text("problems"),
    _whole("since_s"),
)

config_changes = Table(
    "config_changes",
    metadata,
    _row_id(),
    _whole("at_s"),
    _text("name"),
    _text("feed_id"),
    _text("action"),
    _text("author"),
    _text("digest"),
    _text("before"),
    _text("diff"),
    _text("reason"),
    _text("numbers"),
    Index("config_changes_by_feed", "feed_id", "id"),
)

feed_pauses = Table(
    "feed_pauses",
    metadata,
    Column("feed_id", Text, primary_key=True),
    _text("author"),
    _whole("since_s"),
    _text("reason"),
)

feed_breakers = Table(
    "feed_breakers",
    metadata,
    Column("feed_id", Text, primary_key=True),
    Column("failures", Integer, nullable=False),
    _whole("until_s"),
    _text("cause"),
)

feed_validators = Table(
    "feed_validators",
    metadata,
    Column("feed_id", Text, nullable=False),
    Column("method", Text, nullable=False),
    Column("url", Text, nullable=False),
    _text("etag"),
    _text("last_modified"),
    PrimaryKeyConstraint("feed_id", "method", "url", name="feed_validators_pkey"),
)

operator_requests = Table(
    "operator_requests",
    metadata,
    _row_id(),
    _text("kind"),
    _text("feed_id"),
    _text("author"),
    _text("body"),
    _whole("asked_s"),
    _whole("taken_s", nullable=True),
    _whole("done_s", nullable=True),
    _text("outcome"),
    _text("answer"),
    Index("operator_requests_open", "done_s", "id"),
)

detector_states = Table(
    "detector_states",
    metadata,
    _row_id(),
    _text("name"),
    _text("version"),
    _text("digest"),  # of the state before it was packed
    _whole("at_s"),
    _text("run_uid"),  # the poll after which it stands; empty when it was made before any
    _flag("pinned"),  # an event stands on it
    Column("blob", LargeBinary, nullable=False),
    Index("detector_states_by_name", "name", "at_s"),
    Index("detector_states_by_digest", "digest"),
)

silences = Table(
    "silences",
    metadata,
    Column("uid", Uid, primary_key=True),
    _text("kind"),
    _text("author"),
    _text("reason"),
    _whole("from_s"),
    _whole("until_s"),
    _whole("created_s"),
    _whole("ended_s", nullable=True),
    _text("ended_by"),
    _text("scope"),
    _text("level"),
    Index("silences_by_end", "until_s"),
)

acknowledgements = Table(
    "acknowledgements",
    metadata,
    _row_id(),
    _text("alert_uid"),
    Column("revision", Integer, nullable=False),
    _text("author"),
    _text("note"),
    _whole("at_s"),
    _whole("expires_s"),
    Index("acknowledgements_by_alert", "alert_uid", "at_s"),
)

kept_summaries = Table(
    "kept_summaries",
    metadata,
    Column("area_id", Uid, nullable=False),
    _whole("at_s"),
    Column("audience", Uid, nullable=False),
    Column("method", Integer, nullable=False),  # version of the way in which it was computed
    Column("body", LargeBinary, nullable=False),
    PrimaryKeyConstraint("area_id", "at_s", "audience", name="kept_summaries_pkey"),
)

site_watches = Table(
    "site_watches",
    metadata,
    Column("site_id", Uid, nullable=False),
    Column("event_uid", Uid, nullable=False),
    _text("rule"),
    _whole("shock_s"),
    _whole("opened_s"),
    _whole("closed_s", nullable=True),
    _text("evidence"),  # JSON: who had answered when it was last looked at
    _text("asked"),  # JSON: feed -> when it was asked out of turn
    _flag("exercise"),
    PrimaryKeyConstraint("site_id", "event_uid", name="site_watches_pkey"),
    Index("site_watches_open", "closed_s"),
)
