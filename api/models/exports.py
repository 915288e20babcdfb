"""Exports: large windows that are written in the background."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from api.models.common import Instant, Link, Struct


class NewExport(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to write: `query` holds the parameters of `GET /v1/observations` (from and to are required), without a page."""

    format: Literal["csv", "ndjson", "parquet"]
    query: Annotated[
        Mapping[str, str],
        Meta(
            extra_json_schema={
                "examples": [
                    {"from": "2026-08-01T00:00:00+09:00", "to": "2026-08-16T00:00:00+09:00", "region": "JP-07"}
                ]
            }
        ),
    ]


class Export(Struct, frozen=True, kw_only=True):
    """An export. It is written part by part, so that a stop of the service costs at most one part; `file` is there once it is done."""

    id: str
    state: Annotated[str, Meta(description="waiting, running, done or failed")]
    format: str
    query: Mapping[str, str]
    as_of: Annotated[Instant, Meta(description="the moment of knowledge of every row: later revisions are not in it")]
    created: Instant
    parts: int
    parts_done: int
    progress: Annotated[float, Meta(description="0 to 1")]
    rows: int
    size_bytes: Annotated[int | None, Meta(description="of the whole file; null until it is done")]
    sha256: Annotated[str, Meta(description="of the whole file; empty until it is done")]
    detail: Annotated[str, Meta(description="why it failed")]
    expires: Instant
    file: Annotated[Link | None, Meta(description="answers Range requests, so that a broken download can go on")]


class ExportAnswer(Struct, frozen=True, kw_only=True):
    """One export."""

    export: Export
