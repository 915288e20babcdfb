"""The page for everybody: axe-core finds nothing, the keyboard reaches everything, a telephone shows it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.web import made
from tests.web.server import WEB, Switches

pytestmark = pytest.mark.asyncio(loop_scope="session")
AXE = Path(WEB).parents[1] / "node_modules" / "axe-core" / "axe.min.js"


async def violations(page):
    await page.evaluate(AXE.read_text("utf-8"))
    found = await page.evaluate("async () => (await axe.run(document, { resultTypes: ['violations'] })).violations")
    return [(one["id"], [node["html"][:200] for node in one["nodes"]]) for one in found]


@pytest.mark.parametrize(
    ("path", "vendor"),
    [
        ("/?region=JP-13&station=made:normal", True),
        ("/?lang=ja&view=table&region=KR-26", False),
        ("/?lang=zh&medium=sea", False),
        ("/?lang=ko", True),
    ],
)
async def test_axe_finds_no_violation(visit, path, vendor):
    seen = await (await visit(path, Switches(vendor=vendor))).ready()
    await seen.until("document.getElementById('plot')?.dataset.state ?? 'none'", lambda state: state != "loading")
    for details in await seen.page.locator("summary").all():
        await details.click()
    assert await violations(seen.page) == []


async def test_axe_finds_no_violation_in_an_exercise_without_libraries(visit):
    seen = await (await visit("/?station=made:elevated", Switches(made.World(exercise=True), vendor=False))).ready()
    assert await violations(seen.page) == []


async def test_a_station_is_reached_by_keyboard_alone(visit):
    seen = await (await visit("/?view=table", Switches(vendor=False))).ready()
    await seen.page.focus("#table-search")
    for _ in range(40):
        await seen.page.keyboard.press("Tab")
        if await seen.page.evaluate("document.activeElement.closest('#table-body') !== null"):
            break
    await seen.page.keyboard.press("Enter")
    await seen.until("document.activeElement?.id", lambda found: found == "detail-name")


@pytest.mark.parametrize("path", ["/?region=JP-13&station=made:normal", "/?view=table&lang=ja"])
async def test_a_telephone_needs_no_sideways_scrolling(visit, path):
    seen = await (await visit(path, viewport={"width": 375, "height": 740})).ready()
    await seen.until("document.getElementById('plot')?.dataset.state ?? 'none'", lambda state: state != "loading")
    assert await seen.page.evaluate("document.documentElement.scrollWidth") <= 375
