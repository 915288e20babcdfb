"""Requests of operators: done one by one, answered in the store, and never the end of the collector."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from domain.reasons import Refusal
from store import read
from store.engine import Store
from store.requests import ask, request
from tests.collector.operated import GOOD, NAME, NOW, World, world


@pytest.fixture
async def made(sqlite_store: Store, tmp_path: Path) -> World:
    found = world(sqlite_store, tmp_path)
    found.archive()
    found.config = await found.versions().decide()
    return found


async def answered(made: World, kind: str, feed_id: str = "xx-made", **body: object) -> tuple[str, dict[str, Any]]:
    number = await ask(made.store, kind, feed_id, "Kim", json.dumps(body), int(NOW))
    await made.desk().step()
    row = await request(made.store, number)
    assert row
    return row.outcome, json.loads(row.answer)


async def test_a_poll_by_hand_stores_what_came(made: World) -> None:
    outcome, answer = await answered(made, "run")
    assert (outcome, answer["state"], answer["stored"], answer["read"]) == ("done", "ok", 3, 3)
    assert (await read.runs(made.store, "xx-made"))[0].uid == answer["run"]


async def test_a_poll_of_nobody_is_refused(made: World) -> None:
    assert await answered(made, "run", "zz-none") == ("refused", {"detail": "no feed zz-none is running", "plan": None})


async def test_a_plan_writes_nothing_and_asks_only_when_told_to(made: World) -> None:
    outcome, answer = await answered(made, "plan", text=GOOD)
    assert (outcome, answer["plan"]["stations"], answer["plan"]["breaches"]) == ("done", 3, [])
    assert made.publisher.asked == []
    _, answer = await answered(made, "plan", text=GOOD, fetch=True)
    assert (len(made.publisher.asked), answer["plan"]["answers"]) == (1, 3)
    assert await read.runs(made.store, "xx-made") == []


async def test_a_good_version_takes_over_at_once(made: World) -> None:
    text = GOOD.replace("A made-up feed", "Another name")
    outcome, answer = await answered(made, "apply", text=text)
    assert (outcome, answer["runs"], answer["written"]) == ("done", True, True)
    assert made.config.texts[NAME] == text == made.file.read_text(encoding="utf-8")


async def test_a_breach_is_refused_with_its_plan_and_changes_nothing(made: World) -> None:
    outcome, answer = await answered(made, "apply", text=GOOD.replace("unit: uSv/h", "unit: nSv/h"))
    assert outcome == "refused"
    assert "0.001 times" in answer["detail"]
    assert answer["plan"]["breaches"]
    assert made.file.read_text(encoding="utf-8") == GOOD
    outcome, _ = await answered(
        made, "apply", text=GOOD.replace("unit: uSv/h", "unit: nSv/h"), force=True, reason="a test"
    )
    assert outcome == "done"


async def test_a_broken_text_and_an_unknown_kind_are_answered_too(made: World) -> None:
    outcome, answer = await answered(made, "apply", text="id: xx-made")
    assert outcome == "refused"
    assert "feeds/xx-made.yaml:1:1" in answer["detail"]
    assert (await answered(made, "dance"))[0] == "refused"


async def test_a_request_that_fails_unexpectedly_is_answered_and_the_next_one_done(
    made: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken, capture_logs() as logged:
        broken.setattr("collector.desk.archived", lambda *_: 1 / 0)
        outcome, answer = await answered(made, "plan", text=GOOD)
    assert any(line["event"] == "a request failed" and line["exc_info"] for line in logged), "the traceback is kept"
    assert (outcome, answer["detail"]) == ("failed", "ZeroDivisionError: division by zero")
    made.publisher.failure = Refusal.CONNECTION
    assert (await answered(made, "run"))[1]["state"] == "blocked"
