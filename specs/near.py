"""The nearest valid name, for messages that help at night."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(text: str, known: Iterable[str]) -> str:
    """` (did you mean ...?)`, or nothing when no known name is near."""
    found = get_close_matches(text, list(known), n=1, cutoff=0.6)
    return f" (did you mean `{found[0]}`?)" if found else ""
