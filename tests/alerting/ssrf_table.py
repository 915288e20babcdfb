"""Everything that may be asked to open a connection for somebody else, against every address trick we know.

Real listeners stand on both sides. Each connection that is opened anywhere is led to one of them, by the address that it
would have gone to: a public one to the public side, any other to the forbidden side. So nothing leaves this machine, and
what a hole would have reached is counted where it would have arrived. A bare client walks the same table first: it shows
that the table bites.
"""

import asyncio
import contextlib
import socket
from dataclasses import dataclass, field

import aiohttp
from aiohttp.abc import AbstractResolver

from alerting import plainpost
from alerting.webhooks.resolve import policy
from alerting.webhooks.send import HttpSender
from collector.fetch import Fetcher, FetchLimits
from collector.plan import PlannedRequest
from domain.clock import VirtualClock
from tests.alerting.cap_made import VOICE, made

PUBLIC = "93.184.216.34"

NAMES = {
    "public.example": [PUBLIC], "localhost": ["127.0.0.1", "::1"], "foo.localhost": ["127.0.0.1"], "private.example": ["10.0.0.1"],
    "loop.example": ["127.0.0.1"], "meta.example": ["169.254.169.254"], "six.example": ["::1"], "mapped.example": ["::ffff:127.0.0.1"],
    "nat64.example": ["64:ff9b::7f00:1"], "cgnat.example": ["100.64.1.1"], "zero.example": ["0.0.0.0"], "ula.example": ["fd12::1"],
    "metadata.google.internal": ["169.254.169.254"], "127.0.0.1.nip.example": ["127.0.0.1"], "linklocal.example": ["fe80::1"],
    "sixtofour.example": ["2002:7f00:1::1"], "teredo.example": ["2001:0:7f00:1::1"], "isatap.example": ["2606:4700::5efe:a00:1"],
    "forbiddenfirst.example": ["127.0.0.1", PUBLIC], "forbiddenlast.example": [PUBLIC, "10.0.0.1"], "multicast.example": ["224.0.0.251"],
}  # fmt: skip

LITERALS = [
    "127.0.0.1", "127.1.2.3", "0.0.0.0", "10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.254", "192.168.0.1", "169.254.169.254",
    "169.254.170.2", "100.64.0.1", "100.100.100.200", "192.0.0.192", "192.0.0.8", "192.0.2.1", "198.18.0.1", "198.19.255.1", "198.51.100.1",
    "203.0.113.1", "192.88.99.1", "168.63.129.16", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255",
]  # fmt: skip
ODD_SPELLINGS = [
    "2130706433", "017700000001", "0x7f000001", "0x7F.1", "127.1", "127.0.1", "0177.0.0.1", "0x7f.0x0.0x0.0x1", "00000177.0.0.1", "0", "0x0",
    "127.0.0.1.", "2852039166", "0xa9fea9fe", "0251.0376.0251.0376", "0xa.1", "012.0.0.1",
]  # fmt: skip
SIXES = [
    "[::1]", "[::]", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:ffff:7f00:1]", "[::ffff:169.254.169.254]",
    "[::ffff:10.0.0.1]", "[::127.0.0.1]", "[::ffff:0:7f00:1]", "[64:ff9b::7f00:1]", "[64:ff9b::169.254.169.254]", "[64:ff9b::10.0.0.1]",
    "[64:ff9b:1::7f00:1]", "[2002:7f00:1::1]", "[2002:a9fe:a9fe::1]", "[2002:c0a8:1::]", "[2001:0:7f00:1::1]",
    "[2001:0:4136:e378:8000:63bf:80ff:fffe]", "[fe80::1]", "[fc00::1]", "[fd00:ec2::254]", "[fec0::1]", "[ff02::1]", "[2001:db8::1]",
    "[3fff::1]", "[100::1]", "[2606:4700::5efe:7f00:1]", "[2606:4700::200:5efe:c0a8:1]", "[2620:4f:8000::1]", "[5f00::1]",
]  # fmt: skip
TRICKS = [
    "public.example@127.0.0.1", "user:pw@127.0.0.1", "public.example:80@127.0.0.1", "public.example%2f@127.0.0.1", "127.0.0.1\\@public.example",
    "127.0.0.1#@public.example", "127。0。0。1", "127．0．0．1", "127｡0｡0｡1", "１２７.０.０.１", "ⓛocalhost", "LOCALHOST", "localhost.",
    "loop.example.", "LOOP.example", "127.0.0.1:22", "[::1]:6379", "private.example:8443", "loop.example:65535", "[fe80::1%25lo]",
]  # fmt: skip
HOSTS = [*LITERALS, *ODD_SPELLINGS, *SIXES, *(name for name in NAMES if name != "public.example"), *TRICKS]
REDIRECTS = [
    f"{code} {location}"
    for code in (301, 302, 303, 307, 308)
    for location in (
        "http://127.0.0.1/",
        "//127.0.0.1/",
        "http://2130706433/",
        "http://[::1]/x",
        "http://loop.example/",
        "http://public.example@10.0.0.1/",
        "file:///etc/passwd",
    )
]


@dataclass
class Sides:
    """The two listeners, and the addresses that connections were opened to."""

    public_port: int = 0
    forbidden_port: int = 0
    arrived: list[int] = field(default_factory=lambda: [0, 0])
    opened: list[str] = field(default_factory=list)
    lookups: dict[str, int] = field(default_factory=dict)
    seen: asyncio.Event = field(default_factory=asyncio.Event)

    async def forbidden(self) -> int:
        """Connections that arrived on the forbidden side until now: a connection of our own goes behind them in the queue."""
        self.seen.clear()
        _, writer = await asyncio.open_connection("127.0.0.1", self.forbidden_port)
        writer.write(b"GET /mine HTTP/1.1\r\n\r\n")
        await writer.drain()
        await asyncio.wait_for(self.seen.wait(), 10)
        writer.close()
        self.arrived[1] -= 1
        return self.arrived[1]


class Answers(AbstractResolver):
    """Names of the table; odd spellings of numbers as the C library reads them; `rebind.example` changes its mind after the first question."""

    sides: Sides

    async def resolve(self, host, port=0, family=socket.AF_UNSPEC):
        asked = self.sides.lookups[host] = self.sides.lookups.get(host, 0) + 1
        name = host.lower().rstrip(".")
        if name == "rebind.example":
            found = [PUBLIC] if asked == 1 else ["127.0.0.1"]
        elif name in NAMES:
            found = NAMES[name]
        else:
            try:
                found = [socket.inet_ntoa(socket.inet_aton(name))]
            except OSError as error:
                raise OSError(socket.EAI_NONAME, f"no such name {host}") from error
        return [
            {
                "hostname": host,
                "host": ip,
                "port": port,
                "family": socket.AF_INET6 if ":" in ip else socket.AF_INET,
                "proto": 0,
                "flags": socket.AI_NUMERICHOST,
            }
            for ip in found
        ]

    async def close(self):
        pass


@contextlib.asynccontextmanager
async def two_sides(monkeypatch):
    """Both listeners, with every connection of this process led to one of them."""
    both = Sides()

    async def answer(side, reader, writer):
        both.arrived[side] += 1
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            line = await reader.readline()
            if b"/mine" in line:
                both.seen.set()
            words = line.decode("latin-1").split(" ")
            code, _, location = (
                bytes.fromhex(words[1].partition("?to=")[2] if len(words) > 1 and "?to=" in words[1] else "")
                .decode()
                .partition(" ")
            )
            head = f"HTTP/1.1 {code} Moved\r\nLocation: {location}\r\n" if code else "HTTP/1.1 200 OK\r\n"
            writer.write(head.encode() + b"Content-Length: 2\r\nConnection: close\r\n\r\nok")
            await writer.drain()
        writer.close()

    servers = [
        await asyncio.start_server(lambda r, w, side=side: answer(side, r, w), "127.0.0.1", 0) for side in (0, 1)
    ]
    both.public_port, both.forbidden_port = (server.sockets[0].getsockname()[1] for server in servers)
    connect = asyncio.SelectorEventLoop.sock_connect

    async def led(loop, sock, address):
        both.opened.append(address[0])
        # by our own table of public addresses, not by the rule that is under test
        port = both.public_port if address[0] == PUBLIC else both.forbidden_port
        await connect(loop, sock, ("::ffff:127.0.0.1" if sock.family == socket.AF_INET6 else "127.0.0.1", port))

    class Mine(Answers):
        sides = both

        def __init__(self, *_, **__):
            pass

    monkeypatch.setattr("aiohttp.connector.DefaultResolver", Mine)
    plain = asyncio.open_connection

    async def unled(host, port):
        sock = socket.socket()
        sock.setblocking(False)
        await connect(asyncio.get_running_loop(), sock, (host, port))
        return await plain(sock=sock)

    monkeypatch.setattr(asyncio, "open_connection", unled)
    monkeypatch.setattr(asyncio.SelectorEventLoop, "sock_connect", led)
    yield both
    for server in servers:
        server.close()


@contextlib.asynccontextmanager
async def bare():
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session:

        async def go(url):
            with contextlib.suppress(aiohttp.ClientError, OSError, ValueError, TimeoutError):
                await (await session.get(url)).read()

        yield go


@contextlib.asynccontextmanager
async def feeds():
    limits = FetchLimits(attempts=1, host_requests_per_s=1e6, connect_s=5, read_s=5, total_s=5)
    async with Fetcher(limits, VirtualClock(1.79e9)) as fetcher:

        async def go(url):
            # a feed file that itself names the forbidden host as one to be redirected to opens nothing
            hosts = ("127.0.0.1", "::1", "loop.example", "2130706433", "10.0.0.1")
            # an address that is none is a mistake of the operator's file, and may be said as one
            with contextlib.suppress(ValueError):
                fetched = await fetcher.fetch(PlannedRequest("f", "GET", url, redirect_hosts=hosts))
                assert fetched.answer.failure is not None

        yield go


@contextlib.asynccontextmanager
async def webhooks():
    # the operator has opened every port, and one public address over http so that redirects of it can be seen
    sender = HttpSender(policy(frozenset(range(65_536)), (f"{PUBLIC}/32",)), "test")
    sender.open()

    async def go(url):
        answered = await sender.post(url if PUBLIC in url else url.replace("http://", "https://", 1), {}, b"{}")
        assert not 200 <= answered.status < 300

    try:
        yield go
    finally:
        await sender.close()


@contextlib.asynccontextmanager
async def plain_posts():
    sender = HttpSender(policy(frozenset(range(65_536)), (f"{PUBLIC}/32",)), "test")
    sender.open()

    async def go(url):
        secure = url if PUBLIC in url else url.replace("http://", "https://", 1)
        answered = await plainpost.post(sender, plainpost.build(made(), VOICE, secure))
        assert not 200 <= answered.status < 300

    try:
        yield go
    finally:
        await sender.close()


ROOMS = {"feeds": feeds, "webhooks": webhooks, "plain posts": plain_posts}


def redirecting(redirect):
    return f"http://{PUBLIC}/r?to={redirect.encode().hex()}"
