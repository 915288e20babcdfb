"""Laboratory results: one sampling, several analyses; and bulletins on earthquakes."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from api.models.common import Coverage, Instant, Page, Struct
from api.models.stations import Layer, Position
from api.models.values import Conversion, Published, Uncertainty


class SampleResult(Struct, frozen=True, kw_only=True):
    """One analysis of a sample. `link` joins two representations of one measurement."""

    id: str
    series: str
    analyte: str
    quantity: str
    value: Annotated[
        float | None, Meta(description="in `unit`; null where there is none (see `censoring` and `limit`)")
    ]
    unit: str
    uncertainty: Uncertainty | None
    censoring: str
    limit: float | None
    conversion: Conversion | None
    published: Published
    published_limit: str
    laboratory: str
    method: str
    decay_reference: Instant | None
    link: str


class Sample(Struct, frozen=True, kw_only=True):
    """One sampling; its time is as fine as `resolution` says, and never "now"."""

    id: str
    station: str
    station_name: str
    longitude: float | None
    latitude: float | None
    regions: tuple[str, ...]
    medium: str
    phenomenon_start: Instant
    phenomenon_end: Instant
    published_time: Annotated[str, Meta(description="the time as published")]
    resolution: Annotated[str, Meta(description="minute, day, month or year")]
    zone: str
    zone_assumed: bool
    layer: Layer | None
    taxon: str
    tissue: str
    description: str
    water_depth_m: float | None
    results: tuple[SampleResult, ...]
    received_at: Instant
    revision: int
    superseded_at: Instant | None
    source: str
    feed: str
    licence: str
    rights: str
    exercise: bool
    sha256: str


class SamplePage(Page, frozen=True, kw_only=True):
    """Samples in order of the end of their sampling."""

    samples: tuple[Sample, ...]
    coverage: Coverage


class SampleAnswer(Struct, frozen=True, kw_only=True):
    """One sample as it stands, with every revision that was ever held."""

    audience: str
    sample: Sample
    revisions: tuple[Sample, ...]


class Quake(Struct, frozen=True, kw_only=True):
    """The newest bulletin on an earthquake."""

    id: str
    event: str
    status: Annotated[str, Meta(description="issued, corrected or cancelled")]
    title: str
    place: str
    origin: Instant | None
    reported: Instant
    position: Position | None
    depth_km: float | None
    magnitude: float | None
    magnitude_text: str
    max_intensity: str
    serial: str
    received_at: Instant
    revision: int
    source: str
    feed: str
    licence: str
    rights: str
    exercise: bool


class QuakePage(Page, frozen=True, kw_only=True):
    """Earthquakes, newest report first."""

    quakes: tuple[Quake, ...]
    coverage: Coverage
