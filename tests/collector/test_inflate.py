"""Compressed bodies: whole ones come out, broken and explosive ones are refused within bounded memory."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.inflate import CompressionError, inflate
from domain.reasons import Refusal

TEXT = b"0.0281," * 4000
LIMIT = 1 << 20


def bare(data: bytes) -> bytes:
    stream = zlib.compressobj(wbits=-15)
    return stream.compress(data) + stream.flush()


@pytest.mark.parametrize(
    ("wire", "encoding"),
    [
        (TEXT, ""), (TEXT, "identity"), (gzip.compress(TEXT, mtime=0), "gzip"), (gzip.compress(TEXT, mtime=0), " GZIP "), (gzip.compress(TEXT, mtime=0), "x-gzip"),
        (zlib.compress(TEXT), "deflate"), (bare(TEXT), "deflate"), (gzip.compress(TEXT, mtime=0) + b"\0" * 9, "gzip"),
        (gzip.compress(TEXT[:7], mtime=0) + gzip.compress(TEXT[7:], mtime=0), "gzip"),
    ],
)  # fmt: skip
def test_whole_bodies_come_out(wire: bytes, encoding: str) -> None:
    assert inflate(wire, encoding, LIMIT) == TEXT


@pytest.mark.parametrize(
    ("wire", "encoding", "reason"),
    [
        (gzip.compress(TEXT, mtime=0)[:-20], "gzip", Refusal.BAD_COMPRESSION),
        (gzip.compress(TEXT, mtime=0)[:8], "gzip", Refusal.BAD_COMPRESSION),
        (b"<html>", "gzip", Refusal.BAD_COMPRESSION),
        (gzip.compress(TEXT, mtime=0) + b"<html>", "gzip", Refusal.BAD_COMPRESSION),
        (zlib.compress(TEXT)[:-3], "deflate", Refusal.BAD_COMPRESSION),
        (TEXT, "br", Refusal.BAD_COMPRESSION),
        (TEXT * 100, "", Refusal.TOO_LARGE),
        (gzip.compress(bytes(LIMIT + 1), mtime=0), "gzip", Refusal.TOO_LARGE),
        (gzip.compress(TEXT, mtime=0) * 60, "gzip", Refusal.TOO_LARGE),
    ],
)
def test_broken_and_explosive_bodies_are_refused(wire: bytes, encoding: str, reason: Refusal) -> None:
    with pytest.raises(CompressionError) as caught:
        inflate(wire, encoding, LIMIT)
    assert caught.value.reason is reason


def test_a_bomb_costs_bounded_memory() -> None:
    bomb = gzip.compress(bytes(1 << 28), 9)
    tracemalloc.start()
    with pytest.raises(CompressionError):
        inflate(bomb, "gzip", LIMIT)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8 * LIMIT


@given(st.binary(max_size=2000), st.integers(min_value=1, max_value=2000))
def test_no_truncation_passes_as_whole(data: bytes, cut: int) -> None:
    wire = gzip.compress(data)
    with pytest.raises(CompressionError):
        inflate(wire[: max(1, len(wire) - cut)], "gzip", LIMIT)
