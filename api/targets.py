"""Receivers of webhooks: what can be refused by looking at the address alone. The sender checks what it resolves to, at every attempt."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable

from yarl import URL

from domain.addresses import is_forbidden

#: Why a target may not be used; "" when it may.
TargetCheck = Callable[[str], str]
_MAIL = re.compile(r"mailto:[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,250}[A-Za-z0-9])?")
_LOCAL = (".local", ".internal", ".localhost", ".home.arpa")


def public_https(url: str) -> str:
    """Refuse everything but https to a public host, without credentials in the address, and `mailto:` with one plain address."""
    if url.startswith("mailto:"):
        return "" if _MAIL.fullmatch(url) and ".." not in url else "not one plain mail address"
    try:
        target = URL(url)
        host = target.host or ""
    except ValueError:
        return "the address cannot be read"
    if target.scheme != "https" or not host:
        return "a receiver is an https address"
    if target.user is not None or target.password is not None:
        return "an address must not carry credentials"
    if host == "localhost" or host.endswith(_LOCAL) or _is_private(host):
        return "a receiver must have a public address"
    return ""


def _is_private(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return is_forbidden(host)
