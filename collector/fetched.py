"""What one request brought: the answer as it enters the archive and the store, and its body."""

from __future__ import annotations

from dataclasses import dataclass

from domain.readings import Answer


@dataclass(frozen=True, slots=True)
class Fetched:
    """An answer and its body as the publisher meant it; `body` is empty when the answer failed or was not modified.

    `wire` holds the bytes as received, for the archive; a replay leaves it empty.
    """

    answer: Answer
    body: bytes = b""
    wire: bytes = b""
