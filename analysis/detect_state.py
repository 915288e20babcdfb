"""The detector's state as bytes: a JSON head, then the raw arrays in a fixed order. No pickle: bytes run nothing."""

from __future__ import annotations

import json
import struct
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from analysis.detect_alerts import Alert

if TYPE_CHECKING:
    from analysis.detect import Detector

_MAGIC = b"RCDET\x00"


class StateError(ValueError):
    """The bytes are not a state of this detector version."""


def pack(detector: Detector, given: list[dict[str, Any]], version: str) -> bytes:
    """Bytes of the whole state."""
    arrays = _arrays(detector)
    head = {
        "version": version,
        "stations": given,
        "scalars": _scalars(detector),
        "alerts": [asdict(alert) for alert in detector.alerts.open],
        "arrays": [[name, array.dtype.str, list(array.shape)] for name, array in arrays],
    }
    text = json.dumps(head, ensure_ascii=True, separators=(",", ":")).encode()
    body = b"".join(np.ascontiguousarray(array).tobytes() for _, array in arrays)
    return _MAGIC + struct.pack("<Q", len(text)) + text + body


def stations(saved: bytes, version: str) -> list[dict[str, Any]]:
    """The station rows the saved detector was made with."""
    head, _ = _split(saved)
    if head["version"] != version:
        raise StateError(f"state of detector version {head['version']}, this is {version}")
    return list(head["stations"])


def unpack(detector: Detector, saved: bytes) -> None:
    """Fill a detector made of the same stations with the saved arrays, scalars and alerts."""
    head, at = _split(saved)
    for (owner, field), (_, kind, shape) in zip(owners(detector), head["arrays"], strict=True):
        size = int(np.prod(shape)) * np.dtype(kind).itemsize
        array = np.frombuffer(saved, dtype=kind, count=int(np.prod(shape)), offset=at).reshape(shape).copy()
        setattr(owner, field, array)
        at += size
    detector.now, detector.chosen_at = (float(number) for number in head["scalars"])
    detector.alerts.open = [Alert(**row) for row in head["alerts"]]


def _split(saved: bytes) -> tuple[dict[str, Any], int]:
    start = len(_MAGIC) + 8
    if saved[: len(_MAGIC)] != _MAGIC:
        raise StateError("not a detector state")
    (length,) = struct.unpack("<Q", saved[len(_MAGIC) : start])
    return json.loads(saved[start : start + length]), start + length


def _scalars(detector: Detector) -> list[float]:
    return [float(detector.now), float(detector.chosen_at)]


def owners(detector: Detector) -> list[tuple[Any, str]]:
    """Every array that is state, in a fixed order."""
    named: list[tuple[Any, list[str]]] = [
        (
            detector,
            [
                "seen",
                "last",
                "same",
                "excess",
                "neighbours",
                "twin",
                "choir",
                "unplaced",
                "pool",
                "unchosen",
                "chosen_noise",
                "held_since",
                "gaps",
            ],
        ),
        (
            detector.rain,
            [
                "own",
                "near",
                "last_own",
                "last_near",
                "last_far",
                "last_sky",
                "unseen",
                "hidden",
                "lively",
                "num",
                "den",
            ],
        ),
        (
            detector.base,
            ["value", "residual", "pending", "filled", "since", "stored_min", "median", "scale", "quantum", "top"],
        ),
        (detector.recent, ["value", "rise", "allowed", "scale", "observed", "before", "before_at"]),
        (detector.alerts, ["inside", "gate", "calm"]),
    ]
    return [(owner, field) for owner, fields in named for field in fields]


def _arrays(detector: Detector) -> list[tuple[str, NDArray[Any]]]:
    return [(field, getattr(owner, field)) for owner, field in owners(detector)]
