"""Reading readings: hot rows, superseded versions, and what was known at a past moment. SQL of both engines in one place."""

# ruff: noqa: S608 - statements are put together from constant names; every value is bound

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from itertools import repeat
from typing import Any

import numpy as np
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.readings import IntArray, Series
from domain.states import CENSORING_CODES
from store import history, packed
from store.history import Row, Statement, Window, span_of
from store.incoming import SERIES_BITS, text_of
from store.rows import ObservationRow, VersionRow
from store.window import Segment

_FIELDS = "series_id, end_s, value, digits, qc, censoring, revision, published_after_s, limit_value, text"
#: Up to so many series are looked up stamp by stamp in SQLite; more are cheaper as one scan of the window.
FEW_SERIES = 64


async def rows(connection: AsyncConnection, window: Window) -> list[Row]:
    """Versions ordered by (end_s, series uid), wherever they are kept."""
    found = await _unpacked(connection, window)
    old = await history.rows(connection, window)
    if not old:
        return found
    return sorted([*old, *found], key=lambda row: (row[1], row[12]))[: window.limit]


async def _unpacked(connection: AsyncConnection, window: Window) -> list[Row]:
    """Hot and superseded versions ordered by (end_s, series uid)."""
    if window.ids is not None and not len(window.ids):
        return []
    statement = Statement(connection.dialect.name)
    parts = [_hot(statement, window)]
    if window.as_of_s is not None:
        parts.append(_superseded(statement, window))
    text = (
        f"SELECT * FROM ({' UNION ALL '.join(parts)}) v ORDER BY end_s, uid"
        if len(parts) > 1
        else f"{parts[0]} ORDER BY r.end_s, s.uid"
    )
    if window.limit is not None:
        text += f" LIMIT {statement.value(window.limit)}"
    return list((await connection.exec_driver_sql(text, tuple(statement.values))).fetchall())


def _hot(statement: Statement, window: Window) -> str:
    few = window.ids is not None and len(window.ids) <= FEW_SERIES
    source, span = span_of(statement, window.from_s, window.to_s, by_stamps=statement.sqlite and few)
    where = [span]
    fields = ", ".join(f"r.{name}" for name in _FIELDS.split(", "))
    if window.ids is not None:
        where.append(statement.among("r.series_id", window.ids))
    if window.as_of_s is not None:
        where.append(f"a.received_s <= {statement.value(window.as_of_s)}")
    where += _after(statement, window)
    return (
        f"SELECT {fields}, a.received_s, a.sha256, s.uid FROM {source} JOIN answers a ON a.id = r.batch_id "
        f"JOIN series s ON s.id = r.series_id WHERE {' AND '.join(where)}"
    )


def _superseded(statement: Statement, window: Window) -> str:
    fields = ", ".join(f"r.{name}" for name in _FIELDS.split(", "))
    where = [
        f"r.end_s >= {statement.value(window.from_s)} AND r.end_s < {statement.value(window.to_s)}",
        f"r.received_s <= {statement.value(window.as_of_s)} AND r.superseded_s > {statement.value(window.as_of_s)}",
    ]
    if window.ids is not None:
        where.append(statement.among("r.series_id", window.ids))
    where += _after(statement, window)
    return (
        f"SELECT {fields}, r.received_s, a.sha256, s.uid FROM revisions r JOIN answers a ON a.id = r.batch_id "
        f"JOIN series s ON s.id = r.series_id WHERE {' AND '.join(where)}"
    )


def _after(statement: Statement, window: Window) -> list[str]:
    if window.after is None:
        return []
    end_s, uid = window.after
    return [
        f"r.end_s >= {statement.value(end_s)} AND (r.end_s > {statement.value(end_s)} OR s.uid > {statement.value(uid)})"
    ]


def observation(row: Row, series: Mapping[int, Series], superseded_s: int | None = None) -> ObservationRow:
    """A row as a value."""
    series_id, end_s, value, digits, qc, censoring, revision, published_after_s, limit, text, received_s, sha256 = row[
        :12
    ]
    one = series[series_id]
    return ObservationRow(
        series_uid=one.uid,
        end_s=end_s,
        value=value,
        text=text_of(value, digits, text),
        unit=one.unit,
        censoring=CENSORING_CODES[censoring],
        limit=limit,
        qc=qc,
        published_s=None if published_after_s is None else end_s + published_after_s,
        received_s=received_s,
        revision=revision,
        superseded_s=superseded_s,
        sha256=sha256,
    )


def observations(rows: Sequence[Row], series: Mapping[int, Series]) -> list[ObservationRow]:
    """Rows as values, made column by column: a page of 10,000 takes half as long as one by one."""
    if not rows:
        return []
    columns = list(zip(*rows, strict=True))
    numbers, ends, values, digits, qc, censoring, revisions, published, limits, texts, received, sha256 = columns[:12]
    meant = [series[number] for number in numbers]
    return _made(
        len(rows),
        [one.uid for one in meant],
        ends,
        values,
        _texts(values, digits, texts),
        [one.unit for one in meant],
        map(CENSORING_CODES.__getitem__, censoring),
        limits,
        qc,
        [None if after_s is None else end_s + after_s for end_s, after_s in zip(ends, published, strict=True)],
        received,
        revisions,
        repeat(None),
        sha256,
    )


#: What writes each field of a row; a frozen value may be filled where it is born.
_FILLED = tuple(getattr(ObservationRow, one.name).__set__ for one in fields(ObservationRow))


def _texts(values: Sequence[float | None], digits: Sequence[int], texts: Sequence[str | None]) -> Iterator[str]:
    """The published texts of many readings: of a page of ten thousand a few hundred are different."""
    known: dict[tuple[float, int], str] = {}
    for value, count, text in zip(values, digits, texts, strict=True):
        if text is not None or not value:  # the key of zero would be that of minus zero
            yield text_of(value, count, text)
            continue
        told = known.get((value, count))
        if told is None:
            told = known[value, count] = text_of(value, count, None)
        yield told


def _made(count: int, *columns: Iterable[Any]) -> list[ObservationRow]:
    """Values from columns in the order of the fields: field after field, because a frozen value's own constructor takes four times as long."""
    made = list(map(ObservationRow.__new__, repeat(ObservationRow, count)))
    for fill, column in zip(_FILLED, columns, strict=True):
        deque(map(fill, made, column), maxlen=0)
    return made


async def columns(connection: AsyncConnection, window: Window) -> Segment:
    """The versions of a window as columns in order of key, wherever they are kept."""
    found = await _unpacked(connection, window)
    old = await history.segment(connection, window)
    return old.put(_segment(found)) if found and len(old) else _segment(found) if found else old


def _segment(found: list[Row]) -> Segment:
    series_id, end_s, value, _, qc, censoring, _, _, limit, _, received_s = list(zip(*found, strict=True))[:11]
    key = (np.array(end_s, dtype=np.int64) << SERIES_BITS) | np.array(series_id, dtype=np.int64)
    order = np.argsort(key, kind="stable")
    return Segment(
        key[order],
        np.array(value, dtype=np.float64)[order],
        np.array(limit, dtype=np.float64)[order],
        np.zeros(len(key), dtype=np.int16),
        np.array(censoring, dtype=np.int8)[order],
        np.array(qc, dtype=np.int32)[order],
        np.array(received_s, dtype=np.int64)[order],
        {},
    )


async def newest(connection: AsyncConnection, ids: IntArray | None) -> list[Row]:
    """The newest reading of each series that has one, by the pointers of table `latest`."""
    statement = Statement(connection.dialect.name)
    where = "" if ids is None else f"WHERE {statement.among('l.series_id', ids)}"
    fields = ", ".join(f"r.{name}" for name in _FIELDS.split(", "))
    found = await connection.exec_driver_sql(
        f"SELECT {fields}, a.received_s, a.sha256 FROM latest l JOIN readings r ON r.end_s = l.end_s AND r.series_id = l.series_id "
        f"JOIN answers a ON a.id = r.batch_id {where}",
        tuple(statement.values),
    )
    return [*found.fetchall(), *await history.newest(connection, ids)]


#: How far back to look for the newest reading as of a moment, step by step: most series are found in the first.
_STEPS_S = (6 * 3600, 2 * 86400, 30 * 86400, 2**40)


async def newest_as_of(connection: AsyncConnection, ids: IntArray, as_of_s: int) -> list[Row]:
    """The newest reading of each series as known at `as_of_s`. A window's newest is the newest of all: nothing lies above it."""
    found: dict[int, Row] = {}
    missing, until_s = ids, 2**40
    for step_s in _STEPS_S:
        if not len(missing):
            break
        from_s = as_of_s - step_s
        for row in await _unpacked(connection, Window(from_s, until_s, missing, as_of_s)):
            found[row[0]] = row  # ordered by end: the last one stays
        missing = missing[~np.isin(missing, np.fromiter(found, np.int64, len(found)))]
        until_s = from_s
    for row in await history.newest_as_of(connection, await _maybe_packed(connection, ids, found), as_of_s):
        if row[0] not in found or row[1] > found[row[0]][1]:
            found[row[0]] = row
    return list(found.values())


async def _maybe_packed(connection: AsyncConnection, ids: IntArray, found: Mapping[int, Row]) -> IntArray:
    """The series whose newest reading may be packed: nothing that ends later than packed history reaches is."""
    until_s = await packed.until_s(connection)
    return np.array([one for one in ids.tolist() if one not in found or found[one][1] < until_s], dtype=np.int64)


async def versions(
    connection: AsyncConnection, series_id: int, from_s: int, to_s: int, series: Mapping[int, Series]
) -> list[VersionRow]:
    """All versions of one series' readings."""
    mark = "?" if connection.dialect.name == "sqlite" else "%s"
    fields = ", ".join(f"r.{name}" for name in _FIELDS.split(", "))
    old = await connection.exec_driver_sql(
        f"SELECT {fields}, r.received_s, a.sha256, r.superseded_s, r.reason FROM revisions r JOIN answers a ON a.id = r.batch_id "
        f"WHERE r.series_id = {mark} AND r.end_s >= {mark} AND r.end_s < {mark} ORDER BY r.end_s, r.received_s, r.batch_id",
        (series_id, from_s, to_s),
    )
    made = [VersionRow(observation(row, series, row[-2]), row[-1]) for row in map(tuple, old)]
    standing = await rows(connection, Window(from_s, to_s, np.array([series_id])))
    made += [VersionRow(observation(row, series), "") for row in standing]
    return sorted(made, key=lambda row: row.observation.end_s)  # stable: what stands is the last version of its end


async def segment(connection: AsyncConnection, from_s: int, to_s: int) -> Segment:
    """All standing readings with ends in [from_s, to_s), in order of (end_s, series_id)."""
    statement = Statement(connection.dialect.name)
    found = await connection.exec_driver_sql(
        "SELECT r.end_s, r.series_id, r.value, r.limit_value, r.digits, r.censoring, r.qc, a.received_s, r.text "
        "FROM readings r JOIN answers a ON a.id = r.batch_id "
        f"WHERE r.end_s >= {statement.value(from_s)} AND r.end_s < {statement.value(to_s)} ORDER BY r.end_s, r.series_id",
        tuple(statement.values),
    )
    listed = found.fetchall()  # before the packed ones: whoever packs an hour meanwhile must not make it vanish
    old = await history.segment(connection, Window(from_s, to_s))
    columns = list(zip(*listed, strict=True)) if listed else [()] * 9
    key = (np.array(columns[0], dtype=np.int64) << SERIES_BITS) | np.array(columns[1], dtype=np.int64)
    hot = Segment(
        key,
        np.array(columns[2], dtype=np.float64),
        np.array(columns[3], dtype=np.float64),
        np.array(columns[4], dtype=np.int16),
        np.array(columns[5], dtype=np.int8),
        np.array(columns[6], dtype=np.int32),
        np.array(columns[7], dtype=np.int64),
        {int(one): text for one, text in zip(key, columns[8], strict=True) if text is not None},
    )
    return old.put(hot) if len(old) and len(hot) else old if len(old) else hot
