"""`config/` -> one checked, frozen `Config`, or every problem in it at once."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from specs.changes import load_changes
from specs.feed import FeedSpec
from specs.mapping import Listing
from specs.near import nearest
from specs.problems import ConfigError, Problem, parse_yaml, plain, position, problems_of, read_yaml
from specs.region import Geography, load_geography
from specs.request import Listed
from specs.retired import Retired, load_retired
from specs.rule import RuleSpec, load_rules
from specs.site import SiteFile, load_sites
from specs.source import SourceFile, SourceSpec
from specs.twins import Twin, load_twins

__all__ = ["Config", "ConfigError", "Held", "Problem", "Table", "load_config", "load_feed", "load_text"]

Model = TypeVar("Model", bound=BaseModel)
Part = TypeVar("Part")


@dataclass(frozen=True, slots=True)
class Table:
    """A local list from `config/tables/`: its columns and its rows, all text."""

    name: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def column(self, name: str) -> tuple[str, ...]:
        """The texts of one column, top to bottom."""
        at = self.columns.index(name)
        return tuple(row[at] for row in self.rows)


@dataclass(frozen=True, slots=True)
class Held:
    """A file that does not run as it stands: digest of its content ("": gone), digest of what runs in its stead ("": nothing), and why."""

    name: str
    digest: str
    runs: str
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Config:
    """Everything that operators describe, checked and frozen; `digest` changes whenever any file of it does.

    `changed` is when a series, station or feed was last measured in another way. `held` and `texts` (name -> text of what runs) are filled where last good versions may stand in: see `specs/running.py`.
    """

    folder: Path
    feeds: tuple[FeedSpec, ...]
    sources: tuple[SourceSpec, ...]
    rules: tuple[RuleSpec, ...]
    geography: Geography
    digest: str
    tables: Mapping[str, Table] = field(default_factory=lambda: MappingProxyType({}))
    held: tuple[Held, ...] = ()
    texts: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    twins: tuple[Twin, ...] = ()
    sites: SiteFile = field(default_factory=SiteFile)
    retired: Mapping[str, Retired] = field(default_factory=lambda: MappingProxyType({}))
    changed: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))

    def feed(self, feed_id: str) -> FeedSpec | None:
        """The feed with this id, or None."""
        return next((feed for feed in self.feeds if feed.id == feed_id), None)


def load_config(folder: Path) -> Config:
    """Read and check every file of `folder`; raises ConfigError with all problems of all files."""
    problems: list[Problem] = []
    sources = _load_sources(folder, problems)
    tables = _load_tables(folder, problems)
    feeds = _load_feeds(folder, {source.id for source in sources}, tables, problems)
    geography = _load_part(load_geography, folder, problems)
    rules = _load_part(load_rules, folder / "rules.yaml", problems)
    twins = _load_part(load_twins, folder, problems)
    sites = _load_part(load_sites, folder, problems)
    retired = _load_part(load_retired, folder, problems)
    changed = _load_part(load_changes, folder, problems)
    if problems or geography is None:
        raise ConfigError(problems)
    return Config(
        folder, feeds, sources, rules or (), geography, _digest(folder), MappingProxyType(tables), twins=twins or (),
        sites=sites or SiteFile(), retired=MappingProxyType(retired or {}), changed=MappingProxyType(changed or {}),
    )  # fmt: skip


def load_feed(path: Path, name: str = "") -> FeedSpec:
    """One feed file by itself, without its neighbours; raises ConfigError."""
    problems: list[Problem] = []
    document, _ = _read(path, name or path.name, problems)
    feed = _checked(FeedSpec, document, name or path.name, problems) if document is not None else None
    if feed is None or problems:
        raise ConfigError(problems)
    return feed


def load_text(text: str, name: str, config: Config) -> FeedSpec:
    """One feed file as it would run beside the files of `config`; raises ConfigError. Nothing is read from disk."""
    problems: list[Problem] = []
    document, found = parse_yaml(text, name)
    problems += found
    if not found and not isinstance(document, Mapping):
        problems.append(Problem(name, 1, 1, "", "the file must be a mapping of keys to values"))
    feed = _checked(FeedSpec, document, name, problems) if not problems else None
    if feed is not None:
        problems += _linked(feed, Path(name), name, document, {source.id for source in config.sources}, config.tables)
    if feed is None or problems:
        raise ConfigError(problems)
    return feed


def _load_feeds(
    folder: Path, sources: set[str], tables: Mapping[str, Table], problems: list[Problem]
) -> tuple[FeedSpec, ...]:
    feeds: dict[str, FeedSpec] = {}
    for path in sorted((folder / "feeds").glob("*.yaml")):
        name = f"feeds/{path.name}"
        document, found = _read(path, name, problems)
        if not found:
            continue
        feed = _checked(FeedSpec, document, name, problems)
        if feed is None:
            continue
        problems += _linked(feed, path, name, document, sources, tables)
        if path.stem != feed.id and (folder / "feeds" / f"{feed.id}.yaml").exists():
            problems.append(_problem(name, document, ("id",), f"`{feed.id}` is already the id of another feed"))
            continue  # the file of that name has it, and shall not pay for this one
        feeds[feed.id] = feed
    return tuple(feeds[key] for key in sorted(feeds))


def _linked(
    feed: FeedSpec, path: Path, name: str, document: Any, sources: set[str], tables: Mapping[str, Table]
) -> list[Problem]:
    """What one file cannot know by itself: its own name, its source, its tables."""
    found = []
    if path.stem != feed.id:
        found.append(_problem(name, document, ("id",), f"the file must be called `{feed.id}.yaml`"))
    if feed.source not in sources:
        found.append(
            _problem(
                name, document, ("source",), f"`{feed.source}` is not in sources.yaml{nearest(feed.source, sources)}"
            )
        )
    for number, form in enumerate(feed.forms):
        if form.station and form.station.listed:
            found += _listing(form.station.listed, name, document, ("forms", number, "station", "listed"), tables)
        for key, variable in form.request.variables.items():
            if isinstance(variable, Listed):
                place = ("forms", number, "request", "variables", key)
                found += _uses(variable.table, {variable.column, *variable.where}, name, document, place, tables)
    return found


def _listing(
    listed: Listing, name: str, document: Any, place: tuple[str | int, ...], tables: Mapping[str, Table]
) -> list[Problem]:
    if listed.optional and listed.table not in tables:
        return []
    columns = {
        listed.match,
        listed.key,
        listed.latitude,
        listed.longitude,
        listed.region,
        listed.owner,
        *listed.names.values(),
    } - {""}
    return _uses(listed.table, columns, name, document, place, tables)


def _uses(
    table: str, columns: set[str], name: str, document: Any, place: tuple[str | int, ...], tables: Mapping[str, Table]
) -> list[Problem]:
    if table not in tables:
        return [
            _problem(name, document, (*place, "table"), f"tables/{table}.csv does not exist{nearest(table, tables)}")
        ]
    missing = sorted(columns - set(tables[table].columns))
    hint = nearest(missing[0], tables[table].columns) if missing else ""
    return (
        [_problem(name, document, place, f"tables/{table}.csv has no column {', '.join(missing)}{hint}")]
        if missing
        else []
    )


def _load_sources(folder: Path, problems: list[Problem]) -> tuple[SourceSpec, ...]:
    document, found = _read(folder / "sources.yaml", "sources.yaml", problems)
    checked = _checked(SourceFile, document, "sources.yaml", problems) if found else None
    return checked.sources if checked else ()


def _load_tables(folder: Path, problems: list[Problem]) -> dict[str, Table]:
    tables = {}
    for path in sorted((folder / "tables").glob("*.csv")):
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            problems.append(Problem(f"tables/{path.name}", 1, 1, "", f"cannot be read as text: {error}"))
            continue
        rows = [tuple(row) for row in csv.reader(line for line in lines if not line.startswith("#")) if row]
        if not rows or any(len(row) != len(rows[0]) for row in rows):
            problems.append(Problem(f"tables/{path.name}", 1, 1, "", "every row must have as many cells as the header"))
            continue
        tables[path.stem] = Table(path.stem, rows[0], tuple(rows[1:]))
    return tables


def _load_part(load: Callable[[Path], Part], argument: Path, problems: list[Problem]) -> Part | None:
    """Regions and rules have loaders of their own; their problems join ours."""
    try:
        return load(argument)
    except ConfigError as error:
        problems += error.problems
        return None


def _read(path: Path, name: str, problems: list[Problem]) -> tuple[Any, bool]:
    if not path.exists():
        problems.append(Problem(name, 1, 1, "", "the file does not exist"))
        return None, False
    document, found = read_yaml(path, name)
    problems += found
    if not found and not isinstance(document, Mapping):
        problems.append(Problem(name, 1, 1, "", "the file must be a mapping of keys to values"))
        return None, False
    return document, not found


def _checked(model: type[Model], document: Any, name: str, problems: list[Problem]) -> Model | None:
    try:
        return model.model_validate(plain(document))
    except ValidationError as error:
        problems += problems_of(error, model, document, name)
        return None


def _problem(name: str, document: Any, loc: tuple[str | int, ...], message: str) -> Problem:
    line, column = position(document, loc)
    return Problem(name, line, column, ".".join(map(str, loc)), message)


def _digest(folder: Path) -> str:
    """SHA-256 over names and bytes of all operator files."""
    total = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix in {".yaml", ".csv", ".geojson"}:
            total.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return total.hexdigest()
