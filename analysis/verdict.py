"""From counts to a state: the order of the questions is the whole policy, so it stands in one place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from analysis.summary import Finding
from domain.reasons import Untold
from domain.states import RegionState

#: Least share of the stations expected, and least number of stations, that must be judged before anything is called usual.
LEAST_COVERAGE = 0.6
LEAST_STATIONS = 3


@dataclass(frozen=True, slots=True)
class Evidence:
    """Counts of stations: `above` their own range, of them `by_rain` with rain near and `rain_unknown`; `far` far above; `beyond`
    with a detector over its range; `last_above` silent now, and above when last heard.
    """

    expected: int
    fresh: int
    judged: int
    above: int = 0
    by_rain: int = 0
    rain_unknown: int = 0
    far: int = 0
    beyond: int = 0
    last_above: int = 0
    unit_stated: bool = True
    excluded: Mapping[Untold, int] = field(default_factory=dict)

    @property
    def to_judge(self) -> int:
        """Stations that would have to be judged: all but those that report below their detector's floor, which is an answer too."""
        return self.expected - self.excluded.get(Untold.BELOW_RANGE, 0)

    @property
    def coverage(self) -> float:
        """Judged over to judge, 0 to 1."""
        return self.judged / self.to_judge if self.to_judge > 0 else 0.0


def verdict(e: Evidence) -> tuple[RegionState, tuple[str, ...]]:
    """The state with its reason codes; a station less never moves it towards `normal`.

    A station that goes silent after a rise keeps the state from `normal` (`last_seen_above`); one that goes silent calm lowers coverage.
    """
    if not e.unit_stated:
        return RegionState.INSUFFICIENT, (Untold.UNIT_NOT_STATED,)
    unexplained = e.above - e.by_rain
    if e.far >= 2:
        return RegionState.HIGH, (Finding.FAR_ABOVE_OWN_BASELINE, *_about_rises(e, unexplained))
    if unexplained or e.beyond:
        return RegionState.ELEVATED, (Finding.ABOVE_OWN_BASELINE, *_about_rises(e, unexplained))
    missing = _missing(e)
    if missing:
        return RegionState.INSUFFICIENT, missing
    notes = [Finding.RISE_EXPLAINED_BY_RAIN] if e.by_rain else []
    low = [Untold.BELOW_RANGE] if e.excluded.get(Untold.BELOW_RANGE) else []
    return RegionState.NORMAL, (Finding.WITHIN_OWN_RANGE, *notes, *low)


def _about_rises(e: Evidence, unexplained: int) -> tuple[str, ...]:
    found: list[str] = []
    if unexplained + e.beyond == 1:
        found.append(Finding.ONE_STATION_ONLY)
    if e.beyond:
        found.append(Finding.ABOVE_DETECTOR_RANGE)
    if e.by_rain:
        found.append(Finding.RISE_EXPLAINED_BY_RAIN)
    if e.rain_unknown:
        found.append(Finding.RAIN_UNKNOWN)
    return tuple(found)


def _missing(e: Evidence) -> tuple[str, ...]:
    if e.expected == 0:
        return (Untold.NO_STATIONS,)
    found: list[str] = []
    if e.fresh == 0:
        found.append(Untold.NO_FRESH_READING)
    elif e.fresh < LEAST_STATIONS:
        found.append(Untold.TOO_FEW_STATIONS)
    if e.fresh and e.fresh < LEAST_COVERAGE * e.to_judge:
        found.append(Untold.COVERAGE_LOW)
    if e.last_above:
        found.append(Finding.LAST_SEEN_ABOVE)
    if found:
        found.extend(code for code in e.excluded if code is not Untold.MIRROR and e.excluded[code])
    if e.judged < e.fresh and (e.judged < LEAST_STATIONS or e.coverage < LEAST_COVERAGE):
        found.append(Untold.NO_BASELINE)
    return tuple(dict.fromkeys(found))
