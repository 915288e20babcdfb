"""Every path answers over a filled store."""

from __future__ import annotations

import pytest

from tests.api.conftest import Client, body
from tests.api.made import DOSE_F, FUKUSHIMA

PATHS = [
    "/v1/",
    "/v1/problems",
    "/v1/problems/naive_time",
    "/v1/sources",
    "/v1/sources/jp-publisher",
    "/v1/feeds",
    "/v1/feeds/jp-made",
    "/v1/feeds/jp-made/runs",
    "/v1/feeds/jp-made/availability",
    "/v1/stations",
    f"/v1/stations/{FUKUSHIMA.uid}",
    "/v1/series",
    f"/v1/series/{DOSE_F.uid}",
    f"/v1/series/{DOSE_F.uid}/observations",
    f"/v1/series/{DOSE_F.uid}/observations?resolution=1h",
    "/v1/observations?from=2026-08-14T00:00:00Z&to=2026-08-16T00:00:00Z",
    "/v1/latest",
    "/v1/latest?region=KR-26,JP-40",
    "/v1/samples",
    "/v1/samples/s1",
    "/v1/quakes",
    "/v1/regions",
    "/v1/regions/JP-07",
    "/v1/regions/JP-07/summary",
    "/v1/regions/SEA-07/summary",
    "/v1/regions/JP-07/history?step=6h",
    "/healthz",
    "/openapi.json",
]


@pytest.mark.parametrize("path", PATHS)
async def test_answers(api: Client, path: str) -> None:
    assert await body(api, path)
