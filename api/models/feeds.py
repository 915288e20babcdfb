"""Sources, feeds, runs and refusals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import msgspec
from msgspec import Meta

from api.models.common import Instant, Link, Struct


class Source(Struct, frozen=True, kw_only=True):
    """A publisher, with the attribution line to carry in the languages it came in."""

    id: str
    names: Mapping[str, str]
    homepage: str
    country: str
    attribution: Mapping[str, str]
    note: str
    feeds: tuple[str, ...]


class SourceList(Struct, frozen=True, kw_only=True):
    """All publishers."""

    sources: tuple[Source, ...]
    next: Link | None


class SourceAnswer(Struct, frozen=True, kw_only=True):
    """One publisher."""

    source: Source


class Rights(Struct, frozen=True, kw_only=True):
    """A licence verdict and what it rests on: `yes`, `ask`, `internal` (no licence found) or `no`."""

    redistribute: str
    licence: str
    licence_url: str
    verdict: str
    share_alike: bool
    delay_s: int


class Schedule(Struct, frozen=True, kw_only=True):
    """How often the publisher is asked, how old its newest reading usually is, and when a series counts as late or silent."""

    every_s: int
    lag_s: int
    late_after_s: int
    silent_after_s: int


class Tally(Struct, frozen=True, kw_only=True):
    """What became of what was read. `read` counts records, `stored`, `unchanged` and `revised` count values."""

    read: int
    stored: int
    unchanged: int
    revised: int
    flagged: int
    refused: Mapping[str, int]
    ignored: Mapping[str, int]


class Run(Struct, frozen=True, kw_only=True):
    """One run of a feed; `finished` is null while it goes on."""

    id: Annotated[str, Meta(examples=["jp-nra-ramis@2026-08-15T00:10:00Z"])]
    feed: str
    started: Instant
    finished: Instant | None
    state: str
    cause: str
    tally: Tally
    exercise: bool
    refusals: Link


class Answered(Struct, frozen=True, kw_only=True):
    """One request of a run and what came back; `sha256` finds the body in the raw archive."""

    url: str
    requested: Instant
    received: Instant
    status: Annotated[int, Meta(description="0 when no HTTP answer came")]
    sha256: str
    size_bytes: int
    not_modified: bool
    failure: str
    failure_detail: str
    read: int
    stored: int
    unchanged: int
    revised: int
    refused: Mapping[str, int]


class RunAnswer(Struct, frozen=True, kw_only=True):
    """One run with its requests."""

    run: Run
    answers: tuple[Answered, ...]


class RunList(Struct, frozen=True, kw_only=True):
    """Runs of a feed, newest first."""

    feed: str
    runs: tuple[Run, ...]
    next: Link | None


class Refusal(Struct, frozen=True, kw_only=True):
    """One refusal that can be looked up: where in which payload, and what stood there."""

    reason: str
    where: str
    detail: str
    url: str
    sha256: str


class RefusalList(Struct, frozen=True, kw_only=True):
    """Refusals of a run: `counts` are complete, `refusals` are those kept for looking up."""

    run: str
    counts: Mapping[str, int]
    refusals: tuple[Refusal, ...]


class HeldFile(Struct, frozen=True, kw_only=True):
    """A file of the configuration that does not run as it stands: it is broken, or held back, and `runs` goes on in its stead."""

    file: str
    version: Annotated[str, Meta(description="SHA-256 of the file as it stands; empty when it is gone")]
    runs: Annotated[str, Meta(description="SHA-256 of what runs in its stead; empty when nothing does")]
    problems: Annotated[tuple[str, ...], Meta(description="each with file, line, column and what to do")]


class Score(Struct, frozen=True, kw_only=True):
    """One rule of the scorecard: done, todo or exempt, and why."""

    rule: str
    meaning: str
    standing: str
    why: str


class Scorecard(Struct, frozen=True, kw_only=True):
    """How good a feed's file is."""

    feed: str
    done: int
    todo: int
    exempt: int
    scores: tuple[Score, ...]


class Feed(Struct, frozen=True, kw_only=True):
    """One thing that is polled. Its three clocks tell apart: asked, answered, and told something new."""

    id: str
    title: Mapping[str, str]
    source: str
    status: Annotated[str, Meta(description="verified against real answers, or not")]
    enabled: bool
    critical: bool
    exercise: bool
    rights: Rights
    schedule: Schedule
    expected_stations: int | None
    notes: tuple[str, ...]
    state: Annotated[
        str,
        Meta(
            description="never_run, ok, late, partial, empty, unread, blocked, misread or paused; none of them says calm"
        ),
    ]
    cause: str
    effect: Annotated[str, Meta(description="what the state means for whoever reads values")]
    mends: Annotated[str, Meta(description="what mends it; empty when nothing is to be mended")]
    version: Annotated[str, Meta(description="SHA-256 of the version of its file that runs")]
    held: HeldFile | None
    last_try: Instant | None
    last_success: Instant | None
    last_new: Instant | None
    last_run: Run | None
    links: Mapping[str, Link]


class FeedList(Struct, frozen=True, kw_only=True):
    """All feeds of the configuration with their states."""

    generated: Instant
    next: Link | None
    feeds: tuple[Feed, ...]


class FeedAnswer(Struct, frozen=True, kw_only=True):
    """One feed."""

    generated: Instant
    feed: Feed


class Period(Struct, frozen=True, kw_only=True):
    """A span in which runs ended in one state; it ends where the first run of another state started."""

    state: str
    cause: str
    begin: Instant = msgspec.field(name="from")
    end: Instant = msgspec.field(name="to")
    runs: int


class Availability(Struct, frozen=True, kw_only=True):
    """How a feed did over a window. `runs` 0 means that nobody asked, which is not the same as nothing to report."""

    feed: str
    begin: Instant = msgspec.field(name="from")
    end: Instant = msgspec.field(name="to")
    runs: int
    by_state: Mapping[str, int]
    share_ok: float | None
    stored: int
    revised: int
    refused: Mapping[str, int]
    periods: tuple[Period, ...]
    complete: Annotated[bool, Meta(description="false if the window holds more runs than are looked at")]
