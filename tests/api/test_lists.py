"""Lists: filters, walks that are stable snapshots, formats, conditional answers."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
import shapely.geometry
from hypothesis import given, settings
from hypothesis import strategies as st

from api import params as p
from domain.readings import Harvest
from domain.units import BY_CODE
from store.engine import Store
from tests.api import made
from tests.api.conftest import Client, body

WINDOW = "from=2026-08-14T00:00:00Z&to=2026-08-16T00:00:00Z"


async def walk(api: Client, path: str, name: str, between: Any = None) -> list[Any]:
    """Every row of a list, page after page; `between` is awaited after the first page."""
    rows: list[Any] = []
    at: str | None = path
    while at:
        page = await body(api, at)
        rows += page[name]
        at = page["next"]
        if between is not None:
            await between()
            between = None
    return rows


@pytest.mark.parametrize(
    ("query", "stations"),
    [
        ("region=JP-07", {"福島市", "=位置なし", "T-1", "訓練"}),
        ("region=JP-07,JP-40", {"福島市", "=位置なし", "T-1", "訓練", "福岡市"}),
        ("region=JP-07&region=KR-26", {"福島市", "=位置なし", "T-1", "訓練", "부산", "고리"}),
        ("region=SEA-07", {"T-1"}),
        ("region=ZONE-F1-20", {"T-1"}),
        ("country=KR", {"부산", "고리"}),
        ("bbox=129,33,131,36", {"福岡市", "부산", "고리"}),
        ("near=37.42,141.03&radius_m=5000", {"T-1"}),
        ("near=37.42,141.03", {"T-1", "訓練"}),
        ("medium=sea", {"T-1", "고리"}),
        ("medium=weather", {"福島市"}),
        ("quantity=count_rate", {"고리"}),
        ("source=kr-publisher", {"부산", "고리"}),
        ("feed=xx-drill", {"訓練"}),
        ("station=jp-made:f1,kr-made:b1", {"福島市", "부산"}),
        ("source=kr-publisher&feed=jp-made", set()),
        ("medium=land&country=KR", {"부산", "고리"}),
        ("bbox=170,-10,-170,10", set()),
    ],
)
async def test_filters_on_stations(api: Client, query: str, stations: set[str]) -> None:
    told = await body(api, f"/v1/stations?{query}")
    assert {row["names"][0]["text"] for row in told["stations"]} == stations
    assert bool(told["coverage"]["why_empty"]) == (not stations)


@pytest.mark.parametrize(
    "query",
    [
        "region=JP-07",
        "medium=sea",
        "quantity=precipitation_amount",
        "source=kr-publisher",
        "country=KR",
        "bbox=129,33,131,36",
    ],
)
async def test_the_same_filters_mean_the_same_on_every_list(api: Client, query: str) -> None:
    series = {row["id"]: row["station"] for row in await walk(api, f"/v1/series?{query}", "series")}
    latest = {row["series"] for row in await walk(api, f"/v1/latest?{query}", "latest")}
    seen = {row["series"] for row in await walk(api, f"/v1/observations?{query}&{WINDOW}&limit=1000", "observations")}
    assert latest <= series.keys()
    assert seen == latest - {made.DOSE_KORI.uid}  # its one reading is older than the window
    stations = {row["id"] for row in await walk(api, f"/v1/stations?{query}", "stations")}
    assert set(series.values()) <= stations


@pytest.mark.parametrize(
    ("path", "name", "key"),
    [
        ("/v1/stations?", "stations", "id"),
        ("/v1/series?", "series", "id"),
        (f"/v1/observations?{WINDOW}&", "observations", None),
        ("/v1/latest?", "latest", "series"),
        (f"/v1/series/{made.DOSE_F.uid}/observations?", "observations", "phenomenon_end"),
        ("/v1/regions?", "regions", "id"),
        ("/v1/feeds?", "feeds", "id"),
        ("/v1/feeds/jp-made/runs?", "runs", "id"),
        ("/v1/sources?", "sources", "id"),
    ],
)
async def test_a_walk_gives_every_row_once(api: Client, path: str, name: str, key: str | None) -> None:
    small, large = (
        await walk(api, f"{path}limit={40 if 'observations' in path else 3}", name),
        await walk(api, f"{path}limit=10000", name),
    )
    assert small == large
    if key:
        keys = [row[key] for row in small]
        assert len(set(keys)) == len(keys)


async def test_a_walk_sees_nothing_that_is_committed_while_it_walks(api: Client, store: Store, clock) -> None:
    before = await walk(api, f"/v1/observations?{WINDOW}&limit=60", "observations")

    async def more() -> None:
        clock.advance_to(made.NOW + 700)
        rows = [
            (made.DOSE_F, made.NOW - 1200, 0.099, "0.099"),
            (made.DOSE_F, made.NOW + 600, 0.051, "0.051"),
            (made.DOSE_K, made.NOW - 600, 44.0, "44"),
        ]
        harvest = Harvest(read=3, stations=(made.FUKUSHIMA, made.FUKUOKA), readings=made.readings(rows))
        await made.commit(store, made.batch("jp-made", made.NOW + 650, harvest))

    assert await walk(api, f"/v1/observations?{WINDOW}&limit=60", "observations", more) == before
    after = await walk(api, f"/v1/observations?{WINDOW}&limit=60", "observations")
    assert len(after) == len(before) + 2  # a new reading and one that was missing; the correction replaces
    assert {row["revision"] for row in after if row["series"] == made.DOSE_F.uid and row["value"] == 99.0} == {2}


async def test_a_cursor_belongs_to_its_query(api: Client) -> None:
    more = (await body(api, "/v1/stations?limit=2&country=JP"))["next"]
    assert (await body(api, more.replace("country=JP", "country=KR"), 400))["code"] == "bad_cursor"
    assert (await body(api, more.replace("limit=2", "limit=5")))["stations"]


async def test_a_cursor_may_hold_a_long_name_of_any_script(api: Client, store: Store) -> None:
    stations = [made.station("kr-made", f"{'해운대' * 25}{i}", "이름", 35.2, 129.1, "KR-26") for i in range(3)]
    rows = [(made.series(at), made.NOW - 300, 0.1, "0.1") for at in stations]
    await made.commit(
        store,
        made.batch("kr-made", made.NOW - 200, Harvest(read=3, stations=tuple(stations), readings=made.readings(rows))),
    )
    assert len(await walk(api, "/v1/latest?feed=kr-made&limit=1", "latest")) == 6


async def test_next_stands_in_the_link_header_too(api: Client) -> None:
    async with api.get("/v1/stations?limit=2") as response:
        assert response.headers["Link"] == f'<{(await response.json())["next"]}>; rel="next"'


async def test_as_of_answers_with_what_was_known(api: Client) -> None:
    path = f"/v1/series/{made.DOSE_F.uid}/observations?from=2026-08-15T02:30:00Z&to=2026-08-15T02:31:00Z"
    now, then = await body(api, path), await body(api, f"{path}&as_of=2026-08-15T02:52:00Z")
    assert [(row["value"], row["revision"], row["published"]["text"]) for row in now["observations"]] == [
        (55.0, 2, "0.055")
    ]
    assert [(row["value"], row["revision"]) for row in then["observations"]] == [(53.0, 1)]
    assert (now["as_of"], then["as_of"]) == ("2026-08-15T02:55:00Z", "2026-08-15T02:52:00Z")
    latest = await body(api, "/v1/latest?region=JP-40&as_of=2026-08-14T12:00:00Z")
    assert [row["age_s"] for row in latest["latest"]] == [1200]
    assert latest["generated"] == "2026-08-14T12:00:00Z"


async def test_geojson(api: Client) -> None:
    for path in ("/v1/stations", "/v1/latest", "/v1/regions?limit=10000", "/v1/regions/JP-07", "/v1/quakes"):
        async with api.get(path, headers={"Accept": "application/geo+json"}) as response:
            assert response.content_type == "application/geo+json"
            told = json.loads(await response.text())
        assert told["type"] == "FeatureCollection"
        assert told["features"], path
        for feature in told["features"]:
            assert feature["type"] == "Feature"
            if feature["geometry"] is not None:
                shape = shapely.geometry.shape(feature["geometry"])
                assert shape.is_valid
                assert shape.bounds[0] >= -180
                assert shape.bounds[3] <= 90
    assert told["exercise"] is False


async def _csv(api: Client, path: str) -> list[dict[str, str]]:
    async with api.get(path) as response:
        assert response.content_type == "text/csv"
        assert response.charset == "utf-8"
        return list(csv.DictReader(io.StringIO(await response.text())))


async def test_csv_has_a_column_per_quantity_with_its_unit(api: Client) -> None:
    rows = await _csv(api, "/v1/latest?f=csv")
    assert {"air_dose_rate_as_published [nSv/h]", "precipitation_amount [mm]", "count_rate [{counts}/min]"} <= rows[
        0
    ].keys()
    by_series = {row["series"]: row for row in rows}
    kori = by_series[made.DOSE_KORI.uid]
    assert (kori["air_dose_rate_as_published [nSv/h]"], kori["count_rate [{counts}/min]"], kori["published_text"]) == (
        "109.0",
        "",
        "0.109",
    )
    sea = by_series[made.SEA_KORI.uid]
    assert (sea["count_rate [{counts}/min]"], sea["limit of count_rate [{counts}/min]"], sea["censoring"]) == (
        "",
        "822.0",
        "below",
    )
    assert by_series[made.DOSE_D.uid]["exercise"] == "true"


async def test_csv_of_samples_has_a_row_per_analysis(api: Client) -> None:
    rows = await _csv(api, "/v1/samples?f=csv")
    column = "activity_concentration_in_water [Bq/L]"
    assert [
        (row["id"], row["results_analyte"], row[column], row[f"limit of {column}"], row["results_published_text"])
        for row in rows
    ] == [
        ("s1", "Cs-137", "0.0051", "", "0.0051"),
        ("s1", "H-3", "", "0.4", "ND"),
    ]


async def test_ndjson_is_the_rows_of_json(api: Client) -> None:
    async with api.get("/v1/latest", headers={"Accept": "application/x-ndjson"}) as response:
        lines = [json.loads(line) for line in (await response.text()).splitlines()]
    assert lines == (await body(api, "/v1/latest"))["latest"]


@pytest.mark.parametrize(
    "path", ["/v1/stations", "/v1/latest", f"/v1/observations?{WINDOW}", "/v1/regions/JP-07/summary", "/v1/feeds"]
)
async def test_what_the_client_holds_is_not_sent_again(api: Client, path: str) -> None:
    async with api.get(path) as first:
        tag = first.headers["ETag"]
        assert "Accept-Encoding" in first.headers["Vary"]
        assert first.headers["Cache-Control"]
    async with api.get(path, headers={"If-None-Match": tag}) as second:
        assert (second.status, await second.read()) == (304, b"")
        assert second.headers["ETag"] == tag


async def test_a_new_batch_is_in_the_next_answer(api: Client, store: Store, clock) -> None:
    async with api.get("/v1/latest?region=JP-40") as first:
        tag = first.headers["ETag"]
    harvest = Harvest(
        read=1, stations=(made.FUKUOKA,), readings=made.readings([(made.DOSE_K, made.NOW - 60, 77.0, "77")])
    )
    await made.commit(store, made.batch("jp-made", made.NOW, harvest, url="https://publisher.example/c"))
    async with api.get("/v1/latest?region=JP-40", headers={"If-None-Match": tag}) as second:
        assert second.status == 200
        assert [row["value"] for row in (await second.json())["latest"]] == [77.0]


async def test_fresh_becomes_late_by_the_clock_alone(api: Client, clock) -> None:
    path = "/v1/latest?region=JP-40"
    first = await body(api, path)
    assert ([row["freshness"] for row in first["latest"]], first["stale"]) == (["fresh"], False)
    clock.advance_to(made.NOW + 3 * 3600)
    second = await body(api, path)
    assert ([row["freshness"] for row in second["latest"]], second["stale"]) == (["late"], True)
    assert second["latest"][0]["age_s"] == first["latest"][0]["age_s"] + 3 * 3600


@pytest.mark.parametrize("encoding", ["gzip", "identity"])
async def test_kept_bytes_are_the_same_in_each_encoding(serve, encoding: str) -> None:
    api = await serve()
    async with api.get("/v1/latest", headers={"Accept-Encoding": encoding}) as response:
        assert response.headers.get("Content-Encoding", "identity") == encoding
        assert json.loads(await response.read())["latest"]


async def test_the_same_content_gives_the_same_bytes(serve) -> None:
    one, other = await serve(), await serve()
    for path in (
        "/v1/latest",
        "/v1/stations",
        f"/v1/observations?{WINDOW}",
        "/v1/regions/JP-07/summary",
        "/v1/feeds",
        "/v1/samples",
    ):
        async with one.get(path) as first, other.get(path) as second:
            assert await first.read() == await second.read(), path


@given(st.sampled_from(sorted(BY_CODE)), st.text(max_size=12))
@settings(max_examples=50)
def test_words_are_read_or_refused_but_never_crash(unit: str, text: str) -> None:
    for param in (p.BBOX, p.NEAR, p.MEDIUM, p.QUANTITY, p.COUNTRY, p.LIMIT, p.RADIUS_M):
        for word in (unit, text):
            try:
                param.parse(word)
            except ValueError:
                continue
