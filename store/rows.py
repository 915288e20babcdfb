"""What the store answers with: frozen rows, and the filter that selects them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from domain.readings import FloatArray, IntArray, Quake, Sample, Series, Station
from domain.states import Censoring, FeedState


@dataclass(frozen=True, slots=True)
class Filter:
    """Which stations and series are meant; criteria combine by "and", an empty one means everything.

    `bbox` is (west, south, east, north) in degrees and may cross the antimeridian (west > east); `near` is (latitude_deg,
    longitude_deg, radius_m).
    """

    areas: frozenset[str] = frozenset()
    bbox: tuple[float, float, float, float] | None = None
    near: tuple[float, float, float] | None = None
    country: str = ""
    media: frozenset[str] = frozenset()
    quantities: frozenset[str] = frozenset()
    feeds: frozenset[str] = frozenset()
    stations: frozenset[str] = frozenset()
    series: frozenset[str] = frozenset()

    @property
    def places(self) -> bool:
        """Whether a criterion speaks of the station itself."""
        return bool(self.areas or self.bbox or self.near or self.country or self.stations)

    @property
    def things(self) -> bool:
        """Whether a criterion speaks of what is measured."""
        return bool(self.media or self.quantities or self.series)


@dataclass(frozen=True, slots=True)
class StationRow:
    """A station as the store knows it now; `last_seen_s` is when it last gave something new, `mark` the publisher's open mark."""

    station: Station
    areas: tuple[str, ...]
    feed_id: str
    first_seen_s: int
    last_seen_s: int
    exercise: bool
    mark: str


@dataclass(frozen=True, slots=True)
class SeriesRow:
    """A series with its station."""

    series: Series
    station: StationRow


@dataclass(frozen=True, slots=True)
class ObservationRow:
    """One version of one reading; `superseded_s` is None while it stands (or stood, at the `as_of` asked for)."""

    series_uid: str
    end_s: int
    value: float | None
    text: str
    unit: str
    censoring: Censoring
    limit: float | None
    qc: int
    published_s: int | None
    received_s: int
    revision: int
    superseded_s: int | None
    sha256: str


@dataclass(frozen=True, slots=True)
class VersionRow:
    """One version of a reading in its history; `reason` says why it ended (`corrected`, `withdrawn`), "" while it stands."""

    observation: ObservationRow
    reason: str


@dataclass(frozen=True, slots=True)
class LatestRow:
    """The newest reading of a series."""

    series: SeriesRow
    observation: ObservationRow


@dataclass(frozen=True, slots=True)
class SeriesArrays:
    """Columns of n readings ordered by (series, end_s); row i belongs to `series[index[i]]`, values in that series' unit (NaN: none).

    `series` lists every series that the question selects, also those without a reading in the window.
    """

    series: tuple[SeriesRow, ...]
    index: IntArray
    end_s: IntArray
    value: FloatArray
    censoring: npt.NDArray[np.int8]
    limit: FloatArray
    qc: IntArray
    received_s: IntArray

    def __len__(self) -> int:
        return len(self.index)


@dataclass(frozen=True, slots=True)
class BucketRow:
    """A roll-up of one series over readings that end in (begin_s, end_s]: of the values fit for use, in the series' unit.

    `coverage` is the share of the time that the readings' own windows cover; None for a series that does not state one.
    """

    series_uid: str
    begin_s: int
    end_s: int
    unit: str
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
    coverage: float | None = None


@dataclass(frozen=True, slots=True)
class SampleRow:
    """One revision of a sample with its results."""

    sample: Sample
    station: StationRow
    feed_id: str
    received_s: int
    revision: int
    superseded_s: int | None
    sha256: str


@dataclass(frozen=True, slots=True)
class RunRow:
    """One run of a feed: when, how it ended, and what became of what it read. `finished_s` is None while it goes on."""

    uid: str
    feed_id: str
    started_s: int
    finished_s: int | None
    state: FeedState
    cause: str
    read: int
    stored: int
    unchanged: int
    revised: int
    flagged: int
    refused: Mapping[str, int] = field(default_factory=dict)
    ignored: Mapping[str, int] = field(default_factory=dict)
    answers: tuple[AnswerRow, ...] = ()
    exercise: bool = False


@dataclass(frozen=True, slots=True)
class AnswerRow:
    """One answered (or failed) request of a run, with the digest of the body in the raw archive."""

    id: int
    url: str
    requested_s: float
    received_s: int
    status: int
    sha256: str
    size_bytes: int
    not_modified: bool
    failure: str
    failure_detail: str
    read: int
    stored: int
    unchanged: int
    revised: int
    refused: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RefusalRow:
    """One refusal kept for looking up; `where` is a place in the payload."""

    url: str
    sha256: str
    reason: str
    where: str
    detail: str


@dataclass(frozen=True, slots=True)
class QuakeRow:
    """The newest bulletin on an earthquake."""

    quake: Quake
    feed_id: str
    received_s: int
    revision: int
    exercise: bool


@dataclass(frozen=True, slots=True)
class FeedHealthRow:
    """A feed's state and three clocks: last try, last success, last reading that was new."""

    feed_id: str
    state: FeedState
    cause: str
    last_try_s: int | None
    last_success_s: int | None
    last_new_s: int | None
    last_run: RunRow | None
