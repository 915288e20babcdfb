"""Series and their observations: the hot path."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from aiohttp import web

from api import params as p
from api.clocktext import told
from api.files import answer as files
from api.files.answer import EXCHANGE, FILES
from api.files.coverage import of_series
from api.models import values as v
from api.models.places import FeatureCollection, collected, feature, point
from api.models.stations import Series, SeriesAnswer, SeriesPage
from api.offload import off_loop
from api.operation import Call, Operation, Reply
from api.paging import begin, following, limit, moment
from api.problems import Code, ProblemError
from api.retired import gone_series
from api.selecting import coverage, dropped, feeds_meant, selection, window
from api.service import Service
from api.streaming import Rows, write_rows
from api.telling import observation
from api.telling import series as tell_series
from api.telling import station as tell_station
from api.units import canonical_unit
from domain.units import convert
from store import read
from store.rows import BucketRow, Filter, ObservationRow, SeriesRow

_DAY_S = 86400
_SERIES_AT_ONCE, _ROWS_AT_ONCE = 10_000, 5_000
RESOLUTION = p.choice("resolution", ("raw", "1h", "1d"), "Every value, or roll-ups by the hour or day (UTC).", "raw")


async def series_list(call: Call) -> Reply:
    """One page of series by id."""
    service, mark, most = call.service, begin(call.route, call.query), limit(call.query)
    f = await selection(call.query, service)
    as_of_s = await moment(call, mark)
    rows = await read.series_list(service.store, f, after=mark.after_id if mark else "", limit=most + 1)
    page = rows[:most]
    visible = [row for row in page if service.facts(row.series.feed_id).shown]
    shown = tuple(tell_series(row.series, service) for row in visible)
    hidden = [row.series.feed_id for row in page if not service.facts(row.series.feed_id).shown]
    more = (
        following(call.route, call.query, as_of_s=as_of_s, after_id=page[-1].series.uid) if len(rows) > most else None
    )
    body = SeriesPage(
        as_of=told(as_of_s),
        next=more,
        audience=service.audience,
        exercise=any(row.exercise for row in shown),
        withheld=service.withheld(hidden),
        series=shown,
        coverage=await coverage(service, rows=len(shown), feeds=feeds_meant(f, service, page), withheld=bool(hidden)),
    )

    def shapes() -> FeatureCollection:
        return collected(body, (feature(one, one.id, _place(row)) for one, row in zip(shown, visible, strict=True)))

    return Reply(body, rows=shown, row=Series, features=shapes, next=more, max_age_s=60)


def _place(row: SeriesRow) -> object:
    return point(row.station.station.longitude_deg, row.station.station.latitude_deg)


async def _known_series(call: Call) -> SeriesRow:
    uid = call.path["id"]
    row = await read.series(call.service.store, uid)
    if row is None and (gone := gone_series(call.service, uid)):
        raise gone
    if row is None:
        raise ProblemError(Code.NOT_FOUND, f"No series {uid!r} is known.")
    return row


async def series(call: Call) -> Reply:
    """One series with its station."""
    row, service = await _known_series(call), call.service
    if not service.facts(row.series.feed_id).shown:
        raise ProblemError(Code.NOT_FOUND, f"No series {row.series.uid!r} may be shown here.")
    body = SeriesAnswer(
        as_of=told(await service.known_until_s()),
        audience=service.audience,
        series=tell_series(row.series, service),
        station=tell_station(row.station, service),
    )
    return Reply(body, max_age_s=60)


async def observations_of_series(call: Call) -> Reply | web.StreamResponse:
    """Observations of one series in order of time; the last day unless told otherwise."""
    row = await _known_series(call)
    resolution = call.query.get(RESOLUTION) or "raw"
    return await (_raw(call, row) if resolution == "raw" else _rolled(call, row, resolution))


def whole(call: Call) -> bool:
    """Whether a request asks for everything at once: a format that can be written while it is read, and no page."""
    return call.format in ("csv", "ndjson") and call.query.get(p.LIMIT) is None and call.query.get(p.CURSOR) is None


async def _every_row(service: Service, f: Filter, span: tuple[int, int], as_of_s: int) -> Rows:
    """Every observation of a window that this audience may see, page after page, with the quantities that may come."""
    known: dict[str, SeriesRow] = {}
    after = ""
    while listed := await read.series_list(service.store, f, after=after, limit=_SERIES_AT_ONCE):
        known |= {row.series.uid: row for row in listed}
        after = listed[-1].series.uid
    shown = {uid for uid, row in known.items() if service.facts(row.series.feed_id).shown}
    pairs = sorted(
        {(one.quantity, canonical_unit(one.quantity, one.unit)) for uid in shown for one in (known[uid].series,)}
    )

    async def pages() -> AsyncIterator[Sequence[v.Observation]]:
        mark: tuple[int, str] | None = None
        while page := await read.observations(
            service.store, f, *span, as_of_s=as_of_s, after=mark, limit=_ROWS_AT_ONCE
        ):
            mark = (page[-1].end_s, page[-1].series_uid)
            yield [observation(row, known[row.series_uid].series, service) for row in page if row.series_uid in shown]

    hidden = sorted({row.series.feed_id for uid, row in known.items() if uid not in shown})
    gone = await dropped(service, {row.series.feed_id for row in known.values()}, span)
    return Rows(v.Observation, pages(), pairs, hidden, gone)


async def _raw(call: Call, row: SeriesRow) -> Reply | web.StreamResponse:
    service, mark, most = call.service, begin(call.route, call.query), limit(call.query)
    as_of_s = await moment(call, mark)
    span = window(call.query, p.FROM, p.TO, (as_of_s - _DAY_S, as_of_s + 1))
    only = Filter(series=frozenset({row.series.uid}))
    if whole(call):
        return await write_rows(call, await _every_row(service, only, span, as_of_s))
    if call.format in FILES:
        return await files.observations(call, only, span, as_of_s, "series")
    after = (mark.after_s, mark.after_id) if mark else None
    rows = await read.observations(service.store, only, *span, as_of_s=as_of_s, after=after, limit=most + 1)
    page, facts = rows[:most], service.facts(row.series.feed_id)
    more = _more(call, page, as_of_s) if len(rows) > most else None
    shown = await off_loop(
        lambda: tuple(observation(item, row.series, service) for item in page) if facts.shown else (), len(page)
    )
    hidden = [] if facts.shown else [row.series.feed_id] * len(page)
    body = v.SeriesObservations(
        as_of=told(as_of_s),
        next=more,
        audience=service.audience,
        exercise=row.series.exercise,
        withheld=service.withheld(hidden),
        series=tell_series(row.series, service),
        observations=shown,
        coverage=await coverage(
            service,
            rows=len(shown),
            feeds={row.series.feed_id},
            series=1,
            window_s=span,
            withheld=bool(hidden),
            as_of_s=call.query.get(p.AS_OF),
        ),
    )
    if call.format in EXCHANGE:
        return await files.exchange(call, shown, {row.series.uid: row}, as_of_s, "series", more)
    if call.format == "covjson":
        return files.send(call, of_series(body, _place(row)), "series", next_page=more, max_age_s=facts.max_age_s)

    def shapes() -> FeatureCollection:
        return collected(body, (feature(one, _identity(one), _place(row)) for one in shown))

    return Reply(body, rows=shown, row=v.Observation, features=shapes, next=more, max_age_s=facts.max_age_s)


def _more(call: Call, page: list[ObservationRow], as_of_s: int) -> str:
    last = page[-1]
    return following(call.route, call.query, as_of_s=as_of_s, after_id=last.series_uid, after_s=last.end_s)


async def _rolled(call: Call, row: SeriesRow, resolution: str) -> Reply:
    service, facts = call.service, call.service.facts(row.series.feed_id)
    if call.format in (*FILES, *EXCHANGE, "geojson", "covjson"):
        raise ProblemError(Code.NOT_MEANINGFUL, "Roll-ups are told as JSON, CSV or NDJSON.", "f")
    days = 1 if resolution == "1h" else 31
    span = window(call.query, p.FROM, p.TO, (call.now_s - days * _DAY_S, call.now_s + 1))
    asked = call.query.get(p.AS_OF)
    as_of_s = await service.known_until_s() if asked is None else asked
    rows = await read.buckets(service.store, [row.series.uid], *span, resolution, as_of_s=asked)
    unit = canonical_unit(row.series.quantity, row.series.unit)
    shown = tuple(_bucket(item, unit) for item in rows) if facts.shown else ()
    hidden = [] if facts.shown else [row.series.feed_id] * len(rows)
    body = v.SeriesBuckets(
        as_of=told(as_of_s),
        next=None,
        audience=service.audience,
        exercise=row.series.exercise,
        withheld=service.withheld(hidden),
        series=tell_series(row.series, service),
        resolution=resolution,
        unit=unit,
        buckets=shown,
        coverage=await coverage(
            service,
            rows=len(shown),
            feeds={row.series.feed_id},
            series=1,
            window_s=span,
            withheld=bool(hidden),
            as_of_s=call.query.get(p.AS_OF),
        ),
    )
    return Reply(body, rows=shown, row=v.Bucket, max_age_s=facts.max_age_s)


def _bucket(row: BucketRow, unit: str) -> v.Bucket:
    numbers = {
        name: None if (value := getattr(row, name)) is None else convert(value, row.unit, unit)
        for name in ("minimum", "maximum", "mean", "p05", "p25", "p50", "p75", "p95")
    }
    return v.Bucket(
        begin=told(row.begin_s), end=told(row.end_s), count=row.count, censored=row.censored, unfit=row.unfit, **numbers
    )


async def observations(call: Call) -> Reply | web.StreamResponse:
    """Observations across series, by time then series. The window is mandatory; a walk along `next` is a stable snapshot.

    CSV and NDJSON without a `limit` hold the whole window.
    """
    service, mark, most = call.service, begin(call.route, call.query), limit(call.query)
    f = await selection(call.query, service)
    span = window(call.query, p.FROM_REQUIRED, p.TO_REQUIRED, (0, 0))
    as_of_s = await moment(call, mark)
    if whole(call):
        return await write_rows(call, await _every_row(service, f, span, as_of_s))
    if call.format in FILES:
        return await files.observations(call, f, span, as_of_s, "observations")
    after = (mark.after_s, mark.after_id) if mark else None
    rows = await read.observations(service.store, f, *span, as_of_s=as_of_s, after=after, limit=most + 1)
    page = rows[:most]
    uids = frozenset(row.series_uid for row in page)
    listed = await read.series_list(service.store, Filter(series=uids), limit=len(uids)) if uids else []
    meant = {row.series.uid: row for row in listed}
    told_rows = await off_loop(
        lambda: tuple(
            observation(row, meant[row.series_uid].series, service)
            for row in page
            if service.facts(meant[row.series_uid].series.feed_id).shown
        ),
        len(page),
    )
    hidden = [feed for row in page if not service.facts(feed := meant[row.series_uid].series.feed_id).shown]
    more = _more(call, page, as_of_s) if len(rows) > most else None
    if call.format in EXCHANGE:
        return await files.exchange(call, told_rows, meant, as_of_s, "observations", more)
    body = v.ObservationPage(
        as_of=told(as_of_s),
        next=more,
        audience=service.audience,
        exercise=any(row.exercise for row in told_rows),
        withheld=service.withheld(hidden),
        observations=told_rows,
        coverage=await coverage(
            service,
            rows=len(told_rows),
            feeds=feeds_meant(f, service, tuple(meant.values())),
            window_s=span,
            withheld=bool(hidden),
            as_of_s=call.query.get(p.AS_OF),
        ),
    )

    def shapes() -> FeatureCollection:
        return collected(body, (feature(one, _identity(one), _place(meant[one.series])) for one in told_rows))

    return Reply(body, rows=told_rows, row=v.Observation, features=shapes, next=more, max_age_s=60)


def _identity(one: v.Observation) -> str:
    return f"{one.series}@{one.phenomenon_end}"


_ONE = {"id": "jp-nra-ramis:1010110001:air_dose_rate_as_published:air_over_land"}
_FORMATS = ("json", "geojson", "csv", "ndjson")
_ALL_FORMATS = (*_FORMATS, *FILES, *EXCHANGE)
OPERATIONS = (
    Operation("GET", "/v1/series", series_list, "Series", SeriesPage, "series", (*p.FILTERS, *p.PAGE), _FORMATS),
    Operation(
        "GET",
        "/v1/series/{id}",
        series,
        "One series",
        SeriesAnswer,
        "series",
        problems=(Code.NOT_FOUND,),
        path_examples=_ONE,
    ),
    Operation(
        "GET",
        "/v1/series/{id}/observations",
        observations_of_series,
        "Observations of a series",
        (v.SeriesObservations, v.SeriesBuckets),
        "values",
        (p.FROM, p.TO, p.AS_OF, RESOLUTION, *p.PAGE),
        (*_ALL_FORMATS, "covjson"),
        (Code.NOT_FOUND, Code.NOT_MEANINGFUL),
        path_examples=_ONE,
    ),
    Operation(
        "GET",
        "/v1/observations",
        observations,
        "Observations across series",
        v.ObservationPage,
        "values",
        (p.FROM_REQUIRED, p.TO_REQUIRED, p.AS_OF, *p.FILTERS, *p.PAGE),
        _ALL_FORMATS,
    ),
)
