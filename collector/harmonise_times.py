"""The stamp of every row as one text, however many columns it stands in, and what holds for a whole payload."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from collector.harmonise_stations import cells
from collector.harmonise_values import ZONE_SIGN, Stamps
from collector.loose_time import completions
from collector.rawtable import Cells, RawTable
from specs.mapping import TimeMap


@dataclass(frozen=True, slots=True)
class Context:
    """What holds for a whole payload: variables of the address, time of receipt, stations that the publisher lists as missing."""

    variables: Mapping[str, str]
    received_s: int
    listed: frozenset[str] = frozenset()


def stamps_of(table: RawTable, time: TimeMap, context: Context, *, day_alone: bool = False) -> Cells:
    """The stamp's text of every row: a column, several of them, or the time of receipt.

    A row without a time of day has no stamp, unless the day alone is one (`day_alone`: a sample may be known by its day).
    """
    if time.column == "$received":
        return [str(context.received_s)] * len(table)
    texts = _joined(table, time, cells(table, time.column, context.variables), context, day_alone=day_alone)
    if time.lacks is not None:
        whole = {text: _completed(text, time, time.lacks, context) for text in set(texts) if text}
        texts = [whole[text] if text else text for text in texts]
    if time.zone_column is None:
        return texts
    zones = cells(table, time.zone_column, context.variables)
    return [text and f"{text}{ZONE_SIGN}{(zone or '').strip()}" for text, zone in zip(texts, zones, strict=True)]


def _completed(text: str, time: TimeMap, lacks: str, context: Context) -> str:
    """A stamp with the year or day that it lacks: the latest that does not lie behind receipt."""
    stamps, latest = Stamps(time), context.received_s + time.future_s
    tried = [f"{before} {text}" for before in completions(lacks, context.received_s, time.zone)]
    read = ((whole, stamps.read(whole)) for whole in tried)
    return next((whole for whole, stamp in read if stamp.refusal is None and stamp.second <= latest), tried[1])


def _joined(table: RawTable, time: TimeMap, texts: Cells, context: Context, *, day_alone: bool) -> Cells:
    if time.clock is None:
        return texts
    for name in (time.clock,) if isinstance(time.clock, str) else time.clock:
        clocks = cells(table, name, context.variables)
        texts = [_together(day, clock, day_alone) for day, clock in zip(texts, clocks, strict=True)]
    return texts


def _together(day: str | None, clock: str | None, day_alone: bool) -> str | None:
    """Day and time as one text; workbooks hold here and there the whole moment in the cell of the time."""
    day, clock = (day or "").strip(), (clock or "").strip()
    if not day or not clock:
        return day or None if day_alone else None
    return clock if clock.startswith(day) and len(clock) > len(day) + 3 else f"{day} {clock}"
