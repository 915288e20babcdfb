"""Standings of feeds: schedule from the configuration, state and clocks from the store."""

from __future__ import annotations

from analysis.freshness import Standing, Standings
from api.service import Service
from domain.states import FeedState
from specs.feed import FeedSpec
from store import read
from store.rows import FeedHealthRow, RunRow

#: Runs looked at to find the last that brought something new.
_RUNS_LOOKED_AT = 300


async def standings(service: Service, *, as_of_s: int | None = None) -> Standings:
    """The standing of every feed of the configuration, now or as the runs of that time left it."""
    if as_of_s is not None:
        return Standings({feed.id: await _standing_then(service, feed, as_of_s) for feed in service.config.feeds})
    health = (await service.pulse()).health
    return Standings({feed.id: _standing(feed, health.get(feed.id)) for feed in service.config.feeds})


async def _standing_then(service: Service, feed: FeedSpec, as_of_s: int) -> Standing:
    """By the runs that had ended by then: the state of the last one, and the end of the last that stored anything."""
    ended = await ended_runs(service, feed.id, as_of_s)
    new = next((row.finished_s for row in ended if row.stored), None)
    schedule, state = feed.schedule, ended[0].state if ended else FeedState.NEVER_RUN
    return Standing(
        state, schedule.every_s, schedule.lag_s, schedule.late_after_s, schedule.silent_after_s, new, feed.exercise
    )


def _standing(feed: FeedSpec, health: FeedHealthRow | None) -> Standing:
    schedule = feed.schedule
    state = health.state if health else FeedState.NEVER_RUN
    last_new_s = health.last_new_s if health else None
    return Standing(
        state,
        schedule.every_s,
        schedule.lag_s,
        schedule.late_after_s,
        schedule.silent_after_s,
        last_new_s,
        feed.exercise,
    )


async def ended_runs(service: Service, feed_id: str, as_of_s: int) -> list[RunRow]:
    """The runs of a feed that had ended by `as_of_s`, newest first."""
    rows = await read.runs(service.store, feed_id, before_s=as_of_s + 1, limit=_RUNS_LOOKED_AT)
    return [row for row in rows if row.finished_s is not None and row.finished_s <= as_of_s]
