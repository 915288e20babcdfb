"""The log of batches, what programs share of their work, what operators decided."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Double,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
)

from store.table_columns import Uid, metadata, row_id, text, whole

log_state = Table(
    "log_state",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    whole("size"),
    Column("peaks", LargeBinary, nullable=False),
)

log_nodes = Table(
    "log_nodes",
    metadata,
    Column("level", SmallInteger, nullable=False),
    whole("number"),
    Column("hash", LargeBinary, nullable=False),
    PrimaryKeyConstraint("level", "number", name="log_nodes_pkey"),
    sqlite_with_rowid=False,
)

log_rereads = Table(
    "log_rereads",
    metadata,
    Column("leaf", BigInteger, primary_key=True, autoincrement=False),
    whole("batch_id"),
    text("keys"),
)

log_heads = Table(
    "log_heads",
    metadata,
    whole("at_s"),
    whole("size"),
    Column("root", LargeBinary, nullable=False),
    Column("public_key", LargeBinary, nullable=False),
    Column("signature", LargeBinary, nullable=False),
    PrimaryKeyConstraint("at_s", "public_key", name="log_heads_pkey"),
)

feed_leases = Table(
    "feed_leases",
    metadata,
    Column("feed_id", Text, primary_key=True),
    text("holder"),
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
    text("value"),
    Column("blob", LargeBinary),
)

config_texts = Table(
    "config_texts",
    metadata,
    Column("digest", Text, primary_key=True),
    text("text"),
)

config_files = Table(
    "config_files",
    metadata,
    Column("name", Text, primary_key=True),
    text("digest"),  # of the text that runs
    Column("instead_of", Text),  # digest of the file's content in whose stead it runs; NULL when the file itself does
    text("problems"),
    whole("since_s"),
)

config_changes = Table(
    "config_changes",
    metadata,
    row_id(),
    whole("at_s"),
    text("name"),
    text("feed_id"),
    text("action"),
    text("author"),
    text("digest"),
    text("before"),
    text("diff"),
    text("reason"),
    text("numbers"),
    Index("config_changes_by_feed", "feed_id", "id"),
)

feed_pauses = Table(
    "feed_pauses",
    metadata,
    Column("feed_id", Text, primary_key=True),
    text("author"),
    whole("since_s"),
    text("reason"),
)

feed_breakers = Table(
    "feed_breakers",
    metadata,
    Column("feed_id", Text, primary_key=True),
    Column("failures", Integer, nullable=False),
    whole("until_s"),
    text("cause"),
)

feed_validators = Table(
    "feed_validators",
    metadata,
    Column("feed_id", Text, nullable=False),
    Column("method", Text, nullable=False),
    Column("url", Text, nullable=False),
    text("etag"),
    text("last_modified"),
    PrimaryKeyConstraint("feed_id", "method", "url", name="feed_validators_pkey"),
)

operator_requests = Table(
    "operator_requests",
    metadata,
    row_id(),
    text("kind"),
    text("feed_id"),
    text("author"),
    text("body"),
    whole("asked_s"),
    whole("taken_s", nullable=True),
    whole("done_s", nullable=True),
    text("outcome"),
    text("answer"),
    Index("operator_requests_open", "done_s", "id"),
)

kept_summaries = Table(
    "kept_summaries",
    metadata,
    Column("area_id", Uid, nullable=False),
    whole("at_s"),
    Column("audience", Uid, nullable=False),
    Column("method", Integer, nullable=False),  # version of the way in which it was computed
    Column("body", LargeBinary, nullable=False),
    PrimaryKeyConstraint("area_id", "at_s", "audience", name="kept_summaries_pkey"),
)
