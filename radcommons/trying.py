"""The requests of a feed, on a terminal."""

from __future__ import annotations

import time
from pathlib import Path

from rich.console import Console

from collector.plan import planned
from radcommons.operating import Where, candidate_text, running_config
from specs.loading import load_text
from store.engine import Store

_console = Console(width=140, soft_wrap=True)


async def show_requests(where: Where, store: Store | None, feed_id: str, file: Path | None) -> None:
    """Print what a whole poll asks now; secrets appear as the name of their variable."""
    config = await running_config(where, store)
    feed = load_text(candidate_text(where, feed_id, file), f"feeds/{feed_id}.yaml", config)
    for request in planned(feed, time.time(), config.tables, whole=True):
        secrets = [f"{name}=${variable}" for name, variable in (*request.secret_query, *request.secret_headers)]
        _console.print(f"{request.method} {request.url}", *secrets, highlight=False)
