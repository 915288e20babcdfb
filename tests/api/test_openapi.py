"""The document is valid, is the committed one, tells every code, and the service keeps what it says."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from aiohttp import web
from hypothesis import HealthCheck, Phase, settings
from openapi_spec_validator import validate
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.checks import ignored_auth, positive_data_acceptance

from alerting.voicing import Spoken
from api.app import OPERATIONS, create_app, openapi_bytes
from api.problems import Code
from api.settings import ApiSettings
from domain.clock import VirtualClock
from store.engine import open_store
from tests.alerting.cap_made import VOICE
from tests.api import made

COMMITTED = Path(__file__).parents[2] / "api" / "openapi.json"
DOCUMENT: dict[str, Any] = json.loads(openapi_bytes(ApiSettings()))


def test_valid() -> None:
    validate(DOCUMENT)
    assert DOCUMENT["openapi"].startswith("3.1")


def test_the_committed_document_is_the_one_that_is_served() -> None:
    """`python -m api.openapi_file` writes it; a change that takes something away breaks clients and needs a dated deprecation."""
    assert COMMITTED.read_bytes() == openapi_bytes(ApiSettings())


def test_every_code_can_be_told_by_some_path() -> None:
    told = json.dumps(DOCUMENT)
    undocumented = {code for code in Code if f'"{code}"' not in told}
    assert undocumented == {Code.BAD_REQUEST, Code.NO_SUCH_PATH, Code.METHOD_NOT_ALLOWED}


def test_operations_have_unique_ids_examples_and_tags() -> None:
    ids = [operation.id for operation in OPERATIONS]
    assert len(ids) == len(set(ids))
    for path, methods in DOCUMENT["paths"].items():
        for told in methods.values():
            assert told["summary"], path
            assert all("example" in param or param["name"] == "cursor" for param in told["parameters"]), path


@pytest.fixture(scope="module")
def address(tmp_path_factory) -> Iterator[str]:
    """A service on a real socket, on a loop of its own."""
    started, stop, found = threading.Event(), threading.Event(), {}

    async def run() -> None:
        store = await open_store(f"sqlite+aiosqlite:///{tmp_path_factory.mktemp('api')}/made.db")
        await made.fill(store, days=0.5)
        runner = web.AppRunner(
            create_app(
                store,
                made.config(),
                ApiSettings(operator_token="operator"),
                VirtualClock(made.NOW),
                voice=Spoken(VOICE, made.config()),
            )
        )
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        found["port"] = runner.addresses[0][1]
        started.set()
        await asyncio.to_thread(stop.wait)
        await runner.cleanup()
        await store.close()

    thread = threading.Thread(target=asyncio.run, args=(run(),), daemon=True)
    thread.start()
    started.wait(30)
    yield f"http://127.0.0.1:{found['port']}"
    stop.set()
    thread.join(30)


SCHEMA = schemathesis.openapi.from_dict(DOCUMENT, config=SchemathesisConfig())


@SCHEMA.exclude(path=["/v1/stream"]).parametrize()
@settings(
    max_examples=3,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
    derandomize=True,
)
def test_the_service_keeps_its_word(case: Any, address: str) -> None:
    headers = {"Authorization": "Bearer operator"} if case.path.startswith("/v1/subscriptions") else {}
    case.call_and_validate(base_url=address, headers=headers, excluded_checks=[positive_data_acceptance, ignored_auth])
