"""Where a webhook may go: judged on the URL as written, and again on the address of every socket, at every attempt.

A resolver alone is not asked for literal addresses, and a name may resolve to something else between a check and the
connection; the socket factory sees the final address each time, so it has the last word.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from yarl import URL

from domain.addresses import Network, allowed_by, is_forbidden

AddressInfo = tuple[int, int, int, str, tuple[Any, ...]]

#: Spellings that the C library's resolver turns into addresses although they are no dotted quad (0x7f.1, 017700000001, 127.1).
_NUMBERS_ONLY = re.compile(r"^(0x[0-9a-f]*|[0-9]+)(\.(0x[0-9a-f]*|[0-9]+))*\.?$", re.IGNORECASE)
_MOST_CHARACTERS = 2048


class ForbiddenTarget(OSError):
    """A socket to an address that no webhook may reach."""


@dataclass(frozen=True, slots=True)
class TargetPolicy:
    """HTTPS on the allowed ports to public addresses; `networks` are private ones that the operator has opened, any port, http too.

    With a network opened, a name may turn out to lie in it: then the sockets decide about port and scheme, not the text.
    """

    ports: frozenset[int] = frozenset({443})
    networks: tuple[Network, ...] = ()

    def opened(self, ip: str) -> bool:
        """Whether the operator has opened this address."""
        return allowed_by(ip, self.networks)


def policy(ports: frozenset[int], networks: tuple[str, ...]) -> TargetPolicy:
    """A policy from an operator's words; raises ValueError for a network that is none."""
    return TargetPolicy(ports, tuple(ipaddress.ip_network(text) for text in networks))


def refusal(url: str, allowed: TargetPolicy) -> str:
    """Why a URL is no target, in words; "" when nothing in its text speaks against it (names are judged when a socket opens)."""
    if len(url) > _MOST_CHARACTERS or any(c.isspace() or ord(c) < 32 or c == "\\" for c in url):
        return "the URL is too long or holds spaces, control characters or a backslash"
    try:
        parsed = URL(url)
        port = parsed.port
    except ValueError:
        return "not a URL"
    host = (parsed.host or "").lower()
    if parsed.scheme not in ("https", "http") or not host:
        return "the URL must start with https:// and name a host"
    if parsed.user is not None or parsed.password is not None or "@" in parsed.raw_authority:
        return "the URL must not carry a user name"
    if allowed.opened(host) or (allowed.networks and not _is_address(host) and not _NUMBERS_ONLY.match(host)):
        return ""
    return _of_host(host) or _of_way(parsed.scheme, port, host, allowed)


def _of_host(host: str) -> str:
    if _is_address(host):
        return "the address is not a public one" if is_forbidden(host) else ""
    if _NUMBERS_ONLY.match(host):
        return "the host is a number in an unusual spelling"
    if host.rstrip(".") == "localhost" or host.rstrip(".").endswith((".localhost", ".local", ".internal")):
        return "the host is a local name"
    return ""


def _of_way(scheme: str, port: int | None, host: str, allowed: TargetPolicy) -> str:
    if scheme != "https":
        return f"{host} must be reached by https"
    return "" if port in allowed.ports else f"port {port} is not allowed"


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True


def guarded(allowed: TargetPolicy, *, plain: bool = False) -> Callable[[AddressInfo], socket.socket]:
    """A socket factory for aiohttp's connector; raises ForbiddenTarget before anything is sent.

    `plain` is for http: it reaches opened networks only, because nothing leaves for the public unencrypted.
    """

    def make(info: AddressInfo) -> socket.socket:
        family, kind, protocol, _, where = info
        ip, port = str(where[0]), int(where[1])
        if not allowed.opened(ip):
            if is_forbidden(ip):
                raise ForbiddenTarget(f"{ip} is not a public address")
            if plain or port not in allowed.ports:
                raise ForbiddenTarget(f"{ip} port {port} must be reached by https on an allowed port")
        return socket.socket(family, kind, protocol)

    return make
