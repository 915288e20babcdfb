"""Which network addresses are everybody's: pure rules, for whoever opens sockets on behalf of others (feeds, webhooks).

Checked on the final address of every connection, because a resolver is not asked for literal addresses, and a name may
resolve to something else between a check and the connection.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_NAT64_LOCAL = ipaddress.IPv6Network("64:ff9b:1::/48")
_IPV4_COMPATIBLE = ipaddress.IPv6Network("::/96")
#: Global by the registries or in the eyes of the standard library, and still nobody's business: 6to4 relays, benchmark, AS112 and
#: documentation ranges, deprecated site-local; protocol assignments, of which Python 3.11 knows a part only (a cloud's metadata
#: answers at 192.0.0.192); and 168.63.129.16, a routable address that one cloud answers itself, to its guests, with their secrets.
_EXTRA: tuple[Network, ...] = tuple(
    ipaddress.ip_network(text)
    for text in (
        "192.0.0.0/24", "192.88.99.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.175.48.0/24", "168.63.129.16/32",
        "fec0::/10", "2001::/23", "2620:4f:8000::/48", "3fff::/20",
    )
)  # fmt: skip
#: Middle of an ISATAP interface identifier (RFC 5214): `::0:5efe:a.b.c.d` under any prefix, with and without the universal bit.
_ISATAP = frozenset({0x0000_5EFE, 0x0200_5EFE})


def unwrapped(address: Address) -> tuple[Address, ...]:
    """The address and every IPv4 address that it carries inside (mapped, compatible, NAT64, 6to4, Teredo, ISATAP)."""
    if isinstance(address, ipaddress.IPv4Address):
        return (address,)
    inside: list[Address] = [address]
    if address.ipv4_mapped:
        inside.append(address.ipv4_mapped)
    if address.sixtofour:
        inside.append(address.sixtofour)
    if address.teredo:
        inside.extend(address.teredo)
    if address in _NAT64 or address in _IPV4_COMPATIBLE or (int(address) >> 32) & 0xFFFF_FFFF in _ISATAP:
        inside.append(ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF))
    return tuple(inside)


def is_forbidden(ip: str | Address) -> bool:
    """Whether a connection to this address must not be made: anything not globally routable, also inside a wrapping form.

    Text that is no address is forbidden too; a zone (`fe80::1%eth0`) is link-local by its nature.
    """
    try:
        address = ipaddress.ip_address(ip.partition("%")[0]) if isinstance(ip, str) else ip
    except ValueError:
        return True
    inside = unwrapped(address)
    if address in _NAT64:
        return any(_not_global(each) for each in inside[1:])
    return any(_not_global(each) for each in inside if not _is_mapped(each))


def allowed_by(ip: str | Address, networks: Iterable[Network]) -> bool:
    """Whether an operator has named a network that holds this address (or the IPv4 address mapped inside it)."""
    try:
        address = ipaddress.ip_address(ip.partition("%")[0]) if isinstance(ip, str) else ip
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return any(each in network for network in networks for each in ((mapped,) if mapped else (address,)))


def _is_mapped(address: Address) -> bool:
    return isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None


def _not_global(address: Address) -> bool:
    if not address.is_global or address.is_multicast or address.is_reserved or address.is_unspecified:
        return True
    if address in _NAT64_LOCAL:
        return True
    return any(address in network for network in _EXTRA)
