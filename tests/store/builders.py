"""Small batches for tests of the store."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import numpy as np

from domain.readings import NO_TIME, Answer, Batch, Harvest, Readings, Series, Station

FEED = "jp-test"
NAN = float("nan")


def a_station(key: str = "1", **values: Any) -> Station:
    return Station(uid=f"{FEED}:{key}", namespace=FEED, key=key, **values)


def a_series(key: str = "1", quantity: str = "air_dose_rate_as_published", **values: Any) -> Series:
    values = {"unit": "uSv/h"} | values
    return Series(
        uid=f"{FEED}:{key}:{quantity}:air_over_land",
        station_uid=f"{FEED}:{key}",
        feed_id=FEED,
        quantity=quantity,
        **values,
    )


#: (station key, end_s, value) and, if given, digits.
Row = tuple[Any, ...]


def readings(rows: Iterable[Row], **columns: Any) -> Readings:
    listed = list(rows)
    keys = list(dict.fromkeys(row[0] for row in listed))
    n = len(listed)
    made: dict[str, Any] = {
        "digits": np.array([row[3] if len(row) > 3 else 3 for row in listed], dtype=np.int16),
        "censoring": np.zeros(n, dtype=np.int8),
        "limit": np.full(n, NAN),
        "published_s": np.full(n, NO_TIME, dtype=np.int64),
        "qc": np.zeros(n, dtype=np.int64),
    } | columns
    return Readings(
        series=tuple(a_series(key) for key in keys),
        index=np.array([keys.index(row[0]) for row in listed], dtype=np.int64),
        end_s=np.array([row[1] for row in listed], dtype=np.int64),
        value=np.array([NAN if row[2] is None else row[2] for row in listed], dtype=np.float64),
        **made,
    )


def a_batch(
    rows: Iterable[Row] = (),
    received_s: int = 1000,
    *,
    url: str = "https://x.example/a",
    run_s: int | None = None,
    **values: Any,
) -> Batch:
    harvest: dict[str, Any] = values.pop("harvest", {})
    listed = list(rows)
    started_s = received_s if run_s is None else run_s
    stations = tuple(a_station(key) for key in dict.fromkeys(row[0] for row in listed))
    harvest = {"stations": stations, "readings": readings(listed) if listed else None, "read": len(listed)} | harvest
    answer = Answer(
        FEED, "GET", url, float(received_s), float(received_s), 200, sha256=f"{received_s:064x}", size_bytes=10
    )
    return Batch(
        feed_id=FEED,
        run_uid=f"{FEED}@{datetime.fromtimestamp(started_s, UTC).isoformat()}",
        run_started_s=started_s,
        **({"answer": answer, "received_s": received_s} | values),
        harvest=Harvest(**harvest),
    )


NO_AREAS: Mapping[str, tuple[str, ...]] = {}
