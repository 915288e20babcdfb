"""EURDEP and IRIX as we write them are read back equal by our own readers; nothing simulated or withheld is in them."""

from __future__ import annotations

import pytest

from collector.decode import decode
from collector.rawtable import RawTable
from specs.columns import Wanted
from specs.standards import Eurdep, Irix
from tests.api import made
from tests.api.conftest import Client, body

WINDOW = "from=2026-08-14T00:00:00Z&to=2026-08-16T00:00:00Z&limit=10000"
COLUMNS = {
    "eurdep": (
        Eurdep(format="eurdep"),
        ("locality_code", "locality_name", "value", "unit", "begin", "end", "latitude", "longitude", "sample_type"),
    ),
    "irix": (
        Irix(format="irix"),
        ("location", "name", "value", "unit", "begin", "end", "latitude", "longitude", "kind"),
    ),
}
PATHS = [f"/v1/observations?{WINDOW}", f"/v1/series/{made.DOSE_F.uid}/observations?{WINDOW}"]


async def read(api: Client, path: str, word: str) -> RawTable:
    async with api.get(f"{path}&f={word}") as response:
        assert response.status == 200
        payload = await response.read()
    spec, names = COLUMNS[word]
    return decode(payload, spec, Wanted(names, (), frozenset()))


def number(text: str | None, unit: str | None) -> float:
    scale = 3600e9 if unit == "Sv/s" else 1.0
    return float(f"{float(text or 'nan') * scale:.12g}")


@pytest.mark.parametrize("word", COLUMNS)
@pytest.mark.parametrize("path", PATHS, ids=["many", "one"])
async def test_dose_rates_are_read_back_equal(api: Client, path: str, word: str) -> None:
    rows = (await body(api, path))["observations"]
    table = await read(api, path, word)
    cells = table.columns
    who, begin, end = cells["locality_code" if word == "eurdep" else "location"], cells["begin"], cells["end"]
    held = {
        (station, _full(start), _full(stop)): number(value, unit)
        for station, start, stop, value, unit in zip(who, begin, end, cells["value"], cells["unit"], strict=True)
    }
    public = [
        row
        for row in rows
        if row["station"] != "jp-made:n1"  # it has no position, and both formats are about places
        and row["rights"] == "yes"
        and not row["exercise"]
        and row["value"] is not None
        and row["quantity"] == "air_dose_rate_as_published"
    ]
    assert public
    assert held == {(row["station"], row["phenomenon_start"], row["phenomenon_end"]): row["value"] for row in public}
    assert not table.findings.refused


def _full(moment: str | None) -> str | None:
    return moment if moment is None or len(moment) != 17 else moment.replace("Z", ":00Z")


@pytest.mark.parametrize("word", COLUMNS)
async def test_what_may_not_be_passed_on_is_not_even_in_the_operators_file(api: Client, word: str) -> None:
    async with api.get(f"{PATHS[0]}&f={word}") as response:
        text = await response.text()
    assert "kr-made" not in text
    assert "xx-drill" not in text


async def test_places_are_where_they_are(api: Client) -> None:
    eurdep, irix = await read(api, PATHS[1], "eurdep"), await read(api, PATHS[1], "irix")
    at = made.FUKUSHIMA
    assert eurdep.columns["latitude"][0] == f"N{at.latitude_deg:09.6f}"
    assert eurdep.columns["longitude"][0] == f"E{at.longitude_deg:010.6f}"
    assert float(irix.columns["latitude"][0] or "") == at.latitude_deg
    assert irix.head["confidentiality"] == "Free for Public Use"
    assert irix.head["context"] == "Routine"


async def test_an_exercise_is_never_written_as_real(api: Client) -> None:
    path = f"/v1/series/{made.DOSE_D.uid}/observations?{WINDOW}"
    async with api.get(f"{path}&f=irix") as response:
        assert "<id:ReportContext>Exercise</id:ReportContext>" in await response.text()
    assert len(await read(api, path, "eurdep")) == 0


async def test_the_same_answer_is_the_same_report(api: Client) -> None:
    path = f"{PATHS[0]}&f=irix"
    async with api.get(path) as one, api.get(path) as other:
        assert await one.read() == await other.read()
