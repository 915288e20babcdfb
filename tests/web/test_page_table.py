"""The page without its libraries: it says what is missing, and the table answers all the same."""

from __future__ import annotations

import pytest

from tests.web import made
from tests.web.server import Switches


def bare(**world):
    """A made service without the libraries: quicker, and everything but the map and the plots has to work."""
    return Switches(made.World(**world), vendor=False)


pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_without_the_libraries_the_page_says_so_and_the_table_shows_every_state(visit):
    seen = await visit(switches=bare())
    await seen.ready()
    text = await seen.page.inner_text("#missing")
    for name in ("maplibre-gl", "uplot", "world-atlas"):
        assert name in text
    shown = set(await seen.page.locator("#table-body tr").evaluate_all("rows => rows.map((row) => row.dataset.state)"))
    assert shown == set(made.LIKE)


async def test_without_the_libraries_a_station_shows_its_value_and_its_readings(visit):
    seen = await visit("/?station=made:normal", bare())
    await seen.until("document.getElementById('plot')?.dataset.state", lambda state: state == "ready")
    assert "45 nSv/h" in await seen.page.inner_text("#detail .big")
    assert await seen.page.locator("#plot tbody tr").count() == len(made.observations())


async def test_a_feed_whose_file_is_held_says_so_with_its_place(visit):
    seen = await visit(switches=bare())
    await seen.ready()
    held = seen.page.locator("#feeds-body [data-held]")
    assert await held.count() == 1
    assert await held.get_attribute("data-held") == "made-late"
    assert "last good version goes on. feeds/made-late.yaml:61:5 <b>unit</b> why" in (await held.text_content() or "")


async def test_a_service_that_cannot_answer_is_not_shown_as_calm(visit):
    seen = await visit("/?region=JP-13", Switches(vendor=False, down=True))
    await seen.until("document.querySelector('#summary .answer')?.dataset.state", lambda state: state == "insufficient")
    assert "store_unavailable" in await seen.page.inner_text("#notices")
    assert "cannot be told" in await seen.page.inner_text("#alerts-note")


async def test_calm_is_withdrawn_when_the_service_is_lost(visit):
    seen = await visit(switches=bare(), clock=True)
    await seen.until("document.body.dataset.loaded ?? ''")
    seen.switches.down = True
    await seen.page.clock.fast_forward(11 * 60 * 1000)
    await seen.until(
        "document.querySelector('#legend-list [data-state=lost] .legend-count')?.textContent ?? ''",
        lambda text: text not in ("", "0"),
    )
    assert await seen.page.inner_text("#legend-list [data-state=normal] .legend-count") == "0"
    assert await seen.page.inner_text("#legend-list [data-state=silent] .legend-count") == "1"
    assert "cannot reach the service" in await seen.page.inner_text("#notices")


async def test_table_finds_sorts_and_pages(visit):
    seen = await visit("/?view=table", bare(extra_stations=250))
    await seen.ready()
    assert await seen.page.locator("#table-body tr").count() == 100
    await seen.page.fill("#table-search", "silent")
    assert await seen.page.locator("#table-body tr").evaluate_all("rows => rows.map((row) => row.dataset.station)") == [
        "made:silent"
    ]
    await seen.page.fill("#table-search", "")
    await seen.page.click("#table-head [data-column=value]")
    assert await seen.page.locator("#table-body tr").first.get_attribute("data-station") == "made:elevated"
    await seen.page.click("#table-pager button:last-child")
    assert "101" in await seen.page.inner_text("#table-pager")


@pytest.mark.parametrize(
    ("region", "state", "words"),
    [
        ("JP-13", "normal", "Within the usual range"),
        ("JP-14", "elevated", "Above the usual range"),
        ("KR-26", "insufficient", "Cannot tell"),
    ],
)
async def test_a_place_is_answered_with_the_services_own_sentence(visit, region, state, words):
    seen = await (await visit(switches=bare())).ready()
    await seen.until("document.querySelectorAll('#region-select option').length", lambda count: count > 1)
    await seen.page.select_option("#region-select", region)
    await seen.until("document.querySelector('#summary .answer')?.dataset.state", lambda found: found == state)
    text = await seen.page.inner_text("#summary")
    assert words in text
    assert f"en: {state} in {region}." in text
    if state == "insufficient":
        background = await seen.page.eval_on_selector("#summary .answer", "box => getComputedStyle(box).borderTopStyle")
        assert background == "dashed"
    if region == "JP-13":
        states = await seen.page.locator("#summary .answer").evaluate_all(
            "boxes => boxes.map((box) => box.dataset.state)"
        )
        assert states == ["normal", "insufficient"], "the dose rate answers the question, dust without a unit follows"


async def test_a_medium_without_stations_cannot_be_told(visit):
    seen = await (await visit("/?region=JP-13", bare())).ready()
    await seen.page.check("input[name=medium][value=sea]", force=True)
    await seen.until("document.body.dataset.loaded", lambda medium: medium == "sea")
    await seen.until("document.querySelector('#summary .answer')?.dataset.state", lambda state: state == "insufficient")
    assert "That is not calm" in await seen.page.inner_text("#summary")


async def test_a_laboratory_sample_has_a_state_of_its_own_and_keeps_its_history(visit):
    seen = await visit("/?medium=sea&station=made:sea", bare())
    await seen.until("document.querySelectorAll('#plot tbody tr').length", lambda rows: rows == 2)
    assert await seen.page.locator("#table-body tr").evaluate_all("rows => rows.map((row) => row.dataset.state)") == [
        "sample"
    ]
    text = await seen.page.text_content("#detail")
    for part in ("0.002 Bq/L", "Cs-137", "surface", "says nothing about now", "not detected (limit 0.001 Bq/L)"):
        assert part in text, part
    assert "H-3" not in text


@pytest.mark.parametrize(
    ("code", "tag", "question", "place"),
    [
        ("ja", "ja", "ここは平常ですか？", "東京都"),
        ("ko", "ko", "여기는 평소와 같습니까?", "도쿄도"),
        ("zh", "zh-Hans", "这里正常吗？", "东京都"),
    ],
)
async def test_language_by_address_and_by_switch(visit, code, tag, question, place):
    seen = await (await visit(f"/?lang={code}&region=JP-13", bare())).ready()
    assert await seen.page.evaluate("document.documentElement.lang") == tag
    assert question in await seen.page.inner_text("h2 >> nth=0")
    await seen.until("document.querySelector('#summary h3')?.textContent", lambda text: text == place)
    await seen.page.select_option("#language", "en")
    await seen.until("document.querySelector('#summary h3')?.textContent", lambda text: text == "Tokyo")
    assert await seen.page.evaluate("document.documentElement.lang") == "en"


async def test_language_of_the_browser_is_taken(visit):
    seen = await visit(switches=bare(), locale="ko-KR")
    await seen.until("document.documentElement.lang", lambda tag: tag == "ko")


async def test_every_name_of_a_disputed_place_is_shown(visit):
    seen = await (await visit(switches=bare())).ready()
    await seen.until("document.querySelectorAll('#region-select option').length", lambda count: count > 1)
    assert "East Sea / Sea of Japan" in await seen.page.text_content("#region-select")


async def test_exercise_is_said_everywhere(visit):
    seen = await (await visit("/?station=made:normal&view=table", bare(exercise=True))).ready()
    await seen.until("document.getElementById('plot')?.dataset.state", lambda state: state == "ready")
    assert await seen.page.is_visible("#exercise")
    for place in ("#table-body", "#feeds-body", "#alerts-list", "#detail"):
        assert "EXERCISE" in await seen.page.inner_text(place), place
    plain = await (await visit(switches=bare())).ready()
    assert not await plain.page.is_visible("#exercise")


async def test_feed_states_have_three_clocks_and_only_a_read_feed_looks_calm(visit):
    seen = await (await visit(switches=bare())).ready()
    pictures = await seen.page.locator("#feeds-body tr").evaluate_all(
        "rows => rows.map((row) => [row.dataset.feedState, row.querySelector('path').getAttribute('fill'), row.cells.length])"
    )
    assert {state for state, *_ in pictures} == {
        "ok",
        "late",
        "partial",
        "empty",
        "unread",
        "blocked",
        "misread",
        "paused",
        "never_run",
    }
    assert [state for state, fill, _ in pictures if fill == "#0072b2"] == ["ok"]
    assert pictures[-1][0] == "never_run", "what was never asked follows what was"
    assert {cells for *_, cells in pictures} == {5}
    assert "the server answered with an error 3" in await seen.page.inner_text("#feeds-body")


async def test_open_alerts_are_listed_and_resolved_ones_are_not(visit):
    seen = await (await visit(switches=bare())).ready()
    shown = await seen.page.locator("#alerts-list li").evaluate_all("all => all.map((one) => one.dataset.alertState)")
    assert shown == ["firing", "stale"]
    none = await (await visit(switches=bare(alerts=False))).ready()
    assert "says nothing" in await none.page.inner_text("#alerts-note")


async def test_attribution_boundaries_and_disclaimer_stand_on_the_page(visit):
    seen = await (await visit(switches=bare())).ready()
    text = await seen.page.inner_text("body")
    for part in (
        "Contains data of Made Office",
        "Boundaries as drawn by the source",
        "does not say that a place is free of danger",
    ):
        assert part in text, part


@pytest.mark.parametrize(
    ("judged", "above", "named", "expected"),
    [
        (7, 0, [], "normal"),
        (6, 0, [], ""),
        (7, 2, ["made:other"], ""),
        (7, 1, ["made:one"], "elevated"),
        (6, 1, ["made:one"], "elevated"),
    ],
)
async def test_a_summary_judges_a_station_only_where_it_judged_all(visit, judged, above, named, expected):
    seen = await visit(switches=bare())
    block = {
        "medium": "air_over_land",
        "quantity": "q",
        "analyte": "gamma-total",
        "exercise": False,
        "window_class": "current",
        "fresh": 7,
        "judged": judged,
        "departure": {"above": above, "stations_above": named},
    }
    found = await seen.page.evaluate(
        """async (block) => {
      const { judgeOf } = await import("/web/js/judged.js");
      const row = { station: "made:one", medium: "air_over_land", quantity: "q", analyte: "gamma-total", exercise: false };
      const judge = judgeOf("JP-13", [block]);
      return [judge(row, ["JP-13"]), judge(row, ["JP-14"]), judge({ ...row, exercise: true }, ["JP-13"])];
    }""",
        block,
    )
    assert found == [expected, "", ""]
