"""Real Chromium in front of a made /v1. Where Chromium or the vendored files are missing, the tests that need them are not collected."""

from __future__ import annotations

import asyncio
import math
import shutil
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright

from tests.web.server import WEB, Switches, serve

CHROMIUM = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None
)
VENDOR = (WEB / "vendor" / "manifest.json").is_file()

collect_ignore_glob = (
    ["test_page_*.py"] if CHROMIUM is None else [] if VENDOR else ["test_page_map.py", "test_page_access.py"]
)

LOADED = "document.body.dataset.loaded ?? ''"
MAP = "document.getElementById('map').dataset.state ?? ''"


@dataclass
class Visit:
    """One open page and what was seen of it."""

    page: Page
    origin: str
    switches: Switches
    errors: list[str] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)

    async def until(self, expression: str, accept: Callable[[Any], object] = bool) -> Any:
        """Polls an expression: waiting inside the page is forbidden by its own content security policy."""
        value = None
        for _ in range(600):
            value = await self.page.evaluate(expression)
            if accept(value):
                return value
            await asyncio.sleep(0.05)
        raise AssertionError(f"{expression} stayed {value!r}")

    async def ready(self) -> Visit:
        """Waits until stations and map are there."""
        await self.until(LOADED)
        await self.until(MAP)
        return self

    async def click_place(
        self, longitude: float, latitude: float, *, zoom: float = 4.1, centre: tuple[float, float] = (133.0, 36.5)
    ) -> None:
        """Clicks a place on the map as it opens (Web Mercator, 512 px tiles)."""
        box = await self.page.locator("#map").bounding_box()
        assert box
        scale = 512 * 2**zoom
        x = (longitude - centre[0]) / 360 * scale
        y = (_mercator(centre[1]) - _mercator(latitude)) * scale
        await self.page.mouse.click(box["x"] + box["width"] / 2 + x, box["y"] + box["height"] / 2 + y)


def _mercator(latitude: float) -> float:
    return math.log(math.tan(math.pi / 4 + math.radians(latitude) / 2)) / (2 * math.pi)


def _free_port() -> int:
    for port in range(8410, 8500):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port
    raise RuntimeError("no free port between 8410 and 8499")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """One Chromium for all page tests; it may run as root, and in a machine without a graphics card."""
    async with async_playwright() as playwright:
        opened = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        await opened.close()


Open = Callable[..., Awaitable[Visit]]


@asynccontextmanager
async def _visits(browser: Browser) -> AsyncIterator[Open]:
    closers: list[Callable[[], Awaitable[None]]] = []

    async def opened(
        path: str = "/", switches: Switches | None = None, *, clock: bool = False, **context: Any
    ) -> Visit:
        turned = switches or Switches()
        port = _free_port()
        runner = await serve(turned, port)
        closers.append(runner.cleanup)
        options = {
            "viewport": {"width": 1300, "height": 900},
            "timezone_id": "Asia/Tokyo",
            "locale": "en-GB",
            **context,
        }
        held = await browser.new_context(**options)
        closers.append(held.close)
        page = await held.new_page()
        visit = Visit(page, f"http://127.0.0.1:{port}", turned)
        page.on("console", lambda message: visit.errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: visit.errors.append(str(error)))
        page.on(
            "request",
            lambda request: (
                None
                if request.url.startswith((visit.origin, "blob:", "data:"))
                else visit.elsewhere.append(request.url)
            ),
        )
        if clock:
            await page.clock.install()
        await page.goto(visit.origin + path)
        return visit

    try:
        yield opened
    finally:
        for close in reversed(closers):
            await close()


@pytest_asyncio.fixture(loop_scope="session")
async def visit(browser: Browser) -> AsyncIterator[Open]:
    """Opens the page on a server of its own; every page must end without errors and without having asked anybody else."""
    async with _visits(browser) as opened:
        yield opened
