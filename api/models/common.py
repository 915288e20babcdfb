"""Parts that many answers share."""

from __future__ import annotations

from typing import Annotated

import msgspec

Instant = Annotated[str, msgspec.Meta(extra_json_schema={"format": "date-time"}, examples=["2026-08-15T00:10:00Z"])]
Link = Annotated[
    str, msgspec.Meta(description="address relative to the host", examples=["/v1/stations?limit=100&cursor=..."])
]


class Struct(msgspec.Struct, frozen=True, kw_only=True):
    """A part of an answer; every declared field is always present."""


class Text(Struct, frozen=True, kw_only=True):
    """A text as its publisher wrote it; `language` is empty when the publisher does not say."""

    language: str
    text: str


class Withheld(Struct, frozen=True, kw_only=True):
    """Rows that are held but not shown, because their publisher has not agreed; never silently left out."""

    count: int
    feeds: tuple[str, ...]
    reason: str = "held, not shown: ask the publisher"


class FeedBrief(Struct, frozen=True, kw_only=True):
    """A feed in one line: its state is what an empty answer has to be read with."""

    id: str
    state: str
    cause: str
    last_try: Instant | None
    last_success: Instant | None
    last_new: Instant | None


class Dropped(Struct, frozen=True, kw_only=True):
    """Readings that were held and are not kept any longer: nothing can be said of that time from here, least of all that it was calm."""

    feed: str
    after: Annotated[Instant, msgspec.Meta(description="readings that end after this")]
    until: Annotated[
        Instant, msgspec.Meta(description="and not after this are gone, but for the newest of each series")
    ]
    keep_days: Annotated[int, msgspec.Meta(description="how long the operator keeps this feed's readings")]
    at: Annotated[Instant, msgspec.Meta(description="when that was decided")]
    reason: str = "dropped_by_retention"


class Coverage(Struct, frozen=True, kw_only=True):
    """What stood behind an answer: an empty list with a blind feed is not calm."""

    begin: Annotated[Instant | None, msgspec.Meta(description="start of the window, included")] = msgspec.field(
        name="from"
    )
    end: Annotated[Instant | None, msgspec.Meta(description="end of the window, excluded")] = msgspec.field(name="to")
    series: Annotated[int | None, msgspec.Meta(description="series that the filters select; null if not counted")]
    rows: Annotated[int, msgspec.Meta(description="rows in this answer")]
    why_empty: Annotated[
        str,
        msgspec.Meta(
            description="`` if there are rows; else no_such_series, dropped_by_retention, no_reading_in_window, withheld or nothing_known_yet"
        ),
    ]
    feeds: tuple[FeedBrief, ...]
    dropped: Annotated[
        tuple[Dropped, ...], msgspec.Meta(description="of the window and the feeds behind it: what is no longer kept")
    ]


class Page(Struct, frozen=True, kw_only=True):
    """What every list carries. `as_of` is the moment of knowledge: a walk along `next` sees no later revision."""

    as_of: Instant | None
    next: Link | None
    audience: Annotated[
        str,
        msgspec.Meta(
            description="internal: shows everything held, marked with its `rights`; public: shows what may be passed on"
        ),
    ]
    exercise: Annotated[bool, msgspec.Meta(description="true if any row is simulated")]
    withheld: Withheld | None
