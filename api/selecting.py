"""From query parameters to a filter of the store. A name that nothing has is refused, because an empty answer would look calm."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from api import params as p
from api.clocktext import told, told_or_none
from api.freshness import ended_runs
from api.models.common import Coverage, Dropped, FeedBrief
from api.problems import Code, ProblemError
from api.service import Service
from api.telling import feed_brief
from domain.media import matching
from domain.reasons import Untold
from domain.states import FeedState
from store import read, retention
from store.rows import Filter, SeriesRow

_READ = frozenset({FeedState.OK, FeedState.PARTIAL, FeedState.LATE, FeedState.EMPTY})


async def selection(query: p.Query, service: Service) -> Filter:
    """The filter that a query asks for; raises ProblemError 404 or 422."""
    near, radius, bbox = query.get(p.NEAR), query.get(p.RADIUS_M), query.get(p.BBOX)
    if near is None and radius is not None:
        raise ProblemError(Code.NOT_MEANINGFUL, "`radius_m` needs `near` beside it.", p.NEAR.name)
    if bbox is not None and bbox[1] > bbox[3]:
        raise ProblemError(Code.NOT_MEANINGFUL, "The south of the box lies north of its north.", p.BBOX.name)
    country = query.get(p.COUNTRY) or ""
    if country and country not in service.countries:
        raise ProblemError(
            Code.UNKNOWN_NAME,
            f"No region here lies in {country!r}; known are {', '.join(service.countries)}.",
            p.COUNTRY.name,
        )
    return Filter(
        areas=known_names(query.all(p.REGION), service.config.geography.by_id, p.REGION.name),
        bbox=bbox,
        near=(*near, float(radius or p.RADIUS_DEFAULT_M)) if near is not None else None,
        country=country,
        media=frozenset().union(*(matching(word) for word in query.all(p.MEDIUM))),
        quantities=frozenset(query.all(p.QUANTITY)),
        feeds=_feeds(query, service),
        stations=await _stations(query.all(p.STATION), service),
    )


def known_names(words: Sequence[str], known: Collection[str], name: str) -> frozenset[str]:
    """The words as a set; raises ProblemError 404 for one that is not known."""
    for word in words:
        if word not in known:
            raise ProblemError(Code.UNKNOWN_NAME, f"{word!r} is no {name} that is known here.", name)
    return frozenset(words)


async def _stations(uids: Sequence[str], service: Service) -> frozenset[str]:
    if not uids:
        return frozenset()
    found = await read.stations(service.store, Filter(stations=frozenset(uids)), limit=len(uids))
    return known_names(uids, {row.station.uid for row in found}, p.STATION.name)


def _feeds(query: p.Query, service: Service) -> frozenset[str]:
    feeds = known_names(query.all(p.FEED), service.feeds, p.FEED.name)
    sources = known_names(query.all(p.SOURCE), service.sources, p.SOURCE.name)
    if not sources:
        return feeds
    of_sources = {feed.id for feed in service.config.feeds if feed.source in sources}
    chosen = feeds & of_sources if feeds else of_sources
    return frozenset(chosen or {"-"})  # a filter that nothing can meet; an empty set would mean every feed


def window(
    query: p.Query, from_param: p.Param[int], to_param: p.Param[int], default: tuple[int, int]
) -> tuple[int, int]:
    """The half-open window of a query; raises ProblemError 422 when it is reversed."""
    begin = query.get(from_param)
    end = query.get(to_param)
    begin, end = default[0] if begin is None else begin, default[1] if end is None else end
    if begin > end:
        raise ProblemError(Code.WINDOW_REVERSED, "`from` lies after `to`.", to_param.name)
    return begin, end


async def feed_briefs(service: Service, feeds: Collection[str], as_of_s: int | None = None) -> tuple[FeedBrief, ...]:
    """Feeds in one line each, in order of their ids; now, or as the runs that had ended by `as_of_s` left them."""
    if as_of_s is not None:
        return tuple([await _brief_then(service, feed, as_of_s) for feed in sorted(feeds)])
    health = (await service.pulse()).health
    return tuple(feed_brief(feed, health.get(feed)) for feed in sorted(feeds))


async def _brief_then(service: Service, feed_id: str, as_of_s: int) -> FeedBrief:
    ended = await ended_runs(service, feed_id, as_of_s)
    read_well = next((row.finished_s for row in ended if row.state in _READ), None)
    new = next((row.finished_s for row in ended if row.stored or row.revised), None)
    return FeedBrief(
        id=feed_id,
        state=ended[0].state if ended else FeedState.NEVER_RUN,
        cause=ended[0].cause if ended else "",
        last_try=told_or_none(ended[0].finished_s) if ended else None,
        last_success=told_or_none(read_well),
        last_new=told_or_none(new),
    )


async def coverage(
    service: Service,
    *,
    rows: int,
    feeds: Collection[str],
    series: int | None = None,
    window_s: tuple[int, int] | None = None,
    withheld: bool = False,
    as_of_s: int | None = None,
) -> Coverage:
    """What stood behind an answer: the window, the series that were meant, and the state of every feed behind them."""
    health = (await service.pulse()).health
    gone = await dropped(service, feeds, window_s) if window_s else ()
    if rows:
        why = ""
    elif withheld:
        why = "withheld"
    elif not any(record.last_success_s for record in health.values()):
        why = "nothing_known_yet"
    elif series == 0:
        why = "no_such_series"
    else:
        why = Untold.DROPPED_BY_RETENTION if gone else "no_reading_in_window"
    begin, end = window_s or (None, None)
    return Coverage(
        begin=told_or_none(begin),
        end=told_or_none(end),
        series=series,
        rows=rows,
        why_empty=why,
        feeds=await feed_briefs(service, feeds, as_of_s),
        dropped=gone,
    )


async def dropped(service: Service, feeds: Collection[str], window_s: tuple[int, int]) -> tuple[Dropped, ...]:
    """What retention dropped of some feeds and a half-open window."""
    return tuple(
        Dropped(
            feed=one.feed_id,
            after=told(one.from_s),
            until=told(one.until_s),
            keep_days=one.keep_days,
            at=told(one.at_s),
        )
        for one in await retention.dropped(service.store, feeds, *window_s)
    )


def feeds_meant(f: Filter, service: Service, rows: Sequence[SeriesRow] = ()) -> frozenset[str]:
    """The feeds that could have answered: those of the series found, else those asked for, else all that are enabled."""
    if rows:
        return frozenset(row.series.feed_id for row in rows)
    return frozenset(f.feeds & service.feeds.keys()) or frozenset(
        feed.id for feed in service.config.feeds if feed.enabled
    )
