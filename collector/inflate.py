"""Content-Encoding undone by ourselves, so that truncated and explosive bodies end as refusals and memory stays bounded."""

from __future__ import annotations

import zlib

from domain.reasons import Refusal

_STEP = 1 << 20


class CompressionError(Exception):
    """A body that cannot be unpacked; `reason` says whether it is broken or too large."""

    def __init__(self, reason: Refusal, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


def inflate(wire: bytes, encoding: str, max_bytes: int) -> bytes:
    """The body without its Content-Encoding (identity, gzip, deflate); raises CompressionError beyond `max_bytes`."""
    kind = encoding.strip().lower() if wire else ""
    if kind in ("", "identity"):
        return _within(wire, max_bytes)
    if kind in ("gzip", "x-gzip"):
        return _members(wire, max_bytes)
    if kind == "deflate":
        # RFC 9110 says zlib, some servers send the bare stream: a zlib header is recognised by its check bits
        has_header = len(wire) >= 2 and (wire[0] & 0x0F) == 8 and (wire[0] << 8 | wire[1]) % 31 == 0
        return _unpack(wire, zlib.MAX_WBITS if has_header else -zlib.MAX_WBITS, max_bytes)[0]
    raise CompressionError(Refusal.BAD_COMPRESSION, f"content-encoding {kind[:40]!r} was not asked for")


def _members(wire: bytes, max_bytes: int) -> bytes:
    out = b""
    while True:
        body, rest = _unpack(wire, zlib.MAX_WBITS | 16, max_bytes - len(out))
        out += body
        # padding of zeros after the last member is common and harmless
        wire = rest.lstrip(b"\0")
        if not wire:
            return out


def _unpack(wire: bytes, bits: int, max_bytes: int) -> tuple[bytes, bytes]:
    stream = zlib.decompressobj(bits)
    parts: list[bytes] = []
    size, pending = 0, wire
    try:
        while not stream.eof:
            part = stream.decompress(pending, _STEP)
            pending = stream.unconsumed_tail
            size += len(part)
            parts.append(part)
            if size > max_bytes:
                raise CompressionError(Refusal.TOO_LARGE, f"more than {max_bytes} bytes when unpacked")
            if not part and not pending and not stream.eof:
                raise CompressionError(Refusal.BAD_COMPRESSION, f"the stream ends early, after {size} bytes unpacked")
    except zlib.error as error:
        raise CompressionError(Refusal.BAD_COMPRESSION, str(error)) from error
    return b"".join(parts), stream.unused_data


def _within(wire: bytes, max_bytes: int) -> bytes:
    if len(wire) > max_bytes:
        raise CompressionError(Refusal.TOO_LARGE, f"more than {max_bytes} bytes")
    return wire
