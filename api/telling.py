"""From rows of the store to parts of answers: canonical unit, published text, clocks, rights, marks."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from api.clocktext import told, told_or_none
from api.models import stations as m
from api.models import values as v
from api.models.common import FeedBrief, Text
from api.service import Service
from api.units import canonical_unit, conversion, converted
from domain.flags import codes
from domain.readings import Layer, Series
from domain.states import Kind
from store.rows import FeedHealthRow, LatestRow, ObservationRow, SeriesRow, StationRow


@lru_cache(maxsize=4096)
def qc_codes(value: int) -> tuple[str, ...]:
    """The codes of the flags that are set."""
    return tuple(codes(value))


def texts(names: Mapping[Any, str]) -> dict[str, str]:
    """Texts by language code."""
    return {str(language): text for language, text in names.items()}


def _names(names: tuple[tuple[str, str], ...]) -> tuple[Text, ...]:
    return tuple(Text(language=language, text=text) for language, text in names)


def station(row: StationRow, service: Service) -> m.Station:
    """A station with the rights of its feed."""
    told_of, facts = row.station, service.facts(row.feed_id)
    place = None
    if told_of.longitude_deg is not None and told_of.latitude_deg is not None:
        place = m.Position(
            longitude=told_of.longitude_deg,
            latitude=told_of.latitude_deg,
            elevation_m=told_of.elevation_m,
            origin=told_of.position_origin,
        )
    return m.Station(
        id=told_of.uid,
        names=_names(told_of.names),
        kind=told_of.kind,
        position=place,
        position_origin=told_of.position_origin,
        regions=row.areas,
        zone=told_of.zone,
        owner=told_of.owner,
        moving=told_of.moving,
        publisher_mark=row.mark,
        first_seen=told(row.first_seen_s),
        last_seen=told(row.last_seen_s),
        source=facts.source,
        feed=row.feed_id,
        licence=facts.licence,
        rights=facts.rights,
        exercise=row.exercise,
    )


def layer(row: Layer) -> m.Layer | None:
    """A layer, None where the series has none."""
    if not row.label and row.min_m is None and row.max_m is None:
        return None
    return m.Layer(label=row.label, reference=row.reference, min_m=row.min_m, max_m=row.max_m)


def series(row: Series, service: Service) -> m.Series:
    """A series with its range in the canonical unit."""
    unit, facts = canonical_unit(row.quantity, row.unit), service.facts(row.feed_id)
    return m.Series(
        id=row.uid,
        station=row.station_uid,
        quantity=row.quantity,
        unit=unit,
        published_unit=row.unit,
        published_unit_text=row.published_unit_text,
        analyte=row.analyte,
        medium=row.medium,
        instrument=row.instrument,
        window_s=row.window_s or None,
        layer=layer(row.layer),
        kind=row.kind,
        range=m.Range(floor=converted(row.floor, row.unit, unit), ceiling=converted(row.ceiling, row.unit, unit)),
        source=facts.source,
        feed=row.feed_id,
        licence=facts.licence,
        rights=facts.rights,
        exercise=row.exercise,
        observations=f"/v1/series/{row.uid}/observations",
    )


def kind_of(row: Series) -> str:
    """How values of a series came to be; exercise data are simulated, whatever else they say."""
    if row.exercise:
        return Kind.SIMULATED
    return (
        Kind.CONVERTED if row.kind is Kind.MEASURED and row.unit != canonical_unit(row.quantity, row.unit) else row.kind
    )


def observation(row: ObservationRow, of: Series, service: Service) -> v.Observation:
    """One value with its conversion, the publisher's text, three clocks and the rights of its feed."""
    unit, facts = canonical_unit(of.quantity, row.unit), service.facts(of.feed_id)
    return v.Observation(
        series=of.uid,
        station=of.station_uid,
        quantity=of.quantity,
        analyte=of.analyte,
        medium=of.medium,
        value=converted(row.value, row.unit, unit),
        unit=unit,
        uncertainty=None,
        censoring=row.censoring,
        limit=converted(row.limit, row.unit, unit),
        qc=qc_codes(row.qc),
        kind=kind_of(of),
        conversion=conversion(row.unit, unit),
        published=v.Published(text=row.text, unit=of.published_unit_text, ucum=row.unit),
        phenomenon_start=told(row.end_s - of.window_s) if of.window_s else None,
        phenomenon_end=told(row.end_s),
        published_at=told_or_none(row.published_s),
        received_at=told(row.received_s),
        revision=row.revision,
        superseded_at=told_or_none(row.superseded_s),
        source=facts.source,
        feed=of.feed_id,
        licence=facts.licence,
        rights=facts.rights,
        exercise=of.exercise,
        sha256=row.sha256,
    )


def latest(
    row: LatestRow,
    service: Service,
    now_s: int,
    freshness: str,
    usual: v.Usual | None = None,
    judgement: str | None = None,
) -> v.Latest:
    """The newest value of a series with its place, age, freshness, and how it compares with its own past."""
    value = observation(row.observation, row.series.series, service)
    at: StationRow = row.series.station
    return v.Latest(
        **{name: getattr(value, name) for name in value.__struct_fields__},
        station_names=_names(at.station.names),
        longitude=at.station.longitude_deg,
        latitude=at.station.latitude_deg,
        regions=at.areas,
        age_s=max(0, now_s - row.observation.end_s),
        freshness=freshness,
        usual=usual,
        judgement=judgement,
        publisher_mark=at.mark,
    )


def feed_brief(feed_id: str, health: FeedHealthRow | None) -> FeedBrief:
    """A feed in one line; a feed without a record has never run."""
    if health is None:
        return FeedBrief(id=feed_id, state="never_run", cause="", last_try=None, last_success=None, last_new=None)
    return FeedBrief(
        id=feed_id,
        state=health.state,
        cause=health.cause,
        last_try=told_or_none(health.last_try_s),
        last_success=told_or_none(health.last_success_s),
        last_new=told_or_none(health.last_new_s),
    )


def feeds_of(rows: list[SeriesRow] | tuple[SeriesRow, ...]) -> tuple[str, ...]:
    """The feeds behind some series, each once."""
    return tuple(sorted({row.series.feed_id for row in rows}))
