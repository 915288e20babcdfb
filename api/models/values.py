"""The value object and the lists of it."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from api.models.common import Coverage, Instant, Page, Struct, Text
from api.models.stations import Series


class Uncertainty(Struct, frozen=True, kw_only=True):
    """As published: `standard`, `expanded` with its coverage factor, or `not_stated` where only a number is given."""

    value: float
    kind: str
    coverage_factor: float | None


class Conversion(Struct, frozen=True, kw_only=True):
    """How the published number became `value`: multiplied by `factor`, exact, from the closed table of units."""

    id: Annotated[str, Meta(examples=["uSv/h->nSv/h"])]
    version: int
    factor: Annotated[str, Meta(description="decimal, exact", examples=["1000"])]
    source: str


class Published(Struct, frozen=True, kw_only=True):
    """The publisher's own text and unit."""

    text: str
    unit: Annotated[str, Meta(description="the unit as written in the payload; empty if none is")]
    ucum: str


class Observation(Struct, frozen=True, kw_only=True):
    """One version of one value of a series, with everything needed to judge it."""

    series: str
    station: str
    quantity: str
    analyte: str
    medium: str
    value: Annotated[
        float | None, Meta(description="in `unit`; null where there is none (see `censoring` and `limit`)")
    ]
    unit: str
    uncertainty: Uncertainty | None
    censoring: str
    limit: Annotated[float | None, Meta(description="the limit of a censored value, in `unit`")]
    qc: Annotated[tuple[str, ...], Meta(description="what quality control saw; empty if every check passed")]
    kind: str
    conversion: Conversion | None
    published: Published
    phenomenon_start: Annotated[Instant | None, Meta(description="null if the publisher states no averaging window")]
    phenomenon_end: Instant
    published_at: Instant | None
    received_at: Instant
    revision: Annotated[int, Meta(description="1, and one more for each correction by the publisher")]
    superseded_at: Annotated[
        Instant | None, Meta(description="when a later revision replaced this one; null while it stands")
    ]
    source: str
    feed: str
    licence: str
    rights: str
    exercise: bool
    sha256: Annotated[str, Meta(description="digest of the publisher's answer in the raw archive")]


class Usual(Struct, frozen=True, kw_only=True):
    """A series' own past: median and robust scale in `unit`, how many readings they stand on, and from when to when."""

    median: float
    scale: float
    count: int
    oldest: Instant
    newest: Annotated[
        Instant, Meta(description="the newest day takes no part, so that a rise is not its own yardstick")
    ]
    split: Annotated[
        bool,
        Meta(
            description="true if the series has stood on two levels: only the lower one counts until a change of method is registered"
        ),
    ]


class Latest(Observation, frozen=True, kw_only=True):
    """The newest value of a series with its age. Anything but `fresh` says nothing about now."""

    station_names: tuple[Text, ...]
    longitude: float | None
    latitude: float | None
    regions: tuple[str, ...]
    age_s: int
    freshness: Annotated[str, Meta(description="fresh, late, silent, feed_late (its whole feed is) or never")]
    judgement: Annotated[
        str | None,
        Meta(
            description="normal, elevated or high against its own past; null where that cannot be told: not fresh, unfit, no past yet"
        ),
    ]
    usual: Usual | None
    publisher_mark: str


class ObservationPage(Page, frozen=True, kw_only=True):
    """Observations in order of time, then series."""

    observations: tuple[Observation, ...]
    coverage: Coverage


class SeriesObservations(Page, frozen=True, kw_only=True):
    """Observations of one series in order of time."""

    series: Series
    observations: tuple[Observation, ...]
    coverage: Coverage


class LatestAnswer(Page, frozen=True, kw_only=True):
    """One row per series. `generated` is when ages were reckoned; `stale` if no feed behind it has brought anything new in time."""

    generated: Instant
    stale: bool
    age_s: Annotated[int | None, Meta(description="age of the newest value here")]
    latest: tuple[Latest, ...]
    coverage: Coverage


class Bucket(Struct, frozen=True, kw_only=True):
    """A roll-up of one series over an hour or a day; values unfit for use and censored ones are counted, not averaged."""

    begin: Instant
    end: Instant
    count: int
    censored: int
    unfit: int
    minimum: float | None
    maximum: float | None
    mean: float | None
    p05: float | None
    p25: float | None
    p50: float | None
    p75: float | None
    p95: float | None


class SeriesBuckets(Page, frozen=True, kw_only=True):
    """Roll-ups of one series; values in `unit`."""

    series: Series
    resolution: str
    unit: str
    buckets: tuple[Bucket, ...]
    coverage: Coverage
