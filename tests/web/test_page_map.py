"""The page as a reader meets it: map, answer, station, languages, exercise."""

from __future__ import annotations

import itertools

import pytest

from tests.web import made
from tests.web.server import Switches

pytestmark = pytest.mark.asyncio(loop_scope="session")

SILHOUETTES = """async () => {
  const { LOOKS, pixels } = await import("/web/js/states.js");
  const luminance = (d, at) => (d[at + 3] > 128 ? Math.round(0.2126 * d[at] + 0.7152 * d[at + 1] + 0.0722 * d[at + 2]) : 255);
  const drawn = {};
  for (const [state, look] of Object.entries(LOOKS)) {
    const { data } = pixels(look);
    const grey = [];
    const colours = new Set();
    for (let at = 0; at < data.length; at += 4) {
      grey.push(luminance(data, at) < 200 || (data[at + 3] > 128 && luminance(data, at) < 245) ? 1 : 0);
      if (data[at + 3] > 250) colours.add(`${data[at]},${data[at + 1]},${data[at + 2]}`);
    }
    drawn[state] = { grey, colours: [...colours] };
  }
  return drawn;
}"""


async def click_and_name(seen, longitude, latitude):
    """Clicks a place once the map has drawn its stations, and tells the name of the station that opens."""
    await seen.until("document.getElementById('map').getAttribute('aria-busy')", lambda busy: busy == "false")
    await seen.click_place(longitude, latitude)
    return await seen.until("document.getElementById('detail-name')?.textContent ?? ''")


async def test_a_normal_visit_asks_only_its_own_origin_and_meets_no_error(visit):
    seen = await (await visit("/?region=JP-13&station=made:normal")).ready()
    await seen.until("document.getElementById('plot')?.dataset.state", lambda state: state == "ready")
    assert seen.elsewhere == []
    assert seen.errors == []
    assert any(path.startswith("/v1/latest?") for path in seen.switches.asked)


async def test_states_differ_by_shape_alone(visit):
    seen = await visit()
    drawn = await seen.page.evaluate(SILHOUETTES)
    assert set(drawn) == {*made.LIKE, "lost", "sample"}
    for one, other in itertools.combinations(drawn, 2):
        first, second = drawn[one]["grey"], drawn[other]["grey"]
        both = sum(a and b for a, b in zip(first, second, strict=True))
        either = sum(a or b for a, b in zip(first, second, strict=True))
        assert both / either < 0.75, f"{one} and {other} overlap by {both / either:.2f}"


async def test_no_state_is_green_and_silence_is_black(visit):
    seen = await visit()
    drawn = await seen.page.evaluate(SILHOUETTES)
    for state, picture in drawn.items():
        for colour in picture["colours"]:
            red, green, blue = map(int, colour.split(","))
            assert not (green > red + 40 and green > blue + 40), f"{state} has green {colour}"
    assert "0,0,0" in drawn["silent"]["colours"]
    assert set(drawn["silent"]["colours"]).isdisjoint({"0,114,178"})


async def test_legend_counts_every_state(visit):
    seen = await (await visit()).ready()
    counts = await seen.page.locator("#legend-list button").evaluate_all(
        "all => Object.fromEntries(all.map((one) => [one.dataset.state, one.querySelector('.legend-count').textContent]))"
    )
    assert counts == {state: "2" if state == "normal" else "1" for state in made.LIKE}


async def test_click_on_the_map_shows_the_station_with_value_publisher_age_and_plot(visit):
    seen = await (await visit()).ready()
    for key in ("normal", "silent", "elevated"):
        at = list(made.LIKE).index(key)
        assert await click_and_name(seen, 130.0 + 2 * at, 33.0 + at) == f"{key} 局"
        text = await seen.page.inner_text("#detail")
        for part in (
            "nSv/h",
            "air dose rate (as published)",
            "Made Office",
            "old",
            "Made Licence 1.0",
            "Flags",
            "0.045",
        ):
            assert part in text, part
        await seen.until(
            "document.getElementById('plot')?.dataset.state",
            lambda state, key=key: state == ("ready" if key == "normal" else "empty"),
        )
        assert await seen.page.locator("#plot canvas").count() == (1 if key == "normal" else 0)
        await seen.page.click("#detail .detail-head button")


async def test_gaps_are_never_bridged_and_censored_values_are_not_numbers(visit):
    seen = await visit("/?station=made:normal")
    columns = await seen.page.evaluate("""async () => {
      const { columnsOf } = await import("/web/js/plot.js");
      const points = [0, 600, 1200, 9000, 9600, 10200].map((at) => ({ at, value: 45, limit: null, text: "" }));
      points.push({ at: 10800, value: null, limit: 30, text: "<30" });
      return columnsOf(points);
    }""")
    assert columns == [
        [0, 600, 1200, 5100, 9000, 9600, 10200, 10800],
        [45, 45, 45, None, 45, 45, 45, None],
        [None, None, None, None, None, None, None, 30],
    ]


async def test_five_thousand_stations_are_counted_and_drawn(visit):
    seen = await (await visit(switches=Switches(made.World(extra_stations=5000)))).ready()
    assert await seen.page.inner_text("#legend-list [data-state=normal] .legend-count") == "5,002"
    assert (await click_and_name(seen, 139.6, 36.05)).startswith("more-")
