"""How good a feed's file is: a dozen rules, each done, to do, or exempt for a stated reason. Pure; what it looks at is passed in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import get_args

from specs.feed import FeedSpec, ScoreRule
from specs.source import SourceSpec


class Standing(StrEnum):
    """How a feed stands with a rule."""

    DONE = "done"
    TODO = "todo"
    EXEMPT = "exempt"


@dataclass(frozen=True, slots=True)
class Score:
    """One rule of one feed; `why` is what is missing, or the reason of an exemption."""

    rule: str
    standing: Standing
    why: str


@dataclass(frozen=True, slots=True)
class Seen:
    """What the rules look at."""

    feed: FeedSpec
    source: SourceSpec | None
    has_succeeded: bool | None  # None: no store was asked


_VOLUNTEER_EVERY_S = 900
Check = Callable[[Seen], str]


def scores(seen: Seen) -> tuple[Score, ...]:
    """Every rule in its order. An exemption of a rule that holds anyway is told as done."""
    return tuple(_score(rule, seen) for rule in get_args(ScoreRule))


def _score(rule: str, seen: Seen) -> Score:
    missing = RULES[rule](seen)
    if not missing:
        return Score(rule, Standing.DONE, "")
    reason = {str(key): text for key, text in seen.feed.exempt.items()}.get(rule)
    return Score(rule, Standing.EXEMPT, reason) if reason else Score(rule, Standing.TODO, missing)


def _verified(seen: Seen) -> str:
    return (
        "" if seen.feed.status == "verified" else "compare a real answer with the file, then write `status: verified`"
    )


def _licence(seen: Seen) -> str:
    rights = seen.feed.rights
    return (
        ""
        if rights.licence_url or rights.redistribute.value in ("no", "internal")
        else "`rights.licence_url` is missing"
    )


def _attribution(seen: Seen) -> str:
    return "" if seen.source and seen.source.attribution else "the source has no attribution line in sources.yaml"


def _stations(seen: Seen) -> str:
    fixed = any(form.measures and form.station and not form.station.moving for form in seen.feed.forms)
    return (
        ""
        if seen.feed.expect.stations or not fixed
        else "`expect.stations` is missing: a share that falls out stays unseen"
    )


def _bbox(seen: Seen) -> str:
    placed = any(form.station and form.station.position for form in seen.feed.forms)
    return "" if seen.feed.expect.bbox or not placed else "`expect.bbox` is missing: a swapped position stays unseen"


def _ranges(seen: Seen) -> str:
    measured = {measure.quantity for form in seen.feed.forms for measure in form.measures}
    without = sorted(str(one) for one in measured - set(seen.feed.expect.ranges) if not _has_no_unit(str(one)))
    return f"`expect.ranges` has nothing for {', '.join(without)}" if without else ""


def _has_no_unit(quantity: str) -> bool:
    """A value whose unit nobody states has no range that anybody could state."""
    return quantity.endswith("_not_stated")


def _names(seen: Seen) -> str:
    country = seen.source.country if seen.source else ""
    wanted = {"JP": "ja", "KR": "ko", "CN": "zh", "TW": "zh-Hant", "HK": "zh-Hant"}.get(country)
    ok = wanted is None or wanted in seen.feed.title or wanted.split("-")[0] in seen.feed.title
    return "" if ok else f"`title` has no name in {wanted}"


def _zone(seen: Seen) -> str:
    assumed = [form.id for form in seen.feed.forms if form.time and not form.time.zone_stated]
    return f"the zone of {', '.join(assumed)} is assumed: find where the publisher states it" if assumed else ""


def _unit(seen: Seen) -> str:
    assumed = [
        one.column
        for form in seen.feed.forms
        for one in form.measures
        if one.unit_origin == "assumed" and not one.unit_why
    ]
    return f"the unit of {', '.join(assumed)} is assumed without a reason" if assumed else ""


def _polite(seen: Seen) -> str:
    every_s, pause_s = seen.feed.schedule.every_s, seen.feed.schedule.pause_s
    if "volunteer" in " ".join(seen.feed.notes).lower() and every_s < _VOLUNTEER_EVERY_S:
        return f"a volunteer service is asked every {_VOLUNTEER_EVERY_S} s or less often"
    return "" if pause_s >= 1.0 else "`schedule.pause_s` is under a second"


def _traps(seen: Seen) -> str:
    return "" if seen.feed.notes else "`notes` says nothing of what may mislead a reader of these values"


def _seen(seen: Seen) -> str:
    if not seen.feed.enabled:
        return "it is not switched on"
    return "it has never been read here" if seen.has_succeeded is False else ""


RULES: Mapping[str, Check] = {
    "verified": _verified, "licence": _licence, "attribution": _attribution, "stations": _stations, "bbox": _bbox,
    "ranges": _ranges, "names": _names, "zone": _zone, "unit": _unit, "polite": _polite, "traps": _traps, "seen": _seen,
}  # fmt: skip
MEANINGS: Mapping[str, str] = {
    "verified": "a real answer was compared with the file",
    "licence": "the licence verdict rests on something that can be read",
    "attribution": "the publisher's attribution line is there",
    "stations": "how many stations report is stated",
    "bbox": "where they stand is stated",
    "ranges": "every measured quantity has a range",
    "names": "the title is there in the publisher's own language",
    "zone": "the publisher states the zone of its stamps",
    "unit": "every unit is stated, or assumed with a reason",
    "polite": "the publisher is asked no more often than it can bear",
    "traps": "what may mislead is written down",
    "seen": "it is switched on and has been read here",
}
