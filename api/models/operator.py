"""What operators send and get: candidates of feed files, plans of them, requests to the collector, and the list of changes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from msgspec import Meta

from api.models.common import Instant, Link, Struct

FeedFile = Annotated[str, Meta(min_length=1, max_length=60_000, description="the whole YAML file of the feed")]


class Candidate(Struct, frozen=True, kw_only=True):
    """A feed file to be checked. Nothing of it is written."""

    text: FeedFile


class Plannable(Struct, frozen=True, kw_only=True):
    """A feed file to be held against real answers: those in the raw archive, and with `fetch` the publisher's of this moment."""

    text: FeedFile
    fetch: bool = False


class NewVersion(Struct, frozen=True, kw_only=True):
    """A feed file that shall run. `force` takes it over although its plan has breaches; then `reason` is needed and kept."""

    text: FeedFile
    force: bool = False
    reason: Annotated[str, Meta(max_length=2000)] = ""
    fetch: bool = False


class Because(Struct, frozen=True, kw_only=True):
    """Why; kept with the change and shown with the feed."""

    reason: Annotated[str, Meta(max_length=2000)] = ""


class FileProblem(Struct, frozen=True, kw_only=True):
    """One thing wrong in a file, where an editor finds it; lines and columns count from 1."""

    file: str
    line: int
    column: int
    path: str
    message: str


class Checked(Struct, frozen=True, kw_only=True):
    """What a check of a feed file found."""

    valid: bool
    feed: str
    version: Annotated[str, Meta(description="SHA-256 of the text")]
    problems: tuple[FileProblem, ...]
    diff: Annotated[str, Meta(description="against the version that runs; empty for a new feed or no difference")]


class PlanKind(Struct, frozen=True, kw_only=True):
    """One quantity in one medium and unit: its spread in `unit`, beside the spread of what is stored."""

    quantity: str
    medium: str
    published_unit: str
    unit: str
    series: int
    values: int
    least: float | None
    median: float | None
    most: float | None
    stored_least: float | None
    stored_median: float | None
    stored_most: float | None


class Plan(Struct, frozen=True, kw_only=True):
    """What a version makes of real answers, and what it makes otherwise than the running one. `breaches` keep it from taking over."""

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
    kinds: tuple[PlanKind, ...]
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


class RequestAnswer(Struct, frozen=True, kw_only=True):
    """A request to the collector. `outcome` is done, refused or failed; empty while no collector has answered (then the status is 202)."""

    request: int
    kind: str
    feed: str
    author: str
    asked: Instant
    answered: Instant | None
    outcome: str
    detail: str
    plan: Plan | None
    runs: Annotated[bool | None, Meta(description="apply: whether the version runs now")]
    version: str
    before: str
    written: Annotated[
        bool | None, Meta(description="apply: into the file; false when the store alone holds the version")
    ]
    run: Annotated[str, Meta(description="run: id of the run that was made")]
    state: str
    links: Mapping[str, Link]


class PauseAnswer(Struct, frozen=True, kw_only=True):
    """Whether a feed is paused, by whom, since when and why."""

    feed: str
    paused: bool
    changed: Annotated[bool, Meta(description="false when it was so before; then nothing was written")]
    author: str
    since: Instant | None
    reason: str


class Change(Struct, frozen=True, kw_only=True):
    """One change of a feed: first, edit, apply, force, hold, broken, remove, pause or resume."""

    id: int
    at: Instant
    action: str
    author: str
    file: str
    version: str
    before: str
    reason: str
    numbers: str
    diff: str


class ChangeList(Struct, frozen=True, kw_only=True):
    """Changes of a feed, newest first."""

    feed: str
    changes: tuple[Change, ...]
    next: Link | None
