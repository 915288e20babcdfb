"""Content codings: what the client accepts, and bytes compressed that way. The same bytes always compress to the same bytes."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

import brotli
import zstandard

#: Bodies from which compression is worth its time.
COMPRESS_FROM = 1024
#: Quality of Brotli: 5 takes about as long as gzip and is smaller; the highest ones take seconds for a country.
_BROTLI = 5


def _gzip(body: bytes) -> bytes:
    """Without a time in its header, so that the same answer is the same bytes."""
    return gzip.compress(body, 6, mtime=0)


def _zstd(body: bytes) -> bytes:
    return zstandard.ZstdCompressor(level=3).compress(body)


def _br(body: bytes) -> bytes:
    return bytes(brotli.compress(body, quality=_BROTLI))


#: Coding -> compressor, the one that is taken first among equals.
CODINGS: Mapping[str, Callable[[bytes], bytes]] = {"zstd": _zstd, "br": _br, "gzip": _gzip}


@lru_cache(maxsize=256)
def chosen(accept_encoding: str) -> str:
    """The coding to answer an Accept-Encoding header with: the one of the highest quality that we have, "" for none (RFC 9110)."""
    qualities: dict[str, float] = {}
    for part in accept_encoding.lower().split(","):
        name, *options = (item.strip() for item in part.split(";"))
        qualities[name] = _quality(options)
    rest = qualities.get("*", 0.0)
    best = max(CODINGS, key=lambda name: qualities.get(name, rest))
    wanted = qualities.get(best, rest)
    return best if wanted > 0.0 and wanted >= qualities.get("identity", 0.0) else ""


def _quality(options: list[str]) -> float:
    for option in options:
        if option.startswith("q="):
            try:
                return float(option[2:])
            except ValueError:
                return 0.0
    return 1.0


def compressed(body: bytes, coding: str) -> bytes:
    """The body in a coding; as it is where that is "" or the body too small."""
    return CODINGS[coding](body) if coding and len(body) >= COMPRESS_FROM else body


@dataclass(frozen=True, slots=True)
class Flow:
    """A coding for bytes that come part by part: `take` a part, and `end` with what is left."""

    take: Callable[[bytes], bytes]
    end: Callable[[], bytes]


def flow(coding: str) -> Flow:
    """A fresh flow in a coding; "" hands the parts on as they are."""
    if coding == "br":
        brotlied = brotli.Compressor(quality=_BROTLI)
        return Flow(brotlied.process, brotlied.finish)
    if coding == "zstd":
        standard = zstandard.ZstdCompressor(level=3).compressobj()
        return Flow(standard.compress, standard.flush)
    if coding == "gzip":
        zipped = zlib.compressobj(6, wbits=16 + zlib.MAX_WBITS)
        return Flow(zipped.compress, zipped.flush)
    return Flow(bytes, bytes)
