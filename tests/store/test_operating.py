"""What operators did and what a collector must not forget, on both engines."""

from __future__ import annotations

from domain.states import FeedState
from store import feed_controls, read
from store.config_files import (
    ConfigChange,
    ConfigFileRow,
    config_changes,
    config_files,
    config_marks,
    config_text,
    drop_files,
    keep_files,
)
from store.engine import Store, open_store
from store.feed_controls import BreakerRow, Pause, Validator
from store.requests import TAKEN_FOR_S, answer_request, ask, request, take_requests

NOW = 1_800_000_000
NAME = "feeds/xx-made.yaml"


def row(digest: str, text: str, instead_of: str | None = None) -> ConfigFileRow:
    return ConfigFileRow(NAME, digest, text, instead_of, ("why",) if instead_of else (), NOW)


async def test_the_newest_decision_on_a_file_counts_and_no_text_is_lost(store: Store) -> None:
    await keep_files(store, [row("aa1", "one")], [ConfigChange(NOW, NAME, "xx-made", "first", "Kim", "aa1")])
    before = await config_marks(store)
    change = ConfigChange(NOW + 1, NAME, "xx-made", "edit", "Lee", "bb2", "aa1", "- a\n+ b", "because", "3 answers")
    await keep_files(store, [row("bb2", "two")], [change])
    assert (await config_files(store))[NAME] == row("bb2", "two")
    assert before != await config_marks(store)
    assert (await config_text(store, "aa"), await config_text(store, "bb2"), await config_text(store, "c")) == (
        "one",
        "two",
        None,
    )
    newest, first = await config_changes(store, "xx-made")
    assert (newest.author, newest.diff, newest.reason, newest.numbers, first.action) == (
        "Lee",
        "- a\n+ b",
        "because",
        "3 answers",
        "first",
    )
    assert await config_changes(store, "xx-made", before_id=newest.id) == [first]
    assert await config_changes(store, "another") == []


async def test_a_held_version_says_in_whose_stead_it_runs(store: Store) -> None:
    await keep_files(store, [row("aa1", "one", instead_of="cc3")])
    found = (await config_files(store))[NAME]
    assert (found.instead_of, found.problems, found.text) == ("cc3", ("why",), "one")


async def test_a_file_that_was_taken_away_keeps_its_history(store: Store) -> None:
    await keep_files(store, [row("aa1", "one")])
    await drop_files(store, [NAME], [ConfigChange(NOW, NAME, "xx-made", "remove", "Kim")])
    assert await config_files(store) == {}
    assert await config_text(store, "aa1") == "one"
    assert [one.action for one in await config_changes(store)] == ["remove"]


async def test_a_pause_is_the_state_of_its_feed_and_stands_in_its_history(store: Store) -> None:
    assert await feed_controls.pause(store, Pause("xx-made", "Kim", NOW, "they asked"))
    assert not await feed_controls.pause(store, Pause("xx-made", "Lee", NOW + 5, "again"))
    health = (await read.feed_health(store))["xx-made"]
    assert (health.state, health.cause) == (FeedState.PAUSED, "paused by Kim: they asked")
    (run,) = await read.runs(store, "xx-made")
    assert (run.state, run.started_s, run.finished_s) == (FeedState.PAUSED, NOW, NOW)
    assert await feed_controls.resume(store, "xx-made", "Lee", NOW + 9)
    assert not await feed_controls.resume(store, "xx-made", "Lee", NOW + 9)
    assert "xx-made" not in await read.feed_health(store)
    assert [(one.action, one.author) for one in await config_changes(store, "xx-made")] == [
        ("resume", "Lee"),
        ("pause", "Kim"),
    ]


async def test_a_pause_outlives_the_program(sqlite_copy: str) -> None:
    first = await open_store(sqlite_copy)
    await feed_controls.pause(first, Pause("xx-made", "Kim", NOW, ""))
    await first.close()
    again = await open_store(sqlite_copy)
    assert (await read.feed_health(again))["xx-made"].state is FeedState.PAUSED
    await again.close()


async def test_breakers_and_validators_are_kept_until_they_are_not_needed(store: Store) -> None:
    await feed_controls.set_breaker(store, BreakerRow("a", 3, NOW + 600, "timeout 3"))
    await feed_controls.set_breaker(store, BreakerRow("a", 4, NOW + 1200, "timeout 3"))
    assert await feed_controls.breakers(store) == {"a": BreakerRow("a", 4, NOW + 1200, "timeout 3")}
    await feed_controls.set_breaker(store, BreakerRow("a", 0, 0, ""))
    assert await feed_controls.breakers(store) == {}
    said = Validator("GET", "https://x.example/", '"1"', "")
    await feed_controls.keep_validators(store, "a", [said])
    await feed_controls.keep_validators(store, "a", [Validator("GET", said.url, '"2"', "Mon")])
    assert await feed_controls.validators(store) == [Validator("GET", said.url, '"2"', "Mon")]
    await feed_controls.forget_validators(store, ["a"])
    assert await feed_controls.validators(store) == []


async def test_a_request_is_taken_once_answered_once_and_taken_again_from_a_dead_collector(store: Store) -> None:
    number = await ask(store, "run", "xx-made", "Kim", "{}", NOW)
    (taken,) = await take_requests(store, NOW + 1)
    assert (taken.id, taken.kind, taken.author, taken.done_s) == (number, "run", "Kim", None)
    assert await take_requests(store, NOW + 2) == []
    assert [one.id for one in await take_requests(store, NOW + 2 + TAKEN_FOR_S)] == [number]
    await answer_request(store, number, "done", '{"a":1}', NOW + 3)
    await answer_request(store, number, "failed", "{}", NOW + 4)
    found = await request(store, number)
    assert found
    assert (found.outcome, found.answer, found.done_s) == ("done", '{"a":1}', NOW + 3)
    assert await request(store, number + 99) is None
    assert await take_requests(store, NOW + 9 * TAKEN_FOR_S) == []
