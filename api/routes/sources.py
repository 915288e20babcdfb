"""Sources: the publishers behind the feeds."""

from __future__ import annotations

from api.models.feeds import Source, SourceAnswer, SourceList
from api.operation import Call, Operation, Reply
from api.paging import sliced
from api.params import PAGE
from api.problems import Code, ProblemError
from api.service import Service
from api.telling import texts
from specs.source import SourceSpec

_HOUR_S = 3600


def tell_source(source: SourceSpec, service: Service) -> Source:
    """A publisher with its feeds."""
    return Source(
        id=source.id,
        names=texts(source.names),
        homepage=source.homepage,
        country=source.country,
        attribution=texts(source.attribution),
        note=source.note,
        feeds=tuple(feed.id for feed in service.config.feeds if feed.source == source.id),
    )


async def sources(call: Call) -> Reply:
    """All publishers."""
    page, more = sliced(call, call.service.config.sources, lambda source: source.id)
    rows = tuple(tell_source(source, call.service) for source in page)
    return Reply(SourceList(sources=rows, next=more), rows=rows, row=Source, next=more, max_age_s=_HOUR_S)


async def source(call: Call) -> Reply:
    """One publisher."""
    found = call.service.sources.get(call.path["id"])
    if found is None:
        raise ProblemError(Code.NOT_FOUND, f"No source {call.path['id']!r} is known.")
    return Reply(SourceAnswer(source=tell_source(found, call.service)), max_age_s=_HOUR_S)


OPERATIONS = (
    Operation("GET", "/v1/sources", sources, "Publishers", SourceList, "sources", PAGE, ("json", "csv", "ndjson")),
    Operation(
        "GET",
        "/v1/sources/{id}",
        source,
        "One publisher",
        SourceAnswer,
        "sources",
        problems=(Code.NOT_FOUND,),
        path_examples={"id": "jp-nra"},
    ),
)
