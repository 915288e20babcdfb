"""The tables of a store beside its readings, row for row as Parquet: which go along, and which of their rows an audience may have.

Numbers of rows (`id`, `station_id`, `answer_id`, ...) are those of the store that was exported; they hold files together and mean
nothing beyond them. Not copied is what belongs to one installation: alerts, subscriptions, leases, what operators did.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from store import tables

_ROWS_AT_ONCE = 20_000

#: In the order in which they can be put back.
EVERY = (
    tables.stations, tables.station_history, tables.series, tables.series_history, tables.runs, tables.answers, tables.refusals,
    tables.feed_health, tables.samples, tables.sample_results, tables.quakes, tables.station_marks,
)  # fmt: skip
#: The log speaks of every batch, so it goes along only where every batch does.
LOG = (tables.log_nodes, tables.log_heads, tables.log_rereads, tables.log_state, tables.dropped)
#: What is not public about a station that another, withheld feed described first: all but its name.
_BARE = {"names": "[]", "latitude_deg": None, "longitude_deg": None, "elevation_m": None, "position_origin": "none", "region_code": "", "owner": "",
         "areas": "[]", "mark": ""}  # fmt: skip


def arrow_schema(table: sa.Table) -> pa.Schema:
    """The columns of a table in Arrow."""
    return pa.schema([pa.field(column.name, _type(column)) for column in table.columns])


def _type(column: sa.Column[Any]) -> pa.DataType:
    if isinstance(column.type, sa.Boolean):
        return pa.bool_()
    if isinstance(column.type, sa.Integer):
        return pa.int64()
    if isinstance(column.type, sa.Double):
        return pa.float64()
    return pa.binary() if isinstance(column.type, sa.LargeBinary) else pa.string()


async def write(connection: AsyncConnection, table: sa.Table, path: Path, feeds: Sequence[str] | None) -> int:
    """Write one table to a file, with `feeds` only what belongs to those; how many rows."""
    schema, rows = arrow_schema(table), 0
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        async for page in _pages(connection, table, feeds):
            columns = {name: [row[name] for row in page] for name in schema.names}
            writer.write_table(pa.table(columns, schema=schema))
            rows += len(page)
    return rows


async def _pages(
    connection: AsyncConnection, table: sa.Table, feeds: Sequence[str] | None
) -> AsyncIterator[list[dict[str, Any]]]:
    asked = sa.select(table).order_by(*table.primary_key.columns)
    if feeds is not None:
        asked = asked.where(_of(table, feeds))
    found = await connection.stream(asked)
    async for page in found.mappings().partitions(_ROWS_AT_ONCE):
        rows = [dict(row) for row in page]
        if table is tables.stations and feeds is not None:
            rows = [row if row["feed_id"] in feeds else row | _BARE for row in rows]
        yield rows


def _of(table: sa.Table, feeds: Sequence[str]) -> sa.ColumnElement[bool]:
    """The rows that belong to some feeds."""
    stations, series, answers, samples = tables.stations, tables.series, tables.answers, tables.samples
    if table is stations:
        spoken_of = sa.union(
            sa.select(series.c.station_id).where(series.c.feed_id.in_(feeds)),
            sa.select(samples.c.station_id).where(samples.c.feed_id.in_(feeds)),
            sa.select(tables.station_marks.c.station_id).where(tables.station_marks.c.feed_id.in_(feeds)),
        )
        return stations.c.feed_id.in_(feeds) | stations.c.id.in_(spoken_of)
    if "feed_id" in table.columns:
        return table.c.feed_id.in_(feeds)
    parents = {"station_id": stations, "series_id": series, "answer_id": answers, "sample_id": samples}
    name = next(name for name in ("sample_id", "answer_id", "series_id", "station_id") if name in table.columns)
    parent = parents[name]
    return table.c[name].in_(sa.select(parent.c.id).where(parent.c.feed_id.in_(feeds)))
