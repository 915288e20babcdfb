"""How rows become results of laboratory samples: what was found, what was not, in what, when and where."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from domain import media
from specs.mapping import AnalyteText, Choice, Column, Medium, Quantity, UnitText
from specs.near import nearest
from specs.strict import Strict


class ResultKind(Strict):
    """What a unit text of a sample result means: quantity and unit (unlike bases are unlike quantities)."""

    quantity: Quantity
    unit: UnitText


class Constraint(Strict):
    """A column that says what the number in `detected` is, by its texts: a value (`measured`, `derived`), the limit that was not reached
    (`below`), or nothing that can be relied on (`not_detected`: the cell may hold a limit or not, so its text is kept and no number).
    """

    column: Column
    measured: tuple[str, ...] = ()
    below: tuple[str, ...] = ()
    not_detected: tuple[str, ...] = ()
    derived: tuple[str, ...] = ()


class SampleMap(Strict):
    """Rows that are results of laboratory samples.

    `detected` holds a value, `limit` the limit that was not reached; both empty = not reported (a limit alone too, with
    `limit_alone: false`: the publisher gives it for every result). Where one column serves for both, a mark
    before the number tells them apart (`below: ["<"]`), a word (`not_detected: [ND]`, with the limit in `limit` if there is one) or a column
    (`constraint`). A limit given beside a value is kept. `about` are marks before a limit that is roughly told (`約9`); a limit with one of
    `spans` in it (`9～12`) is no number, so only its text is kept.
    `units` maps the publisher's unit text to a quantity and unit; the entry `""` holds where no unit is given, and `food Bq/L` for one medium
    alone. `analytes` are the publisher's own words for them. `representations` are groups of unit texts (per mass, per volume): results of one
    analyte in different groups are one measurement shown twice, so they are linked and never counted twice. `layer_same` gives two spellings
    of one layer one label; `depth_m` is a depth below the surface. `taxon`, `tissue` and `description` tell the sample; rows of one stamp,
    layer and taxon that repeat an analyte are further specimens, unless `number` is the publisher's own number of the sample.
    `placeholders` are words for "nothing" in columns that describe. `until` is the end of sampling, spelt as the stamp. `resolution`: what stamps can tell, whatever they look like;
    `midnight_is_day`: a stamp at midnight tells the day alone.
    """

    medium: Medium | Choice
    analyte: Column
    analytes: dict[str, AnalyteText] = Field(default_factory=dict)
    detected: Column
    limit: Column | None = None
    limit_alone: bool = True
    constraint: Constraint | None = None
    below: tuple[str, ...] = ()
    not_detected: tuple[str, ...] = ()
    not_measured: tuple[str, ...] = ("-",)
    about: tuple[str, ...] = ()
    spans: tuple[str, ...] = ()
    decimal_comma: bool = False
    uncertainty: Column | None = None
    uncertainty_kind: Literal["not_stated", "standard", "expanded"] = "not_stated"
    coverage_factor: float | None = Field(default=None, gt=0)
    unit: Column | None = None
    units: dict[str, ResultKind] = Field(min_length=1)
    unit_origin: Literal["payload", "assumed"] = "payload"
    unit_why: str = ""
    representations: tuple[tuple[str, ...], ...] = ()
    layer: Column | None = None
    layer_same: dict[str, str] = Field(default_factory=dict)
    depth_m: Column | None = None
    water_depth_m: Column | None = None
    taxon: Column | None = None
    tissue: Column | None = None
    description: Column | None = None
    number: Column | None = None
    placeholders: tuple[str, ...] = ()
    laboratory: Column | None = None
    method: Column | None = None
    until: Column | None = None
    resolution: Literal["minute", "day", "month", "year"] | None = None
    midnight_is_day: bool = False

    @field_validator("medium")
    @classmethod
    def _choice_of_media(cls, medium: str | Choice) -> str | Choice:
        for text in {*medium.choose.values(), medium.default} - {""} if isinstance(medium, Choice) else set():
            if text not in media.BY_ID:
                raise ValueError(f"`{text}` is no medium{nearest(text, media.BY_ID)}")
        return medium

    @model_validator(mode="after")
    def _told_apart(self) -> Self:
        if self.unit_origin == "assumed" and not self.unit_why:
            raise ValueError("an assumed unit needs `unit_why`: the reason stands beside the choice")
        if self.layer and self.depth_m:
            raise ValueError("a sample has `layer` (a label) or `depth_m` (a number), not both")
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns that this map reads."""
        own = (getattr(self, name) for name in SAMPLE_COLUMNS)
        chosen = [part.column for part in (self.constraint, self.medium) if isinstance(part, Constraint | Choice)]
        return (*(name for name in own if name), *chosen)


#: Fields that name a column, in the order in which a reader takes their cells.
SAMPLE_COLUMNS = (
    "layer",
    "depth_m",
    "taxon",
    "tissue",
    "description",
    "number",
    "until",
    "water_depth_m",
    "analyte",
    "detected",
    "limit",
    "unit",
    "uncertainty",
    "laboratory",
    "method",
)
