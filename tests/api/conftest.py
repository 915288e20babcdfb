"""An API over a filled store, in one process with the test."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from api.app import create_app
from api.settings import ApiSettings
from domain.clock import VirtualClock
from domain.states import Audience
from store.engine import Store, open_store
from tests.api import made

Client = TestClient[Any, Any]


@pytest.fixture(scope="session")
def filled(tmp_path_factory) -> Path:
    """The made world in a file, made once; each test gets a copy of its own."""
    path = tmp_path_factory.mktemp("world") / "made.db"

    async def fill() -> None:
        opened = await open_store(f"sqlite+aiosqlite:///{path}")
        await made.fill(opened)
        await opened.close()

    asyncio.run(fill())
    return path


@pytest.fixture
async def store(tmp_path, filled: Path) -> AsyncIterator[Store]:
    shutil.copy(filled, tmp_path / "made.db")
    opened = await open_store(f"sqlite+aiosqlite:///{tmp_path}/made.db")
    yield opened
    await opened.close()


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(made.NOW)


@pytest.fixture
async def serve(store: Store, clock: VirtualClock) -> AsyncIterator[Callable[..., Awaitable[Client]]]:
    """Start a client on an app with the settings given; closed after the test."""
    clients: list[Client] = []

    async def start(**settings: Any) -> Client:
        app = create_app(store, made.config(), ApiSettings(**({"check_s": 0.0, "warm_up": False} | settings)), clock)
        client = TestClient(TestServer(app, host="127.0.0.1"))
        await client.start_server()
        clients.append(client)
        return client

    yield start
    for client in clients:
        await client.close()


@pytest.fixture
async def api(serve: Callable[..., Awaitable[Client]]) -> Client:
    return await serve()


@pytest.fixture
async def public(serve: Callable[..., Awaitable[Client]]) -> Client:
    return await serve(audience=Audience.PUBLIC)


async def body(client: Client, path: str, status: int = 200, **headers: str) -> Any:
    """The JSON of an answer with the status expected."""
    async with client.get(path, headers=headers) as response:
        text = await response.text()
        assert response.status == status, f"{path}: {response.status} {text[:500]}"
        return await response.json(content_type=None)
