"""A poll: what is due, in order, spaced; it ends early when the publisher says no, is not there, or the program stops."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from collector.archive import ArchiveReader, RawArchive
from collector.fetched import Fetched
from collector.pipeline import Pipeline
from collector.plan import PlannedRequest
from collector.poll import Poller
from domain.clock import VirtualClock
from domain.readings import Answer
from domain.reasons import Refusal
from specs.loading import Config, load_config
from store import maintenance, read
from store.engine import Store, open_store
from tests.conftest import ROOT

NOW = 1_786_721_160.0
Say = Callable[[PlannedRequest], tuple[bytes, Refusal | None]]


class Told:
    """A fetcher that answers as it is told, and remembers what it was asked."""

    def __init__(self, say: Say) -> None:
        self.say, self.asked, self.committed_urls = say, [], []

    async def fetch(self, planned: PlannedRequest) -> Fetched:
        self.asked.append(planned.url)
        body, failure = self.say(planned)
        status = 0 if failure in (Refusal.TIMEOUT, Refusal.CONNECTION) else 403 if failure else 200
        return Fetched(
            Answer(planned.feed_id, "GET", planned.url, NOW, NOW + 1, status, failure=failure, size_bytes=len(body)),
            body,
            body,
        )

    def committed(self, answer: Answer) -> None:
        self.committed_urls.append(answer.url)


@pytest.fixture(scope="module")
def config() -> Config:
    return load_config(ROOT / "config")


@pytest.fixture
async def opened(sqlite_copy: str):
    store = await open_store(sqlite_copy)
    yield store
    await store.close()


def poller(store: Store, config: Config, told: Told, **more: object) -> Poller:
    async def no_pause(_: float) -> None: ...

    clock = VirtualClock(NOW)
    return Poller(told, Pipeline(store, config, clock, **more), clock, sleep=no_pause)  # type: ignore[arg-type]


def empty(_: PlannedRequest) -> tuple[bytes, Refusal | None]:
    return b'{"data":[],"count":0,"offset":0,"limit":0}', None


def always(failure: Refusal) -> Say:
    return lambda _: (b"", failure)


async def state(store: Store, feed_id: str) -> tuple[str, str]:
    health = (await read.feed_health(store))[feed_id]
    return health.state.value, health.cause


async def test_every_request_is_asked_in_order_and_committed(opened: Store, config: Config) -> None:
    told = Told(empty)
    run = await poller(opened, config, told).poll(config.feed("jp-nra-ramis"))
    assert [url[-1] for url in told.asked] == ["1", "2", "3", "0"]
    assert told.committed_urls == told.asked
    assert run
    assert run.uid == "jp-nra-ramis@2026-08-14T15:26:00Z"
    assert await state(opened, "jp-nra-ramis") == ("empty", "no value in 0 records")


@pytest.mark.parametrize(
    ("failure", "asked", "wanted"),
    [
        (Refusal.BLOCKED, 1, ("blocked", "blocked 1")),
        (Refusal.CONNECTION, 3, ("blocked", "connection 3")),
        (Refusal.TIMEOUT, 3, ("blocked", "timeout 3")),
    ],
)
async def test_a_publisher_that_says_no_or_is_not_there_is_left_alone(
    opened: Store, config: Config, failure: Refusal, asked: int, wanted: tuple[str, str]
) -> None:
    told = Told(always(failure))
    await poller(opened, config, told).poll(config.feed("jp-nra-ramis"))
    assert len(told.asked) == asked
    assert await state(opened, "jp-nra-ramis") == wanted


async def test_a_poll_ends_before_its_next_request_when_the_program_stops(opened: Store, config: Config) -> None:
    told = Told(empty)
    one = poller(opened, config, told)

    def stop(planned: PlannedRequest) -> tuple[bytes, Refusal | None]:
        one.stopping.set()
        return empty(planned)

    told.say = stop
    await one.poll(config.feed("jp-nra-ramis"))
    assert len(told.asked) == 1
    assert (await state(opened, "jp-nra-ramis"))[0] in ("partial", "empty")


async def test_the_answer_is_in_the_archive_before_anything_is_parsed(
    opened: Store, config: Config, tmp_path: Path
) -> None:
    archive = RawArchive(tmp_path / "raw")
    told = Told(lambda _: (b"<html>maintenance</html>", None))
    one = poller(opened, config, told, archive=archive)
    await one.poll(config.feed("jp-jma-quakes"))
    archive.close()
    assert [fetched.answer.url for fetched in ArchiveReader([tmp_path / "raw"])] == told.asked
    assert (await state(opened, "jp-jma-quakes"))[0] == "unread"


async def test_what_could_not_be_read_is_asked_for_again_in_full(opened: Store, config: Config) -> None:
    told = Told(lambda _: (b"<html>maintenance</html>", None))
    one = poller(opened, config, told)
    await one.poll(config.feed("jp-jma-quakes"))
    assert told.committed_urls == []
    told.say = lambda _: (b"[]", None)
    await one.poll(config.feed("jp-jma-quakes"))
    assert told.committed_urls == told.asked[1:]


async def test_a_broken_payload_harms_neither_its_neighbours_nor_other_feeds(opened: Store, config: Config) -> None:
    broken = Told(lambda planned: (b"\xff\xfe{", None) if planned.url.endswith("=2") else empty(planned))
    await asyncio.gather(
        poller(opened, config, broken).poll(config.feed("jp-nra-ramis")),
        poller(opened, config, Told(lambda _: (b"[]", None))).poll(config.feed("jp-jma-quakes")),
    )
    (run,) = await read.runs(opened, "jp-nra-ramis")
    assert sum(run.refused.values()) == 1
    assert run.uid.startswith("jp-nra-ramis@")
    assert (await state(opened, "jp-jma-quakes"))[0] == "ok"
    assert await maintenance.check(opened) == []
