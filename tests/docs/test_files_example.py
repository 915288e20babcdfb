"""The example of docs/files.md is run as it stands against a service."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

from tests.api.conftest import Client, api, clock, filled, serve, store

__all__ = ["api", "clock", "filled", "serve", "store"]
PAGE = Path(__file__).parents[2] / "docs" / "files.md"
WINDOW = "from=2026-08-14T00:00:00Z&to=2026-08-16T00:00:00Z"


async def test_the_example_opens_every_format(api: Client, capsys) -> None:
    [code] = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    url = str(api.make_url("")).rstrip("/")
    parts = [part for part in code.split("\n# ")[1:] if part.strip()]
    assert all(len(part.strip().splitlines()) < 10 for part in parts), "each format in under ten lines"
    await asyncio.to_thread(exec, compile(code, str(PAGE), "exec"), {"url": url, "window": WINDOW})
    told = capsys.readouterr().out
    assert "jp-made:f1" in told
    assert "air_dose_rate_as_published nSv/h" in told
