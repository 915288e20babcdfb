"""Nuclear sites and what is heard around them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from msgspec import Meta

from api.models.common import FeedBrief, Instant, Link, Struct, Withheld
from api.models.samples import Quake
from api.models.summaries import Summary


class Site(Struct, frozen=True, kw_only=True):
    """A nuclear site. `status` is what a source said by `status_as_of`; it may be out of date and says nothing about today."""

    id: str
    country: str
    kind: str
    names: Mapping[str, str]
    longitude: float
    latitude: float
    position_quality: Annotated[str, Meta(description="site: within 1 km; approximate: 1 to 5 km")]
    operator: str
    status: str
    status_as_of: str
    status_uncertain: bool
    region: str
    sea_area: str
    source: str
    note: str
    links: Mapping[str, Link]


class SiteList(Struct, frozen=True, kw_only=True):
    """All sites."""

    sites: tuple[Site, ...]
    next: Link | None


class SiteAnswer(Struct, frozen=True, kw_only=True):
    """One site."""

    site: Site


class Reporter(Struct, frozen=True, kw_only=True):
    """Who reports near a site: one series with its newest value."""

    station: str
    station_name: str
    distance_m: int
    series: str
    quantity: str
    medium: str
    value: float | None
    unit: str
    censoring: str
    phenomenon_end: Instant
    age_s: int
    freshness: str
    judgement: str | None
    source: str
    rights: str
    exercise: bool


class Ring(Struct, frozen=True, kw_only=True):
    """A disc around a site: who reports there, in which state that is, and whether it is usual."""

    radius_m: int
    stations: Annotated[int, Meta(description="stations known there, whether they report or not")]
    by_freshness: Annotated[
        Mapping[str, int], Meta(description="stations by the freshest of their series; `never` has no reading at all")
    ]
    state: Annotated[str, Meta(description="normal, elevated, high or insufficient; nobody there is insufficient")]
    summaries: tuple[Summary, ...]
    reporters: Annotated[tuple[Reporter, ...], Meta(description="at most 100 series, nearest first")]


class Shock(Struct, frozen=True, kw_only=True):
    """An earthquake that concerns the site, and who has been heard since: silence after a shock is news."""

    quake: Quake
    distance_km: float
    rule: str
    heard_since: Annotated[
        Mapping[str, int], Meta(description="radius in metres -> stations with a reading that ends after the shock")
    ]
    stations: Annotated[Mapping[str, int], Meta(description="radius in metres -> stations known there")]


class WatchRing(Struct, frozen=True, kw_only=True):
    """A ring of a watched site since the shock: who has answered and, by name, who has not."""

    radius_m: int
    stations: int
    answered: int
    unheard: Annotated[
        tuple[str, ...], Meta(description="stations without a reading that ends after the shock; at most 50")
    ]


class SiteWatch(Struct, frozen=True, kw_only=True):
    """A watch that an earthquake opened. It is closed on fresh evidence only; one that ends without it says so."""

    event: str
    rule: str
    state: Annotated[
        str,
        Meta(
            description="open, evidence (closed: usual by fresh readings), cancelled (the bulletin was) or lapsed (ended without evidence)"
        ),
    ]
    shock: Instant
    opened: Instant
    closed: Instant | None
    least_until: Annotated[Instant, Meta(description="a watch is open at least so long")]
    rings: tuple[WatchRing, ...]
    asked: Annotated[
        Mapping[str, Instant], Meta(description="feed -> when it was last asked out of turn because of the shock")
    ]
    sentence: Annotated[Mapping[str, str], Meta(description="in en, ja, ko, zh")]
    exercise: bool


class SiteStatus(Struct, frozen=True, kw_only=True):
    """A duty officer's answer: who reports around the site, how fresh, is it usual, and what has shaken."""

    generated: Instant
    audience: str
    exercise: bool
    site: Site
    sentence: Annotated[Mapping[str, str], Meta(description="in en, ja, ko, zh")]
    rings: tuple[Ring, ...]
    sea: Annotated[tuple[Summary, ...], Meta(description="summaries of the receiving sea area, sea media only")]
    shocks: tuple[Shock, ...]
    watches: Annotated[tuple[SiteWatch, ...], Meta(description="open watches, and those closed in the last week")]
    withheld: Withheld | None
    feeds: tuple[FeedBrief, ...]
    note: str
