"""Whatever a publisher does on the wire ends as an answer with a reason: a real local server misbehaves in every way we know."""

from __future__ import annotations

import asyncio
import gzip
import ssl
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from collector.archive import ArchiveReader, RawArchive
from collector.fetch import Fetcher, FetchLimits, retry_after_s
from collector.fetched import Fetched
from collector.plan import PlannedRequest
from collector.secrets import Secrets
from domain.clock import SystemClock, VirtualClock
from domain.readings import Answer
from domain.reasons import Refusal

KEY = "very+secret/key=="
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
LIMITS = FetchLimits(
    contact="operator@example.org", connect_s=2, read_s=0.3, total_s=2, max_wire_bytes=1 << 20, max_body_bytes=1 << 21,
    attempts=1, host_requests_per_s=1e6, allow_loopback=True,
)  # fmt: skip


async def body(request: web.Request, text: bytes, **headers: str) -> web.StreamResponse:
    return web.Response(body=text, headers=headers)


async def endless(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    try:
        while True:
            await response.write(bytes(1 << 16))
    except ConnectionError:
        return response


async def huge(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Length": str(2 << 30)})
    await response.prepare(request)
    await response.write(b"[")
    await asyncio.sleep(5)
    return response


async def stalls(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    await response.write(b"[1,")
    await asyncio.sleep(5)
    return response


async def breaks_off(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Length": "1000"})
    await response.prepare(request)
    await response.write(b"[1,")
    assert request.transport
    request.transport.abort()
    return response


def redirect(to: str) -> Handler:
    async def handler(request: web.Request) -> web.StreamResponse:
        return web.Response(status=302, headers={"Location": to.replace("PORT", str(request.url.port))})

    return handler


def says(status: int, **headers: str) -> Handler:
    async def handler(request: web.Request) -> web.StreamResponse:
        return web.Response(
            status=status,
            body=b"<html>no</html>",
            headers={key.replace("_", "-"): value for key, value in headers.items()},
        )

    return handler


def gives(wire: bytes, **headers: str) -> Handler:
    async def handler(request: web.Request) -> web.StreamResponse:
        return web.Response(body=wire, headers={key.replace("_", "-"): value for key, value in headers.items()})

    return handler


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[TestServer]:
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", handler)
    server = TestServer(app)
    await server.start_server(shutdown_timeout=0.01)
    try:
        yield server
    finally:
        await server.close()


def plan(server: TestServer, path: str = "/data.json", **more: object) -> PlannedRequest:
    return PlannedRequest("feed", "GET", str(server.make_url(path)), **more)  # type: ignore[arg-type]


async def fetched(handler: Handler, limits: FetchLimits = LIMITS, **more: object) -> Fetched:
    async with serving(handler) as server, Fetcher(limits, SystemClock(), secrets=Secrets({"KEY": KEY})) as fetcher:
        return await fetcher.fetch(plan(server, **more))


MISBEHAVIOUR: list[tuple[str, Handler, Refusal]] = [
    ("a body that never ends", endless, Refusal.TOO_LARGE),
    ("a body announced as 2 GB", huge, Refusal.TOO_LARGE),
    ("a gzip bomb", gives(gzip.compress(bytes(1 << 22)), Content_Encoding="gzip"), Refusal.TOO_LARGE),
    ("a truncated gzip", gives(gzip.compress(b"x" * 4000)[:-9], Content_Encoding="gzip"), Refusal.BAD_COMPRESSION),
    ("text that calls itself gzip", gives(b"<html>", Content_Encoding="gzip"), Refusal.BAD_COMPRESSION),
    ("an encoding nobody asked for", gives(b"x", Content_Encoding="br"), Refusal.BAD_COMPRESSION),
    ("a body that stalls", stalls, Refusal.TIMEOUT),
    ("a body that breaks off", breaks_off, Refusal.CONNECTION),
    ("forbidden", says(403), Refusal.BLOCKED),
    ("no key", says(401), Refusal.BLOCKED),
    ("too many requests", says(429, Retry_After="120"), Refusal.BLOCKED),
    ("server error", says(500), Refusal.HTTP_STATUS),
    ("not found", says(404), Refusal.HTTP_STATUS),
    ("a redirect elsewhere", redirect("https://example.org/"), Refusal.REDIRECT),
    ("a redirect to a private address", redirect("http://10.0.0.1/"), Refusal.FORBIDDEN_ADDRESS),
    ("a redirect to the metadata service", redirect("http://169.254.169.254/latest/"), Refusal.FORBIDDEN_ADDRESS),
    ("a redirect to a private address in a wrapper", redirect("http://[::ffff:10.0.0.1]/"), Refusal.FORBIDDEN_ADDRESS),
    ("a redirect to nowhere", redirect("http://[bad"), Refusal.REDIRECT),
    ("a redirect to another scheme", redirect("file:///etc/passwd"), Refusal.REDIRECT),
    ("a redirect without a target", says(302), Refusal.REDIRECT),
]


@pytest.mark.parametrize(("what", "handler", "reason"), MISBEHAVIOUR, ids=[row[0] for row in MISBEHAVIOUR])
async def test_misbehaviour_is_a_refusal(what: str, handler: Handler, reason: Refusal) -> None:
    got = await fetched(handler)
    assert got.answer.failure is reason, got.answer.failure_detail
    assert got.body == b""


async def test_an_endless_body_costs_bounded_memory() -> None:
    tracemalloc.start()
    got = await fetched(endless)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert got.answer.failure is Refusal.TOO_LARGE
    assert peak < 8 * LIMITS.max_wire_bytes


async def test_nobody_listens() -> None:
    async with Fetcher(LIMITS, SystemClock()) as fetcher:
        got = await fetcher.fetch(PlannedRequest("feed", "GET", "http://127.0.0.1:9/"))
    assert (got.answer.failure, got.answer.status) == (Refusal.CONNECTION, 0)


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1:9", "[::1]:9", "localhost:9", "10.1.2.3", "192.168.0.1", "169.254.169.254", "[fe80::1]", "0.0.0.0"],
)
async def test_addresses_that_are_not_public_are_never_connected_to(host: str) -> None:
    async with Fetcher(FetchLimits(attempts=1), SystemClock()) as fetcher:
        got = await fetcher.fetch(PlannedRequest("feed", "GET", f"http://{host}/"))
    assert got.answer.failure is Refusal.FORBIDDEN_ADDRESS


async def test_a_name_that_resolves_to_a_private_address_is_refused_where_the_socket_is_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import socket

    async def resolve(*_: object, **__: object) -> list[dict[str, object]]:
        return [
            {
                "hostname": "innocent.example",
                "host": "127.0.0.1",
                "port": 9,
                "family": socket.AF_INET,
                "proto": 0,
                "flags": 0,
            }
        ]

    async with Fetcher(FetchLimits(attempts=1), SystemClock()) as fetcher:
        assert fetcher._session
        monkeypatch.setattr(fetcher._session.connector, "_resolve_host", resolve)
        got = await fetcher.fetch(PlannedRequest("feed", "GET", "http://innocent.example:9/"))
    assert got.answer.failure is Refusal.FORBIDDEN_ADDRESS, got.answer.failure_detail


async def test_certificates_are_verified() -> None:
    app = web.Application()
    app.router.add_get("/data.json", gives(b"{}"))
    server = TestServer(app, scheme="https")
    await server.start_server(ssl=self_signed())
    async with Fetcher(LIMITS, SystemClock()) as fetcher:
        got = await fetcher.fetch(plan(server))
    await server.close()
    assert got.answer.failure is Refusal.TLS


def self_signed() -> ssl.SSLContext:
    import datetime as dt
    import tempfile

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1)).not_valid_after(now + dt.timedelta(days=1)).sign(key, hashes.SHA256())
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "both.pem"
        path.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            + certificate.public_bytes(serialization.Encoding.PEM)
        )
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(path)
    return context


async def test_a_redirect_is_followed_only_to_a_host_that_the_feed_names() -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        if request.path == "/data.json":
            return web.Response(status=301, headers={"Location": "/there.json"})
        assert "X-Key" in request.headers
        return web.Response(body=b"[1]")

    more = {"redirect_hosts": ("127.0.0.1",), "secret_headers": (("X-Key", "KEY"),)}
    got = await fetched(handler, **more)
    assert (got.answer.failure, got.body) == (None, b"[1]")
    assert (await fetched(handler, secret_headers=(("X-Key", "KEY"),))).answer.failure is Refusal.REDIRECT


async def test_we_say_who_we_are_and_ask_for_what_we_can_read() -> None:
    seen: dict[str, str] = {}

    async def handler(request: web.Request) -> web.StreamResponse:
        seen.update(request.headers)
        return web.Response(body=b"{}", headers={"Set-Cookie": "a=b", "X-Powered-By": "x", "ETag": '"1"'})

    got = await fetched(handler)
    assert "operator@example.org" in seen["User-Agent"]
    assert seen["Accept-Encoding"] == "gzip, deflate"
    assert dict(got.answer.headers).keys() == {"content-length", "content-type", "date", "etag"}


def everything_in(folder: Path) -> bytes:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return b"".join(gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes() for path in files)


async def test_a_secret_goes_out_once_encoded_and_never_comes_back(tmp_path: Path) -> None:
    seen: list[str] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        seen.append(request.query["serviceKey"])
        text = f"<error>{request.query['serviceKey']} {request.raw_path}</error>".encode()
        return web.Response(
            body=gzip.compress(text), headers={"Content-Encoding": "gzip", "Location": request.raw_path}
        )

    got = await fetched(handler, secret_query=(("serviceKey", "KEY"),))
    assert seen == [KEY]
    archive = RawArchive(tmp_path)
    archive.put(got.answer, got.wire)
    archive.close()
    kept = everything_in(tmp_path) + repr(got).encode()
    for spelling in (KEY, "very%2Bsecret%2Fkey%3D%3D", "very+secret"):
        assert spelling.encode() not in kept
    assert b"***" in next(iter(ArchiveReader([tmp_path]))).body


async def test_a_missing_secret_is_a_refusal_and_no_request() -> None:
    got = await fetched(says(500), secret_query=(("serviceKey", "NOT_SET"),))
    assert (got.answer.failure, got.answer.status) == (Refusal.SECRET_MISSING, 0)
    assert "NOT_SET" in got.answer.failure_detail


async def test_only_what_changed_is_asked_for_once_an_answer_is_committed() -> None:
    conditions: list[str | None] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        conditions.append(request.headers.get("If-None-Match"))
        if request.headers.get("If-None-Match") == '"v1"':
            return web.Response(status=304)
        return web.Response(body=b"{}", headers={"ETag": '"v1"'})

    async with serving(handler) as server, Fetcher(LIMITS, SystemClock()) as fetcher:
        first = await fetcher.fetch(plan(server))
        await fetcher.fetch(plan(server))
        fetcher.committed(first.answer)
        third = await fetcher.fetch(plan(server))
    assert conditions == [None, None, '"v1"']
    assert (third.answer.not_modified, third.answer.failure, third.body) == (True, None, b"")


async def test_passing_failures_are_asked_again_with_growing_pauses_and_no_more_than_agreed() -> None:
    slept: list[float] = []
    tries = 0

    async def handler(request: web.Request) -> web.StreamResponse:
        nonlocal tries
        tries += 1
        return web.Response(status=503, headers={"Retry-After": "7"} if tries == 2 else {})

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    limits = FetchLimits(attempts=3, backoff_s=2, host_requests_per_s=1e6, allow_loopback=True)
    async with serving(handler) as server, Fetcher(limits, SystemClock(), sleep=sleep) as fetcher:
        got = await fetcher.fetch(plan(server))
    assert (got.answer.failure, tries, slept) == (Refusal.HTTP_STATUS, 3, [2.0, 7.0])


@pytest.mark.parametrize("handler", [says(403), says(429), says(404), says(503, Retry_After="3600")])
async def test_a_no_is_not_asked_again(handler: Handler) -> None:
    tries = 0

    async def counting(request: web.Request) -> web.StreamResponse:
        nonlocal tries
        tries += 1
        return await handler(request)

    await fetched(counting, FetchLimits(attempts=3, backoff_s=0, host_requests_per_s=1e6, allow_loopback=True))
    assert tries == 1


async def test_a_host_that_asks_for_quiet_is_left_alone_until_then() -> None:
    tries = 0

    async def handler(request: web.Request) -> web.StreamResponse:
        nonlocal tries
        tries += 1
        return web.Response(status=429, headers={"Retry-After": "600"})

    clock = VirtualClock(1000.0)
    async with serving(handler) as server, Fetcher(LIMITS, clock) as fetcher:
        await fetcher.fetch(plan(server))
        got = await fetcher.fetch(plan(server, "/other.json"))
        assert (tries, got.answer.failure) == (1, Refusal.BLOCKED)
        clock.advance_to(1601.0)
        await fetcher.fetch(plan(server))
    assert tries == 2


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("120", 120),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("Thu, 01 Jan 1970 00:20:00 GMT", 200),
        ("99999999", 86400),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
    ],
)
def test_retry_after_is_a_number_or_a_date(text: str, seconds: float | None) -> None:
    answer = Answer("f", "GET", "https://x/", 0, 0, 429, (("retry-after", text),))
    assert retry_after_s(answer, 1000.0) == seconds


@pytest.mark.parametrize("url", ["http://a\\b.example/x", "http://exa mple/x", "http://[::1/x", "http://host:99999/"])
async def test_an_address_that_is_none_is_a_refusal_and_no_exception(url: str) -> None:
    async with Fetcher(LIMITS, SystemClock()) as fetcher:
        found = await fetcher.fetch(PlannedRequest("feed", "GET", url))
    assert found.answer.failure in (Refusal.FORBIDDEN_ADDRESS, Refusal.CONNECTION)
    assert found.answer.status == 0
