"""How often Python looks for cycles among its values: rarely, because what is made by the ten thousand here is part of none."""

from __future__ import annotations

import gc


def search_rarely() -> None:
    """Look through new values after fifty thousand of them, not after seven hundred: a page or a sweep would set that going dozens of times."""
    gc.set_threshold(50_000, 20, 50)
