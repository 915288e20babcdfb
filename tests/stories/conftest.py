"""A world per test, on a file of its own; `any_world` once on each engine."""

from __future__ import annotations

import pytest

from tests.stories.world import World


@pytest.fixture
def world(sqlite_store):
    return World(sqlite_store)


@pytest.fixture
def any_world(store):
    return World(store)
