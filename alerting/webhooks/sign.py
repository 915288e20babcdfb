"""Standard Webhooks 1.0.0 signatures: HMAC-SHA256 (`whsec_`, v1) and Ed25519 (`whsk_`/`whpk_`, v1a), several at once for rotation.

Signed content is `{id}.{timestamp}.{raw body}`; id and timestamp hold no dot, so the three parts cannot be mistaken.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

TOLERANCE_S = 300
_LEAST_BYTES, _MOST_BYTES = 24, 64


class BadKey(ValueError):
    """The text is no key of this standard; the message never contains it."""


class BadSignature(ValueError):
    """No signature fits, or the message is too old or too new."""


@dataclass(frozen=True, slots=True, repr=False)
class HmacKey:
    """A shared secret of 24 to 64 bytes, shown as `whsec_<base64>`."""

    raw: bytes

    def sign(self, content: bytes) -> str:
        """`v1,<base64>`."""
        return "v1," + _text(hmac.new(self.raw, content, hashlib.sha256).digest())

    def fits(self, content: bytes, version: str, signature: bytes) -> bool:
        """Whether a signature is ours; compared in constant time."""
        return version == "v1" and hmac.compare_digest(hmac.new(self.raw, content, hashlib.sha256).digest(), signature)

    def shown(self) -> str:
        """The text that the receiver gets, once."""
        return "whsec_" + _text(self.raw)


@dataclass(frozen=True, slots=True, repr=False)
class Ed25519Key:
    """A signing key; the receiver holds only `whpk_<base64>` and can forge nothing."""

    private: Ed25519PrivateKey

    def sign(self, content: bytes) -> str:
        """`v1a,<base64>`."""
        return "v1a," + _text(self.private.sign(content))

    def shown(self) -> str:
        """The public key that the receiver gets."""
        return "whpk_" + _text(self.private.public_key().public_bytes_raw())

    def stored(self) -> str:
        """`whsk_<base64>` of seed and public key, as the store keeps it."""
        seed = self.private.private_bytes(
            serialization.Encoding.Raw, serialization.PrivateFormat.Raw, serialization.NoEncryption()
        )
        return "whsk_" + _text(seed + self.private.public_key().public_bytes_raw())


@dataclass(frozen=True, slots=True)
class Ed25519Verifier:
    """The receiver's half of an Ed25519 key."""

    public: Ed25519PublicKey

    def fits(self, content: bytes, version: str, signature: bytes) -> bool:
        """Whether a signature was made by the other half."""
        if version != "v1a":
            return False
        try:
            self.public.verify(signature, content)
        except InvalidSignature:
            return False
        return True


SigningKey: TypeAlias = HmacKey | Ed25519Key
VerifyingKey: TypeAlias = HmacKey | Ed25519Verifier


def new_secret() -> str:
    """A fresh `whsec_` secret of 32 random bytes."""
    return HmacKey(secrets.token_bytes(32)).shown()


def new_ed25519() -> tuple[str, str]:
    """A fresh key pair as (`whsk_...` to keep, `whpk_...` to show)."""
    key = Ed25519Key(Ed25519PrivateKey.generate())
    return key.stored(), key.shown()


@lru_cache(maxsize=1024)
def signing_key(text: str) -> SigningKey:
    """The key that a `whsec_` or `whsk_` text spells; raises BadKey."""
    kind, raw = _parts(text)
    if kind == "whsec":
        if not _LEAST_BYTES <= len(raw) <= _MOST_BYTES:
            raise BadKey("a whsec_ secret has 24 to 64 bytes")
        return HmacKey(raw)
    if kind == "whsk" and len(raw) in (32, 64):
        return Ed25519Key(Ed25519PrivateKey.from_private_bytes(raw[:32]))
    raise BadKey("not a whsec_ or whsk_ key")


def verifying_key(text: str) -> VerifyingKey:
    """The key that a `whsec_` or `whpk_` text spells; raises BadKey."""
    kind, raw = _parts(text)
    if kind == "whpk" and len(raw) == 32:
        return Ed25519Verifier(Ed25519PublicKey.from_public_bytes(raw))
    key = signing_key(text)
    if isinstance(key, HmacKey):
        return key
    raise BadKey("a whsk_ key is not for receivers")


def headers(keys: Sequence[SigningKey], message_id: str, timestamp_s: int, body: bytes) -> dict[str, str]:
    """The three headers of one attempt; every key signs, the newest first. Raises ValueError for an id with a dot."""
    if "." in message_id or not message_id or not keys:
        raise ValueError("an id without dots and at least one key are needed")
    content = _content(message_id, str(timestamp_s), body)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp_s),
        "webhook-signature": " ".join(key.sign(content) for key in keys),
    }


def verify(
    keys: Sequence[VerifyingKey], received: Mapping[str, str], body: bytes, now_s: int, tolerance_s: int = TOLERANCE_S
) -> None:
    """Check a message as a receiver does; raises BadSignature."""
    message_id, stamp, listed = (
        received.get(name, "") for name in ("webhook-id", "webhook-timestamp", "webhook-signature")
    )
    if not message_id or not stamp.isdigit() or not stamp.isascii() or abs(now_s - int(stamp)) > tolerance_s:
        raise BadSignature("the headers are incomplete or the message is out of time")
    content = _content(message_id, stamp, body)
    for one in listed.split(" "):
        version, _, text = one.partition(",")
        signature = _bytes(text)
        if signature and any(key.fits(content, version, signature) for key in keys):
            return
    raise BadSignature("no signature fits")


def _content(message_id: str, stamp: str, body: bytes) -> bytes:
    return f"{message_id}.{stamp}.".encode() + body


def _parts(text: str) -> tuple[str, bytes]:
    kind, _, rest = text.strip().partition("_")
    raw = _bytes(rest)
    if raw is None:
        raise BadKey("the key is not base64")
    return kind, raw


def _bytes(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
