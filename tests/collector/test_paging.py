"""A poll walks through the pages of an answer: to the last one, and never for ever."""

from __future__ import annotations

import hashlib
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

import pytest

from collector.fetched import Fetched
from collector.plan import PlannedRequest, matches
from collector.poll import Poller
from domain.clock import VirtualClock
from domain.readings import Answer, Tally
from specs.loading import ConfigError
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


LINKED = """\
forms:
  - id: rows
    request: {url: "https://lab.example/items", parameters: {limit: "2", api_key: {env: LAB_KEY}}, paging: {PAGING}}
    decode: {format: json_rows, rows: features}
    station: {key: s}
    time: {column: t, zone: UTC, zone_stated: true}
    measures: [{column: d, quantity: air_dose_rate_as_published, unit: nSv/h}]
"""


class Linked(Pages):
    """Bodies by what is asked for, each saying in its own way what comes next."""

    def __init__(self, config: object, answers: dict[str, tuple[str, tuple[tuple[str, str], ...]]]) -> None:
        super().__init__(config, [2] * 99)
        self.answers = answers

    async def fetch(self, request: PlannedRequest) -> Fetched:
        self.asked.append(request.url)
        body, headers = self.answers[urlsplit(request.url).query.replace("limit=2&", "").removesuffix("limit=2")]
        digest = hashlib.sha256(body.encode()).hexdigest()
        return Fetched(
            Answer(request.feed_id, "GET", request.url, NOW, NOW, 200, headers=headers, sha256=digest), body.encode()
        )


async def linked(folder: Path, paging: str, *answers: tuple[str, str, str]) -> Linked:
    config = loaded(folder, LINKED.replace("{PAGING}", paging))
    pages = Linked(config, {query: (body, (("Link", link),) if link else ()) for query, body, link in answers})

    async def no_pause(_: float) -> None: ...

    await Poller(pages, pages, VirtualClock(NOW), sleep=no_pause).poll(config.feeds[0])  # type: ignore[arg-type]
    return pages


async def test_the_next_page_is_the_link_that_is_called_so(tmp_path: Path) -> None:
    one = '{"links": [{"rel": "self", "href": "x"}, {"rel": "next", "href": "?limit=2&token=b&api_key=secret"}]}'
    pages = await linked(tmp_path, "{next: links}", ("", one, ""), ("token=b", '{"links": []}', ""))
    # the key that the publisher repeats in its link is no part of an address of ours
    assert pages.asked == ["https://lab.example/items?limit=2", "https://lab.example/items?limit=2&token=b"]
    assert pages.planned == 2
    (feed,) = pages.config.feeds  # type: ignore[attr-defined]
    assert all(matches(feed, "GET", url) for url in pages.asked)
    assert not matches(feed, "GET", "https://lab.example/other?token=b")


async def test_a_mark_is_sent_as_a_parameter(tmp_path: Path) -> None:
    pages = await linked(
        tmp_path, "{parameter: cursor, next: meta.next}", ("", '{"meta": {"next": "a&b"}}', ""), ("cursor=a%26b", '{"meta": {"next": null}}', "")
    )  # fmt: skip
    assert [urlsplit(url).query for url in pages.asked] == ["limit=2", "limit=2&cursor=a%26b"]
    (feed,) = pages.config.feeds  # type: ignore[attr-defined]
    assert all(matches(feed, "GET", url) for url in pages.asked)


async def test_the_next_page_may_stand_in_a_header(tmp_path: Path) -> None:
    link = '<https://lab.example/items?token=a>; rel="prev", <https://lab.example/items?token=b>; rel="next"'
    pages = await linked(tmp_path, "{next: $link}", ("", "{}", link), ("token=b", "[]", ""))
    assert len(pages.asked) == 2


@pytest.mark.parametrize("address", ["https://evil.example/items?token=b", "http://lab.example/items?token=b", "http://127.0.0.1/items", "/other", "?" + "a" * 5000])  # fmt: skip
async def test_a_page_elsewhere_is_not_asked_and_the_run_is_a_partial_one(address: str, tmp_path: Path) -> None:
    pages = await linked(tmp_path, "{next: next}", ("", f'{{"next": "{address}"}}', ""))
    assert (len(pages.asked), pages.planned) == (1, 2)


async def test_a_page_that_names_itself_is_the_last(tmp_path: Path) -> None:
    pages = await linked(tmp_path, "{next: next}", ("", '{"next": "https://lab.example/items?limit=2"}', ""))
    assert (len(pages.asked), pages.planned) == (1, 1)


async def test_links_without_end_stop_at_the_most(tmp_path: Path) -> None:
    answers = [("" if at == 0 else f"token={at}", f'{{"next": "?token={at + 1}"}}', "") for at in range(9)]
    pages = await linked(tmp_path, "{next: next, most: 4}", *answers)
    assert len(pages.asked) == 4


@pytest.mark.parametrize("paging", ["{parameter: page}", "{size: 5}", "{}"])
def test_pages_need_a_way_to_the_next_one(paging: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="pages are counted by `parameter` and `size`"):
        loaded(tmp_path, LINKED.replace("{PAGING}", paging))
