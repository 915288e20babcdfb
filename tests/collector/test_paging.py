"""A poll walks through the pages of an answer: to the last one, and never for ever."""

from __future__ import annotations

import hashlib
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

from collector.fetched import Fetched
from collector.plan import PlannedRequest
from collector.poll import Poller
from domain.clock import VirtualClock
from domain.readings import Answer, Tally
from tests.feeds.made import RECEIVED, loaded
from tests.feeds.test_made_up import ARCGIS

NOW = RECEIVED.timestamp()


class Pages:
    """A fetcher and a pipeline in one: page n holds so many rows as told, and its own text or always the same."""

    def __init__(self, config: object, sizes: list[int], *, same: bool = False) -> None:
        self.config, self.sizes, self.same = config, sizes, same
        self.asked: list[str] = []
        self.planned: int | None = None

    async def fetch(self, request: PlannedRequest) -> Fetched:
        self.asked.append(parse_qs(urlsplit(request.url).query)["resultOffset"][0])
        body = b"same" if self.same else request.url.encode()
        return Fetched(
            Answer(request.feed_id, "GET", request.url, NOW, NOW, 200, sha256=hashlib.sha256(body).hexdigest()), body
        )

    def committed(self, answer: Answer) -> None: ...

    def begin(self, feed: object, started_s: float) -> object:
        return SimpleNamespace(uid="run")

    async def take(self, fetched: Fetched, run: object) -> Tally:
        return Tally(read=self.sizes[len(self.asked) - 1])

    async def finish(self, run: object, *, planned: int | None = None) -> None:
        self.planned = planned


async def walked(folder: Path, sizes: list[int], *, same: bool = False) -> Pages:
    config = loaded(folder, ARCGIS)
    pages = Pages(config, sizes, same=same)

    async def no_pause(_: float) -> None: ...

    await Poller(pages, pages, VirtualClock(NOW), sleep=no_pause).poll(config.feeds[0])  # type: ignore[arg-type]
    return pages


async def test_a_short_page_is_the_last(tmp_path: Path) -> None:
    pages = await walked(tmp_path, [2, 2, 1])
    assert (pages.asked, pages.planned) == (["0", "2", "4"], 3)


async def test_pages_without_end_stop_at_the_most(tmp_path: Path) -> None:
    assert (await walked(tmp_path, [2] * 9)).asked == ["0", "2", "4", "6", "8"]


async def test_a_server_that_repeats_its_first_page_is_asked_twice(tmp_path: Path) -> None:
    assert (await walked(tmp_path, [2] * 9, same=True)).asked == ["0", "2"]
