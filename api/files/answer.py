"""Files as answers: a window of observations, samples, a region over time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence

from aiohttp import web

from api.clocktext import told
from api.files import eurdep, irix, netcdf, parquet
from api.files.columns import Columns, columns
from api.files.exchange import Report, report
from api.models.values import Observation
from api.offload import off_loop
from api.operation import FORMATS, Call, Reply
from api.problems import Code, ProblemError
from api.service import Service
from api.writing import respond
from store import read
from store.rows import Filter, ObservationRow, SeriesRow

#: Formats of whole windows that are no text.
FILES = ("netcdf", "parquet")
#: Exchange formats of authorities: dose rates that may be passed on.
EXCHANGE = ("eurdep", "irix")
_ENDINGS = {"netcdf": "nc", "parquet": "parquet", "covjson": "covjson", "eurdep": "eur", "irix": "irix.xml"}
_EXCHANGES: Mapping[str, Callable[[Report], bytes]] = {"eurdep": eurdep.write, "irix": irix.write}
#: 3,000 series-days are 430,000 readings at ten minutes, some seconds of work; more is what exports are for.
_MOST_SERIES_DAYS = 3_000
_ROWS_AT_ONCE = 20_000
#: Format -> writer of observations.
WRITERS: dict[str, Callable[[Columns, Service, tuple[int, int], int], bytes]] = {
    "netcdf": netcdf.time_series,
    "parquet": parquet.observations,
}


def send(call: Call, body: bytes, name: str, *, next_page: str | None = None, max_age_s: int = 0) -> web.Response:
    """A file with a name to save it under."""
    headers = {"Content-Disposition": f'attachment; filename="{name}.{_ENDINGS[call.format]}"'}
    return respond(call.request, body, call.format, Reply(None, next=next_page, max_age_s=max_age_s, headers=headers))


async def exchange(
    call: Call,
    rows: Sequence[Observation],
    series: Mapping[str, SeriesRow],
    as_of_s: int,
    name: str,
    next_page: str | None = None,
) -> web.Response:
    """Dose rates of a page as EURDEP or IRIX."""
    originator = call.service.settings.title
    told_of = report(rows, series, written=told(as_of_s), originator=originator)
    body = await off_loop(lambda: _EXCHANGES[call.format](told_of), len(rows))
    return send(call, body, name, next_page=next_page)


async def observations(call: Call, f: Filter, span: tuple[int, int], as_of_s: int, name: str) -> web.Response:
    """Every observation of a window as one file; raises ProblemError 422 when that is too much at once."""
    service = call.service
    series = await read.series_list(service.store, f, limit=100_000)
    days = max(1.0, (span[1] - span[0]) / 86400)
    if len(series) * days > _MOST_SERIES_DAYS:
        much = f"{len(series)} series over {days:.0f} days are too much for one {FORMATS[call.format]}; {_MOST_SERIES_DAYS} series-days are not"
        raise ProblemError(
            Code.NOT_MEANINGFUL,
            f"{much}: ask for less, stream f=ndjson or f=csv, or order it with POST /v1/exports.",
            "from",
        )
    rows = await every_row(service, f, span, as_of_s)
    known = {row.series.uid: row for row in series}
    body = await asyncio.to_thread(lambda: WRITERS[call.format](columns(rows, known, service), service, span, as_of_s))
    return send(call, body, name)


async def every_row(service: Service, f: Filter, span: tuple[int, int], as_of_s: int) -> list[ObservationRow]:
    """Every observation of a window, fetched page after page so that nothing else has to wait long."""
    rows: list[ObservationRow] = []
    after: tuple[int, str] | None = None
    while page := await read.observations(service.store, f, *span, as_of_s=as_of_s, after=after, limit=_ROWS_AT_ONCE):
        rows += page
        after = (page[-1].end_s, page[-1].series_uid)
        if len(page) < _ROWS_AT_ONCE:
            break
    return rows
