"""Alert rules as data: `config/rules.yaml`, checked; every number that a decision depends on stands in it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeAlias

from pydantic import Field, TypeAdapter, ValidationError, model_validator

from domain.quantities import DOSE_RATES
from specs.mapping import Quantity
from specs.problems import ConfigError, Problem, plain, problems_of, read_yaml
from specs.strict import Identifier, Names, Strict

Share = Annotated[float, Field(gt=0.0, le=1.0)]
Seconds = Annotated[int, Field(gt=0)]


class GateSpec(Strict):
    """Rise over the own median in the quantity's unit (nSv/h or nGy/h) and z in scales; both must be reached."""

    rise: float = Field(gt=0.0)
    z: float = Field(gt=0.0)


class Corroborated(Strict):
    """When stations confirm each other: so many, each within `within_m` of another one of them and all more than `apart_m` apart."""

    stations: int = Field(default=3, ge=2)
    within_m: float = Field(default=25_000.0, gt=0.0)
    apart_m: float = Field(default=1_000.0, ge=0.0)


class Resolve(Strict):
    """What ends an alert: so many newer readings below `below_share` of the trigger, at `of_stations` of the stations that fired."""

    readings: int = Field(default=2, ge=2)
    below_share: float = Field(default=0.5, gt=0.0, le=0.5)
    of_stations: float = Field(default=0.5, ge=0.5, le=1.0)


class DepartureNumbers(Strict):
    """Parameters of the departure rule; see `analysis.departure` for the formula."""

    gates: tuple[GateSpec, ...] = Field(min_length=1)
    history: int = Field(default=500, ge=48)
    skip: int = Field(default=2, ge=2)
    least: int = Field(default=48, ge=24)
    pair_within_s: Seconds = 12_000
    fresh_within_s: Seconds = 12_000
    scale_floor: float = Field(default=0.8, gt=0.0)
    span_s: Seconds = Field(default=1_728_000, le=1_728_000)
    corroborated: Corroborated = Corroborated()
    resolve: Resolve = Resolve()
    stale_after_s: Seconds = 12_000
    rain_limit: float = Field(default=60.0, ge=0.0)


class BlindnessNumbers(Strict):
    """When not seeing is news: `missed_polls` polls of a feed in a row that were not on time, or `area_share` of an area's stations quiet.

    A station is quiet when its newest reading was late already at the first of the last `missed_polls` polls that were on time; those
    heard within `active_within_s` count. `clear_share` ends an area's alert, on new readings only.
    """

    missed_polls: int = Field(default=3, ge=1)
    area_share: Share = 0.2
    clear_share: float = Field(default=0.1, ge=0.0, lt=1.0)
    least_stations: int = Field(default=5, ge=1)
    active_within_s: Seconds = 86_400


class DetectorNumbers(Strict):
    """What stands around the detector; its own levels are code (`analysis.detect_channels.Gates`) and travel with each event.

    `warm_polls`: how many past polls it is shown when it starts on a store that has some; `state_polls`: polls from one kept state
    to the next, which is what a restart has to step through again at most.
    """

    radar_feed: Identifier | None = None
    gauge_feeds: tuple[Identifier, ...] = ()
    gauge_within_m: float = Field(default=10_000.0, gt=0.0)
    rain_within_s: Seconds = 1_800
    stale_after_s: Seconds = 9_000
    resolve: Resolve = Resolve()
    warm_polls: int = Field(default=150, ge=0, le=2_000)
    state_polls: int = Field(default=12, ge=1, le=144)


class Head(Strict):
    """What every rule begins with."""

    id: Identifier
    version: int = Field(ge=1)
    enabled: bool = True
    title: Names
    description: Names = Field(default_factory=dict)


class SetByIssuer(Head):
    """A rule whose number somebody set: `issuer` who, `source` where it was read; with a `doubt` it is not enabled until somebody has
    settled it. Crossing it is what was reported, never a declaration.

    `on_request`: only subscriptions that name the rule hear of it, as with a subscriber's own threshold.
    """

    issuer: Names
    source: str = Field(min_length=1)
    doubt: str = ""
    on_request: bool = False

    @model_validator(mode="after")
    def _doubted_is_off(self) -> Self:
        if self.enabled and self.doubt:
            raise ValueError("a rule whose number is in doubt stays disabled")
        return self


class DetectorRule(Head):
    """The detector over the dose rates of some feeds, which are one network: baseline, rain, regional swing, agreement in time and space."""

    kind: Literal["detector"]
    quantities: tuple[Quantity, ...] = Field(min_length=1, max_length=1)
    feeds: tuple[Identifier, ...] = Field(min_length=1, max_length=1)
    parameters: DetectorNumbers = DetectorNumbers()

    def covers(self, feed_id: str, quantity: str) -> bool:
        """Whether a series is this rule's business."""
        return self.enabled and feed_id in self.feeds and quantity in self.quantities


class LevelNumbers(Strict):
    """A level that values are held against, in the quantity's own unit (nSv/h, nGy/h), and how long it has to be reached.

    Published once the newest `readings` readings, reaching back at least `sustained_s`, are all at or above `level`. A place whose own
    trailing median is above `ordinary_share` of the level is above it always; that is no news. With `past_needed` neither is one of
    which fewer than `least` earlier readings are known: where some places are always above. The end: `resolve`, hysteresis included.
    """

    level: float = Field(gt=0.0)
    readings: int = Field(default=2, ge=1)
    sustained_s: int = Field(default=0, ge=0)
    fresh_within_s: Seconds = 12_000
    ordinary_share: float = Field(default=0.5, gt=0.0, le=1.0)
    past_needed: bool = False
    least: int = Field(default=48, ge=24)
    corroborated: Corroborated = Corroborated()
    resolve: Resolve = Resolve()
    stale_after_s: Seconds = 12_000
    rain_limit: Literal[0] = 0


class LevelRule(SetByIssuer):
    """A level for what stations report: a national one, or an operator's or subscriber's own for some places.

    `countries`, `areas`, `stations`, `feeds` narrow it down; empty means all.
    """

    kind: Literal["level"]
    quantities: tuple[Quantity, ...] = Field(min_length=1)
    countries: tuple[str, ...] = ()
    areas: tuple[str, ...] = ()
    stations: tuple[str, ...] = ()
    feeds: tuple[str, ...] = ()
    parameters: LevelNumbers

    def applies_to(self, feed_id: str, station_uid: str, areas: tuple[str, ...]) -> bool:
        """Whether a station's values are held against this level."""
        countries = {area.split("-")[0] for area in areas}
        named = (
            (self.feeds, {feed_id}),
            (self.stations, {station_uid}),
            (self.areas, set(areas)),
            (self.countries, countries),
        )
        return all(not asked or set(asked) & has for asked, has in named)


class SampleNumbers(Strict):
    """A level that single samples are held against, in `unit` (UCUM). Samples older than `within_s` at receipt are history, no news.

    The end: `newer` later samples of the same kind from the same place at or below `below_share` of the level.
    """

    level: float = Field(gt=0.0)
    unit: str = Field(min_length=1)
    within_s: Seconds = 7_776_000
    newer: int = Field(default=2, ge=2)
    below_share: float = Field(default=0.5, gt=0.0, le=0.5)


class SampleRule(SetByIssuer):
    """A level for laboratory samples of an analyte in a medium: per sample, with its sampling time.

    `box` (west, south, east, north; degrees) narrows it to a place.
    """

    kind: Literal["sample"]
    quantities: tuple[Quantity, ...] = Field(min_length=1)
    analytes: tuple[str, ...] = Field(min_length=1)
    media: tuple[str, ...] = Field(min_length=1)
    feeds: tuple[str, ...] = ()
    box: tuple[float, float, float, float] | None = None
    parameters: SampleNumbers

    def applies_to(self, feed_id: str, medium: str, latitude_deg: float | None, longitude_deg: float | None) -> bool:
        """Whether samples of a medium from such a place are held against this level; without a position only where no box is set."""
        if medium not in self.media or (self.feeds and feed_id not in self.feeds):
            return False
        if self.box is None:
            return True
        west, south, east, north = self.box
        if latitude_deg is None or longitude_deg is None:
            return False
        return west <= longitude_deg <= east and south <= latitude_deg <= north


class DepartureRule(Head):
    """A series far above its own trailing median, held by two consecutive fresh readings."""

    kind: Literal["departure"]
    quantities: tuple[Quantity, ...] = Field(min_length=1)
    parameters: DepartureNumbers


class BlindnessRule(Head):
    """A feed, or much of an area, of which nothing new is heard: an alert of its own, because silence is never calm."""

    kind: Literal["blindness"]
    quantities: tuple[Quantity, ...] = tuple(sorted(DOSE_RATES))
    parameters: BlindnessNumbers = BlindnessNumbers()


Rule: TypeAlias = DepartureRule | BlindnessRule | DetectorRule | LevelRule | SampleRule
RuleSpec: TypeAlias = Annotated[Rule, Field(discriminator="kind")]
_RULE: TypeAdapter[Rule] = TypeAdapter(RuleSpec)


class RuleFile(Strict):
    """`config/rules.yaml`."""

    rules: tuple[RuleSpec, ...]


def load_rules(path: Path, name: str = "rules.yaml") -> tuple[Rule, ...]:
    """The rules of a file in its order; raises ConfigError with everything that is wrong in it."""
    document, problems = read_yaml(path, name)
    if problems:
        raise ConfigError(problems)
    try:
        rules = RuleFile.model_validate(plain(document)).rules
    except ValidationError as error:
        raise ConfigError(problems_of(error, RuleFile, document, name)) from error
    twice = _twice(rules)
    if twice:
        raise ConfigError([Problem(name, 1, 1, "rules", f"two rules have the id `{key}`") for key in twice])
    return rules


def rule_of(document: dict[str, Any]) -> Rule:
    """A rule from its stored form, as evidence keeps it; raises pydantic's ValidationError."""
    return _RULE.validate_python(document)


def _twice(rules: tuple[Rule, ...]) -> list[str]:
    ids = [rule.id for rule in rules]
    return sorted({key for key in ids if ids.count(key) > 1})
