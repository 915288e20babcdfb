"""A plan: what a version of a feed file would make of real answers, and what would be different from the version that runs. Writes nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from collector.archive import newest_captures
from collector.canary import Compared, against_stored, compare
from collector.doubts import Doubt, doubts
from collector.fetched import Fetched
from collector.harvest import Harvester
from collector.plan import recognise
from collector.portrait import KindRow, Portrait, kinds, sample_rows, zones
from domain.readings import Answer
from specs.feed import FeedSpec
from specs.loading import Config
from specs.problems import parse_yaml, position
from specs.running import digest_of, text_diff

#: Answers of one form, and of all forms, that two versions are held against.
EACH, MOST = 6, 24
_NAMED = 20


@dataclass(frozen=True, slots=True)
class Known:
    """What the store holds of a feed: series uid -> newest value in the quantity's unit, and its stations."""

    values: Mapping[str, float] = field(default_factory=dict)
    stations: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Plan:
    """What a version gives on some answers. `breaches` are what `apply` refuses, each with file, line and what to do."""

    feed_id: str
    digest: str
    answers: int
    failures: tuple[str, ...]
    read: int
    stations: int
    gained: tuple[str, ...]
    lost: tuple[str, ...]
    values: int
    marks: int
    zones: tuple[str, ...]
    lag_s: float | None
    kinds: tuple[KindRow, ...]
    refused: Mapping[str, int]
    ignored: Mapping[str, int]
    examples: tuple[str, ...]
    rights: str
    rows: tuple[str, ...]
    compared: bool
    changes: tuple[str, ...]
    doubts: tuple[str, ...]
    breaches: tuple[str, ...]
    diff: str

    @property
    def numbers(self) -> str:
        """In one line for the list of changes."""
        told = f"{self.answers} answers, {self.read} records, {self.stations} stations, {self.values} values"
        return f"{told}; {'compared' if self.compared else 'not compared'}; {len(self.breaches)} breaches"


def plan_feed(
    config: Config,
    feed: FeedSpec,
    text: str,
    captures: Sequence[Fetched],
    *,
    running: FeedSpec | None,
    running_text: str = "",
    known: Known = Known(),
) -> Plan:
    """What `feed` (whose file is `text`) makes of `captures`, beside what `running` makes of them. CPU only; needs a thread in a service."""
    new, found = _portrait(config, feed, captures)
    old, before = _portrait(config, running, captures) if running is not None else (None, [])
    before += against_stored(old, known.values, running) if old is not None and running is not None else []
    compared = compare(old, new, feed) if old is not None and old.answers and old.values else None
    at = _places(text, feed)
    found += against_stored(new, known.values, feed)
    known_before = {one.path for one in before}
    fresh = [one for one in found if one.path not in known_before]
    lost, gained = _moved(new, compared, known)
    return Plan(
        feed_id=feed.id, digest=digest_of(text), answers=new.answers, failures=_failures(captures), read=new.read,
        stations=len(new.stations), gained=gained[:_NAMED], lost=lost[:_NAMED], values=new.values, marks=new.marks,
        zones=zones(feed), lag_s=sorted(new.lags_s)[len(new.lags_s) // 2] if new.lags_s else None,
        kinds=kinds(new, known.values), refused=dict(new.refused), ignored=dict(new.ignored), examples=tuple(new.examples[:5]),
        rights=_rights(feed), rows=sample_rows(new), compared=compared is not None,
        changes=_changes(compared, lost, gained), doubts=tuple(at.told(one) for one in found),
        breaches=tuple(dict.fromkeys(at.told(one) for one in (*(compared.breaches if compared else ()), *fresh))),
        diff=text_diff(running_text, text, f"feeds/{feed.id}.yaml"),
    )  # fmt: skip


def archived(
    config: Config, feeds: Sequence[FeedSpec], folder: Path, *, each: int = EACH, most: int = MOST
) -> list[Fetched]:
    """The newest archived answers that belong to any of `feeds` (two versions of one)."""

    def key_of(answer: Answer) -> str:
        for feed in feeds:
            found = recognise(feed, answer.method, answer.url, config.tables)
            if found is not None:
                return found[0].id
        return ""

    return newest_captures(folder, key_of, each=each, most=most)


def _portrait(config: Config, feed: FeedSpec, captures: Sequence[Fetched]) -> tuple[Portrait, list[Doubt]]:
    harvester, portrait = Harvester(config), Portrait()
    found: dict[tuple[str | int, ...], Doubt] = {}
    for fetched in captures:
        answer = fetched.answer
        at = recognise(feed, answer.method, answer.url, config.tables)
        if at is None or answer.failure or answer.not_modified:
            continue
        harvest = harvester.harvest(feed, fetched, answer.received_s)
        portrait.add(harvest, answer.received_s)
        for one in doubts(harvest, feed, at[0], answer.received_s):
            found.setdefault(one.path, one)
    return portrait.close(), list(found.values())


def _moved(new: Portrait, compared: Compared | None, known: Known) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Stations lost and gained, against the running version where it read the same answers, else against the store."""
    if compared is not None:
        return compared.stations_lost, compared.stations_gained
    return (), tuple(sorted(new.stations.keys() - known.stations)) if known.stations else ()


def _changes(compared: Compared | None, lost: Sequence[str], gained: Sequence[str]) -> tuple[str, ...]:
    if compared is None:
        return ()
    counted = [
        f"stations lost: {len(lost)}" if lost else "", f"stations gained: {len(gained)}" if gained else "",
        f"series lost: {compared.series_lost}" if compared.series_lost else "",
        f"series gained: {compared.series_gained}" if compared.series_gained else "",
    ]  # fmt: skip
    return (*filter(None, counted), *compared.lines)


def _failures(captures: Sequence[Fetched]) -> tuple[str, ...]:
    return tuple(
        f"{one.answer.failure.value} {one.answer.failure_detail} ({one.answer.url})"
        for one in captures
        if one.answer.failure
    )


def _rights(feed: FeedSpec) -> str:
    rights = feed.rights
    return f"licence: {rights.licence}; redistribute: {rights.redistribute.value}; {rights.verdict}"


@dataclass(frozen=True, slots=True)
class _Places:
    """Where in a file its keys stand."""

    name: str
    document: object

    def told(self, doubt: Doubt) -> str:
        line, column = position(self.document, doubt.path)
        return f"{self.name}:{line}:{column} {'.'.join(map(str, doubt.path))} {doubt.message}"


def _places(text: str, feed: FeedSpec) -> _Places:
    name = f"feeds/{feed.id}.yaml"
    return _Places(name, parse_yaml(text, name)[0])
