"""Summaries of a region: is it usual here, and can that be told at all?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import msgspec
from msgspec import Meta

from api.models.common import Dropped, FeedBrief, Instant, Struct, Withheld
from api.models.places import Region
from api.models.power import DetectionPower


class Quantiles(Struct, frozen=True, kw_only=True):
    """Quantiles of the newest fresh readings, in the summary's unit."""

    p05: float
    p25: float
    p50: float
    p75: float
    p95: float


class Extreme(Struct, frozen=True, kw_only=True):
    """A smallest or largest newest reading with its station."""

    value: float
    station: str
    series: str
    phenomenon_end: Instant


class Departure(Struct, frozen=True, kw_only=True):
    """How far the newest readings lie from each station's own median, in the summary's unit; `stations_above` names at most 20."""

    median: float
    p95: float
    largest: float
    above: int
    stations_above: tuple[str, ...]


class Attribution(Struct, frozen=True, kw_only=True):
    """A publisher whose readings stand in an answer, with the line to carry."""

    id: str
    attribution: Mapping[str, str]
    licences: tuple[str, ...]
    rights: tuple[str, ...]


class Summary(Struct, frozen=True, kw_only=True):
    """One medium and quantity; nothing is compared across kinds, windows or dose conventions."""

    medium: str
    quantity: str
    analyte: str
    window_class: Annotated[
        str, Meta(description="averaging windows that were compared: current (to an hour), day or long")
    ]
    unit: str
    state: Annotated[
        str, Meta(description="normal, elevated, high or insufficient; insufficient means that it cannot be told")
    ]
    reasons: tuple[str, ...]
    sentence: Annotated[Mapping[str, str], Meta(description="in en, ja, ko, zh")]
    expected: int
    reporting: int
    fresh: int
    judged: int
    excluded: Mapping[str, int]
    coverage: Annotated[float, Meta(description="judged stations of those expected, 0 to 1")]
    quantiles: Quantiles | None
    min: Extreme | None
    max: Extreme | None
    departure: Departure | None
    rain_explained: Annotated[
        float | None,
        Meta(description="share of the stations above their own past with rain near them; null if unknown"),
    ]
    censored: Mapping[str, int]
    newest: Instant | None
    weighting: str
    exercise: bool
    sources: tuple[Attribution, ...]


class SampleSummary(Struct, frozen=True, kw_only=True):
    """Laboratory results of one kind over the last year: counted, with quantiles by Kaplan-Meier that put nothing in a censored value's place."""

    medium: str
    quantity: str
    analyte: str
    unit: str
    begin: Instant = msgspec.field(name="from")
    end: Instant = msgspec.field(name="to")
    stations: int
    results: int
    detected: int
    below: Annotated[int, Meta(description="below their limit, or not detected")]
    other: Annotated[Mapping[str, int], Meta(description="results of other kinds by their censoring")]
    detection_rate: Annotated[float, Meta(description="detected of detected and below, 0 to 1")]
    quantiles: Annotated[
        Mapping[str, float | None],
        Meta(description="p05 to p95; null where it lies below the lowest detected value or a limit is not stated"),
    ]
    newest: Instant
    sentence: Annotated[Mapping[str, str], Meta(description="in en, ja, ko, zh")]


class SummaryAnswer(Struct, frozen=True, kw_only=True):
    """Summaries of one region, one per kind; empty means that nothing is known to measure there, not that all is well."""

    as_of: Instant
    window_s: int
    audience: str
    exercise: bool
    stale: Annotated[bool, Meta(description="true if no station here has a fresh reading")]
    age_s: Annotated[
        int | None, Meta(description="age of the newest reading; null if there is none in the last seven days")
    ]
    state: Annotated[str, Meta(description="the most urgent of all kinds; insufficient if there are none")]
    region: Region
    summaries: tuple[Summary, ...]
    samples: Annotated[
        tuple[SampleSummary, ...],
        Meta(description="samples tell of the day they were taken, never of now: they take no part in `state`"),
    ]
    withheld: Annotated[
        Withheld | None, Meta(description="series that are held but take no part here, because they may not be shown")
    ]
    feeds: tuple[FeedBrief, ...]
    detection: Annotated[
        tuple[DetectionPower, ...],
        Meta(
            description="how small a rise would have been noticed here; empty where no detector watches, or of the past"
        ),
    ]
    notices: tuple[str, ...]


class HistoryStep(Struct, frozen=True, kw_only=True):
    """One kind at one step, as it would have been told then."""

    at: Instant
    medium: str
    quantity: str
    analyte: str
    window_class: str
    unit: str
    state: str
    reasons: tuple[str, ...]
    expected: int
    fresh: int
    coverage: float
    p50: float | None
    p95: float | None
    departure_median: float | None
    above: int | None
    rain_explained: float | None
    exercise: bool


class History(Struct, frozen=True, kw_only=True):
    """A region over time; each step stands on what was known at its own moment."""

    begin: Instant = msgspec.field(name="from")
    end: Instant = msgspec.field(name="to")
    step_s: int
    audience: str
    region: Region
    history: tuple[HistoryStep, ...]
    dropped: Annotated[
        tuple[Dropped, ...],
        Meta(description="what is no longer kept of the time behind these steps; they say `insufficient` there"),
    ]
