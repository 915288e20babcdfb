"""Which network addresses a fetch may connect to: only public ones, judged on the final address of every connection.

A custom resolver is not asked for literal addresses, and a name may resolve differently from one moment to the next; so the
check sits where the socket is made, which sees the address that is really used.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable
from typing import Any

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
AddressInfo = tuple[int, int, int, str, tuple[Any, ...]]

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_NAT64_LOCAL = ipaddress.ip_network("64:ff9b:1::/48")


class ForbiddenAddressError(OSError):
    """A connection to an address that is not public."""


def is_public(address: Address) -> bool:
    """Whether an address is reachable by everybody; wrapped IPv4 addresses are judged by what they wrap."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = _unwrapped(address)
        if inner is not None:
            return is_public(inner)
        if address in _NAT64_LOCAL:
            return False
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


def _unwrapped(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    if address.ipv4_mapped:
        return address.ipv4_mapped
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    if address.sixtofour:
        return address.sixtofour
    return address.teredo[1] if address.teredo else None


def literal(host: str) -> Address | None:
    """The address that a host part of a URL spells out, None for a name."""
    try:
        return ipaddress.ip_address(host.strip("[]").split("%", 1)[0])
    except ValueError:
        return None


def host_is_forbidden(host: str, *, allow_loopback: bool) -> bool:
    """Whether a host part alone shows that it must not be connected to (names are judged when they are resolved)."""
    if host.rstrip(".").lower() == "localhost" or host.lower().endswith(".localhost"):
        return not allow_loopback
    address = literal(host)
    return address is not None and not _allowed(address, allow_loopback=allow_loopback)


def guarded_socket_factory(*, allow_loopback: bool) -> Callable[[AddressInfo], socket.socket]:
    """A socket factory for aiohttp's connector that raises ForbiddenAddressError before anything is sent."""

    def make(info: AddressInfo) -> socket.socket:
        family, kind, protocol, _, where = info
        address = ipaddress.ip_address(str(where[0]).split("%", 1)[0])
        if not _allowed(address, allow_loopback=allow_loopback):
            raise ForbiddenAddressError(f"{address} is not a public address")
        return socket.socket(family, kind, protocol)

    return make


def _allowed(address: Address, *, allow_loopback: bool) -> bool:
    return is_public(address) or (allow_loopback and address.is_loopback)
