"""The service itself: where to begin, whether it lives, whether it can be relied on, its metrics, its document."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from analysis.freshness import BLIND
from api.clocktext import told, told_or_none
from api.drills import tell_drill
from api.models.common import FeedBrief, Instant, Link, Struct
from api.models.feeds import HeldFile
from api.openapi import DISCLAIMER
from api.operation import Call, Operation, Reply
from api.problems import TABLE, Code, ProblemError, type_of
from api.routes.feeds import tell_held
from api.service import Service
from api.telling import feed_brief
from domain.states import FeedState


class Root(Struct, frozen=True, kw_only=True):
    """Where to begin."""

    title: str
    version: str
    contact: str
    audience: str
    generated: Instant
    data_horizon: Instant | None
    exercise: bool
    disclaimer: str
    notices: tuple[HeldFile, ...]
    links: Mapping[str, Link]


class Health(Struct, frozen=True, kw_only=True):
    """The process answers; nothing more is said."""

    status: str


class Readiness(Struct, frozen=True, kw_only=True):
    """Whether answers can be relied on: every critical feed is being read."""

    ready: bool
    generated: Instant
    blind: tuple[FeedBrief, ...]


class ProblemType(Struct, frozen=True, kw_only=True):
    """One kind of problem."""

    code: str
    type: str
    status: int
    title: str


class ProblemTypes(Struct, frozen=True, kw_only=True):
    """Every kind of problem that an answer may tell."""

    problems: tuple[ProblemType, ...]


_LINKS = (
    "sources",
    "feeds",
    "stations",
    "series",
    "observations",
    "latest",
    "samples",
    "quakes",
    "regions",
    "sites",
    "alerts",
    "alert-rules",
    "stream",
    "problems",
)


async def root(call: Call) -> Reply:
    """Links, version, how far the data reach, and what this service is not."""
    health = (await call.service.pulse()).health
    horizon = max((row.last_success_s for row in health.values() if row.last_success_s is not None), default=None)
    settings = call.service.settings
    links = {name: f"/v1/{name}" for name in _LINKS} | {
        "openapi": "/openapi.json",
        "docs": "/docs",
        "log": "/v1/log/head",
        "page": "/",
        "ready": "/readyz",
    }
    body = Root(
        title=settings.title,
        version=settings.version,
        contact=settings.contact,
        audience=call.service.audience,
        generated=told(call.now_s),
        data_horizon=told_or_none(horizon),
        exercise=any(feed.exercise for feed in call.service.config.feeds),
        disclaimer=DISCLAIMER,
        notices=tell_held(call.service.config),
        links=links,
    )
    return Reply(body)


async def healthz(call: Call) -> Reply:
    """The process lives."""
    return Reply(Health(status="ok"))


async def readyz(call: Call) -> Reply:
    """503 while a feed declared critical is blind: then silence here must not be read as calm."""
    health = (await call.service.pulse()).health
    blind = []
    for feed in call.service.config.feeds:
        record = health.get(feed.id)
        state = record.state if record else FeedState.NEVER_RUN
        if (
            feed.critical
            and feed.enabled
            and (
                state in BLIND
                or _overdue(record.last_success_s if record else None, feed.schedule.silent_after_s, call.now_s)
            )
        ):
            blind.append(feed_brief(feed.id, record))
    body = Readiness(ready=not blind, generated=told(call.now_s), blind=tuple(blind))
    return Reply(body, status=503 if blind else 200)


def _overdue(last_success_s: int | None, allowed_s: int, now_s: int) -> bool:
    """A collector that has died leaves its last good state behind; the clock tells."""
    return last_success_s is None or now_s - last_success_s > allowed_s


async def metrics(call: Call) -> web.StreamResponse:
    """Prometheus metrics of this process and of the feeds."""
    registry = await _gauges(call.service)
    return web.Response(body=generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})


async def _gauges(service: Service) -> CollectorRegistry:
    """The registry of a service with its gauges brought up to now."""
    metrics, health, now_s = service.metrics, (await service.pulse()).health, service.now_s()
    metrics.age.clear()
    metrics.success.clear()
    metrics.held.clear()
    for file in service.config.held:
        metrics.held.labels(file.name).set(1)
    for feed in service.config.feeds:
        record = health.get(feed.id)
        current = record.state if record else FeedState.NEVER_RUN
        for state in FeedState:
            metrics.state.labels(feed.id, state).set(state is current)
        metrics.critical.labels(feed.id).set(feed.critical)
        if record and record.last_new_s is not None:
            metrics.age.labels(feed.id).set(now_s - record.last_new_s)
        if record and record.last_success_s is not None:
            metrics.success.labels(feed.id).set(now_s - record.last_success_s)
    await tell_drill(metrics, service.store, now_s)
    return metrics.registry


async def problem_types(call: Call) -> Reply:
    """Every kind of problem."""
    rows = tuple(
        ProblemType(code=code, type=type_of(code), status=status, title=title)
        for code, (status, title) in TABLE.items()
    )
    return Reply(ProblemTypes(problems=rows), rows=rows, max_age_s=3600)


async def problem_type(call: Call) -> Reply:
    """One kind of problem; the `type` of problem details leads here."""
    code = call.path["code"]
    if code not in set(Code):
        raise ProblemError(Code.NOT_FOUND, f"No problem {code!r} is known.")
    status, title = TABLE[Code(code)]
    return Reply(ProblemType(code=code, type=type_of(Code(code)), status=status, title=title), max_age_s=3600)


OPERATIONS = (
    Operation("GET", "/v1/", root, "Where to begin", Root, "service"),
    Operation("GET", "/v1/problems", problem_types, "Kinds of problems", ProblemTypes, "service"),
    Operation(
        "GET",
        "/v1/problems/{code}",
        problem_type,
        "One kind of problem",
        ProblemType,
        "service",
        problems=(Code.NOT_FOUND,),
        path_examples={"code": "naive_time"},
    ),
    Operation("GET", "/healthz", healthz, "The process lives", Health, "service"),
    Operation("GET", "/readyz", readyz, "Answers can be relied on", Readiness, "service", statuses=(503,)),
    Operation("GET", "/metrics", metrics, "Prometheus metrics", None, "service", media="text/plain"),
)
