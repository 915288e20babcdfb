"""The closed vocabulary by which rows become stations, readings, samples, earthquakes and marks. No expressions, no code.

A *column* is a name in the decoded table; `$url.x` is a variable of the address template, `$head.x` a text that stands once in
the document. Units, quantities, media and analytes are those of `domain`.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, field_validator, model_validator

from domain import media, quantities, units
from domain.analytes import UnknownAnalyte, analyte
from specs.near import nearest
from specs.request import Zone
from specs.strict import Language, Strict

Column = Annotated[str, Field(min_length=1)]


#: What people call quantities that have a longer name here.
_QUANTITIES = {
    "dose_rate": "air_dose_rate_as_published", "gamma": "air_dose_rate_as_published", "dose": "air_dose_rate_as_published", "counts": "count_rate",
    "cpm": "count_rate", "rain": "precipitation_amount", "temperature": "air_temperature", "wind_direction": "wind_from_direction",
    "h10": "ambient_dose_equivalent_rate", "kerma": "air_kerma_rate", "activity": "activity_concentration_in_water",
}  # fmt: skip


def _quantity(text: str) -> str:
    if text not in quantities.BY_ID:
        near = _QUANTITIES.get(text) or ""
        hint = f" (did you mean `{near}`?)" if near else nearest(text, quantities.BY_ID)
        raise ValueError(f"`{text}` is no quantity{hint}; docs/reference/vocabulary.md lists them with their meaning")
    return text


def _medium(text: str) -> str:
    if text not in media.BY_ID:
        raise ValueError(f"`{text}` is no medium{nearest(text, media.BY_ID)}")
    return text


def _unit(text: str) -> str:
    try:
        return units.unit(text).ucum
    except units.UnknownUnit:
        told = f"{nearest(text, units.BY_CODE)}; docs/reference/vocabulary.md lists them, as uSv/h, nGy/h or Bq/L"
        raise ValueError(f"`{text}` is no unit in the table{told}") from None


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


class FixedKey(Strict):
    """The key of the only station of an answer that does not name it."""

    fixed: str = Field(min_length=1)


class FixedPlace(Strict):
    """Names and position of the only station of an answer that does not tell them; `source` says where they are from."""

    names: dict[Language, str] = Field(default_factory=dict)
    latitude: float | None = Field(default=None, ge=-90, le=90)
    longitude: float | None = Field(default=None, ge=-180, le=180)
    source: str = Field(min_length=1)

    @model_validator(mode="after")
    def _both(self) -> Self:
        if (self.latitude is None) is not (self.longitude is None):
            raise ValueError("`latitude` and `longitude` belong together")
        return self


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
    """The columns of the coordinates (`latitude` and `longitude`), or one column `text` with both in `order`.

    `form`: `degrees` (with or without a hemisphere letter), `degrees_minutes` and `dms` (any signs or blanks between), `nmea`
    (ddmm.mmmm), `iso6709` (only as `text`). `latitude_hemisphere` and `longitude_hemisphere` are columns with N, S, E or W. A sign and a
    letter together contradict each other and are refused.
    `steady_m`: a station that reports its own GPS jitters; a position closer than this to the one already known does not move it.
    """

    latitude: Column | None = None
    longitude: Column | None = None
    text: Column | None = None
    order: Literal["lat_lon", "lon_lat"] = "lat_lon"
    form: Literal["degrees", "degrees_minutes", "dms", "nmea", "iso6709"] = "degrees"
    decimal_comma: bool = False
    latitude_hemisphere: Column | None = None
    longitude_hemisphere: Column | None = None
    steady_m: float = Field(default=0.0, ge=0.0)

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.text is None) is (self.latitude is None) or (self.latitude is None) is not (self.longitude is None):
            raise ValueError("a position is `latitude` and `longitude`, or one `text`")
        if self.form == "iso6709" and self.text is None:
            raise ValueError("an ISO 6709 position is one `text`")
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns that the position is read from."""
        names = (self.latitude, self.longitude, self.text, self.latitude_hemisphere, self.longitude_hemisphere)
        return tuple(name for name in names if name)


class StationMap(Strict):
    """How a row names its station. `key` must be the publisher's stable name; several columns are joined by `-`, and `{fixed: quay}` is the
    key of the only station of an answer that names none (its names and position then stand in `place`).

    `also_known`: columns of a catalogue by which the rows of other forms call the same station (as the text of its position, [lat, lon]).

    `only_measured`: the answer also lists things that measure nothing of ours; only stations with a reading are taken over.
    """

    key: Column | tuple[Column, ...] | KeyPart | FixedKey
    also_known: Column | tuple[Column, ...] = ()
    place: FixedPlace | None = None
    names: dict[Language, Column] = Field(default_factory=dict)
    position: Position | None = None
    listed: Listing | None = None
    region: Prefixed | Choice | None = None
    kind: Choice | str = "station"
    owner: Column | Choice | None = None
    elevation_m: Column | None = None
    moving: bool = False
    only_measured: bool = False


_TIME_WORDS = ("iso", "epoch_s", "epoch_ms", "filetime", "excel", "loose", "minguo")


class TimeMap(Strict):
    """When: the stamp's column and spelling, its zone, and whether it stands at the start or the end of the window.

    `format` is `iso`, `epoch_s`, `epoch_ms`, `filetime`, `excel` (days since 1899-12-30), `loose` (year, month, day, and maybe hour and minute,
    with or without zero padding, any separators or none; Japanese eras as `令和8年` or `R8`, `民國115年`; AM, PM, 午前, 오후 and their like; full-width
    digits; a weekday in brackets; an offset behind; `24:00` and `24時` are the next midnight), `minguo` (the same, with bare years of the Republic, as
    `115/11/01`) or a strftime pattern, in which `%p` also reads 午前, 午後, 오전, 오후, 上午 and 下午. A stamp later than receipt by more than `future_s`
    is refused, one later by more than `tolerance_s` is flagged. `history_s`: the document itself reaches that far back.
    `clock` is a second column with the time of day, or a list of further columns; their texts are joined by a blank. The column `$received` is the time of receipt, for answers that tell none.
    `lacks`: the text tells no year, or only a time of day. The one is taken that puts it at receipt or before, and stands in front of the text as `%Y`
    or `%Y-%m-%d`: `lacks: day` with `format: "%Y-%m-%d %H:%M"`.
    A fixed offset is a zone too: `Etc/GMT-9` is UTC+9. `zone_column` gives the zone of each row: an IANA name, an offset (`+09:00`, `UTC+9`), or
    a word of `zones`. `begin` is the start of each row's window, spelt as the stamp; the window of the series is then as long as the two are apart.
    """

    column: Column
    clock: Column | tuple[Column, ...] | None = None
    lacks: Literal["year", "day"] | None = None
    format: str = "iso"
    zone: Zone
    zone_stated: bool = False
    zone_column: Column | None = None
    zones: dict[str, Zone] = Field(default_factory=dict)
    begin: Column | None = None
    stamp: Literal["end", "start"] = "end"
    published: Column | None = None
    tolerance_s: int = Field(default=0, ge=0)
    future_s: int = Field(default=3600, ge=0)
    oldest: int = Field(default=1945, ge=1900)
    history_s: int = Field(default=0, ge=0)

    @field_validator("format")
    @classmethod
    def _tells_time(cls, text: str) -> str:
        if text not in _TIME_WORDS and "%" not in text:
            raise ValueError(
                f"`{text}` is no way to tell time{nearest(text, _TIME_WORDS)}; write one of {', '.join(_TIME_WORDS)}, "
                "or a pattern as in strftime: `%d.%m.%Y %H:%M` for 31.12.2026 23:59"
            )
        return text

    @model_validator(mode="after")
    def _receipt_is_a_count(self) -> Self:
        if self.column == "$received" and (self.format, self.zone_stated, self.clock) != ("epoch_s", True, None):
            raise ValueError("`$received` needs `format: epoch_s`, `zone_stated: true` and no `clock`")
        return self


class Only(Strict):
    """A rule that holds for the rows whose `column` has one of these texts."""

    column: Column
    texts: tuple[str, ...] = Field(min_length=1)


class Filter(Strict):
    """Rows to read: those whose `column` has one of the texts `keep`, or none of the texts `drop`. The others are counted as filtered by the
    feed; `why` stands beside the choice.
    """

    column: Column
    keep: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    why: str = Field(min_length=1)

    @model_validator(mode="after")
    def _one_list(self) -> Self:
        if bool(self.keep) is bool(self.drop):
            raise ValueError("a filter has exactly one of `keep` and `drop`")
        return self


class Factor(Strict):
    """A count rate turned into an estimate of a dose rate: `counts` in `counts_unit` stand for one `unit` of the measure.

    The factor belongs to publisher and tube (one tube has other factors elsewhere), so it stands here with its `source`, and in the name of
    the series: the estimate never takes the place of the counts, and another factor is another series.
    """

    tube: str = Field(pattern=r"^[\w.+-]+$", max_length=40)
    counts: float = Field(gt=0)
    counts_unit: UnitText = "{counts}/min"
    source: str = Field(min_length=1)


class Measure(Strict):
    """One column of numbers that becomes readings.

    `missing` are texts that the publisher writes for "no value"; `not_measured` are texts that say that nothing was measured;
    `values` gives the number that a word stands for. `unit_origin`: `payload` when the answer states the unit, `assumed` when only
    this file does, `not_stated` when nobody does. `floor` and `ceiling` are the detector's own limits. `only` keeps the rows of one
    kind, `except_for` all but them, so that unlike things under one column name become unlike series.
    `unit_column` states the unit of each row (or of the document, as `$head.x`): a row with another unit than `unit`, or one of `unit_texts`,
    is refused and never converted, since a publisher that changes its unit overnight is what this must catch. Rows with units of two kinds
    are two measures with `only`. `thousands` are the separators inside numbers; `below` are marks that make a number a limit that
    was not reached: `<` stands before it, `ND({})` around it. `unit_in_cell`: the unit stands behind the number. `ends_at` are marks behind which no
    part of the number stands, as in `0.12 ± 0.01` or `0.12*`; the cell's text is kept whole. `quality` names a column of the publisher's judgement: only rows with one of its texts are readings.
    `factor`: the column holds counts, and the readings are an estimate made of them; the text stays the publisher's.
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
    thousands: str = Field(default="", max_length=1)
    below: tuple[str, ...] = ()
    unit_column: Column | None = None
    unit_texts: tuple[str, ...] = ()
    unit_in_cell: bool = False
    ends_at: tuple[str, ...] = ()
    quality: Only | None = None
    factor: Factor | None = None
    required: bool = True
    reliable: bool = True
    background: bool = False
    only: Only | None = None
    except_for: Only | None = None

    @model_validator(mode="after")
    def _unit_fits(self) -> Self:
        wanted = quantities.BY_ID[self.quantity].dimension
        if units.BY_CODE[self.unit].dimension is not wanted:
            fit = ", ".join(unit.ucum for unit in units.TABLE if unit.dimension is wanted)
            raise ValueError(
                f"unit `{self.unit}` cannot measure {self.quantity}, which needs a unit of {wanted} ({fit})"
            )
        if self.unit_origin == "assumed" and not self.unit_why:
            raise ValueError("an assumed unit needs `unit_why`: the reason stands beside the choice")
        if self.factor and wanted not in {units.Dimension.DOSE_EQUIVALENT_RATE, units.Dimension.GRAY_RATE}:
            raise ValueError(f"`factor` makes a dose rate of counts; {self.quantity} is none")
        return self

    @property
    def instrument_name(self) -> str:
        """The instrument as it stands in the name of the series: with its factor, where one is applied."""
        if self.factor is None:
            return self.instrument
        return f"{self.factor.tube}-{self.factor.counts:g}-{self.factor.counts_unit.replace('{counts}', 'counts')}"


class QuakeMap(Strict):
    """Rows that are bulletins on earthquakes. `position` is one ISO 6709 column, in degrees or in degrees and minutes; or the place is
    `latitude`, `longitude` and `depth_km` (positive down). A bulletin is known by `uid`; several columns are joined by `-`.
    """

    uid: Column | tuple[Column, ...]
    event: Column
    reported: Column
    origin: Column
    status: Column | None = None
    statuses: dict[str, Literal["issued", "corrected", "cancelled"]] = Field(default_factory=dict)
    title: Column | None = None
    place: Column | None = None
    position: Column | None = None
    latitude: Column | None = None
    longitude: Column | None = None
    depth_km: Column | None = None
    magnitude: Column | None = None
    intensity: Column | None = None
    serial: Column | None = None

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if self.position and (self.latitude or self.longitude or self.depth_km):
            raise ValueError("the place is `position`, or `latitude`, `longitude` and `depth_km`")
        if (self.latitude is None) is not (self.longitude is None):
            raise ValueError("`latitude` and `longitude` belong together")
        return self

    @property
    def uid_columns(self) -> tuple[str, ...]:
        """The columns that tell one bulletin from another."""
        return (self.uid,) if isinstance(self.uid, str) else self.uid


class MarkMap(Strict):
    """Rows that are the publisher's word on a station (as: missing). `complete`: the list is whole, so absence ends the mark."""

    mark: str
    complete: bool = True
    last_value: Column | None = None
