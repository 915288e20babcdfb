"""Standings of feeds: schedule from the configuration, state and clocks from the store."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from analysis.freshness import Standing, Standings, standing
from api.service import Service
from domain.states import FeedState
from specs.feed import FeedSpec
from store import read
from store.rows import FeedHealthRow, RunRow

#: Runs looked at to find the last that brought something new.
_RUNS_LOOKED_AT = 300


async def standings(service: Service) -> Standings:
    """The standing of every feed of the configuration now."""
    health = (await service.pulse()).health
    return Standings({feed.id: _standing(feed, health.get(feed.id)) for feed in service.config.feeds})


async def standings_then(
    service: Service, feed_ids: Iterable[str], first_s: int, last_s: int
) -> Callable[[int], Standings]:
    """For any moment in [first_s, last_s] the standings of some feeds, as the runs that had ended by then left them."""
    runs: dict[str, list[RunRow]] = {}
    for feed_id in sorted(set(feed_ids) & service.feeds.keys()):
        most = _RUNS_LOOKED_AT + 2 * (last_s - first_s) // service.feeds[feed_id].schedule.every_s
        rows = await read.runs(service.store, feed_id, before_s=last_s + 1, limit=most)
        runs[feed_id] = rows
    return lambda at_s: Standings(
        {feed_id: _standing_then(service.feeds[feed_id], _ended(rows, at_s)) for feed_id, rows in runs.items()}
    )


def _standing_then(feed: FeedSpec, ended: Sequence[RunRow]) -> Standing:
    """By the runs that had ended by then: the state of the last one, and the end of the last that stored anything."""
    new = next((row.finished_s for row in ended if row.stored), None)
    state = ended[0].state if ended else FeedState.NEVER_RUN
    return standing(feed.schedule, state, new, exercise=feed.exercise)


def _standing(feed: FeedSpec, health: FeedHealthRow | None) -> Standing:
    state, last_new_s = (health.state, health.last_new_s) if health else (FeedState.NEVER_RUN, None)
    return standing(feed.schedule, state, last_new_s, exercise=feed.exercise)


async def ended_runs(service: Service, feed_id: str, as_of_s: int) -> list[RunRow]:
    """The runs of a feed that had ended by `as_of_s`, newest first."""
    rows = await read.runs(service.store, feed_id, before_s=as_of_s + 1, limit=_RUNS_LOOKED_AT)
    return _ended(rows, as_of_s)


def _ended(rows: Sequence[RunRow], at_s: int) -> list[RunRow]:
    return [row for row in rows if row.finished_s is not None and row.finished_s <= at_s][:_RUNS_LOOKED_AT]
