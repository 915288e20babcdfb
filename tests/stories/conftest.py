"""A world per test, on a file of its own."""

from __future__ import annotations

import pytest

from store.engine import open_store
from tests.stories.world import World


@pytest.fixture
async def world(tmp_path):
    store = await open_store(f"sqlite+aiosqlite:///{tmp_path}/w.db")
    yield World(store)
    await store.close()
