"""The CF checker's report on every kind of NetCDF that the service gives: no errors, no warnings."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from api.app import openapi_bytes
from api.settings import ApiSettings
from tests.api import made
from tests.api.conftest import Client

WINDOW = "from=2026-08-14T00:00:00Z&to=2026-08-16T00:00:00Z"
CHECKER = Path(sys.executable).with_name("compliance-checker")
KINDS = {
    "/v1/observations": f"/v1/observations?{WINDOW}&f=netcdf",
    "/v1/series/{id}/observations": f"/v1/series/{made.DOSE_F.uid}/observations?{WINDOW}&f=netcdf",
    "/v1/samples": "/v1/samples?f=netcdf",
    "/v1/regions/{id}/grid": "/v1/regions/JP-07/grid",
}
EMPTY = {
    "no observations": "/v1/observations?from=2020-01-01T00:00:00Z&to=2020-01-02T00:00:00Z&f=netcdf",
    "no samples": "/v1/samples?from=2020-01-01T00:00:00Z&to=2020-01-02T00:00:00Z&f=netcdf",
}


def paths_with_netcdf() -> set[str]:
    """Paths of the document that answer with NetCDF."""
    return {
        path
        for path, methods in json.loads(openapi_bytes(ApiSettings()))["paths"].items()
        for operation in methods.values()
        if "application/x-netcdf" in operation.get("responses", {}).get("200", {}).get("content", {})
    }


def checked(files: list[Path], report: Path) -> dict[str, Any]:
    """The checker's report by file."""
    command = [CHECKER, "-t", "cf:1.11", "-f", "json_new", "-o", report, *files]
    subprocess.run(command, capture_output=True, check=False)
    return {Path(name).stem: found["cf:1.11"] for name, found in json.loads(report.read_text()).items()}


async def test_every_kind_passes_the_checker(api: Client, tmp_path: Path) -> None:
    assert set(KINDS) == paths_with_netcdf()
    files = []
    for number, path in enumerate([*KINDS.values(), *EMPTY.values()]):
        async with api.get(path) as response:
            assert response.status == 200, path
            files.append(tmp_path / f"{number}.nc")
            files[-1].write_bytes(await response.read())
    told = await asyncio.to_thread(checked, files, tmp_path / "report.json")
    assert len(told) == len(files)
    for name, found in told.items():
        assert found["possible_points"] > 20, name
        wrong = [one for one in found["all_priorities"] if one["msgs"]]
        assert found["scored_points"] == found["possible_points"], (name, wrong)
