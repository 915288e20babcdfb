"""Signed tree heads: once an hour the collector signs how long the log is and its root, so that whoever kept a head can hold the store to it.

What is signed is a text of four lines: `radcommons log 1`, size, root (hex) and time (seconds since 1970, UTC). Ed25519 by `cryptography`.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from sqlalchemy.ext.asyncio import AsyncConnection

from store import log, tables
from store.engine import Store
from store.refused import StoreRefused

SIGNED_EVERY_S = 3600


@dataclass(frozen=True, slots=True)
class Head:
    """The log as it was at `at_s`: `size` leaves under `root`; `signature` is by the key whose public half is `public_key` (32 bytes)."""

    at_s: int
    size: int
    root: bytes
    public_key: bytes
    signature: bytes

    @property
    def text(self) -> bytes:
        """What was signed."""
        return head_text(self.size, self.root, self.at_s)

    @property
    def is_authentic(self) -> bool:
        """Whether the signature fits; that the key is the right one, whoever asks must know."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public_key).verify(self.signature, self.text)
        except (InvalidSignature, ValueError):
            return False
        return True


def head_text(size: int, root: bytes, at_s: int) -> bytes:
    """The bytes that are signed."""
    return f"radcommons log 1\n{size}\n{root.hex()}\n{at_s}\n".encode()


def signing_key(path: Path) -> Ed25519PrivateKey:
    """The key in a file (PEM), made with mode 0600 when there is none; raises StoreRefused when the file holds something else."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return _read_key(path)
    fresh = Ed25519PrivateKey.generate()
    with os.fdopen(handle, "wb") as file:
        file.write(
            fresh.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
    return fresh


def _read_key(path: Path) -> Ed25519PrivateKey:
    try:
        found = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except ValueError as error:
        raise StoreRefused(
            f"{path} is to hold the key that signs the log, but cannot be read as one: {error}"
        ) from None
    if not isinstance(found, Ed25519PrivateKey):
        raise StoreRefused(f"{path} holds a key, but not an Ed25519 one, which signs the log.")
    return found


def public_half(key: Ed25519PrivateKey) -> bytes:
    """The 32 bytes that others check signatures with."""
    return key.public_key().public_bytes_raw()


async def sign(store: Store, key: Ed25519PrivateKey, now_s: int, *, every_s: int = SIGNED_EVERY_S) -> Head | None:
    """Sign the log as it is unless this key signed it less than `every_s` ago; None then, and for an empty log."""
    async with store.writing() as connection:
        heads, public = tables.log_heads, public_half(key)
        asked = sa.select(sa.func.max(heads.c.at_s)).where(heads.c.public_key == public)
        last_s = (await connection.execute(asked)).scalar()
        size = await log.size(connection)
        if not size or (last_s is not None and now_s < last_s + every_s):
            return None
        root = await log.root(connection, size)
        head = Head(now_s, size, root, public, key.sign(head_text(size, root, now_s)))
        await connection.execute(
            sa.insert(heads).values(at_s=head.at_s, size=size, root=root, public_key=public, signature=head.signature)
        )
        return head


async def heads(store: Store, *, limit: int | None = None) -> list[Head]:
    """Signed heads, the newest first."""
    table = tables.log_heads
    async with store.reading() as connection:
        found = await connection.execute(
            sa.select(table).order_by(table.c.at_s.desc(), table.c.public_key).limit(limit)
        )
        return [_head(row) for row in found]


def _head(row: sa.Row[Any]) -> Head:
    return Head(row.at_s, row.size, bytes(row.root), bytes(row.public_key), bytes(row.signature))


async def covering(connection: AsyncConnection, number: int, size: int | None = None) -> Head | None:
    """The newest signed head whose tree holds leaf `number` (and has `size` leaves, if that is asked); None when there is none."""
    table = tables.log_heads
    asked = sa.select(table).where(table.c.size > number).order_by(table.c.at_s.desc(), table.c.public_key).limit(1)
    found = await connection.execute(asked if size is None else asked.where(table.c.size == size))
    row = found.first()
    return None if row is None else _head(row)
