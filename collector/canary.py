"""Two versions of a feed file on the same answers: what is different, and whether it is more than an edit should do. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from collector.doubts import Doubt
from collector.portrait import Portrait, Trace
from domain.quantities import DOSE_RATES
from domain.readings import FloatArray, Station
from domain.reasons import Refusal
from specs.feed import Canary, FeedSpec

_NEAR_DEG = 0.01
_HOUR_S = 3600
_WEATHER = 3.0
#: Quantities that do not change by a factor within hours anywhere but in an accident, and never at most places of a network at once.
SLOW = DOSE_RATES | {"count_rate", "air_kerma_rate"}
#: Of a kind's values, the share that must be off for the kind to be off; the median alone would hide a second instrument.
_MOSTLY = 0.5


@dataclass(frozen=True, slots=True)
class Compared:
    """The running version against the new one on the same answers."""

    answers: int
    stations_lost: tuple[str, ...]
    stations_gained: tuple[str, ...]
    series_lost: int
    series_gained: int
    lines: tuple[str, ...]
    breaches: tuple[Doubt, ...]


@dataclass(frozen=True, slots=True)
class _Pair:
    """One series under both versions: how far its stamps moved, and new over old values."""

    series_new: Trace
    shift_s: float
    ratio: FloatArray


def compare(old: Portrait, new: Portrait, feed: FeedSpec) -> Compared:
    """What the new version (`feed`) makes otherwise than the old one; `breaches` hold the numbers that `feed.canary` does not allow."""
    lost, gained = sorted(old.stations.keys() - new.stations.keys()), sorted(new.stations.keys() - old.stations.keys())
    pairs = [_pair(old.traces[uid], new.traces[uid]) for uid in old.traces.keys() & new.traces.keys()]
    breaches = [
        *_rows(old, new, feed),
        *_stations(old, lost, feed),
        *_places(old, new, feed),
        *_zones(old, new, feed),
        *_series(old, new, feed),
        *_units(old, new, feed),
        *_stamps(pairs, feed),
        *_values(pairs, feed),
    ]
    gone, added = old.traces.keys() - new.traces.keys(), new.traces.keys() - old.traces.keys()
    return Compared(
        new.answers, tuple(lost), tuple(gained), len(gone), len(added), tuple(_lines(old, new, pairs)), tuple(breaches)
    )


def against_stored(new: Portrait, stored: Mapping[str, float], feed: FeedSpec) -> list[Doubt]:
    """Kinds whose newest values are far from the stored ones of the same series: a file, or a publisher, that is off by a factor.

    Hours of weather lie between the two, so only a factor of three or more is one.
    """
    ratios: dict[tuple[str, str], list[float]] = {}
    for uid, trace in new.traces.items():
        before, after = stored.get(uid, 0.0), float(trace.value[-1])
        if before > 0 and not np.isnan(after):
            ratios.setdefault((trace.series.quantity, trace.series.instrument), []).append(after / before)
    found = []
    limit = max(feed.canary.median_ratio, _WEATHER)
    for (quantity, instrument), listed in ratios.items():
        middle = float(np.median(listed))
        if quantity in SLOW and not 1 / limit <= middle <= limit:
            told = f"{quantity} is {middle:g} times what is stored (median of {len(listed)} series)"
            place = (*_measure(feed, quantity, instrument), "unit")
            found.append(Doubt(place, f"{told}; is the unit right, or did the publisher change it?"))
    return found


def _pair(old: Trace, new: Trace) -> _Pair:
    if len(old.end_s) == len(new.end_s):  # rank by rank, so that moved stamps do not hide changed values
        before, after = old.value, new.value
        shift = float(np.median(new.end_s - old.end_s))
    else:
        _, at_old, at_new = np.intersect1d(old.end_s, new.end_s, return_indices=True)
        before, after = old.value[at_old], new.value[at_new]
        shift = 0.0 if len(at_old) else float(new.end_s[-1] - old.end_s[-1])
    both = ~np.isnan(before) & ~np.isnan(after) & (before != 0)
    return _Pair(new, shift, after[both] / before[both])


def _rows(old: Portrait, new: Portrait, feed: FeedSpec) -> Iterator[Doubt]:
    if old.values and not new.values:
        why = ", ".join(f"{reason} {count}" for reason, count in new.refused.most_common(3)) or "no row was found"
        place, question = _WHERE.get(next(iter(dict(new.refused.most_common(1))), ""), _ROWS)
        yield Doubt((*_first(feed), *place), f"no value is left of {old.values} ({why}); {question}")
    elif old.values and new.values < old.values * (1 - feed.canary.stations_share):
        worse = {reason: count - old.refused[reason] for reason, count in new.refused.items()}
        why = ", ".join(f"{reason} +{count}" for reason, count in sorted(worse.items()) if count > 0)
        yield Doubt(
            (*_first(feed), "measures"),
            f"{new.values} values where the running version reads {old.values}{f' ({why})' if why else ''}; which rows fell out?",
        )


_ROWS: tuple[tuple[str, ...], str] = (("decode",), "is the row path or a column's name wrong?")
#: What the commonest refusal points at.
_WHERE: Mapping[str, tuple[tuple[str, ...], str]] = {
    Refusal.TIME_IN_FUTURE: (("time", "zone"), "are the stamps in another zone?"),
    Refusal.TIME_TOO_OLD: (("time", "format"), "are the stamps read as what they are?"),
    Refusal.BAD_TIME: (("time", "format"), "are the stamps spelt otherwise?"),
    Refusal.BAD_NUMBER: (("measures",), "are these the columns of the numbers?"),
    Refusal.UNKNOWN_UNIT: (("measures",), "does the answer state another unit?"),
    Refusal.NO_KEY: (("station", "key"), "is this the column that names the station?"),
}


def _stations(old: Portrait, lost: list[str], feed: FeedSpec) -> Iterator[Doubt]:
    share = len(lost) / len(old.stations) if old.stations else 0.0
    if share > feed.canary.stations_share:
        told = (
            f"{len(lost)} of {len(old.stations)} stations are lost ({share:.0%}, as {lost[0]}); is the key another one?"
        )
        yield Doubt((*_first(feed), "station", "key"), told)


def _places(old: Portrait, new: Portrait, feed: FeedSpec) -> Iterator[Doubt]:
    both = [(old.stations[uid], new.stations[uid]) for uid in old.stations.keys() & new.stations.keys()]
    placed = [(before, after) for before, after in both if before.latitude_deg is not None]
    moved = Counter(kind for before, after in placed if (kind := _moved(before, after)))
    for kind, count in moved.items():
        if count > feed.canary.stations_share * len(placed):
            yield Doubt((*_first(feed), "station", "position"), f"{count} of {len(placed)} positions {_PLACES[kind]}")


_PLACES = {
    "swapped": "have latitude and longitude swapped; turn the two columns round again",
    "lost": "are lost; are latitude and longitude swapped, or is `form` another?",
    "moved": "have moved by more than a kilometre; are these the columns of the position?",
}


def _zones(old: Portrait, new: Portrait, feed: FeedSpec) -> Iterator[Doubt]:
    """Stamps with an offset of their own do not move with the zone, but then every page would show the wrong wall clock."""
    both = old.stations.keys() & new.stations.keys()
    changed = Counter(
        (old.stations[uid].zone, new.stations[uid].zone)
        for uid in both
        if old.stations[uid].zone != new.stations[uid].zone
    )
    for (before, after), count in changed.items():
        if count > feed.canary.stations_share * len(both):
            told = f"{count} of {len(both)} stations would be in the zone {after} where {before} runs"
            yield Doubt((*_first(feed), "time", "zone"), f"{told}; set `zone` back to {before}")


def _moved(before: Station, after: Station) -> str:
    if after.latitude_deg is None or after.longitude_deg is None:
        return "lost"
    assert before.latitude_deg is not None
    assert before.longitude_deg is not None
    if (
        abs(after.latitude_deg - before.latitude_deg) < _NEAR_DEG
        and abs(after.longitude_deg - before.longitude_deg) < _NEAR_DEG
    ):
        return ""
    swapped = (
        abs(after.latitude_deg - before.longitude_deg) < _NEAR_DEG
        and abs(after.longitude_deg - before.latitude_deg) < _NEAR_DEG
    )
    return "swapped" if swapped else "moved"


def _series(old: Portrait, new: Portrait, feed: FeedSpec) -> Iterator[Doubt]:
    gone = old.traces.keys() - new.traces.keys()
    of_kept = [uid for uid in gone if old.traces[uid].series.station_uid in new.stations]
    share = len(of_kept) / len(old.traces) if old.traces else 0.0
    if of_kept and share > feed.canary.stations_share and new.traces:
        one = old.traces[min(of_kept)].series
        told = f"{len(of_kept)} of {len(old.traces)} series are lost ({share:.0%}, as {one.uid}) though their stations are there"
        yield Doubt(
            (*_first(feed), "measures"), f"{told}; was a quantity, medium, instrument or window of a measure changed?"
        )


def _units(old: Portrait, new: Portrait, feed: FeedSpec) -> Iterator[Doubt]:
    changed = Counter(
        (old.traces[uid].series.unit, new.traces[uid].series.unit, new.traces[uid].series.quantity)
        for uid in old.traces.keys() & new.traces.keys()
        if old.traces[uid].series.unit != new.traces[uid].series.unit
    )
    for (before, after, quantity), count in changed.items():
        told = f"{count} series that are stored in {before} would arrive in {after}"
        yield Doubt(
            _measure(feed, quantity, ""),
            f"{told}; set `unit` back to {before}, or add a form for the publisher's change",
        )


def _stamps(pairs: list[_Pair], feed: FeedSpec) -> Iterator[Doubt]:
    shifts = np.array([pair.shift_s for pair in pairs])
    off = np.abs(shifts) > feed.canary.shift_s
    if len(shifts) and np.count_nonzero(off) > _MOSTLY * len(shifts):
        middle = float(np.median(shifts[off]))
        way = "later" if middle > 0 else "earlier"
        told = f"stamps are {abs(middle) / _HOUR_S:g} h {way} than under the running version"
        yield Doubt((*_first(feed), "time", "zone"), f"{told}; set `zone` (or `stamp`) back")


def _values(pairs: list[_Pair], feed: FeedSpec) -> Iterator[Doubt]:
    by_kind: dict[tuple[str, str], list[FloatArray]] = {}
    for pair in pairs:
        one = pair.series_new.series
        by_kind.setdefault((one.quantity, one.instrument), []).append(pair.ratio)
    for (quantity, instrument), ratios in by_kind.items():
        ratio = np.concatenate(ratios)
        if len(ratio) and _off(ratio, feed.canary):
            middle = float(np.median(ratio))
            told = f"{quantity} becomes {middle:g} times what the running version reads (median of {len(ratio)} values)"
            place = (*_measure(feed, quantity, instrument), "unit")
            yield Doubt(place, f"{told}; set the unit or column back")


def _off(ratio: FloatArray, canary: Canary) -> bool:
    beyond = (ratio > canary.median_ratio) | (ratio < 1 / canary.median_ratio)
    return bool(np.count_nonzero(beyond) > _MOSTLY * len(ratio))


def _lines(old: Portrait, new: Portrait, pairs: list[_Pair]) -> Iterator[str]:
    """The semantic difference in words, also where it is within what is allowed."""
    if old.read != new.read:
        yield f"records read: {old.read} -> {new.read}"
    if old.values != new.values:
        yield f"values: {old.values} -> {new.values}"
    for reason in sorted(old.refused.keys() | new.refused.keys()):
        if old.refused[reason] != new.refused[reason]:
            yield f"refused, {reason}: {old.refused[reason]} -> {new.refused[reason]}"
    changed = sum(int(np.count_nonzero(np.abs(pair.ratio - 1) > 1e-9)) for pair in pairs)
    if changed:
        yield f"values that are different: {changed} of {sum(len(pair.ratio) for pair in pairs)}"
    moved = sum(pair.shift_s != 0 for pair in pairs)
    if moved:
        yield f"series whose stamps moved: {moved} of {len(pairs)}"
    renamed = sum(
        old.stations[uid].names != new.stations[uid].names for uid in old.stations.keys() & new.stations.keys()
    )
    if renamed:
        yield f"stations with other names: {renamed}"


def _first(feed: FeedSpec) -> tuple[str | int, ...]:
    """The form whose rows carry values: where an operator looks first."""
    number = next((i for i, form in enumerate(feed.forms) if form.measures or form.samples or form.quakes), 0)
    return ("forms", number)


def _measure(feed: FeedSpec, quantity: str, instrument: str) -> tuple[str | int, ...]:
    for i, form in enumerate(feed.forms):
        for j, measure in enumerate(form.measures):
            if measure.quantity == quantity and instrument in ("", measure.instrument):
                return ("forms", i, "measures", j)
        if form.samples:
            return ("forms", i, "samples", "units")
    return _first(feed)
