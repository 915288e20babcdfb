"""Stations and series, with what they were before."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, Table

from store.table_columns import Uid, flag, layer, metadata, number, row_id, text, whole

catalogue = Table(
    "catalogue",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    whole("version"),
)

stations = Table(
    "stations",
    metadata,
    row_id(),
    Column("uid", Uid, nullable=False, unique=True),
    text("namespace"),
    text("key"),
    text("names"),
    number("latitude_deg"),
    number("longitude_deg"),
    text("position_origin"),
    number("elevation_m"),
    text("region_code"),
    text("zone"),
    text("kind"),
    text("owner"),
    flag("moving"),
    text("feed_id"),
    text("areas"),
    flag("exercise"),
    whole("first_seen_s"),
    whole("changed_s"),
    text("mark"),
    whole("version"),
    Index("stations_by_version", "version"),
)

station_history = Table(
    "station_history",
    metadata,
    row_id(),
    Column("station_id", BigInteger, nullable=False, index=True),
    whole("from_s"),
    whole("until_s"),
    text("attributes"),
)

series = Table(
    "series",
    metadata,
    row_id(),
    Column("uid", Uid, nullable=False, unique=True),
    Column("station_id", BigInteger, nullable=False, index=True),
    text("feed_id"),
    text("quantity"),
    text("unit"),
    text("analyte"),
    text("medium"),
    text("instrument"),
    whole("window_s"),
    *layer(),
    text("kind"),
    number("floor"),
    number("ceiling"),
    text("published_unit_text"),
    flag("exercise"),
    whole("first_seen_s"),
    whole("changed_s"),
    whole("version"),
    Index("series_by_version", "version"),
)

series_history = Table(
    "series_history",
    metadata,
    row_id(),
    Column("series_id", BigInteger, nullable=False, index=True),
    whole("from_s"),
    whole("until_s"),
    text("attributes"),
)

station_marks = Table(
    "station_marks",
    metadata,
    row_id(),
    Column("station_id", BigInteger, nullable=False, index=True),
    text("feed_id"),
    text("mark"),
    text("last_value_text"),
    whole("first_seen_s"),
    whole("last_seen_s"),
    flag("open"),
    Index("station_marks_open", "feed_id", "open"),
)
