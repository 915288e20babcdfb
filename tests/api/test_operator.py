"""Operators over HTTP: who may, what is checked at once, and how a request finds its collector and its answer."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import Any

import pytest

from api.service import SERVICE
from specs.loading import Held
from store.config_files import ConfigChange, keep_files
from store.engine import Store
from store.requests import RequestRow, answer_request, take_requests
from tests.api import made
from tests.api.conftest import Client, body
from tests.conftest import ROOT

TOKEN = {"Authorization": "Bearer operator", "X-Operator": "Kim"}
_RAMIS = (ROOT / "config" / "feeds" / "jp-nra-ramis.yaml").read_text(encoding="utf-8")
TEXT = _RAMIS.replace("id: jp-nra-ramis", "id: jp-made").replace("source: jp-nra", "source: jp-publisher")
CALLS = [
    ("POST", "/v1/feeds:validate", {"text": TEXT}),
    ("POST", "/v1/feeds:plan", {"text": TEXT}),
    ("PUT", "/v1/feeds/jp-made", {"text": TEXT}),
    ("POST", "/v1/feeds/jp-made:pause", {"reason": "a test"}),
    ("POST", "/v1/feeds/jp-made:resume", {}),
    ("POST", "/v1/feeds/jp-made:run", None),
    ("GET", "/v1/feeds/jp-made/changes", None),
    ("GET", "/v1/feed-requests/1", None),
]


@pytest.fixture
async def api(serve: Any) -> Client:
    found: Client = await serve(operator_token="operator", operator_wait_s=0.0)
    return found


async def call(client: Client, method: str, path: str, sent: object = None, **headers: str) -> tuple[int, Any]:
    async with client.request(method, path, json=sent, headers=headers) as response:
        return response.status, await response.json(content_type=None)


@asynccontextmanager
async def collector(store: Store, outcome: str, answer: dict[str, object]) -> AsyncIterator[list[RequestRow]]:
    """A collector that answers everything with the same words."""
    taken: list[RequestRow] = []

    async def work() -> None:
        while True:
            for row in await take_requests(store, made.NOW):
                taken.append(row)
                await answer_request(store, row.id, outcome, json.dumps(answer), made.NOW + 1)
            await asyncio.sleep(0.005)

    task = asyncio.create_task(work())
    try:
        yield taken
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@pytest.mark.parametrize(("method", "path", "sent"), CALLS)
async def test_nobody_but_the_operator(api: Client, serve: Any, method: str, path: str, sent: object) -> None:
    status, told = await call(api, method, path, sent)
    assert (status, told["code"]) == (401, "token_missing")
    status, told = await call(api, method, path, sent, Authorization="Bearer someone")
    assert (status, told["code"]) == (403, "token_refused")
    without = await serve(operator_token="")
    status, told = await call(without, method, path, sent, **TOKEN)
    assert (status, told["code"]) == (403, "token_refused")
    assert "RADCOMMONS_OPERATOR_TOKEN" in told["detail"]


async def test_a_good_file_is_valid_and_a_bad_one_says_where(api: Client) -> None:
    status, told = await call(api, "POST", "/v1/feeds:validate", {"text": TEXT}, **TOKEN)
    assert (status, told["valid"], told["feed"], told["problems"]) == (200, True, "jp-made", [])
    bad = TEXT.replace("quantity: air_dose_rate_as_published", "quantity: air_dose_rate")
    status, told = await call(api, "POST", "/v1/feeds:validate", {"text": bad}, **TOKEN)
    assert (status, told["valid"]) == (200, False)
    first = told["problems"][0]
    assert first["file"] == "feeds/jp-made.yaml"
    assert (
        first["line"]
        == bad.splitlines().index(next(line for line in bad.splitlines() if line.endswith("quantity: air_dose_rate")))
        + 1
    )
    for path, more in (("/v1/feeds:plan", {}), ("/v1/feeds/jp-made", {})):
        method = "POST" if path.endswith("plan") else "PUT"
        status, told = await call(api, method, path, {"text": bad, **more}, **TOKEN)
        assert (status, told["code"], told["param"]) == (422, "not_meaningful", "text")
        assert "feeds/jp-made.yaml:" in told["detail"]


async def test_a_version_waits_for_the_collector_and_its_answer_tells_which_one_runs(serve: Any, store: Store) -> None:
    api = await serve(operator_token="operator", operator_wait_s=10.0)
    answer: dict[str, object] = {"version": "abc", "before": "def", "written": True, "runs": True, "plan": None}
    async with collector(store, "done", answer) as taken:
        status, told = await call(api, "PUT", "/v1/feeds/jp-made", {"text": TEXT}, **TOKEN)
    assert (status, told["outcome"], told["version"], told["runs"], told["author"]) == (
        200,
        "done",
        "abc",
        True,
        "Kim (API)",
    )
    assert (taken[0].kind, taken[0].feed_id, json.loads(taken[0].body)["text"]) == ("apply", "jp-made", TEXT)


async def test_a_refusal_is_no_success(serve: Any, store: Store) -> None:
    api = await serve(operator_token="operator", operator_wait_s=10.0)
    async with collector(store, "refused", {"detail": "feeds/jp-made.yaml:61:5 why"}):
        status, told = await call(api, "PUT", "/v1/feeds/jp-made", {"text": TEXT}, **TOKEN)
        assert (status, told["outcome"], told["detail"]) == (409, "refused", "feeds/jp-made.yaml:61:5 why")
        assert (await call(api, "POST", "/v1/feeds/jp-made:run", **TOKEN))[0] == 409


async def test_without_a_collector_the_request_stands_and_can_be_looked_at(api: Client, store: Store) -> None:
    status, told = await call(api, "POST", "/v1/feeds/jp-made:run", **TOKEN)
    assert (status, told["outcome"], told["answered"]) == (202, "", None)
    assert (await call(api, "GET", told["links"]["self"], **TOKEN))[0] == 202
    await answer_request(store, told["request"], "done", '{"run":"r","state":"ok","cause":""}', made.NOW)
    status, told = await call(api, "GET", told["links"]["self"], **TOKEN)
    assert (status, told["outcome"], told["run"], told["state"]) == (200, "done", "r", "ok")
    for unknown in ("999999", "x", "-1", "9" * 40):
        assert (await call(api, "GET", f"/v1/feed-requests/{unknown}", **TOKEN))[0] == 404


async def test_a_forced_version_needs_a_reason_and_the_path_must_name_the_file(api: Client) -> None:
    status, told = await call(api, "PUT", "/v1/feeds/jp-made", {"text": TEXT, "force": True, "reason": " "}, **TOKEN)
    assert (status, told["param"]) == (422, "reason")
    status, told = await call(api, "PUT", "/v1/feeds/sea-made", {"text": TEXT}, **TOKEN)
    assert (status, told["param"]) == (422, "id")


async def test_a_pause_shows_at_once_and_is_never_calm(api: Client) -> None:
    sent = {"reason": "they asked for quiet"}
    status, told = await call(api, "POST", "/v1/feeds/jp-made:pause", sent, **TOKEN)
    assert (status, told["paused"], told["changed"], told["author"]) == (200, True, True, "Kim (API)")
    feed = (await body(api, "/v1/feeds/jp-made"))["feed"]
    assert (feed["state"], feed["cause"]) == ("paused", "paused by Kim (API): they asked for quiet")
    assert "not calm" in feed["effect"]
    assert "resume" in feed["mends"]
    assert (await call(api, "POST", "/v1/feeds/jp-made:pause", sent, **TOKEN))[1]["changed"] is False
    status, told = await call(api, "POST", "/v1/feeds/jp-made:resume", {}, **TOKEN)
    assert (told["paused"], told["changed"]) == (False, True)
    assert (await body(api, "/v1/feeds/jp-made"))["feed"]["state"] != "paused"
    status, told = await call(api, "GET", "/v1/feeds/jp-made/changes", **TOKEN)
    assert [(one["action"], one["author"]) for one in told["changes"]] == [
        ("resume", "Kim (API)"),
        ("pause", "Kim (API)"),
    ]
    assert (await call(api, "POST", "/v1/feeds/zz-none:pause", {}, **TOKEN))[0] == 404


async def test_changes_are_paged(api: Client, store: Store) -> None:
    changes = [ConfigChange(made.NOW, "feeds/jp-made.yaml", "jp-made", "edit", f"a{n}") for n in range(5)]
    await keep_files(store, [], changes)
    seen, path = [], "/v1/feeds/jp-made/changes?limit=2"
    while path:
        _, told = await call(api, "GET", path, **TOKEN)
        seen += [one["author"] for one in told["changes"]]
        path = told["next"]
    assert seen == ["a4", "a3", "a2", "a1", "a0"]


async def test_a_held_file_is_told_by_root_feed_and_metrics_until_it_is_in_order(api: Client) -> None:
    service = api.server.app[SERVICE]  # type: ignore[attr-defined]
    good = service.config
    problems = ("feeds/jp-made.yaml:61:5 why",)
    held = Held("feeds/jp-made.yaml", "new", "old", problems)
    lost = Held("feeds/zz-lost.yaml", "new", "", ("feeds/zz-lost.yaml:1:1 not valid YAML",))
    await service.take_over(replace(good, held=(held, lost)))
    notices = (await body(api, "/v1/"))["notices"]
    assert [(one["file"], one["runs"]) for one in notices] == [
        ("feeds/jp-made.yaml", "old"),
        ("feeds/zz-lost.yaml", ""),
    ]
    assert (await body(api, "/v1/feeds/jp-made"))["feed"]["held"]["problems"] == list(problems)
    assert "not valid YAML" in (await body(api, "/v1/feeds/zz-lost", 404))["detail"]
    async with api.get("/metrics") as response:
        assert 'radcommons_config_held{file="feeds/jp-made.yaml"} 1.0' in await response.text()
    await service.take_over(good)
    assert (await body(api, "/v1/"))["notices"] == []
    async with api.get("/metrics") as response:
        assert "radcommons_config_held{" not in await response.text()


async def test_a_configuration_that_takes_over_is_answered_by_at_once(api: Client) -> None:
    service = api.server.app[SERVICE]  # type: ignore[attr-defined]
    before = await body(api, "/v1/feeds")
    kept = tuple(feed for feed in service.config.feeds if feed.id != "jp-made")
    await service.take_over(replace(service.config, feeds=kept, digest="another"))
    assert len((await body(api, "/v1/feeds"))["feeds"]) == len(before["feeds"]) - 1
    await body(api, "/v1/feeds/jp-made", 404)


async def test_the_scorecard_of_a_feed(api: Client) -> None:
    told = await body(api, "/v1/feeds/jp-made/scorecard")
    assert told["done"] + told["todo"] + told["exempt"] == len(told["scores"]) >= 10
    assert all(one["why"] for one in told["scores"] if one["standing"] != "done")
