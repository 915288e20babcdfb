"""Files open in the tools that scientists use, hold what JSON holds, and say what they stand on."""

from __future__ import annotations

import io
import json
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import xarray as xr

from api.files import cf
from domain.analytes import HALF_LIFE_S
from domain.quantities import TABLE
from tests.api import made
from tests.api.conftest import Client, body
from tests.conftest import HAS_SHARED, SHARED

WINDOW = "from=2026-08-14T00:00:00Z&to=2026-08-16T00:00:00Z"


async def fetched(api: Client, path: str, kind: str) -> bytes:
    async with api.get(path) as response:
        assert response.status == 200, await response.text()
        assert response.content_type == kind
        assert response.headers["Content-Disposition"].startswith("attachment; filename=")
        return await response.read()


async def test_netcdf_holds_the_observations_as_time_series(api: Client) -> None:
    rows = (await body(api, f"/v1/observations?{WINDOW}&limit=10000"))["observations"]
    data = xr.open_dataset(
        io.BytesIO(await fetched(api, f"/v1/observations?{WINDOW}&f=netcdf", "application/x-netcdf")), engine="h5netcdf"
    )
    assert (data.attrs["Conventions"], data.attrs["featureType"]) == ("CF-1.11", "timeSeries")
    assert data.attrs["exercise"].startswith("true")
    assert "licence of jp-made" in data.attrs["license"]
    assert int(data.row_size.sum()) == data.sizes["obs"] == len(rows)
    assert data.series_id.attrs["cf_role"] == "timeseries_id"
    series = np.repeat(data.series_id.values, data.row_size.values)
    dose = data.air_dose_rate_as_published
    held = {
        (str(s), str(t)[:19] + "Z"): float(v)
        for s, t, v in zip(series, data.time.values, dose.values, strict=True)
        if not np.isnan(v)
    }
    told = {
        (row["series"], row["phenomenon_end"]): row["value"]
        for row in rows
        if row["quantity"] == "air_dose_rate_as_published" and row["value"] is not None
    }
    assert held == told
    assert dose.attrs["units"] == "nSv h-1"
    assert "standard_name" not in dose.attrs, "CF has no name for a dose rate, and none is invented"
    assert data.precipitation_amount.attrs["standard_name"] == "lwe_thickness_of_precipitation_amount"
    sea = series == made.SEA_KORI.uid
    assert np.isnan(data.count_rate.values[sea]).all()
    assert data.count_rate_limit.values[sea].tolist() == [822.0]
    assert set(data.censoring.attrs["flag_meanings"].split()) >= {"none", "below"}
    assert len(data.qc.attrs["flag_masks"]) == len(data.qc.attrs["flag_meanings"].split())
    assert data.exercise.values[data.series_id.values == made.DOSE_D.uid].tolist() == [1]


async def test_netcdf_of_samples_are_points(api: Client) -> None:
    data = xr.open_dataset(
        io.BytesIO(await fetched(api, "/v1/samples?f=netcdf", "application/x-netcdf")), engine="h5netcdf"
    )
    assert data.attrs["featureType"] == "point"
    assert data.activity_concentration_in_water_Cs_137.values[0] == 0.0051
    assert data.activity_concentration_in_water_H_3_limit.values[1] == 0.4
    assert np.isnan(data.activity_concentration_in_water_H_3.values).all()
    assert data.published.values.tolist() == ["0.0051", "ND"]
    [sample] = (await body(api, "/v1/samples"))["samples"]
    assert data.revision.values.tolist() == [sample["revision"]] * 2
    told = [(one["published"]["ucum"], one["conversion"] or {"id": "", "factor": ""}) for one in sample["results"]]
    held = zip(data.published_ucum.values, data.conversion.values, data.conversion_factor.values, strict=True)
    assert [(unit, {"id": name, "factor": by}) for unit, name, by in held] == [
        (unit, {"id": one["id"], "factor": one["factor"]}) for unit, one in told
    ]
    assert "standard_name" not in data.activity_concentration_in_water_Cs_137.attrs


async def test_an_empty_window_is_a_file_too(api: Client) -> None:
    path = "/v1/observations?from=2020-01-01T00:00:00Z&to=2020-01-02T00:00:00Z"
    data = xr.open_dataset(
        io.BytesIO(await fetched(api, f"{path}&f=netcdf", "application/x-netcdf")), engine="h5netcdf"
    )
    assert data.sizes["obs"] == 0
    table = pq.read_table(io.BytesIO(await fetched(api, f"{path}&f=parquet", "application/vnd.apache.parquet")))
    assert table.num_rows == 0


async def test_parquet_holds_the_same_rows(api: Client) -> None:
    rows = (await body(api, f"/v1/observations?{WINDOW}&limit=10000"))["observations"]
    table = pq.read_table(
        io.BytesIO(await fetched(api, f"/v1/observations?{WINDOW}&f=parquet", "application/vnd.apache.parquet"))
    )
    frame = table.to_pandas()
    assert len(frame) == len(rows)
    key = ["series", "phenomenon_end"]
    held = {
        (s, t.strftime("%Y-%m-%dT%H:%M:%SZ")): (None if np.isnan(v) else v, u, q)
        for s, t, v, u, q in frame[[*key, "value", "unit", "quantity"]].itertuples(index=False)
    }
    assert held == {
        (row["series"], row["phenomenon_end"]): (row["value"], row["unit"], row["quantity"]) for row in rows
    }
    about = {name.decode(): text.decode() for name, text in table.schema.metadata.items()}
    assert "Source: jp-publisher" in about["attribution"]
    assert frame.exercise[frame.feed == "xx-drill"].all()


async def test_the_public_finds_nothing_withheld_in_a_file(public: Client) -> None:
    for word, kind in (("netcdf", "application/x-netcdf"), ("parquet", "application/vnd.apache.parquet")):
        assert b"kr-made" not in await fetched(public, f"/v1/observations?{WINDOW}&f={word}", kind)


async def test_coverage_json_of_a_region(api: Client) -> None:
    told = json.loads(
        await fetched(api, "/v1/regions/JP-07/history?step=1h&f=covjson", "application/prs.coverage+json")
    )
    assert told["type"] == "CoverageCollection"
    for one in told["coverages"]:
        n = len(one["domain"]["axes"]["t"]["values"])
        assert set(one["ranges"]) == set(one["parameters"])
        assert all(part["shape"] == [n, 1, 1] and len(part["values"]) == n for part in one["ranges"].values())
    drill = [one for one in told["coverages"] if one["id"].endswith(":exercise")]
    assert drill
    assert all("EXERCISE" in one["label"]["en"] for one in drill)


async def test_too_much_at_once(api: Client) -> None:
    told = await body(api, "/v1/observations?from=1990-01-01T00:00:00Z&to=2026-08-16T00:00:00Z&f=netcdf", 422)
    assert told["code"] == "not_meaningful"


def test_every_unit_has_a_udunits_spelling_or_none_on_purpose() -> None:
    assert {quantity.unit for quantity in TABLE if not cf.units(quantity.unit)} == {"{unstated}"}


if HAS_SHARED:

    def test_standard_names_are_in_the_table() -> None:
        text = next((SHARED / "data" / "cf-standard-names").glob("*.csv")).read_text()
        names = {line.split(",", 1)[0] for line in text.splitlines()}
        for analyte in HALF_LIFE_S:
            for quantity in ("activity_concentration_in_air", "deposition"):
                element, mass = analyte.split("-")
                pattern = {"deposition": "surface_radioactivity_content_of_{}"}.get(
                    quantity, "radioactivity_concentration_of_{}_in_air"
                )
                expected: Any = pattern.format(f"{mass}{element}")
                assert cf.standard_name(quantity, analyte) == (expected if expected in names else ""), analyte


@pytest.mark.parametrize("value", [0.1, 47.8, 0.0, 1e-9, 123456.789, -2.5])
def test_values_in_files_are_those_of_json(value: float) -> None:
    from api.files.columns import _clean

    assert _clean(np.array([value * 1000.0]))[0] == float(f"{value * 1000:.12g}")


async def test_a_grid_of_departures_is_a_cf_grid(api: Client) -> None:
    content = await fetched(api, "/v1/regions/JP-07/grid", "application/x-netcdf")
    data = xr.open_dataset(io.BytesIO(content), engine="h5netcdf")
    assert data.departure.dims == ("time", "lat", "lon")
    assert data.departure.attrs["units"] == data.sigma.attrs["units"] == "nSv h-1"
    assert data.attrs["Conventions"] == "CF-1.11"
    assert np.isnan(data.departure.values).all(), "fewer than five stations: nothing is made up"
    assert "too few stations" in data.attrs["source"]
    assert set(data.station_id.values.tolist()) <= {made.DOSE_F.station_uid}
