"""An alert at one event of its life, with all that a message to people needs: the input of CAP, Atom, RSS, e-mail and plain posts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import quote, urlsplit

from alerting.cap_rules import is_identifier
from alerting.life import EventKind
from domain.states import AlertState
from specs.region import Area


class Topic(StrEnum):
    """What an alert is about: readings above a station's own past, a laboratory sample, or that nothing is heard."""

    DEPARTURE = "departure"
    SAMPLE = "sample"
    BLINDNESS = "blindness"


class Gravity(StrEnum):
    """How grave a named level is in the words of its issuer: advice or checks, restriction of food or stay, shelter or evacuation."""

    ADVICE = "advice"
    RESTRICTION = "restriction"
    EVACUATION = "evacuation"


@dataclass(frozen=True, slots=True)
class NamedLevel:
    """A published level that a value has passed: its names by language, its issuer, its value in `unit` (UCUM)."""

    names: Mapping[str, str]
    issuer: str
    value: float
    unit: str
    gravity: Gravity

    def name(self, language: str) -> str:
        """The name in a language, in English where it has none."""
        return self.names.get(language) or self.names["en"]


@dataclass(frozen=True, slots=True)
class AlertStation:
    """A station that an alert stands on."""

    uid: str
    name: str = ""
    latitude_deg: float | None = None
    longitude_deg: float | None = None
    exercise: bool = False


@dataclass(frozen=True, slots=True)
class PastEvent:
    """An event of the same alert that was published before."""

    revision: int
    state: AlertState
    at_s: int


@dataclass(frozen=True, slots=True)
class CapAlert:
    """One event of one alert. `level` is what the alert has reached (unverified or firing), `earlier` what was published before, oldest first.

    `highest` and `baseline` are in `unit`; None when there is no such number, which is then left out, never filled in.
    `sampled_s` and `result_published_s` belong to samples. `exercise` is anybody's word that this is a drill; `test` is a
    subscriber's own test. A station of an exercise makes the whole alert one.
    """

    alert_id: str
    topic: Topic
    event: EventKind
    state: AlertState
    level: AlertState
    revision: int
    at_s: int
    onset_s: int
    rule_id: str = ""
    rule_version: int = 0
    detector: str = ""
    titles: Mapping[str, str] = field(default_factory=dict)
    reasons: Mapping[str, str] = field(default_factory=dict)
    about: Mapping[str, str] = field(default_factory=dict)  # names of what it is about when that is no area (a feed)
    areas: tuple[Area, ...] = ()
    stations: tuple[AlertStation, ...] = ()
    station_count: int | None = None  # when more are concerned than are listed
    quantity: str = ""
    unit: str = ""
    highest: float | None = None
    baseline: float | None = None
    newest_reading_s: int | None = None
    named_level: NamedLevel | None = None
    sampled_s: int | None = None
    result_published_s: int | None = None
    earlier: tuple[PastEvent, ...] = ()
    exercise: bool = False
    test: bool = False
    restriction: str = ""  # why it may not be passed on; then no message of it is public

    @property
    def is_exercise(self) -> bool:
        """Whether any part of it is an exercise; then all of it is."""
        return self.exercise or any(station.exercise for station in self.stations)

    @property
    def count(self) -> int:
        """How many stations are concerned; 0 when that is not known."""
        return len(self.stations) if self.station_count is None else self.station_count

    @property
    def confirmed(self) -> bool:
        """Whether stations have confirmed one another."""
        return self.level is AlertState.FIRING and self.state is not AlertState.UNVERIFIED


@dataclass(frozen=True, slots=True)
class Voice:
    """Who speaks: sender id (a domain or a mail address of the operator), its names by language, the public base URL, a contact.

    Raises ValueError for an id that CAP does not allow and for a base URL that is none.
    """

    sender: str
    base_url: str
    names: Mapping[str, str] = field(default_factory=lambda: {"en": "Radcommons"})
    contact: str = ""

    def __post_init__(self) -> None:
        if not is_identifier(self.sender) or not self.sender.isascii():
            raise ValueError(
                f"the sender id {self.sender!r} is empty or holds spaces, commas, <, & or letters beyond ASCII"
            )
        parts = urlsplit(self.base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"the base URL {self.base_url!r} is no http(s) address")

    def name(self, language: str) -> str:
        """The sender's name in a language, in English where it has none."""
        return self.names.get(language) or self.names.get("en") or self.sender

    def url(self, alert_id: str, suffix: str = "") -> str:
        """Where an alert is served: JSON without a suffix, `.cap.xml` the CAP document, `/evidence` what it stands on."""
        return f"{self.base_url.rstrip('/')}/v1/alerts/{quote(alert_id, safe='')}{suffix}"
