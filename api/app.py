"""The application: operations on routes, middlewares around them, store, settings and clock passed in. Start reading here."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from functools import lru_cache

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler

from api import params, problems
from api.alert_voice import AlertVoice, Mute
from api.caching import Kept
from api.clocktext import heard
from api.exports import EXPORTS, exporting, exports_of
from api.limits import BUCKETS, Buckets, limit_rate
from api.openapi import document
from api.operation import Call, Operation
from api.pages import add_pages
from api.prepared import Prepared
from api.problems import Code, ProblemError
from api.routes import (
    alert_chart,
    alerts,
    cap,
    exports,
    feeds,
    feeds_of_alerts,
    grids,
    latest,
    log,
    operator,
    quakes,
    regions,
    samples,
    series,
    silences,
    sites,
    sources,
    stations,
    stream,
    subscriptions,
    summaries,
    system,
    twins,
)
from api.service import SERVICE, Service
from api.settings import ApiSettings
from api.steps import keep_hours
from api.targets import TargetCheck, public_https
from api.writing import COMMON, VARY, chosen_format, kept, send, write
from domain.clock import Clock
from specs.loading import Config
from store import read
from store.engine import Store
from store.rows import Filter

OPERATIONS: tuple[Operation, ...] = (
    *system.OPERATIONS,
    *sources.OPERATIONS,
    *feeds.OPERATIONS,
    *operator.OPERATIONS,
    *stations.OPERATIONS,
    *twins.OPERATIONS,
    *series.OPERATIONS,
    *latest.OPERATIONS,
    *samples.OPERATIONS,
    *quakes.OPERATIONS,
    *sites.OPERATIONS,
    *regions.OPERATIONS,
    *summaries.OPERATIONS,
    *grids.OPERATIONS,
    *cap.OPERATIONS,  # before alerts: an id takes every path that nobody has taken
    *feeds_of_alerts.OPERATIONS,
    *alerts.OPERATIONS,
    *silences.OPERATIONS,
    *alert_chart.OPERATIONS,
    *subscriptions.OPERATIONS,
    *log.OPERATIONS,
    *stream.OPERATIONS,
    *exports.OPERATIONS,
)

_OPERATION: web.RequestKey[str] = web.RequestKey("operation", str)
_PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS",
    "Access-Control-Allow-Headers": "Accept, Authorization, Content-Type, If-None-Match, X-Operator",
    "Access-Control-Max-Age": "86400",
}


def create_app(
    store: Store,
    config: Config,
    settings: ApiSettings,
    clock: Clock,
    *,
    target_check: TargetCheck = public_https,
    voice: AlertVoice | None = None,
) -> web.Application:
    """The API over an open store; the caller owns and closes the store. `target_check` says why an address may get no webhooks.

    `voice` puts alerts into CAP, Atom and RSS.
    """
    middlewares = [serve, limit_rate] if settings.requests_per_minute else [serve]
    app = web.Application(middlewares=middlewares, client_max_size=settings.body_limit_bytes)
    app[SERVICE] = Service(store, config, settings, clock, target_check, voice or Mute())
    app[SERVICE].check()
    app[EXPORTS] = exports_of(app[SERVICE])
    app[BUCKETS] = Buckets(settings.requests_per_minute)
    for operation in OPERATIONS:
        handle = _handler(operation)
        if operation.method == "GET":
            app.router.add_get(_route(operation.path), handle, allow_head=True)
        else:
            app.router.add_route(operation.method, _route(operation.path), handle)
    told = openapi_bytes(settings)
    app.router.add_get("/openapi.json", _document(told))
    add_pages(app)
    app.on_shutdown.append(_close)
    app.cleanup_ctx.append(_warm)
    app.cleanup_ctx.append(exporting)
    return app


def _route(path: str) -> str:
    """A path as the router takes it: what stands before the colon of `{id}:pause` is the id, and not the whole of it."""
    return path.replace("{id}", "{id:[^:/{}]+}") if path.startswith("/v1/feeds/") else path


async def _warm(app: web.Application) -> AsyncIterator[None]:
    """Make the baselines of all series, then every hour of every area, while nobody waits for them.

    What fails here is told by the first request that needs it.
    """
    service = app[SERVICE]
    task = asyncio.create_task(_make_ready(service)) if service.settings.warm_up else None
    yield
    if task is not None:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    await service.usual.close()


async def _make_ready(service: Service) -> None:
    await service.usual.of(service.store, await read.latest(service.store, Filter()), service.now_s())
    await keep_hours(service, service.settings.keep_every_s)


async def _close(app: web.Application) -> None:
    """Let go of those who listen, so that stopping does not wait for them."""
    app[SERVICE].closing.set()


def _handler(operation: Operation) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    known, name = (*operation.params, *_format(operation)), operation.id

    async def handle(request: web.Request) -> web.StreamResponse:
        request[_OPERATION] = name
        service = request.app[SERVICE]
        if operation.kept_s and (again := await _asked_before(service, request)) is not None:
            return again
        query = params.read(known, request.query)
        word = operation.formats[0] if operation.media else chosen_format(operation, request, query.values.get("f"))
        body = None if operation.body is None else await _body(operation, request)
        call = Call(service, request, query, dict(request.match_info), service.now_s(), word, body)
        if operation.kept_s:
            return await _from_kept(operation, call)
        reply = await operation.handler(call)
        response = reply if isinstance(reply, web.StreamResponse) else await write(call, reply)
        if operation.deprecated and not response.prepared:
            response.headers["Deprecation"] = f"@{heard(operation.deprecated)}"  # RFC 9745
        return response

    return handle


async def _body(operation: Operation, request: web.Request) -> msgspec.Struct:
    """The body of a request, read as the operation declares it; raises ProblemError 400, 413, 415 or 422."""
    if request.content_type != "application/json":
        raise ProblemError(Code.UNSUPPORTED_MEDIA_TYPE, "Send the body as application/json.", "Content-Type")
    try:
        read: msgspec.Struct = msgspec.json.decode(await request.read(), type=operation.body)
    except msgspec.ValidationError as error:
        raise ProblemError(
            Code.NOT_MEANINGFUL, f"The body does not fit: {error}. /openapi.json has its form."
        ) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ProblemError(Code.BAD_BODY, f"The body is no JSON: {error}.") from error
    return read


async def _asked_before(service: Service, request: web.Request) -> web.StreamResponse | None:
    """The kept answer to a request that was asked in the very same words: it need not be read again, only sent."""
    question = service.kept.asked.get((request.raw_path, request.headers.get("Accept", "")))
    if question is None:
        return None
    found = service.kept.found(question, (await service.pulse()).version, service.now_s())
    return None if found is None else await send(request, found)


async def _from_kept(operation: Operation, call: Call) -> web.StreamResponse:
    """An answer from bytes that are built once per committed batch, and again when `kept_s` have passed."""
    version = (await call.service.pulse()).version
    question = f"{call.route}?{sorted(call.query.raw)}#{call.format}"
    until_s = call.now_s + operation.kept_s
    call.service.kept.remember((call.request.raw_path, call.request.headers.get("Accept", "")), question)

    async def build() -> Kept:
        reply = await operation.handler(call)
        if isinstance(reply, web.StreamResponse):
            raise TypeError(f"{operation.id} streams; it cannot be kept")
        return await kept(reply, call.format, version, until_s)

    return await send(call.request, await call.service.kept.get(question, version, call.now_s, build))


def _format(operation: Operation) -> Sequence[params.Param[str]]:
    return [params.choice("f", operation.formats, "format")] if len(operation.formats) > 1 else []


def _document(told: bytes) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def answer(request: web.Request) -> web.StreamResponse:
        headers = {"Cache-Control": "public, max-age=300", "Vary": VARY}
        return web.Response(body=told, content_type="application/json", headers=headers)

    return answer


@web.middleware
async def serve(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Around every answer: failures become problem details, any page may read (no credentials are involved), and it is counted."""
    began = time.perf_counter()
    if request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers:
        return web.Response(status=204, headers={**COMMON, **_PREFLIGHT})
    try:
        response = await handler(request)
    except Exception as error:  # noqa: BLE001 - the last line of defence: the client gets a trace id, the log the traceback
        response = problems.told(request, error)
    if (
        not isinstance(response, Prepared)
        and not response.prepared
        and "Access-Control-Allow-Origin" not in response.headers
    ):
        response.headers.update(COMMON)
    metrics = request.app[SERVICE].metrics
    metrics.answered(request.get(_OPERATION, "other"), response.status, time.perf_counter() - began)
    return response


@lru_cache(maxsize=4)
def openapi_bytes(settings: ApiSettings) -> bytes:
    """The OpenAPI document as it is served and committed."""
    return msgspec.json.format(msgspec.json.encode(document(OPERATIONS, settings)), indent=1) + b"\n"
