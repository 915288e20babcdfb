"""The log of committed batches: signed heads, and proofs that need nothing but a hash function to check."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from api.models.common import Instant, Struct

Hash = Annotated[str, Meta(pattern="^[0-9a-f]{64}$", description="SHA-256, lower-case hexadecimal")]


class Head(Struct, frozen=True, kw_only=True):
    """How long the log was and its root, signed (Ed25519) over `text`: keep one, and nobody can change the past unseen."""

    size: Annotated[int, Meta(description="leaves: one for each committed batch")]
    root: Hash
    signed_at: Instant
    text: Annotated[
        str, Meta(description="what was signed, UTF-8: four lines, `radcommons log 1`, size, root, seconds since 1970")
    ]
    public_key: Annotated[str, Meta(pattern="^[0-9a-f]{64}$", description="of the collector that signed; 32 bytes")]
    signature: Annotated[str, Meta(pattern="^[0-9a-f]{128}$", description="64 bytes")]


class HeadAnswer(Struct, frozen=True, kw_only=True):
    """The newest signed head; `size_now` counts the batches committed by now, those after the head are not signed yet."""

    head: Head
    size_now: int


class HeadPage(Struct, frozen=True, kw_only=True):
    """Signed heads, the newest first; one an hour."""

    size_now: int
    heads: tuple[Head, ...]


class Block(Struct, frozen=True, kw_only=True):
    """At most 256 readings of the batch as the bytes that were hashed: 64 each, then texts. Its SHA-256 is in the entry."""

    number: Annotated[int, Meta(description="0 for the first block; digest number `number` of the entry's `readings`")]
    row: Annotated[int, Meta(description="which row of the block is this reading, from 0")]
    bytes: Annotated[str, Meta(description="base64", extra_json_schema={"contentEncoding": "base64"})]


class Proof(Struct, frozen=True, kw_only=True):
    """That one version of one reading stands in the log: the block holds it, the entry the block's digest, the path leads to the root."""

    series: str
    unit: Annotated[str, Meta(description="as the publisher's numbers are kept")]
    station: str
    phenomenon_end: Instant
    revision: int
    block: Block
    entry: Annotated[str, Meta(description="the leaf's entry, UTF-8; its hash is SHA-256 of a zero byte and this")]
    leaf: Annotated[int, Meta(description="number of the leaf, from 0")]
    leaf_hash: Hash
    size: Annotated[int, Meta(description="leaves of the tree that the path is for")]
    root: Hash
    path: Annotated[tuple[Hash, ...], Meta(description="hashes from the leaf upwards (RFC 6962, 2.1.1)")]
    head: Annotated[Head | None, Meta(description="the signed head of that tree; null while no head holds the leaf")]


class Consistency(Struct, frozen=True, kw_only=True):
    """That the log of `new` leaves goes on from the log of `old` leaves and changed none of them (RFC 6962, 2.1.2)."""

    old: int
    new: int
    old_root: Hash
    new_root: Hash
    path: tuple[Hash, ...]
