"""The same content gives the same bytes, whichever database holds it."""

from __future__ import annotations

from aiohttp.test_utils import TestClient, TestServer

from api.app import create_app
from api.settings import ApiSettings
from domain.clock import VirtualClock
from store.engine import open_store
from tests.api import made
from tests.api.conftest import Client
from tests.databases import postgres_server, postgres_url

__all__ = ["postgres_server", "postgres_url"]

PATHS = [
    "/v1/stations", "/v1/stations?region=JP-07", "/v1/series?limit=4", "/v1/latest", "/v1/latest?as_of=2026-08-15T02:52:00Z", "/v1/latest?near=37.42,141.03",
    "/v1/observations?from=2026-08-14T00:00:00Z&to=2026-08-16T00:00:00Z&limit=100", f"/v1/series/{made.DOSE_F.uid}/observations",
    f"/v1/series/{made.DOSE_F.uid}/observations?resolution=1h", "/v1/samples", "/v1/samples/s1", "/v1/quakes", "/v1/regions/JP-07/summary",
    "/v1/sites/kr-kori/status", "/v1/feeds", "/v1/feeds/jp-made/runs", "/v1/feeds/jp-made/availability", "/v1/observations?from=2026-08-14T00:00:00Z&to=2026-08-16T00:00:00Z&f=csv",
]  # fmt: skip


async def _answers(client: Client, path: str) -> list[bytes]:
    """The answer and, page after page, everything that follows it."""
    found = []
    at: str | None = path
    while at:
        async with client.get(at) as response:
            found.append(await response.read())
            assert response.status == 200, found[-1]
            at = response.links["next"]["url"].path_qs if "next" in response.links else None
    return found


async def test_postgresql_and_sqlite_answer_alike(api: Client, postgres_url: str) -> None:
    store = await open_store(postgres_url)
    await made.fill(store)
    app = create_app(store, made.config(), ApiSettings(check_s=0.0, warm_up=False), VirtualClock(made.NOW))
    async with TestClient(TestServer(app, host="127.0.0.1")) as other:
        for path in PATHS:
            assert await _answers(other, path) == await _answers(api, path), path
    await store.close()
