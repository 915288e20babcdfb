"""What a careful client relies on beyond single paths: codings, formats that agree, retired ids, a store that is away."""

from __future__ import annotations

import csv
import gzip
import io
import json
from datetime import date

import brotli
import pyarrow.parquet as pq
import pytest
import shapely.geometry
import xarray as xr
import zstandard
from sqlalchemy.exc import OperationalError

from api.encoding import chosen
from api.problems import Code
from specs.retired import Retired
from tests.api import made
from tests.api.conftest import Client, body

WINDOW = "from=2026-08-14T00:00:00Z&to=2026-08-16T00:00:00Z"
UNPACK = {
    "gzip": gzip.decompress,
    "br": brotli.decompress,
    "zstd": lambda packed: zstandard.ZstdDecompressor().decompress(packed, max_output_size=2**26),
}


@pytest.mark.parametrize("coding", sorted(UNPACK))
@pytest.mark.parametrize(
    "path",
    [
        "/v1/latest",
        "/v1/series",
        f"/v1/observations?{WINDOW}&limit=50",
        f"/v1/observations?{WINDOW}&f=csv",
        f"/v1/observations?{WINDOW}&f=ndjson",
    ],
)
async def test_each_coding_holds_the_same_answer(serve, coding: str, path: str) -> None:
    api: Client = await serve()
    api.session._auto_decompress = False  # the raw bytes are what is looked at
    async with (
        api.get(path, headers={"Accept-Encoding": "identity"}) as plain,
        api.get(path, headers={"Accept-Encoding": coding}) as packed,
    ):
        assert packed.headers["Content-Encoding"] == coding
        assert packed.headers.get("ETag") == plain.headers.get("ETag"), "one tag for both; none while it is streamed"
        assert "Accept-Encoding" in packed.headers["Vary"]
        assert UNPACK[coding](await packed.read()) == await plain.read()


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        ("gzip", "gzip"),
        ("gzip, br;q=0.5", "gzip"),
        ("gzip;q=0.2, br;q=0.9", "br"),
        ("zstd;q=0, *", "br"),
        ("identity", ""),
        ("", ""),
        ("gzip;q=0", ""),
        ("compress", ""),
        ("gzip;q=0.5, identity", ""),
        ("gzip;q=much", ""),
    ],
)
def test_the_coding_is_the_one_that_the_client_likes_best(asked: str, answered: str) -> None:
    assert chosen(asked) == answered


async def test_a_retired_station_says_where_it_went(api: Client, monkeypatch) -> None:
    from api.service import SERVICE

    service = api.server.app[SERVICE]
    new = made.DOSE_F.station_uid
    moved = Retired(station="jp-made:old", redirect_to=new, since=date(2026, 4, 1), reason="renumbered")
    closed = Retired(station="jp-made:closed", since=date(2026, 4, 1), reason="closed")
    monkeypatch.setitem(service.__dict__, "retired", {moved.station: moved, closed.station: closed})
    told = await body(api, "/v1/stations/jp-made:old", 410)
    assert (told["code"], told["redirect_to"]) == (Code.GONE, f"/v1/stations/{new}")
    assert "renumbered" in told["detail"]
    rest = made.DOSE_F.uid.removeprefix(new)
    told = await body(api, f"/v1/series/jp-made:old{rest}/observations", 410)
    assert told["redirect_to"] == f"/v1/series/{made.DOSE_F.uid}"
    assert (await body(api, told["redirect_to"]))["series"]["id"] == made.DOSE_F.uid
    assert (await body(api, "/v1/stations/jp-made:closed", 410))["redirect_to"] == ""
    assert (await body(api, "/v1/stations/jp-made:never", 404))["code"] == Code.NOT_FOUND


async def test_a_store_that_does_not_answer_is_named(api: Client, monkeypatch) -> None:
    async def away(*_: object, **__: object) -> None:
        raise OperationalError("SELECT 1", {}, Exception("database is locked"))

    monkeypatch.setattr("api.routes.stations.read.stations", away)
    async with api.get("/v1/stations") as response:
        told = await response.json()
        assert (response.status, told["source"], told["code"]) == (503, "store", Code.NOT_AVAILABLE)
        assert int(response.headers["Retry-After"]) > 0
        assert "SELECT" not in json.dumps(told)


async def test_every_format_of_observations_says_what_was_published(api: Client) -> None:
    path = f"/v1/observations?{WINDOW}"
    rows = {
        (row["series"], row["phenomenon_end"]): row for row in (await body(api, f"{path}&limit=10000"))["observations"]
    }
    assert any(row["revision"] > 1 for row in rows.values())
    wanted = {
        key: (
            row["published"]["text"],
            row["published"]["unit"],
            row["revision"],
            (row["conversion"] or {}).get("id", ""),
        )
        for key, row in rows.items()
    }
    async with api.get(f"{path}&f=csv") as response:
        listed = list(csv.DictReader(io.StringIO((await response.read()).decode())))
    assert {
        (row["series"], row["phenomenon_end"]): (
            row["published_text"],
            row["published_unit"],
            int(row["revision"]),
            row["conversion_id"],
        )
        for row in listed
    } == wanted
    async with api.get(f"{path}&f=parquet") as response:
        frame = pq.read_table(io.BytesIO(await response.read())).to_pandas()
    stamps = frame.phenomenon_end.dt.strftime("%Y-%m-%dT%H:%M:%SZ")
    columns = (frame.series, stamps, frame.published_text, frame.published_unit, frame.revision, frame.conversion)
    assert {(s, t): (text, unit, int(n), how) for s, t, text, unit, n, how in zip(*columns, strict=True)} == wanted
    async with api.get(f"{path}&f=netcdf") as response:
        data = xr.open_dataset(io.BytesIO(await response.read()), engine="h5netcdf")
    of = data.row_size.values.astype(int)
    series, unit, how = (
        [one for one, n in zip(data[name].values, of, strict=True) for _ in range(n)]
        for name in ("series_id", "published_unit", "conversion")
    )
    ends = [str(one)[:19] + "Z" for one in data.time.values]
    texts, revisions = data.published_text.values, data.revision.values
    found = zip(series, ends, texts, unit, revisions, how, strict=True)
    assert {(s, t): (text, u, int(n), c) for s, t, text, u, n, c in found} == wanted


@pytest.mark.parametrize(
    "path",
    [
        "/v1/stations?limit=10000",
        "/v1/latest?limit=10000",
        "/v1/series?limit=10000",
        f"/v1/observations?{WINDOW}&limit=1000",
        f"/v1/series/{made.DOSE_F.uid}/observations?{WINDOW}",
        "/v1/samples",
        "/v1/sites?limit=1000",
        "/v1/quakes",
        "/v1/regions?limit=1000",
        "/v1/regions/JP-07/summary",
    ],
)
async def test_geojson_is_valid_for_those_who_draw_it(api: Client, path: str) -> None:
    async with api.get(path, headers={"Accept": "application/geo+json"}) as response:
        told = await response.json(content_type="application/geo+json")
    assert told["type"] == "FeatureCollection"
    assert told["features"]
    assert len({one["id"] for one in told["features"]}) == len(told["features"])
    for one in told["features"]:
        assert one["type"] == "Feature"
        if one["geometry"] is not None:
            shape = shapely.geometry.shape(one["geometry"])
            assert shape.is_valid, one["id"]
            west, south, east, north = shape.bounds
            assert -180 <= west <= east <= 180
            assert -90 <= south <= north <= 90


async def test_coverage_json_of_a_series_has_null_where_there_is_no_number(api: Client) -> None:
    path = f"/v1/series/{made.SEA_KORI.uid}/observations?{WINDOW}"
    rows = (await body(api, path))["observations"]
    async with api.get(f"{path}&f=covjson") as response:
        told = json.loads(await response.read())
    assert told["ranges"]["value"]["values"] == [row["value"] for row in rows]
    assert told["domain"]["axes"]["t"]["values"] == [row["phenomenon_end"] for row in rows]
    words = [one["label"]["en"] for one in told["parameters"]["censoring"]["observedProperty"]["categories"]]
    assert [words[number] for number in told["ranges"]["censoring"]["values"]] == [row["censoring"] for row in rows]


@pytest.mark.parametrize(
    "path", ["/v1/latest?limit=1000", "/v1/stations?limit=1000", "/v1/samples", "/v1/regions/JP-07/summary"]
)
async def test_parquet_of_a_list_has_a_row_for_each_line_of_its_csv(api: Client, path: str) -> None:
    word = "&" if "?" in path else "?"
    async with api.get(f"{path}{word}f=csv") as response:
        listed = list(csv.reader(io.StringIO((await response.read()).decode())))
    async with api.get(f"{path}{word}f=parquet") as response:
        frame = pq.read_table(io.BytesIO(await response.read()))
    assert frame.num_rows == len(listed) - 1


async def test_a_walk_through_earthquakes_meets_each_once(api: Client) -> None:
    whole = [row["id"] for row in (await body(api, "/v1/quakes?limit=1000"))["quakes"]]
    met, path = [], "/v1/quakes?limit=1"
    while path:
        page = await body(api, path)
        met += [row["id"] for row in page["quakes"]]
        path = page["next"]
    assert met == whole


async def test_a_summary_says_how_old_it_is(api: Client, clock) -> None:
    told = await body(api, "/v1/regions/JP-07/summary")
    assert told["stale"] is False
    assert told["age_s"] >= 0
    clock.advance_to(made.NOW + 3 * 86400)
    told = await body(api, "/v1/regions/JP-07/summary")
    assert told["stale"] is True
    assert told["age_s"] >= 3 * 86400 - 3600
    assert told["state"] == "insufficient"


async def test_laboratory_results_of_a_sea_area_are_counted_apart_from_now(api: Client) -> None:
    rows = (await body(api, "/v1/samples?limit=1000"))["samples"]
    area = next(area for row in rows for area in row["regions"] if area.startswith("SEA"))
    told = await body(api, f"/v1/regions/{area}/summary")
    mine = [result for row in rows if area in row["regions"] and not row["exercise"] for result in row["results"]]
    counted = {one["analyte"]: (one["results"], one["detected"], one["below"]) for one in told["samples"]}
    for analyte, (results, detected, below) in counted.items():
        same = [one["censoring"] for one in mine if one["analyte"] == analyte]
        assert (results, detected) == (len(same), same.count("none"))
        assert below == sum(word in ("below", "not_detected") for word in same)
    assert counted
    assert all(set(one["sentence"]) == {"en", "ja", "ko", "zh"} for one in told["samples"])
