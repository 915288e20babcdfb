"""Every way to talk a webhook into the inside, against a listener that stands there: it must never be connected to."""

from __future__ import annotations

import asyncio
import contextlib
import socket

import pytest
from aiohttp.abc import AbstractResolver

from alerting.webhooks.resolve import policy, refusal
from alerting.webhooks.send import HttpSender

LITERALS = [
    "127.0.0.1",
    "127.0.0.2",
    "127.1.2.3",
    "127.255.255.254",
    "0.0.0.0",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "192.0.0.192",
    "198.18.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "240.0.0.1",
    "192.0.2.1",
    "203.0.113.1",
    "168.63.129.16",
]
ODD = [
    "2130706433",
    "0x7f000001",
    "017700000001",
    "0177.0.0.1",
    "0x7f.0.0.1",
    "127.1",
    "127.0.1",
    "0",
    "0x0",
    "00000177.1",
    "0x7f.1",
    "127.0.0.1.",
    "2852039166",
    "0xA9FEA9FE",
    "0251.0376.0251.0376",
    "3232235777",
]
SIXES = [
    "[::1]",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[0:0:0:0:0:ffff:7f00:1]",
    "[::127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[64:ff9b::127.0.0.1]",
    "[64:ff9b:1::7f00:1]",
    "[2002:7f00:1::]",
    "[2001:0:7f00:1::1]",
    "[fe80::1]",
    "[fe80::1%25lo]",
    "[fc00::1]",
    "[fd00:ec2::254]",
    "[ff02::1]",
    "[::ffff:169.254.169.254]",
    "[::ffff:0:127.0.0.1]",
]
NAMES = [
    "localhost",
    "LOCALHOST",
    "localhost.",
    "foo.localhost",
    "metadata.google.internal",
    "printer.local",
    "inside.example",
    "mixed.example",
    "rebinding.example",
    "ⓛocalhost",
    "inside.example.",
]
WRITTEN = [
    "https://public.example@127.0.0.1:{port}/",
    "https://127.0.0.1:{port}@public.example/",
    "https://public.example:{port}@127.0.0.1/",
    "https://public.example\\@127.0.0.1:{port}/",
    "https://127.0.0.1:{port}\\@public.example/",
    "https://127.0.0.1:{port}#@public.example/",
    "https://public.example#@127.0.0.1:{port}/",
    "https://127。0。0。1:{port}/",
    "https://①②⑦.0.0.1:{port}/",
    "https:127.0.0.1:{port}/",
    "https:///127.0.0.1:{port}/",
    "//127.0.0.1:{port}/",
    "http://127.0.0.1:{port}/",
    "ftp://127.0.0.1:{port}/",
    "file:///etc/passwd",
    "gopher://127.0.0.1:{port}/x",
    "https://127.0.0.1%00.public.example:{port}/",
    "https://127.0.0.1:{port} .public.example/",
    "https://public.example:22/",
    "https://[::1]:{port}/?x=https://public.example/",
    "https://%31%32%37.0.0.1:{port}/",
]
TARGETS = (
    [f"https://{host}:{{port}}/hook" for host in (*LITERALS, *ODD, *SIXES, *NAMES)]
    + [f"http://{host}:{{port}}/hook" for host in ("127.0.0.1", "localhost", "inside.example")]
    + WRITTEN
)


class Resolver(AbstractResolver):
    """Names of ours: one that lies inside, one with two addresses, one that changes between a check and the connection."""

    def __init__(self):
        self.asked = 0

    async def resolve(self, host, port=0, family=socket.AF_INET):
        self.asked += 1
        inside, public = "127.0.0.1", "203.0.113.7"
        table = {"mixed.example": [public, inside], "rebinding.example": [public if self.asked % 2 else inside]}
        hosts = table.get(host.rstrip("."), [inside])
        return [
            {
                "hostname": host,
                "host": ip,
                "port": port,
                "family": socket.AF_INET,
                "proto": 0,
                "flags": socket.AI_NUMERICHOST,
            }
            for ip in hosts
        ]

    async def close(self):
        pass


@contextlib.asynccontextmanager
async def listening(answer=b""):
    """A listener on every address of this machine; yields its port and the list of connections it got."""
    got = []

    async def connected(reader, writer):
        got.append(writer.get_extra_info("sockname"))
        with contextlib.suppress(Exception):
            await asyncio.wait_for(reader.read(2000), 1)
            writer.write(answer)
            await writer.drain()
        writer.close()

    servers = [await asyncio.start_server(connected, "0.0.0.0", 0)]
    port = servers[0].sockets[0].getsockname()[1]
    with contextlib.suppress(OSError):
        servers.append(await asyncio.start_server(connected, "::", port, family=socket.AF_INET6))
    try:
        yield port, got
    finally:
        for server in servers:
            server.close()


def test_there_are_enough_of_them():
    assert len(set(TARGETS)) >= 80


@pytest.mark.parametrize("networks", [(), ("10.99.0.0/16",)], ids=["nothing opened", "another network opened"])
async def test_no_target_reaches_the_inside(networks):
    async with listening() as (port, got):
        sender = HttpSender(policy(frozenset({443, port}), networks), "test", resolver=Resolver())
        sender.open()
        try:
            for _ in range(2):  # the second time a name may resolve to something else
                for target in TARGETS:
                    answered = await asyncio.wait_for(sender.post(target.format(port=port), {}, b"{}"), 30)
                    assert answered.status == 0, target
        finally:
            await sender.close()
        assert got == []


async def test_a_redirect_is_a_failure_and_is_not_followed():
    async with listening() as (inside, got):
        redirect = f"HTTP/1.1 307 Temporary Redirect\r\nLocation: http://127.0.0.1:{inside}/\r\nContent-Length: 0\r\n\r\n".encode()
        async with listening(redirect) as (outside, reached):
            sender = HttpSender(policy(frozenset({443}), ("127.0.0.2/32",)), "test")
            sender.open()
            answered = await sender.post(f"http://127.0.0.2:{outside}/", {}, b"{}")
            await sender.close()
        assert answered.status == 307 and len(reached) == 1 and got == []


async def test_an_opened_network_is_reached_by_name_and_by_address_over_http():
    ok = b"HTTP/1.1 204 No Content\r\n\r\n"
    async with listening(ok) as (port, got):
        sender = HttpSender(policy(frozenset({443}), ("127.0.0.0/8",)), "test", resolver=Resolver())
        sender.open()
        assert (await sender.post(f"http://127.0.0.1:{port}/", {}, b"{}")).status == 204
        assert (await sender.post(f"http://inside.example:{port}/", {}, b"{}")).status == 204
        await sender.close()
        assert len(got) == 2


def test_with_a_network_opened_the_text_still_refuses_what_no_network_explains():
    own = policy(frozenset({443}), ("10.0.0.0/8",))
    for url in ("https://2130706433/", "https://127.0.0.1/", "https://u@inside.example/", "ftp://inside.example/"):
        assert refusal(url, own)


async def test_what_a_receiver_sends_is_read_up_to_a_bound_only():
    flood = b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n" + b"x" * 200_000
    async with listening(flood) as (port, _):
        sender = HttpSender(policy(frozenset({443}), ("127.0.0.0/8",)), "test")
        sender.open()
        answered = await sender.post(f"http://127.0.0.1:{port}/", {}, b"{}")
        await sender.close()
    assert answered.status == 200 and len(answered.first_bytes) <= 1024
