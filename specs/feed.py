"""A feed: one publisher's offer, as an operator describes it in `config/feeds/<id>.yaml`."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from domain.states import Redistribute
from specs.decode import Decode
from specs.mapping import Filter, MarkMap, Measure, QuakeMap, Quantity, StationMap, TimeMap
from specs.request import Moment, Request
from specs.samples import SampleMap
from specs.strict import Identifier, Names, Strict

ScoreRule = Literal[
    "verified",
    "licence",
    "attribution",
    "stations",
    "bbox",
    "ranges",
    "names",
    "zone",
    "unit",
    "polite",
    "traps",
    "seen",
]
Longitude = Annotated[float, Field(ge=-180.0, le=180.0)]
Latitude = Annotated[float, Field(ge=-90.0, le=90.0)]


class Rights(Strict):
    """A licence verdict and what it rests on."""

    redistribute: Redistribute
    licence: str
    licence_url: str = ""
    verdict: str
    share_alike: bool = False
    delay_s: int = Field(default=0, ge=0)

    @property
    def public(self) -> bool:
        """Whether values may leave to anybody as soon as they are there: what must wait first stays with the operator's audience."""
        return self.redistribute is Redistribute.YES and self.delay_s == 0


class Schedule(Strict):
    """How often the publisher is asked, how old its newest reading usually is at receipt, and when to call it late or silent."""

    every_s: int = Field(ge=60)
    pause_s: float = Field(default=1.0, ge=0.0)
    lag_s: int = Field(ge=0)
    late_after_s: int = Field(gt=0)
    silent_after_s: int = Field(gt=0)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not self.lag_s < self.late_after_s < self.silent_after_s:
            raise ValueError("lag_s < late_after_s < silent_after_s must hold")
        return self


class Expect(Strict):
    """What the feed gives when it is well. Ranges are in the quantity's unit of comparison; a value outside keeps its number, flagged."""

    stations: int | None = Field(default=None, ge=0)
    bbox: tuple[Longitude, Latitude, Longitude, Latitude] | None = None
    ranges: dict[Quantity, tuple[float, float]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _box_is_a_box(self) -> Self:
        if self.bbox and self.bbox[1] >= self.bbox[3]:
            raise ValueError("bbox is west, south, east, north; south must lie below north")
        return self


class Canary(Strict):
    """How far a new version of this file may lead away from the running one on the same answers before `apply` wants `--force`.

    `median_ratio`: of new to old values, either way. `stations_share`: of stations or series lost, or moved. `shift_s`: of the stamps.
    """

    median_ratio: float = Field(default=1.5, gt=1.0)
    stations_share: float = Field(default=0.1, ge=0.0, le=1.0)
    shift_s: int = Field(default=0, ge=0)


class History(Strict):
    """The publisher keeps what lies in the past under addresses made of time: for how long, and how far apart they are."""

    keeps_s: int = Field(gt=0)
    step_s: int = Field(ge=60)


class Form(Strict):
    """One shape of answer: how it is asked for, how it is read, what its rows are.

    `catalogue`: the rows are stations and nothing else; forms whose rows name the same keys then have their names and places.
    `scrub` names fields of personal data that are blanked before the raw archive keeps the answer: in JSON wherever a key of that name
    stands, in delimited text the column. `history` lets `radcommons feed backfill` ask for the past.
    """

    id: Identifier
    request: Request
    decode: Decode
    station: StationMap | None = None
    time: TimeMap | None = None
    measures: tuple[Measure, ...] = ()
    samples: SampleMap | None = None
    quakes: QuakeMap | None = None
    marks: MarkMap | None = None
    catalogue: bool = False
    filters: tuple[Filter, ...] = ()
    scrub: tuple[str, ...] = ()
    history: History | None = None

    @model_validator(mode="after")
    def _history_has_an_address(self) -> Self:
        if self.history and not any(isinstance(one, Moment) for one in self.request.variables.values()):
            raise ValueError("`history` needs a variable of the address that is made from the time of asking")
        return self

    @model_validator(mode="after")
    def _dropped_columns_are_not_used(self) -> Self:
        from specs.columns import wanted  # noqa: PLC0415  columns are read off this very class

        dropped = {*getattr(self.decode, "drop", ()), *self.scrub} & set(wanted(self).names)
        if dropped:
            raise ValueError(f"{', '.join(sorted(dropped))} is dropped at the door and cannot be mapped")
        return self

    @model_validator(mode="after")
    def _rows_become_one_thing(self) -> Self:
        given = [bool(self.measures), self.samples is not None, self.quakes is not None]
        given += [self.marks is not None, self.catalogue]
        if sum(given) != 1:
            raise ValueError(
                "a form has exactly one of `measures`, `samples`, `quakes` and `marks` (or is a `catalogue`)"
            )
        if self.quakes is None and self.station is None:
            raise ValueError("`station` is missing")
        if self.marks is None and not self.catalogue and self.time is None:
            raise ValueError("`time` is missing")
        return self


class FeedSpec(Strict):
    """One feed, checked. Its `forms` are the shapes of answer that it has or had.

    `exempt` gives the reason why a rule of the scorecard (`radcommons feed scorecard`) cannot hold for this publisher. `keep_days`: how
    long its readings are kept, counted from its newest one; without it, for ever.
    """

    id: Identifier
    source: Identifier
    namespace: str = ""
    title: Names
    status: Literal["verified", "unverified"]
    enabled: bool = True
    critical: bool = False
    exercise: bool = False
    rights: Rights
    schedule: Schedule
    expect: Expect = Expect()
    canary: Canary = Canary()
    keep_days: int | None = Field(default=None, ge=60)
    notes: tuple[str, ...] = ()
    exempt: dict[ScoreRule, str] = Field(default_factory=dict)
    forms: tuple[Form, ...] = Field(min_length=1)

    @model_validator(mode="before")
    @classmethod
    def _own_namespace(cls, data: object) -> object:
        """Stations belong to the feed itself unless it says that they are another feed's."""
        if isinstance(data, dict) and not data.get("namespace"):
            return {**data, "namespace": data.get("id", "")}
        return data

    @model_validator(mode="after")
    def _forms_differ(self) -> Self:
        ids = [form.id for form in self.forms]
        if len(set(ids)) != len(ids):
            raise ValueError("two forms have the same id")
        return self
