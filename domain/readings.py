"""What a collected answer turns into: stations, series, columns of readings, samples, earthquakes and marks.

Frozen values with aware meanings: every `*_s` is whole seconds since 1970-01-01T00:00:00Z, every number carries its unit
in its name or in its series. Readings travel as columns, because a national sweep has thousands of rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from domain.reasons import Ignored, Refusal
from domain.states import Censoring, Kind

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

#: "No such time" in integer time columns.
NO_TIME = -(2**62)
#: `digits` of a value whose published text is kept as it is, because decimals alone do not give it back.
TEXT_KEPT = -1


@dataclass(frozen=True, slots=True)
class Layer:
    """A vertical position: reference is `depth_below_surface`, `height_above_seabed`, `height_above_ground` or `label_only`."""

    label: str = ""
    reference: str = "label_only"
    min_m: float | None = None
    max_m: float | None = None


@dataclass(frozen=True, slots=True)
class Station:
    """A fixed place, a sampling point or a moving platform, as one source names it.

    `uid` is stable and public: `<namespace>:<key>`. Names are (language, text) pairs as published. `position_origin` is
    `published`, `listed` (a table of ours with a source), `refused` or `none`.
    """

    uid: str
    namespace: str
    key: str
    names: tuple[tuple[str, str], ...] = ()
    latitude_deg: float | None = None
    longitude_deg: float | None = None
    position_origin: str = "none"
    elevation_m: float | None = None
    region_code: str = ""  # the publisher's own code, as `JP-07`; "" when it gives none
    zone: str = "UTC"  # IANA name
    kind: str = "station"  # monitoring_post, dosimeter, device, sampling_point, ...
    owner: str = ""
    moving: bool = False


@dataclass(frozen=True, slots=True)
class Series:
    """station x quantity x analyte x medium x instrument x averaging window x layer, with the unit it is published in."""

    uid: str
    station_uid: str
    feed_id: str
    quantity: str
    unit: str  # UCUM, as published; values are stored in it
    analyte: str = "gamma-total"
    medium: str = "air_over_land"
    instrument: str = ""
    window_s: int = 0  # 0: not stated
    layer: Layer = Layer()
    kind: Kind = Kind.MEASURED
    floor: float | None = None  # detector's range, in `unit`
    ceiling: float | None = None
    published_unit_text: str = ""
    exercise: bool = False


@dataclass(frozen=True, slots=True)
class Readings:
    """Columns of n readings; row i belongs to `series[index[i]]`, its value is in that series' unit (NaN: no value).

    `digits` gives the published text back as f"{value:.{digits}f}"; where that fails it is TEXT_KEPT and `texts` holds it.
    """

    series: tuple[Series, ...]
    index: IntArray
    end_s: IntArray
    value: FloatArray
    digits: npt.NDArray[np.int16]
    censoring: npt.NDArray[np.int8]  # position in states.CENSORING_CODES
    limit: FloatArray
    published_s: IntArray
    qc: IntArray
    texts: Mapping[int, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.index)


@dataclass(frozen=True, slots=True)
class SampleResult:
    """One analysis of one sample. `text` is the cell as published; `link` joins two representations of one measurement."""

    uid: str
    series_uid: str
    analyte: str
    quantity: str
    unit: str
    value: float | None
    censoring: Censoring
    limit: float | None = None
    text: str = ""
    limit_text: str = ""
    uncertainty: float | None = None
    uncertainty_kind: str = ""  # "" none, `not_stated`, `standard`, `expanded`
    coverage_factor: float | None = None
    published_unit_text: str = ""
    laboratory: str = ""
    method: str = ""
    decay_reference_s: int | None = None
    link: str = ""


@dataclass(frozen=True, slots=True)
class Sample:
    """One sampling: place, medium, time with its resolution (`minute`, `day`, `month`, `year`), layer, species, results."""

    uid: str
    station_uid: str
    medium: str
    begin_s: int
    end_s: int
    time_text: str
    resolution: str
    zone: str
    zone_assumed: bool
    layer: Layer = Layer()
    taxon: str = ""
    tissue: str = ""
    description: str = ""
    water_depth_m: float | None = None
    results: tuple[SampleResult, ...] = ()


@dataclass(frozen=True, slots=True)
class Quake:
    """One bulletin on an earthquake; the newest bulletin of an `event_uid` is what is known of it."""

    uid: str
    event_uid: str
    status: str  # issued, corrected, cancelled
    title: str
    place: str
    origin_s: int | None
    reported_s: int
    latitude_deg: float | None
    longitude_deg: float | None
    depth_km: float | None
    magnitude: float | None
    magnitude_text: str
    max_intensity: str
    serial: str = ""


@dataclass(frozen=True, slots=True)
class StationMark:
    """The publisher's own word on a station (as: it is in the list of missing stations); a claim, not a fact of ours."""

    station_uid: str
    mark: str
    last_value_text: str = ""


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """One refusal that can be looked up: its reason, where in the payload (line or row number, from 1) and what stood there."""

    reason: Refusal
    where: str
    detail: str


@dataclass(frozen=True, slots=True)
class Harvest:
    """Everything that one answer of a publisher gave. `read` counts the records met, whatever became of them."""

    read: int = 0
    stations: tuple[Station, ...] = ()
    readings: Readings | None = None
    series: tuple[Series, ...] = ()  # series of sample results
    samples: tuple[Sample, ...] = ()
    quakes: tuple[Quake, ...] = ()
    marks: tuple[StationMark, ...] = ()
    marks_complete: bool = False  # the marks are a whole list: a station that is absent is no longer marked
    refused: Mapping[Refusal, int] = field(default_factory=dict)
    refused_rows: tuple[RefusedRow, ...] = ()  # at most 50 kept
    ignored: Mapping[Ignored, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Tally:
    """What became of an answer or a run: read = records met; stored, unchanged and revised count values."""

    read: int = 0
    stored: int = 0
    unchanged: int = 0
    revised: int = 0
    flagged: int = 0
    refused: Mapping[str, int] = field(default_factory=dict)
    ignored: Mapping[str, int] = field(default_factory=dict)

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.read + other.read,
            self.stored + other.stored,
            self.unchanged + other.unchanged,
            self.revised + other.revised,
            self.flagged + other.flagged,
            _sum(self.refused, other.refused),
            _sum(self.ignored, other.ignored),
        )


def _sum(left: Mapping[str, int], right: Mapping[str, int]) -> dict[str, int]:
    return {key: left.get(key, 0) + right.get(key, 0) for key in sorted({*left, *right})}


@dataclass(frozen=True, slots=True)
class Answer:
    """One request and what came back, as it enters the raw archive. `sha256` is "" when no body came."""

    feed_id: str
    method: str
    url: str  # without secrets
    requested_s: float
    received_s: float
    status: int  # 0: no HTTP answer
    headers: tuple[tuple[str, str], ...] = ()
    sha256: str = ""
    size_bytes: int = 0
    not_modified: bool = False
    failure: Refusal | None = None
    failure_detail: str = ""


@dataclass(frozen=True, slots=True)
class Batch:
    """What one transaction commits: an answer, what it gave, and the run that it belongs to."""

    feed_id: str
    run_uid: str  # `<feed id>@<start, ISO UTC>`
    run_started_s: int
    answer: Answer
    harvest: Harvest
    received_s: int
    exercise: bool = False
