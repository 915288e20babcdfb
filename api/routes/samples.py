"""Samples: air filters, sea water, fish, deposition, soil, food; revisions and contradictions side by side."""

from __future__ import annotations

import asyncio

from aiohttp import web

from api import params as p
from api.clocktext import told, told_or_none
from api.files import answer as files
from api.files.netcdf_points import points
from api.models import samples as m
from api.models.places import FeatureCollection, collected, feature, point
from api.models.values import Published, Uncertainty
from api.offload import off_loop
from api.operation import Call, Operation, Reply
from api.paging import begin, following, limit, moment
from api.problems import Code, ProblemError
from api.selecting import coverage, feeds_meant, selection, window
from api.service import Service
from api.telling import layer
from api.units import canonical_unit, conversion, converted
from domain.readings import SampleResult
from store import read
from store.rows import SampleRow

_YEAR_S = 366 * 86400


def tell_result(row: SampleResult) -> m.SampleResult:
    """One analysis in the canonical unit, with the cell as published."""
    unit = canonical_unit(row.quantity, row.unit)
    spread = None
    if row.uncertainty is not None:
        scaled = converted(row.uncertainty, row.unit, unit)
        spread = (
            Uncertainty(value=scaled, kind=row.uncertainty_kind, coverage_factor=row.coverage_factor)
            if scaled is not None
            else None
        )
    return m.SampleResult(
        id=row.uid,
        series=row.series_uid,
        analyte=row.analyte,
        quantity=row.quantity,
        value=converted(row.value, row.unit, unit),
        unit=unit,
        uncertainty=spread,
        censoring=row.censoring,
        limit=converted(row.limit, row.unit, unit),
        conversion=conversion(row.unit, unit),
        published=Published(text=row.text, unit=row.published_unit_text, ucum=row.unit),
        published_limit=row.limit_text,
        laboratory=row.laboratory,
        method=row.method,
        decay_reference=told_or_none(row.decay_reference_s),
        link=row.link,
    )


def tell_sample(row: SampleRow, service: Service) -> m.Sample:
    """One revision of a sample."""
    sample, at, facts = row.sample, row.station.station, service.facts(row.feed_id)
    return m.Sample(
        id=sample.uid,
        station=sample.station_uid,
        station_name=at.names[0][1] if at.names else "",
        longitude=at.longitude_deg,
        latitude=at.latitude_deg,
        regions=row.station.areas,
        medium=sample.medium,
        phenomenon_start=told(sample.begin_s),
        phenomenon_end=told(sample.end_s),
        published_time=sample.time_text,
        resolution=sample.resolution,
        zone=sample.zone,
        zone_assumed=sample.zone_assumed,
        layer=layer(sample.layer),
        taxon=sample.taxon,
        tissue=sample.tissue,
        description=sample.description,
        water_depth_m=sample.water_depth_m,
        results=tuple(map(tell_result, sample.results)),
        received_at=told(row.received_s),
        revision=row.revision,
        superseded_at=told_or_none(row.superseded_s),
        source=facts.source,
        feed=row.feed_id,
        licence=facts.licence,
        rights=facts.rights,
        exercise=row.station.exercise,
        sha256=row.sha256,
    )


async def samples(call: Call) -> Reply | web.StreamResponse:
    """Samples by the end of their sampling; the last year unless told otherwise."""
    service, mark, most = call.service, begin(call.route, call.query), limit(call.query)
    f = await selection(call.query, service)
    as_of_s = await moment(call, mark)
    span = window(call.query, p.FROM, p.TO, (as_of_s - _YEAR_S, as_of_s + 1))
    after = (mark.after_s, mark.after_id) if mark else None
    rows = await read.samples(service.store, f, *span, as_of_s=as_of_s, after=after, limit=most + 1)
    page = rows[:most]
    shown = await off_loop(
        lambda: tuple(tell_sample(row, service) for row in page if service.facts(row.feed_id).shown), len(page)
    )
    hidden = [row.feed_id for row in page if not service.facts(row.feed_id).shown]
    more = None
    if len(rows) > most:
        last = page[-1].sample
        more = following(call.route, call.query, as_of_s=as_of_s, after_id=last.uid, after_s=last.end_s)
    if call.format == "netcdf":
        file = await asyncio.to_thread(points, shown, service, span, as_of_s)
        return files.send(call, file, "samples", next_page=more)
    feeds = {row.feed_id for row in page} or feeds_meant(f, service)
    body = m.SamplePage(
        as_of=told(as_of_s),
        next=more,
        audience=service.audience,
        exercise=any(row.exercise for row in shown),
        withheld=service.withheld(hidden),
        samples=shown,
        coverage=await coverage(
            service, rows=len(shown), feeds=feeds, window_s=span, withheld=bool(hidden), as_of_s=call.query.get(p.AS_OF)
        ),
    )
    return Reply(
        body, rows=shown, row=m.Sample, explode="results", features=lambda: collection(body), next=more, max_age_s=300
    )


def collection(page: m.SamplePage) -> FeatureCollection:
    """Samples as GeoJSON points."""
    return collected(page, (feature(row, row.id, point(row.longitude, row.latitude)) for row in page.samples))


async def sample(call: Call) -> Reply:
    """One sample with all its revisions."""
    service, uid = call.service, call.path["id"]
    history = await read.sample_history(service.store, uid)
    if not history or not service.facts(history[-1].feed_id).shown:
        raise ProblemError(Code.NOT_FOUND, f"No sample {uid!r} is known.")
    standing = next((row for row in reversed(history) if row.superseded_s is None), history[-1])
    told_rows = tuple(tell_sample(row, service) for row in history)
    body = m.SampleAnswer(audience=service.audience, sample=tell_sample(standing, service), revisions=told_rows)
    return Reply(body, rows=told_rows, max_age_s=300)


OPERATIONS = (
    Operation(
        "GET",
        "/v1/samples",
        samples,
        "Laboratory results",
        m.SamplePage,
        "samples",
        (p.FROM, p.TO, p.AS_OF, *p.FILTERS, *p.PAGE),
        ("json", "geojson", "csv", "ndjson", "netcdf", "parquet"),
    ),
    Operation(
        "GET",
        "/v1/samples/{id}",
        sample,
        "One sample with its revisions",
        m.SampleAnswer,
        "samples",
        problems=(Code.NOT_FOUND,),
        path_examples={"id": "0123456789abcdef01234567"},
    ),
)
