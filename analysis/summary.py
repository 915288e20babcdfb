"""What a regional summary says, as values; `analysis.regional` computes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from domain.reasons import Untold
from domain.states import RegionState
from domain.units import Dimension

#: Version of the way in which summaries are computed; raised with every change that changes an answer, so that kept ones are made anew.
METHOD = 4


class Finding(StrEnum):
    """Reason codes beside `domain.reasons.Untold`: what was found where a state could be told."""

    WITHIN_OWN_RANGE = "within_own_range"
    ABOVE_OWN_BASELINE = "above_own_baseline"
    FAR_ABOVE_OWN_BASELINE = "far_above_own_baseline"
    ONE_STATION_ONLY = "one_station_only"
    RISE_EXPLAINED_BY_RAIN = "rise_explained_by_rain"
    RAIN_UNKNOWN = "rain_unknown"
    ABOVE_DETECTOR_RANGE = "above_detector_range"
    LAST_SEEN_ABOVE = "last_seen_above"


class WindowClass(StrEnum):
    """Averaging windows that may be compared: up to an hour (or not stated), up to a day, longer."""

    CURRENT = "current"
    DAY = "day"
    LONG = "long"


@dataclass(frozen=True, slots=True)
class AreaName:
    """An area's id with its name per language."""

    id: str
    names: Mapping[str, str]

    def name(self, language: str) -> str:
        """The name in a language, else in English, else the id."""
        return self.names.get(language) or self.names.get("en") or self.id


@dataclass(frozen=True, slots=True)
class Kind:
    """What a summary is about; nothing is compared across two of these."""

    medium: str
    quantity: str
    analyte: str
    dimension: Dimension
    window_class: WindowClass
    exercise: bool


@dataclass(frozen=True, slots=True)
class Extreme:
    """A smallest or largest newest reading, with its station."""

    value: float
    station_uid: str
    series_uid: str
    end_s: int


@dataclass(frozen=True, slots=True)
class Departures:
    """How far the newest readings lie from each station's own median, in the summary's unit; `stations_above` names at most 20."""

    median: float
    p95: float
    largest: float
    count_above: int
    stations_above: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Summary:
    """One medium and quantity of one area at one moment. Every station weighs the same, whatever area or people it stands for.

    `expected` = `fresh` + everything in `excluded` but mirrors; `judged` of the fresh ones have a baseline of their own. `coverage` is
    judged over expected, where stations that report below their detector's floor are left out: what they say is known.
    `quantiles` are p05 p25 p50 p75 p95 of the newest fresh readings in `unit`; None where values of unstated units cannot be compared.
    `rain_explained` is the share of stations above their baseline with rain near them in the last two hours; None when nobody is above
    or rain is not known.
    """

    area_id: str
    kind: Kind
    unit: str
    as_of_s: int
    window_s: int
    expected: int
    reporting: int
    fresh: int
    judged: int
    excluded: Mapping[Untold, int]
    coverage: float
    quantiles: tuple[float, float, float, float, float] | None
    lowest: Extreme | None
    highest: Extreme | None
    departures: Departures | None
    censored: Mapping[str, int]
    rain_explained: float | None
    newest_s: int | None
    state: RegionState
    reasons: tuple[str, ...]
    sentences: Mapping[str, str]
    feeds: tuple[str, ...]
    weighting: str = "every station counts once"
