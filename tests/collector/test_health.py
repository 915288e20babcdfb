"""The state of a feed after a run: each kind of silence has its own name, and none of them is calm."""

from __future__ import annotations

import numpy as np
import pytest

from collector.health import Expected, Gathered, feed_late_after_s, judge
from domain.flags import Qc
from domain.readings import NO_TIME, Answer, Harvest, Readings, Series
from domain.reasons import Refusal
from domain.states import FeedState

NOW = 1_800_000_000
EXPECTED = Expected(late_after_s=2700, stations=10)


def answer(failure: Refusal | None = None, **more: object) -> Answer:
    return Answer("f", "GET", "https://x/", NOW, NOW, 0 if failure else 200, failure=failure, **more)  # type: ignore[arg-type]


def harvest(ages_min: list[float], qc: int = 0, **more: object) -> Harvest:
    n = len(ages_min)
    series = tuple(Series(f"s{i}", f"st{i}", "f", "air_dose_rate_as_published", "uSv/h") for i in range(n))
    readings = Readings(
        series, np.arange(n), NOW - (np.array(ages_min) * 60).astype(np.int64), np.full(n, 0.05), np.full(n, 3, np.int16),
        np.zeros(n, np.int8), np.full(n, np.nan), np.full(n, NO_TIME), np.full(n, qc, np.int64),
    )  # fmt: skip
    return Harvest(**{"read": n, "readings": readings, **more})  # type: ignore[arg-type]


FRESH = [12.0] * 10


def state(
    *pairs: tuple[Answer, Harvest], asked: int = 0, expected: Expected = EXPECTED, edge_s: int | None = None
) -> tuple[FeedState, str]:
    gathered = Gathered(asked=max(asked, len(pairs)))
    for one, found in pairs:
        gathered.add(one, found)
    known = gathered.edge_s(NOW - 86_400)
    return judge(gathered, expected, edge_s if known is None else known, NOW)


CASES: list[tuple[str, list[tuple[Answer, Harvest]], FeedState]] = [
    ("all is well", [(answer(), harvest(FRESH))], FeedState.OK),
    ("the publisher is behind as a whole", [(answer(), harvest([60.0] * 10))], FeedState.LATE),
    ("one quick station does not hide it", [(answer(), harvest([1.0] + [60.0] * 29))], FeedState.LATE),
    ("devices long dead do not make it late", [(answer(), harvest([10.0] * 6 + [1e6] * 400))], FeedState.OK),
    ("all devices long dead", [(answer(), harvest([1e6] * 40))], FeedState.LATE),
    ("nobody answers", [(answer(Refusal.TIMEOUT), Harvest())], FeedState.BLOCKED),
    ("no key is set", [(answer(Refusal.SECRET_MISSING), Harvest())], FeedState.BLOCKED),
    ("broken bytes", [(answer(Refusal.BAD_COMPRESSION), Harvest())], FeedState.UNREAD),
    ("an error page with status 200", [(answer(), Harvest(refused={Refusal.HTML_INSTEAD: 1}))], FeedState.UNREAD),
    ("a list without entries", [(answer(), Harvest())], FeedState.EMPTY),
    ("entries without a value", [(answer(), Harvest(read=40))], FeedState.EMPTY),
    ("most rows refused", [(answer(), harvest(FRESH, read=40, refused={Refusal.BAD_NUMBER: 30}))], FeedState.MISREAD),
    ("another unit than ever before", [(answer(), harvest(FRESH, qc=int(Qc.GROSS_RANGE)))], FeedState.MISREAD),
    ("rows left out on purpose", [(answer(), harvest(FRESH, read=50, refused={Refusal.FILTERED_BY_FEED: 40}))], FeedState.OK),
    ("one of two requests failed", [(answer(), harvest(FRESH)), (answer(Refusal.TIMEOUT), Harvest())], FeedState.PARTIAL),
    ("late and partial is late", [(answer(), harvest([90.0] * 10)), (answer(Refusal.TIMEOUT), Harvest())], FeedState.LATE),
    ("few of the stations", [(answer(), harvest([12.0] * 4))], FeedState.PARTIAL),
    ("a few rows cut off", [(answer(), harvest(FRESH, refused={Refusal.TOO_MANY_ROWS: 1}))], FeedState.PARTIAL),
]  # fmt: skip


@pytest.mark.parametrize(("what", "pairs", "wanted"), CASES, ids=[case[0] for case in CASES])
def test_each_kind_of_silence_has_its_own_name(
    what: str, pairs: list[tuple[Answer, Harvest]], wanted: FeedState
) -> None:
    got, cause = state(*pairs)
    assert got is wanted, cause
    assert bool(cause) is (wanted is not FeedState.OK)


def test_requests_that_were_never_made_are_not_forgotten() -> None:
    got, cause = state((answer(), harvest(FRESH)), asked=4)
    assert got is FeedState.PARTIAL
    assert cause.startswith("1 of 4 requests")


def test_no_news_for_hours_is_late_even_when_every_answer_says_not_modified() -> None:
    assert state((answer(not_modified=True), Harvest()), edge_s=NOW - 600)[0] is FeedState.OK
    assert state((answer(not_modified=True), Harvest()), edge_s=NOW - 7200)[0] is FeedState.LATE


def test_events_and_laboratory_results_are_not_late_or_empty_when_nothing_happens() -> None:
    events = Expected(late_after_s=60, on_schedule=False)
    assert state((answer(), Harvest()), expected=events, edge_s=0)[0] is FeedState.OK


@pytest.mark.parametrize(
    ("ages_min", "wanted"),
    # the freshest tenth of the series at each sweep of 2026-07-29, measured on the captures
    [(12, FeedState.OK), (4, FeedState.OK), (13, FeedState.OK), (31, FeedState.OK), (42, FeedState.OK), (61, FeedState.LATE),
     (74, FeedState.LATE), (103, FeedState.LATE), (109, FeedState.LATE), (6, FeedState.OK)],
)  # fmt: skip
def test_the_three_late_hours_of_ramis_are_one_feed_state(ages_min: float, wanted: FeedState) -> None:
    expected = Expected(feed_late_after_s(lag_s=960, late_after_s=5400), stations=4442)
    got, _ = state((answer(), harvest([float(ages_min)] * 3000)), expected=expected)
    assert got is wanted
