"""Which columns of a decoded table a form uses; decoders read those and nothing else."""

from __future__ import annotations

from dataclasses import dataclass

from specs.feed import Form
from specs.mapping import Choice, FixedKey, KeyPart, Measure, Prefixed, StationMap


@dataclass(frozen=True, slots=True)
class Wanted:
    """Columns by what is done with them: `texts` are words and stamps, `numbers` keep their literal. Without `needed` nothing can be read.

    `heads` are texts that stand once in the document. `every`: all other columns are read too (a table whose headings hold names).
    """

    texts: tuple[str, ...]
    numbers: tuple[str, ...]
    needed: frozenset[str]
    heads: tuple[str, ...] = ()
    every: bool = False

    def takes(self, name: str) -> bool:
        """Whether a decoder shall read the column `name`."""
        return self.every or name in self.texts or name in self.numbers

    @property
    def names(self) -> tuple[str, ...]:
        """All columns, texts first."""
        return (*self.texts, *self.numbers)


def wanted(form: Form) -> Wanted:
    """The columns that the mapping of `form` names, without `$url.` and `$head.` ones."""
    texts: list[str | None] = []
    numbers: list[str | None] = []
    needed: list[str] = []
    if form.station:
        _station(form.station, texts, numbers, needed)
    if form.time:
        clock = form.time.clock if isinstance(form.time.clock, tuple) else (form.time.clock,)
        texts += [form.time.column, *clock, form.time.published, form.time.zone_column, form.time.begin]
        needed.append(form.time.column)
    for measure in form.measures:
        _measure(measure, texts, numbers)
    for part in (form.quakes, form.marks):
        if part is not None:
            columns = [getattr(part, name) for name in _COLUMNS if isinstance(getattr(part, name, None), str)]
            texts += columns
    if form.samples:
        texts += form.samples.columns
        needed += [form.samples.analyte, form.samples.detected]
    if form.quakes:
        texts += form.quakes.uid_columns
        needed += [*form.quakes.uid_columns, form.quakes.event, form.quakes.reported]
    texts += [rule.column for rule in form.filters]
    heads = tuple(dict.fromkeys(name[6:] for name in (*texts, *numbers, *needed) if name and name.startswith("$head.")))
    plain_numbers = _own(numbers)
    plain_texts = tuple(name for name in _own(texts) if name not in plain_numbers)
    return Wanted(plain_texts, plain_numbers, frozenset(_own(needed)), heads)


#: Fields of quake and mark maps that name a column.
_COLUMNS = (
    "event",
    "status",
    "title",
    "place",
    "origin",
    "reported",
    "position",
    "latitude",
    "longitude",
    "depth_km",
    "magnitude",
    "intensity",
    "serial",
    "last_value",
)


def key_columns(station: StationMap) -> tuple[str, ...]:
    """The columns that make a station's key."""
    if isinstance(station.key, FixedKey):
        return ()
    if isinstance(station.key, KeyPart):
        return (station.key.column,)
    return (station.key,) if isinstance(station.key, str) else station.key


def also_known(station: StationMap) -> tuple[str, ...]:
    """The columns that make the name by which other forms call a station."""
    return (station.also_known,) if isinstance(station.also_known, str) else station.also_known


def _station(station: StationMap, texts: list[str | None], numbers: list[str | None], needed: list[str]) -> None:
    needed += key_columns(station)
    texts += [*key_columns(station), *station.names.values(), *also_known(station)]
    for part in (station.region, station.kind, station.owner):
        if isinstance(part, Choice | Prefixed):
            texts.append(part.column)
    if isinstance(station.owner, str):
        texts.append(station.owner)
    numbers.append(station.elevation_m)
    if station.position:
        numbers += station.position.columns


def _measure(measure: Measure, texts: list[str | None], numbers: list[str | None]) -> None:
    numbers += [
        measure.column,
        *(part for part in (measure.window_s, measure.floor, measure.ceiling) if isinstance(part, str)),
    ]
    texts += [rule.column for rule in (measure.only, measure.except_for, measure.quality) if rule]
    texts.append(measure.unit_column)


def _own(names: list[str | None] | list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for name in names if name and not name.startswith("$")))
