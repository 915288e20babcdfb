"""Everything that may be asked to open a connection for somebody else, against every address trick we know (tests/alerting/ssrf_table.py)."""

import contextlib
from urllib.parse import quote

import pytest

from alerting.webhooks import send
from alerting.webhooks.resolve import policy
from alerting.webhooks.send import HttpSender
from collector import fetch
from domain.addresses import is_forbidden
from tests.alerting.ssrf_table import (
    HOSTS,
    LITERALS,
    PUBLIC,
    REDIRECTS,
    ROOMS,
    SIXES,
    bare,
    redirecting,
    two_sides,
)


@pytest.fixture
async def sides(monkeypatch):
    async with two_sides(monkeypatch) as both:
        yield both


@pytest.fixture(params=[*ROOMS, "feeds, sockets alone", "webhooks, sockets alone"])
def room(request, monkeypatch):
    """Each room as it is, and with its check of the URL's text taken away: the guard of the sockets must hold alone."""
    if "alone" in request.param:
        monkeypatch.setattr(fetch, "host_is_forbidden", lambda *_, **__: False)
        monkeypatch.setattr(send, "refusal", lambda *_: "")
    return ROOMS[request.param.partition(",")[0]]


def test_the_table_is_long_enough():
    assert len(set(HOSTS)) >= 60
    assert all(is_forbidden(ip) for ip in LITERALS)
    assert all(is_forbidden(ip.strip("[]")) for ip in SIXES)


async def test_a_bare_client_falls_for_nearly_all_of_it(sides):
    fallen = []
    async with bare() as go:
        for host in HOSTS:
            before = await sides.forbidden()
            await go(f"http://{host}/")
            if await sides.forbidden() > before:
                fallen.append(host)
        before = await sides.forbidden()
        for redirect in REDIRECTS:
            await go(redirecting(redirect))
        assert await sides.forbidden() > before
    assert len(fallen) >= 90, sorted(set(HOSTS) - set(fallen))


async def test_no_connection_reaches_a_forbidden_address(sides, room):
    async with room() as go:
        for host in HOSTS:
            for path in ("/", "/?x=" + quote("http://public.example/")):
                if host.startswith("forbidden") or "#@public" in host:
                    # the public half of a mixed answer may be used, never the other one
                    with contextlib.suppress(AssertionError):
                        await go(f"http://{host}{path}")
                else:
                    await go(f"http://{host}{path}")
    assert await sides.forbidden() == 0
    assert set(sides.opened) <= {PUBLIC}


async def test_no_redirect_leads_to_a_forbidden_address(sides, room):
    async with room() as go:
        for redirect in REDIRECTS:
            await go(redirecting(redirect))
    assert sides.arrived[0] == len(REDIRECTS)  # the public side was really asked
    assert await sides.forbidden() == 0


async def test_a_name_that_changes_its_mind_is_not_followed(sides, room):
    """Public when it is looked at, private when it is connected to: whatever was found before, the socket is judged."""
    async with room() as go:
        with contextlib.suppress(AssertionError):
            await go("http://rebind.example/")
        sides.lookups["rebind.example"] = 1
    async with room() as go:  # a new session, as after a restart, with no memory of the first answer
        for _ in range(5):
            await go("http://rebind.example/")
    assert sides.lookups["rebind.example"] > 1
    assert await sides.forbidden() == 0


async def test_webhooks_go_to_the_allowed_ports_and_schemes_only(sides):
    sender = HttpSender(policy(frozenset({443}), ()), "test")
    sender.open()
    try:
        for url in (
            "http://public.example/", "https://public.example:22/", "https://public.example:8443/", "ftp://public.example/", "file:///etc/passwd",
            "gopher://public.example/", "https://u@public.example/", "//public.example/", "https:///x", "https://public.example:99999/", "unix:///run/x",
        ):  # fmt: skip
            answered = await sender.post(url, {}, b"{}")
            assert answered.failure.startswith("refused"), url
        assert sides.opened == []
        await sender.post("https://public.example/", {}, b"{}")
        assert sides.opened == [PUBLIC]  # and what is allowed does go out
    finally:
        await sender.close()
