"""What looks wrong in a harvest though every row of it could be read: the sentences by which a plan catches a bad edit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from domain import quantities, units
from domain.flags import Qc
from domain.quantities import DOSE_RATES
from domain.readings import Harvest, Readings
from domain.reasons import Refusal
from specs.feed import FeedSpec, Form
from specs.mapping import Measure

#: The median over the stations of a network on normal ground, in nSv/h or nGy/h; a factor of ten leads out of it on either side.
_GROUND = (20.0, 500.0)
_HOUR_S = 3600


@dataclass(frozen=True, slots=True)
class Doubt:
    """One thing to look at: the key of the feed file that it hangs on, and a sentence that says what to do."""

    path: tuple[str | int, ...]
    message: str


def doubts(harvest: Harvest, feed: FeedSpec, form: Form, received_s: float) -> tuple[Doubt, ...]:
    """Everything doubtful about what `form` of `feed` gave; empty when all is as a well feed gives it."""
    at: tuple[str | int, ...] = ("forms", feed.forms.index(form))
    found = [*_rows(harvest, at), *_stations(harvest, feed, form, at), *_times(harvest, feed, at, received_s)]
    if harvest.readings is not None:
        found += _values(harvest.readings, form, at)
    return tuple(found)


def _rows(harvest: Harvest, at: tuple[str | int, ...]) -> Iterator[Doubt]:
    if not harvest.read and not harvest.refused:
        yield Doubt((*at, "decode"), "the answer has no row; is it empty today, or is the path to the rows another?")
    for reason in (Refusal.ROWS_NOT_FOUND, Refusal.MISSING_COLUMN, Refusal.BAD_SYNTAX, Refusal.WRONG_ENCODING):
        row = next((row for row in harvest.refused_rows if row.reason is reason), None)
        if row is not None:
            yield Doubt(
                (*at, "decode"),
                f"{reason.value}: {row.detail}; correct the path or name, or see whether the answer changed",
            )
    if units_refused := harvest.refused.get(Refusal.UNKNOWN_UNIT):
        yield Doubt(
            (*at, "measures"), f"{units_refused} rows state another unit than the file; correct `unit`, never the check"
        )
    if clashes := harvest.refused.get(Refusal.CONTRADICTS_IN_PAYLOAD):
        yield Doubt(
            (*at, "station", "key"),
            f"{clashes} rows contradict another row of one station and time; is the key complete?",
        )


def _stations(harvest: Harvest, feed: FeedSpec, form: Form, at: tuple[str | int, ...]) -> Iterator[Doubt]:
    count = len(harvest.stations)
    lost = sum(station.position_origin == "refused" for station in harvest.stations)
    if lost * 2 > count:
        told = f"{lost} of {count} positions are refused; are latitude and longitude swapped, or is `form` another?"
        yield Doubt((*at, "station", "position"), told)
    wanted = feed.expect.stations
    alone = (
        len([one for one in feed.forms if one.measures]) == 1 and not form.request.variables and not form.request.paging
    )
    if wanted and alone and form.measures and not wanted * 0.5 <= count <= wanted * 2:
        yield Doubt(("expect", "stations"), f"{count} stations where {wanted} are expected")


def _times(harvest: Harvest, feed: FeedSpec, at: tuple[str | int, ...], received_s: float) -> Iterator[Doubt]:
    good = len(harvest.readings) if harvest.readings is not None else 0
    ahead, bad = harvest.refused.get(Refusal.TIME_IN_FUTURE, 0), harvest.refused.get(Refusal.BAD_TIME, 0)
    rows = max(harvest.read, good + ahead + bad)  # one record of a wide table is many rows
    if ahead * 2 > rows:
        yield Doubt((*at, "time", "zone"), f"{ahead} of {rows} stamps lie in the future; is `zone` right?")
    if bad * 2 > rows:
        yield Doubt((*at, "time", "format"), "most stamps cannot be read; `format` does not fit them")
    if harvest.readings is None:
        return
    age_s = received_s - int(harvest.readings.end_s.max())
    if age_s > feed.schedule.lag_s + max(2 * _HOUR_S, feed.schedule.late_after_s - feed.schedule.lag_s):
        told = (
            f"the newest reading is {age_s / _HOUR_S:.1f} hours old where {feed.schedule.lag_s / _HOUR_S:.1f} are usual"
        )
        yield Doubt((*at, "time", "zone"), f"{told}; is `zone` right, or is the publisher late?")


def _values(readings: Readings, form: Form, at: tuple[str | int, ...]) -> Iterator[Doubt]:
    for number, measure in enumerate(form.measures):
        chosen = np.array([_is_of(one.quantity, one.instrument, measure) for one in readings.series], dtype=bool)
        rows = chosen[readings.index]
        values = readings.value[rows & ~np.isnan(readings.value)]
        if not len(values):
            continue
        place = (*at, "measures", number, "unit")
        base = quantities.BY_ID[measure.quantity].unit
        median = (
            units.convert(float(np.median(values)), measure.unit, base)
            if measure.unit != base
            else float(np.median(values))
        )
        if measure.quantity in DOSE_RATES and base in {"nSv/h", "nGy/h"} and not _GROUND[0] <= median <= _GROUND[1]:
            told = f"the median of {measure.column} is {median:g} {base} where normal ground gives 30 to 200"
            yield Doubt(place, f"{told}; is `unit: {measure.unit}` right?")
        if (np.count_nonzero(readings.qc[rows] & int(Qc.GROSS_RANGE))) * 2 > np.count_nonzero(rows):
            yield Doubt(place, f"most values of {measure.column} lie outside `expect.ranges`; is the unit right?")


def _is_of(quantity: str, instrument: str, measure: Measure) -> bool:
    return (quantity, instrument) == (measure.quantity, measure.instrument)
