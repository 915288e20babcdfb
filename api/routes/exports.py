"""Exports: ordered, looked after, fetched."""

from __future__ import annotations

from aiohttp import web
from multidict import MultiDict

from api import params as p
from api.clocktext import told
from api.exports import EXPORTS, KEPT_S, Job, new_id
from api.models import exports as m
from api.operation import Call, Operation, Reply
from api.problems import Code, ProblemError
from api.selecting import selection, window
from api.writing import content_type

_MOST_WAITING, _LONGEST_S, _RETRY_S = 8, 400 * 86400, 60
_QUERY = (p.FROM_REQUIRED, p.TO_REQUIRED, p.AS_OF, *p.FILTERS)


async def order(call: Call) -> Reply:
    """Order an export; it is written in the background. The filters are those of `GET /v1/observations`."""
    asked: m.NewExport = call.body
    exports = call.request.app[EXPORTS]
    query = p.read(_QUERY, MultiDict(asked.query))
    begin_s, end_s = window(query, p.FROM_REQUIRED, p.TO_REQUIRED, (0, 0))
    if end_s - begin_s > _LONGEST_S:
        raise ProblemError(Code.NOT_MEANINGFUL, "An export spans at most 400 days.", "query.to")
    f = await selection(query, call.service)
    if len(exports.unfinished()) >= _MOST_WAITING:
        wait = {"Retry-After": str(_RETRY_S)}
        raise ProblemError(Code.TOO_MANY_REQUESTS, f"{_MOST_WAITING} exports wait already.", headers=wait)
    as_of_s = query.get(p.AS_OF)
    job = Job(
        id=new_id(),
        format=asked.format,
        query=dict(asked.query),
        begin_s=begin_s,
        end_s=end_s,
        as_of_s=await call.service.known_until_s() if as_of_s is None else as_of_s,
        created_s=call.now_s,
        f=f,
    )
    exports.add(job)
    where = f"/v1/exports/{job.id}"
    return Reply(
        m.ExportAnswer(export=_told(job)), status=202, headers={"Location": where, "Cache-Control": "no-store"}
    )


def _known(call: Call) -> Job:
    job = call.request.app[EXPORTS].get(call.path["id"])
    if job is None:
        raise ProblemError(Code.NOT_FOUND, "No such export is here; they are kept for a week.")
    return job


async def export(call: Call) -> Reply:
    """How far an export is."""
    return Reply(m.ExportAnswer(export=_told(_known(call))))


async def file(call: Call) -> web.StreamResponse:
    """The file of a finished export; Range requests are answered."""
    job = _known(call)
    if job.state != "done":
        raise ProblemError(Code.NOT_FOUND, f"The export is {job.state}; its file is here once it is done.")
    headers = {
        "Content-Type": content_type(job.format),
        "Content-Disposition": f'attachment; filename="radcommons-{job.id}.{job.format}"',
        "Cache-Control": "private, max-age=3600",
    }
    return web.FileResponse(call.request.app[EXPORTS].file(job), headers=headers)


def _told(job: Job) -> m.Export:
    return m.Export(
        id=job.id,
        state=job.state,
        format=job.format,
        query=job.query,
        as_of=told(job.as_of_s),
        created=told(job.created_s),
        parts=job.parts,
        parts_done=job.parts_done,
        progress=round(job.parts_done / job.parts, 4),
        rows=job.rows,
        size_bytes=job.size_bytes,
        sha256=job.sha256,
        detail=job.detail,
        expires=told(job.created_s + KEPT_S),
        file=f"/v1/exports/{job.id}/file" if job.state == "done" else None,
    )


_ONE = {"id": "0123456789abcdef01234567"}
OPERATIONS = (
    Operation(
        "POST",
        "/v1/exports",
        order,
        "Order an export",
        m.ExportAnswer,
        "exports",
        body=m.NewExport,
        status=202,
        problems=(Code.BAD_VALUE, Code.MISSING_PARAMETER, Code.NAIVE_TIME, Code.UNKNOWN_NAME, Code.WINDOW_REVERSED),
    ),
    Operation(
        "GET",
        "/v1/exports/{id}",
        export,
        "How far an export is",
        m.ExportAnswer,
        "exports",
        problems=(Code.NOT_FOUND,),
        path_examples=_ONE,
    ),
    Operation(
        "GET",
        "/v1/exports/{id}/file",
        file,
        "The file of an export",
        None,
        "exports",
        problems=(Code.NOT_FOUND,),
        path_examples=_ONE,
        media="application/octet-stream",
    ),
)
