"""Feeds: states, clocks, runs and refusals. Read and zero are different, and both can be looked up here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from api import params as p
from api.clocktext import told, told_or_none
from api.models import feeds as m
from api.operation import Call, Operation, Reply
from api.paging import begin, following, limit, sliced
from api.problems import Code, ProblemError
from api.selecting import window
from api.service import Service
from api.telling import texts
from domain.feed_words import effect, mends
from domain.states import FeedState
from specs.feed import FeedSpec
from specs.loading import Config
from specs.running import digest_of
from specs.scorecard import MEANINGS, Seen, Standing, scores
from store import read
from store.rows import AnswerRow, FeedHealthRow, RunRow

_DAY_S = 86400
_MOST_RUNS = 10_000


def tell_run(row: RunRow) -> m.Run:
    """A run with its tally."""
    tally = m.Tally(
        read=row.read,
        stored=row.stored,
        unchanged=row.unchanged,
        revised=row.revised,
        flagged=row.flagged,
        refused=dict(row.refused),
        ignored=dict(row.ignored),
    )
    return m.Run(
        id=row.uid,
        feed=row.feed_id,
        started=told(row.started_s),
        finished=told_or_none(row.finished_s),
        state=row.state,
        cause=row.cause,
        tally=tally,
        exercise=row.exercise,
        refusals=f"/v1/feeds/{row.feed_id}/runs/{row.uid}/refusals",
    )


def tell_held(config: Config) -> tuple[m.HeldFile, ...]:
    """Every file that does not run as it stands."""
    return tuple(
        m.HeldFile(file=one.name, version=one.digest, runs=one.runs, problems=one.problems) for one in config.held
    )


def tell_feed(feed: FeedSpec, health: FeedHealthRow | None, config: Config) -> m.Feed:
    """A feed with its state; without a record it has never run."""
    schedule, rights = feed.schedule, feed.rights
    state, cause = (health.state, health.cause) if health else (FeedState.NEVER_RUN, "")
    file = f"feeds/{feed.id}.yaml"
    return m.Feed(
        id=feed.id,
        title=texts(feed.title),
        source=feed.source,
        status=feed.status,
        enabled=feed.enabled,
        critical=feed.critical,
        exercise=feed.exercise,
        notes=feed.notes,
        expected_stations=feed.expect.stations,
        rights=m.Rights(
            redistribute=rights.redistribute,
            licence=rights.licence,
            licence_url=rights.licence_url,
            verdict=rights.verdict,
            share_alike=rights.share_alike,
            delay_s=rights.delay_s,
        ),
        schedule=m.Schedule(
            every_s=schedule.every_s,
            lag_s=schedule.lag_s,
            late_after_s=schedule.late_after_s,
            silent_after_s=schedule.silent_after_s,
        ),
        state=state,
        cause=cause,
        effect=effect(state),
        mends=mends(state, cause),
        version=digest_of(config.texts[file]) if file in config.texts else "",
        held=next((one for one in tell_held(config) if one.file == file), None),
        last_try=told_or_none(health.last_try_s) if health else None,
        last_success=told_or_none(health.last_success_s) if health else None,
        last_new=told_or_none(health.last_new_s) if health else None,
        last_run=tell_run(health.last_run) if health and health.last_run else None,
        links={name: f"/v1/feeds/{feed.id}/{name}" for name in ("runs", "availability", "scorecard")}
        | {"stations": f"/v1/stations?feed={feed.id}"},
    )


def known_feed(service: Service, feed_id: str) -> FeedSpec:
    """The feed with an id; raises ProblemError 404."""
    feed = service.feeds.get(feed_id)
    if feed is None:
        held = next((one for one in service.config.held if one.name == f"feeds/{feed_id}.yaml"), None)
        if held is not None:
            told = "; ".join(held.problems)
            raise ProblemError(
                Code.NOT_FOUND, f"The file of {feed_id!r} is broken, and no version of it ever ran: {told}"
            )
        raise ProblemError(Code.NOT_FOUND, f"No feed {feed_id!r} is known.")
    return feed


async def feeds(call: Call) -> Reply:
    """All feeds with their states."""
    health = (await call.service.pulse()).health
    page, more = sliced(call, call.service.config.feeds, lambda feed: feed.id)
    rows = tuple(tell_feed(feed, health.get(feed.id), call.service.config) for feed in page)
    return Reply(m.FeedList(generated=told(call.now_s), feeds=rows, next=more), rows=rows, row=m.Feed, next=more)


async def feed(call: Call) -> Reply:
    """One feed."""
    spec = known_feed(call.service, call.path["id"])
    health = (await call.service.pulse()).health
    return Reply(
        m.FeedAnswer(generated=told(call.now_s), feed=tell_feed(spec, health.get(spec.id), call.service.config))
    )


async def scorecard(call: Call) -> Reply:
    """How good a feed's file is, rule by rule."""
    spec = known_feed(call.service, call.path["id"])
    record = (await call.service.pulse()).health.get(spec.id)
    source = call.service.sources.get(spec.source)
    found = scores(Seen(spec, source, record is not None and record.last_success_s is not None))
    rows = tuple(
        m.Score(rule=one.rule, meaning=MEANINGS[one.rule], standing=one.standing, why=one.why) for one in found
    )
    counted = Counter(one.standing for one in found)
    body = m.Scorecard(
        feed=spec.id,
        done=counted[Standing.DONE],
        todo=counted[Standing.TODO],
        exempt=counted[Standing.EXEMPT],
        scores=rows,
    )
    return Reply(body, rows=rows, row=m.Score)


async def runs(call: Call) -> Reply:
    """Runs of a feed, newest first."""
    spec, mark, most = known_feed(call.service, call.path["id"]), begin(call.route, call.query), limit(call.query)
    rows = await read.runs(call.service.store, spec.id, before_s=mark.after_s if mark else None, limit=most + 1)
    page = rows[:most]
    more = (
        following(call.route, call.query, as_of_s=0, after_id="", after_s=page[-1].started_s)
        if len(rows) > most
        else None
    )
    listed = tuple(map(tell_run, page))
    return Reply(m.RunList(feed=spec.id, runs=listed, next=more), rows=listed, row=m.Run, next=more)


async def _known_run(call: Call) -> RunRow:
    spec, uid = known_feed(call.service, call.path["id"]), call.path["run"]
    row = await read.run(call.service.store, uid)
    if row is None or row.feed_id != spec.id:
        raise ProblemError(Code.NOT_FOUND, f"No run {uid!r} of {spec.id} is known.")
    return row


async def run(call: Call) -> Reply:
    """One run with its requests."""
    row = await _known_run(call)
    return Reply(m.RunAnswer(run=tell_run(row), answers=tuple(map(_answer, row.answers))))


def _answer(row: AnswerRow) -> m.Answered:
    return m.Answered(
        url=row.url,
        requested=told(int(row.requested_s)),
        received=told(row.received_s),
        status=row.status,
        sha256=row.sha256,
        size_bytes=row.size_bytes,
        not_modified=row.not_modified,
        failure=row.failure,
        failure_detail=row.failure_detail,
        read=row.read,
        stored=row.stored,
        unchanged=row.unchanged,
        revised=row.revised,
        refused=dict(row.refused),
    )


async def refusals(call: Call) -> Reply:
    """What a run refused, and why."""
    row = await _known_run(call)
    kept = await read.refusals(call.service.store, row.uid, limit=limit(call.query))
    listed = tuple(
        m.Refusal(reason=item.reason, where=item.where, detail=item.detail, url=item.url, sha256=item.sha256)
        for item in kept
    )
    return Reply(m.RefusalList(run=row.uid, counts=dict(row.refused), refusals=listed), rows=listed, row=m.Refusal)


async def availability(call: Call) -> Reply:
    """How a feed did over a window; the last day unless told otherwise."""
    spec = known_feed(call.service, call.path["id"])
    begin_s, end_s = window(call.query, p.FROM, p.TO, (call.now_s - _DAY_S, call.now_s + 1))
    rows = await read.runs(call.service.store, spec.id, before_s=end_s, limit=_MOST_RUNS)
    inside = [row for row in reversed(rows) if row.started_s >= begin_s]
    ok = sum(row.state is FeedState.OK for row in inside)
    refused: Counter[str] = Counter()
    for row in inside:
        refused.update(row.refused)
    body = m.Availability(
        feed=spec.id,
        begin=told(begin_s),
        end=told(end_s),
        runs=len(inside),
        by_state=dict(sorted(Counter(str(row.state) for row in inside).items())),
        share_ok=round(ok / len(inside), 4) if inside else None,
        stored=sum(row.stored for row in inside),
        revised=sum(row.revised for row in inside),
        refused=dict(sorted(refused.items())),
        periods=_periods(inside, end_s),
        complete=len(rows) < _MOST_RUNS or len(inside) < len(rows),
    )
    return Reply(body)


def _periods(rows: Sequence[RunRow], end_s: int) -> tuple[m.Period, ...]:
    """Runs in order of time, joined while they end in the same state for the same cause."""
    starts = [
        i for i, row in enumerate(rows) if not i or (row.state, row.cause) != (rows[i - 1].state, rows[i - 1].cause)
    ]
    ends = [*starts[1:], len(rows)] if starts else []
    return tuple(
        m.Period(
            state=rows[i].state,
            cause=rows[i].cause,
            begin=told(rows[i].started_s),
            end=told(rows[j].started_s if j < len(rows) else end_s),
            runs=j - i,
        )
        for i, j in zip(starts, ends, strict=True)
    )


_ONE = {"id": "jp-nra-ramis", "run": "jp-nra-ramis@2026-08-15T00:10:00Z"}
_GONE = (Code.NOT_FOUND,)
OPERATIONS = (
    Operation(
        "GET", "/v1/feeds", feeds, "Feeds and their states", m.FeedList, "feeds", p.PAGE, ("json", "csv", "ndjson")
    ),
    Operation("GET", "/v1/feeds/{id}", feed, "One feed", m.FeedAnswer, "feeds", problems=_GONE, path_examples=_ONE),
    Operation(
        "GET",
        "/v1/feeds/{id}/scorecard",
        scorecard,
        "How good a feed's file is",
        m.Scorecard,
        "feeds",
        (),
        ("json", "csv", "ndjson"),
        _GONE,
        path_examples=_ONE,
    ),
    Operation(
        "GET",
        "/v1/feeds/{id}/runs",
        runs,
        "Runs of a feed, newest first",
        m.RunList,
        "feeds",
        p.PAGE,
        ("json", "csv", "ndjson"),
        _GONE,
        path_examples=_ONE,
    ),
    Operation(
        "GET",
        "/v1/feeds/{id}/runs/{run}",
        run,
        "One run with its requests",
        m.RunAnswer,
        "feeds",
        problems=_GONE,
        path_examples=_ONE,
    ),
    Operation(
        "GET",
        "/v1/feeds/{id}/runs/{run}/refusals",
        refusals,
        "What a run refused",
        m.RefusalList,
        "feeds",
        (p.LIMIT,),
        ("json", "csv", "ndjson"),
        _GONE,
        path_examples=_ONE,
    ),
    Operation(
        "GET",
        "/v1/feeds/{id}/availability",
        availability,
        "How a feed did over a window",
        m.Availability,
        "feeds",
        (p.FROM, p.TO),
        problems=_GONE,
        path_examples=_ONE,
    ),
)
