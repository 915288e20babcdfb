"""The closed vocabulary by which rows become stations, readings, samples, earthquakes and marks. No expressions, no code.

A *column* is a name in the decoded table; `$url.x` is a variable of the address template, `$head.x` a text that stands once in
the document. Units, quantities, media and analytes are those of `domain`.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from domain import media, quantities, units
from domain.analytes import UnknownAnalyte, analyte
from specs.near import nearest
from specs.request import Zone
from specs.strict import Language, Strict

Column = Annotated[str, Field(min_length=1)]


def _quantity(text: str) -> str:
    if text not in quantities.BY_ID:
        raise ValueError(f"`{text}` is no quantity{nearest(text, quantities.BY_ID)}")
    return text


def _medium(text: str) -> str:
    if text not in media.BY_ID:
        raise ValueError(f"`{text}` is no medium{nearest(text, media.BY_ID)}")
    return text


def _unit(text: str) -> str:
    try:
        return units.unit(text).ucum
    except units.UnknownUnit:
        raise ValueError(f"`{text}` is no unit in the table{nearest(text, units.BY_CODE)}") from None


def _analyte(text: str) -> str:
    try:
        return analyte(text).code
    except UnknownAnalyte:
        raise ValueError(f"`{text}` is no analyte") from None


Quantity = Annotated[str, AfterValidator(_quantity)]
Medium = Annotated[str, AfterValidator(_medium)]
UnitText = Annotated[str, AfterValidator(_unit)]
AnalyteText = Annotated[str, AfterValidator(_analyte)]


class Choice(Strict):
    """A value chosen by the text of a column; `default` where no text fits."""

    column: Column
    choose: dict[str, str] = Field(min_length=1)
    default: str = ""


class Prefixed(Strict):
    """The text of a column with `prefix` before it; nothing where the column is empty."""

    column: Column
    prefix: str


class KeyPart(Strict):
    """A part of a column's text that is the station's key: its `first` characters, or what stands before `before`."""

    column: Column
    first: int | None = Field(default=None, ge=1)
    before: str = ""


class Listing(Strict):
    """A list of stations in `config/tables/`: a row joins by its key in column `match`, and the list then gives the station's own
    `key` (two forms may call one station differently), and what the row itself lacks: names, position, region.

    `optional`: the table may be absent (a list that we may not pass on, but an operator may hold).
    """

    table: str
    match: str = "key"
    key: str = "key"
    names: dict[Language, str] = Field(default_factory=dict)
    latitude: str = "latitude"
    longitude: str = "longitude"
    region: str = ""
    owner: str = ""
    optional: bool = False


class Position(Strict):
    """The columns of the coordinates, in degrees or as degrees, minutes and seconds.

    `steady_m`: a station that reports its own GPS jitters; a position closer than this to the one already known does not move it.
    """

    latitude: Column
    longitude: Column
    form: Literal["degrees", "dms"] = "degrees"
    steady_m: float = Field(default=0.0, ge=0.0)


class StationMap(Strict):
    """How a row names its station. `key` must be the publisher's stable name; several columns are joined by `-`.

    `only_measured`: the answer also lists things that measure nothing of ours; only stations with a reading are taken over.
    """

    key: Column | tuple[Column, ...] | KeyPart
    names: dict[Language, Column] = Field(default_factory=dict)
    position: Position | None = None
    listed: Listing | None = None
    region: Prefixed | Choice | None = None
    kind: Choice | str = "station"
    owner: Column | Choice | None = None
    elevation_m: Column | None = None
    moving: bool = False
    only_measured: bool = False


class TimeMap(Strict):
    """When: the stamp's column and spelling, its zone, and whether it stands at the start or the end of the window.

    `format` is `iso`, `epoch_s`, `epoch_ms`, `filetime`, `loose` (year, month, day, and maybe hour and minute, with or without zero
    padding, any separators; `24:00` is the next midnight) or a strftime pattern. A stamp later than receipt by more than `future_s`
    is refused, one later by more than `tolerance_s` is flagged. `history_s`: the document itself reaches that far back.
    """

    column: Column
    format: str = "iso"
    zone: Zone
    zone_stated: bool = False
    stamp: Literal["end", "start"] = "end"
    published: Column | None = None
    tolerance_s: int = Field(default=0, ge=0)
    future_s: int = Field(default=3600, ge=0)
    oldest: int = Field(default=1945, ge=1900)
    history_s: int = Field(default=0, ge=0)


class PerRow(Strict):
    """A unit that each row states; `spellings` maps the publisher's spelling where our table does not know it."""

    column: Column
    spellings: dict[str, UnitText] = Field(default_factory=dict)


class Only(Strict):
    """A rule that holds for the rows whose `column` has one of these texts."""

    column: Column
    texts: tuple[str, ...] = Field(min_length=1)


class Measure(Strict):
    """One column of numbers that becomes readings.

    `missing` are texts that the publisher writes for "no value"; `not_measured` are texts that say that nothing was measured;
    `values` gives the number that a word stands for. `unit_origin`: `payload` when the answer states the unit, `assumed` when only
    this file does, `not_stated` when nobody does. `floor` and `ceiling` are the detector's own limits. `only` keeps the rows of one
    kind, `except_for` all but them, so that unlike things under one column name become unlike series.
    """

    column: Column
    quantity: Quantity
    unit: UnitText
    unit_origin: Literal["payload", "assumed", "not_stated"] = "payload"
    unit_why: str = ""
    medium: Medium = "air_over_land"
    analyte: AnalyteText = "gamma-total"
    instrument: str = ""
    window_s: Column | int = 0
    floor: Column | float | None = None
    ceiling: Column | float | None = None
    missing: tuple[str, ...] = ()
    not_measured: tuple[str, ...] = ()
    values: dict[str, float] = Field(default_factory=dict)
    decimal_comma: bool = False
    required: bool = True
    reliable: bool = True
    background: bool = False
    only: Only | None = None
    except_for: Only | None = None

    @model_validator(mode="after")
    def _unit_fits(self) -> Self:
        wanted = quantities.BY_ID[self.quantity].dimension
        if units.BY_CODE[self.unit].dimension is not wanted:
            raise ValueError(f"unit `{self.unit}` cannot measure {self.quantity}, which needs a unit of {wanted}")
        if self.unit_origin == "assumed" and not self.unit_why:
            raise ValueError("an assumed unit needs `unit_why`: the reason stands beside the choice")
        return self


class ResultKind(Strict):
    """What a unit text of a sample result means: quantity and unit (unlike bases are unlike quantities)."""

    quantity: Quantity
    unit: UnitText


class SampleMap(Strict):
    """Rows that are results of laboratory samples.

    Exactly one of `detected` (a value) and `limit` (the limit that was not reached) holds a number; both empty = not reported.
    `units` maps the publisher's unit text to a quantity and unit; the entry `""` holds where no unit is given. `representations`
    are groups of unit texts (per mass, per volume): results of one analyte in different groups are one measurement shown twice,
    so they are linked and never counted twice. `layer_same` gives two spellings of one layer one label. `description` and `taxon`
    tell the sample; rows of one stamp, layer and taxon that repeat an analyte are further specimens.
    """

    medium: Medium
    analyte: Column
    detected: Column
    limit: Column
    unit: Column | None = None
    units: dict[str, ResultKind] = Field(min_length=1)
    unit_origin: Literal["payload", "assumed"] = "payload"
    unit_why: str = ""
    representations: tuple[tuple[str, ...], ...] = ()
    layer: Column | None = None
    layer_same: dict[str, str] = Field(default_factory=dict)
    taxon: Column | None = None
    not_measured: tuple[str, ...] = ("-",)

    @model_validator(mode="after")
    def _assumed_with_reason(self) -> Self:
        if self.unit_origin == "assumed" and not self.unit_why:
            raise ValueError("an assumed unit needs `unit_why`: the reason stands beside the choice")
        return self


class QuakeMap(Strict):
    """Rows that are bulletins on earthquakes. `position` is one ISO 6709 column, in degrees or in degrees and minutes."""

    uid: Column
    event: Column
    status: Column
    statuses: dict[str, Literal["issued", "corrected", "cancelled"]]
    title: Column
    place: Column
    origin: Column
    reported: Column
    position: Column
    magnitude: Column
    intensity: Column
    serial: Column


class MarkMap(Strict):
    """Rows that are the publisher's word on a station (as: missing). `complete`: the list is whole, so absence ends the mark."""

    mark: str
    complete: bool = True
    last_value: Column | None = None
