"""Work that would hold up the event loop goes to a thread; small work does not, because going there costs more."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
_FROM_ROWS = 200


async def off_loop(work: Callable[[], T], rows: int) -> T:
    """What `work` returns; done in a thread when it is about many rows."""
    return await asyncio.to_thread(work) if rows > _FROM_ROWS else work()
