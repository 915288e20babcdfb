"""Keeps fetches to public addresses (rules: domain/addresses.py), where the socket is made: that sees the address really used."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable
from typing import Any

from domain.addresses import allowed_by, is_forbidden

AddressInfo = tuple[int | socket.AddressFamily, int | socket.SocketKind, int, str, tuple[Any, ...]]

_LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128"))


class ForbiddenAddressError(OSError):
    """A connection to an address that is not public."""


def is_literal(host: str) -> bool:
    """Whether the host part of a URL spells out an address instead of a name."""
    try:
        ipaddress.ip_address(_bare(host))
    except ValueError:
        return False
    return True


def host_is_loopback(host: str) -> bool:
    """Whether a host part means this machine."""
    return host == "localhost" or (is_literal(host) and allowed_by(_bare(host), _LOOPBACK))


def host_is_forbidden(host: str, *, allow_loopback: bool) -> bool:
    """Whether a host part alone shows that it must not be connected to (names are judged when they are resolved)."""
    name = host.rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return not allow_loopback
    return is_literal(host) and _refused(_bare(host), allow_loopback=allow_loopback)


def guarded_socket_factory(*, allow_loopback: bool) -> Callable[[AddressInfo], socket.socket]:
    """A socket factory for aiohttp's connector that raises ForbiddenAddressError before anything is sent."""

    def make(info: AddressInfo) -> socket.socket:
        family, kind, protocol, _, where = info
        if _refused(str(where[0]), allow_loopback=allow_loopback):
            raise ForbiddenAddressError(f"{where[0]} is not a public address")
        return socket.socket(family, kind, protocol)

    return make


def _bare(host: str) -> str:
    return host.strip("[]").partition("%")[0]


def _refused(address: str, *, allow_loopback: bool) -> bool:
    return is_forbidden(address) and not (allow_loopback and allowed_by(address, _LOOPBACK))
