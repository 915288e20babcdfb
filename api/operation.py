"""An operation: one method on one path, with everything the router and the OpenAPI document need to know of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
from aiohttp import web

from api.params import Param, Query
from api.problems import Code
from api.service import Service

#: Format word -> media type, in order of preference.
FORMATS: Mapping[str, str] = {
    "json": "application/json",
    "geojson": "application/geo+json",
    "csv": "text/csv",
    "ndjson": "application/x-ndjson",
    "netcdf": "application/x-netcdf",
    "parquet": "application/vnd.apache.parquet",
    "covjson": "application/prs.coverage+json",
    "eurdep": "text/x-eurdep",
    "irix": "application/irix+xml",
}


@dataclass(frozen=True, slots=True)
class Call:
    """One request, read and checked: what a handler gets."""

    service: Service
    request: web.Request
    query: Query
    path: Mapping[str, str]
    now_s: int
    format: str = "json"
    body: Any = None

    @property
    def route(self) -> str:
        """The path as asked, without its query."""
        return self.request.path


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer before it is written: `rows` are the list in it (for CSV and NDJSON), `features` its GeoJSON form."""

    body: msgspec.Struct | None
    rows: Sequence[msgspec.Struct] | None = None
    row: type[msgspec.Struct] | None = None  # what `rows` are, also when there are none
    explode: str = ""  # a list in each row whose members are CSV rows of their own
    features: Callable[[], msgspec.Struct] | None = None
    next: str | None = None
    max_age_s: int = 0
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


Handler = Callable[[Call], Awaitable[Reply | web.StreamResponse]]


@dataclass(frozen=True)
class Operation:
    """One method on one path. `answer` is the struct of a 200 (or `status`), several in a tuple, None for no JSON."""

    method: str
    path: str
    handler: Handler
    summary: str
    answer: Any
    tag: str
    params: tuple[Param[Any], ...] = ()
    formats: tuple[str, ...] = ("json",)
    problems: tuple[Code, ...] = ()
    description: str = ""
    body: Any = None
    status: int = 200
    scope: str = ""  # "", "subscriber" or "operator"
    kept_s: int = 0  # seconds for which the bytes may be kept while the store says that nothing is new; 0: never
    path_examples: Mapping[str, str] = field(default_factory=dict)
    statuses: tuple[int, ...] = ()  # further statuses with the same struct
    deprecated: str = ""  # since when (RFC 3339), "" while it is not
    media: str = ""  # the one media type of an answer that is no struct

    @property
    def answers(self) -> tuple[Any, ...]:
        """The structs that a good answer may be."""
        if self.answer is None:
            return ()
        return self.answer if isinstance(self.answer, tuple) else (self.answer,)

    @property
    def id(self) -> str:
        """The operationId: unique and stable."""
        words = [
            part.strip("{}")
            for part in self.path.replace(".", "/").replace(":", "/").split("/")
            if part and part != "v1"
        ]
        return "_".join([self.method.lower(), *words])
