"""Stable public identifiers, made of what the publisher calls a thing and nothing else (no counters, no insertion order)."""

from __future__ import annotations

import hashlib
import re
import unicodedata

from domain.readings import Layer

_UNSAFE = re.compile(r"[^\w.\-]+")


def slug(key: str) -> str:
    """A key fit for a URL path segment (letters of any script stay); a key that had to be changed carries a digest of itself."""
    normal = unicodedata.normalize("NFC", key)
    safe = _UNSAFE.sub("_", normal)
    if safe == key and safe:
        return safe
    return f"{safe.strip('_') or 'x'}-{hashlib.sha1(key.encode()).hexdigest()[:6]}"


def station_uid(namespace: str, key: str) -> str:
    """`<namespace>:<key>`."""
    return f"{namespace}:{slug(key)}"


def series_uid(
    station: str,
    quantity: str,
    analyte: str,
    medium: str,
    instrument: str = "",
    window_s: int = 0,
    layer: Layer | None = None,
    unit: str = "",
) -> str:
    """`<station>:<quantity>:<medium>[:<analyte>][:i-<instrument>][:w<seconds>][:l-<layer>][:u-<unit>]`, parts that are default left out.

    `unit` enters only where one station publishes one quantity in several units side by side.
    """
    parts = [station, quantity, medium]
    if analyte != "gamma-total":
        parts.append(slug(analyte.replace(":", ".")))
    if instrument:
        parts.append("i-" + slug(instrument))
    if window_s:
        parts.append(f"w{window_s}")
    if layer and layer.label:
        parts.append("l-" + slug(layer.label))
    if unit:
        parts.append("u-" + slug(unit))
    return ":".join(parts)


def digest(*parts: str) -> str:
    """A short stable digest of a natural key, for identifiers of samples, results and bulletins (96 bits)."""
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:24]
