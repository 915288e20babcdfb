"""Query parameters as declared values: what is not declared is refused, because a typo must not widen a query."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar, cast

from multidict import MultiMapping

from api.clocktext import NaiveTimeError, heard
from api.problems import Code, ProblemError
from domain.media import BY_ID as MEDIA
from domain.media import COMPARTMENTS
from domain.quantities import BY_ID as QUANTITIES

T = TypeVar("T")
LIMIT_DEFAULT, LIMIT_MOST = 100, 10_000


@dataclass(frozen=True)
class Param(Generic[T]):
    """One query parameter: how its text is read, and how it is told in the OpenAPI document."""

    name: str
    parse: Callable[[str], T]
    schema: Mapping[str, Any]
    description: str
    example: str = ""
    required: bool = False
    many: bool = False  # comma separated or repeated

    def __hash__(self) -> int:
        return hash(self.name)


@dataclass(frozen=True, slots=True)
class Query:
    """The parameters of one request, read."""

    values: Mapping[str, Any] = field(default_factory=dict)
    raw: tuple[tuple[str, str], ...] = ()

    def get(self, param: Param[T]) -> T | None:
        """The value of a parameter, None if it was not given."""
        return cast("T | None", self.values.get(param.name))

    def need(self, param: Param[T]) -> T:
        """The value of a parameter that was declared as required."""
        return cast("T", self.values[param.name])

    def all(self, param: Param[T]) -> tuple[T, ...]:
        """All values of a parameter that may be given many times."""
        return cast("tuple[T, ...]", self.values.get(param.name, ()))


def read(params: Sequence[Param[Any]], given: MultiMapping[str]) -> Query:
    """The query of a request; raises ProblemError 400 with the name of the parameter at fault."""
    known = {param.name: param for param in params}
    for name in given:
        if name not in known:
            listed = ", ".join(sorted(known)) or "none"
            raise ProblemError(
                Code.UNKNOWN_PARAMETER, f"This path knows no parameter {name!r}; it knows: {listed}.", name
            )
    values: dict[str, Any] = {}
    for param in params:
        texts = given.getall(param.name, [])
        if not texts and param.required:
            raise ProblemError(Code.MISSING_PARAMETER, f"The parameter {param.name!r} is required.", param.name)
        if texts:
            values[param.name] = _value(param, texts)
    return Query(values, tuple((name, text) for name, text in given.items()))


def _value(param: Param[Any], texts: Sequence[str]) -> Any:
    if param.many:
        parts = [part for text in texts for part in text.split(",")]
        return tuple(_parsed(param, part) for part in parts)
    if len(texts) > 1:
        raise ProblemError(Code.REPEATED_PARAMETER, f"The parameter {param.name!r} may be given once.", param.name)
    return _parsed(param, texts[0])


def _parsed(param: Param[T], text: str) -> T:
    try:
        if not text or "\x00" in text:
            raise ValueError("the value is empty or holds a zero byte")
        return param.parse(text)
    except NaiveTimeError as error:
        raise ProblemError(Code.NAIVE_TIME, f"{param.name}={text}: {error}.", param.name) from error
    except ValueError as error:
        raise ProblemError(Code.BAD_VALUE, f"{param.name}={text}: {error}.", param.name) from error


def _bounded(low: float, high: float) -> Callable[[str], float]:
    def parse(text: str) -> float:
        value = float(text)
        if not low <= value <= high:
            raise ValueError(f"not a number between {low:g} and {high:g}")
        return value

    return parse


def whole(low: int, high: int) -> Callable[[str], int]:
    """A parser that takes whole numbers in a range, in plain digits."""

    def parse(text: str) -> int:
        if not (text.isascii() and text.isdigit()) or not low <= int(text) <= high:
            raise ValueError(f"not a whole number between {low} and {high}")
        return int(text)

    return parse


_longitude, _latitude = _bounded(-180, 180), _bounded(-90, 90)


def _bbox(text: str) -> tuple[float, float, float, float]:
    parts = text.split(",")
    if len(parts) != 4:
        raise ValueError("not four numbers west,south,east,north")
    west, south, east, north = _longitude(parts[0]), _latitude(parts[1]), _longitude(parts[2]), _latitude(parts[3])
    return west, south, east, north


def _near(text: str) -> tuple[float, float]:
    parts = text.split(",")
    if len(parts) != 2:
        raise ValueError("not two numbers latitude,longitude")
    return _latitude(parts[0]), _longitude(parts[1])


def _country(text: str) -> str:
    if len(text) != 2 or not text.isascii() or not text.isalpha() or not text.isupper():
        raise ValueError("not an ISO 3166-1 code of two capital letters")
    return text


def one_of(*allowed: str) -> Callable[[str], str]:
    """A parser that takes the given words only."""

    def parse(text: str) -> str:
        if text not in allowed:
            raise ValueError(f"not one of {', '.join(allowed)}")
        return text

    return parse


def choice(name: str, words: Sequence[str], description: str, default: str = "") -> Param[str]:
    """A parameter with a closed list of words."""
    schema: dict[str, Any] = {"type": "string", "enum": list(words)}
    if default:
        schema["default"] = default
    return Param(name, one_of(*words), schema, description, words[0])


def instant(name: str, description: str, example: str, *, required: bool = False) -> Param[int]:
    """A time with an offset, read to seconds since 1970."""
    return Param(name, heard, {"type": "string", "format": "date-time"}, description, example, required=required)


def _at_most(length: int) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if len(text) > length:
            raise ValueError(f"longer than {length} characters")
        return text

    return parse


#: Identifiers, and cursors, which hold an identifier of any script and grow by it.
_word, _token = _at_most(300), _at_most(4000)


_MEDIA_WORDS = (*COMPARTMENTS, *MEDIA)
REGION = Param(
    "region",
    _word,
    {"type": "string", "minLength": 1},
    "Region, sea area or zone by its id; several mean any of them.",
    "KR-26,JP-40",
    many=True,
)
_LON, _LAT = (
    r"-?(180(\.0{1,9})?|(1[0-7][0-9]|[0-9]{1,2})(\.[0-9]{1,9})?)",
    r"-?(90(\.0{1,9})?|[0-8]?[0-9](\.[0-9]{1,9})?)",
)
BBOX = Param(
    "bbox",
    _bbox,
    {"type": "string", "pattern": f"^{_LON},{_LAT},{_LON},{_LAT}$"},
    "west,south,east,north in degrees (WGS 84); west greater than east crosses the antimeridian.",
    "129,33,131,36",
)
NEAR = Param(
    "near", _near, {"type": "string", "pattern": f"^{_LAT},{_LON}$"}, "latitude,longitude in degrees.", "37.42,141.03"
)
RADIUS_DEFAULT_M = 30_000
RADIUS_M = Param(
    "radius_m",
    whole(1, 2_000_000),
    {"type": "integer", "minimum": 1, "maximum": 2_000_000, "default": RADIUS_DEFAULT_M},
    "Radius around `near` in metres.",
    "30000",
)
COUNTRY = Param(
    "country",
    _country,
    {"type": "string", "pattern": "^[A-Z]{2}$"},
    "ISO 3166-1 alpha-2 code of the region that a station lies in.",
    "KR",
)
MEDIUM = Param(
    "medium",
    one_of(*_MEDIA_WORDS),
    {"type": "string", "enum": list(_MEDIA_WORDS)},
    "A medium, or a compartment: air, land, sea; several mean any of them.",
    "sea",
    many=True,
)
QUANTITY = Param(
    "quantity",
    one_of(*QUANTITIES),
    {"type": "string", "enum": list(QUANTITIES)},
    "A quantity by its id; several mean any of them.",
    "air_dose_rate_as_published",
    many=True,
)
SOURCE = Param("source", _word, {"type": "string", "minLength": 1}, "A publisher by its id.", "jp-nra", many=True)
FEED = Param("feed", _word, {"type": "string", "minLength": 1}, "A feed by its id.", "jp-nra-ramis", many=True)
FROM = instant("from", "Start of the window, included; acts on `phenomenon_end`.", "2026-08-15T00:00:00+09:00")
TO = instant("to", "End of the window, excluded.", "2026-08-16T00:00:00+09:00")
FROM_REQUIRED = instant("from", FROM.description, FROM.example, required=True)
TO_REQUIRED = instant("to", TO.description, TO.example, required=True)
AS_OF = instant("as_of", "Answer with what was known then: later revisions are not seen.", "2026-08-15T12:00:00Z")
LIMIT = Param(
    "limit",
    whole(1, LIMIT_MOST),
    {"type": "integer", "minimum": 1, "maximum": LIMIT_MOST, "default": LIMIT_DEFAULT},
    "Rows on one page.",
    "100",
)
CURSOR = Param(
    "cursor", _token, {"type": "string", "minLength": 1}, "Where the next page begins; take it from `next`.", ""
)

STATION = Param(
    "station",
    _word,
    {"type": "string", "minLength": 1},
    "A station by its id; several mean any of them.",
    "jp-nra-ramis:40110001",
    many=True,
)
#: The filters of stations, series, observations, latest and samples.
FILTERS: tuple[Param[Any], ...] = (REGION, BBOX, NEAR, RADIUS_M, COUNTRY, MEDIUM, QUANTITY, SOURCE, FEED, STATION)
PAGE: tuple[Param[Any], ...] = (LIMIT, CURSOR)
