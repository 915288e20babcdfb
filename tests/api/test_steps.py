"""A region over time is computed once and kept; what is kept gives way when the past turns out to have been another."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from analysis.summary import METHOD
from api.service import SERVICE
from api.steps import keep_hour
from domain.clock import VirtualClock
from domain.readings import Harvest
from store import kept_summaries
from tests.api import made
from tests.api.conftest import Client, body

FROM_TO = "from=2026-08-14T20:00:00Z&to=2026-08-15T02:00:00Z"
PATH = f"/v1/regions/JP-07/history?{FROM_TO}&step=1h"


@pytest.fixture
def counted(monkeypatch) -> list[int]:
    """How often a summary was computed."""
    from api import steps

    calls: list[int] = []
    real = steps.summarise

    def summarise(*args: Any, **named: Any) -> Any:
        calls.append(named["now_s"])
        return real(*args, **named)

    monkeypatch.setattr(steps, "summarise", summarise)
    return calls


async def test_steps_are_computed_once(api: Client, counted: list[int]) -> None:
    first = await body(api, PATH)
    assert len(counted) == 7
    assert await body(api, PATH) == first
    wider = await body(api, PATH.replace("T20:00", "T18:00"))
    assert len(counted) == 9
    assert wider["history"][-len(first["history"]) :] == first["history"]


async def test_each_step_says_what_the_summary_said_then(api: Client) -> None:
    for step in (await body(api, PATH))["history"][-3:]:
        told = await body(api, f"/v1/regions/JP-07/summary?as_of={step['at']}")
        same = next(
            one
            for one in told["summaries"]
            if all(one[name] == step[name] for name in ("medium", "quantity", "analyte", "window_class", "exercise"))
        )
        assert {
            name: same[name] for name in ("state", "reasons", "expected", "fresh", "coverage", "rain_explained")
        } == {name: step[name] for name in ("state", "reasons", "expected", "fresh", "coverage", "rain_explained")}


async def test_a_station_that_appears_later_was_not_expected_then(api: Client, store: Any) -> None:
    before = await body(api, PATH)
    late = made.readings([(made.DOSE_F, made.NOW - 60, 0.05, "0.05")])
    newcomer = replace(made.FUKUSHIMA, uid="jp-made:late", key="late")
    series = replace(made.DOSE_F, uid=made.DOSE_F.uid.replace("jp-made:f1", "jp-made:late"), station_uid=newcomer.uid)
    rows = replace(late, series=(series,))
    await made.commit(
        store, made.batch("jp-made", made.NOW + 300, Harvest(read=1, stations=(newcomer,), readings=rows))
    )
    async with api.get(PATH + "&f=json") as response:
        assert (await response.json())["history"] == before["history"]
    as_of = await body(api, "/v1/regions/JP-07/summary?as_of=2026-08-15T02:00:00Z")
    now = await body(api, "/v1/regions/JP-07/summary")
    assert _expected(now) == _expected(as_of) + 1


def _expected(told: Any) -> int:
    return int(
        next(
            one for one in told["summaries"] if one["quantity"] == "air_dose_rate_as_published" and not one["exercise"]
        )["expected"]
    )


async def test_an_archive_filed_in_the_past_makes_kept_steps_anew(api: Client, store: Any, counted: list[int]) -> None:
    await body(api, PATH)
    n = len(counted)
    rows = made.readings([(made.DOSE_F, made.NOW - 15_000, 0.3, "0.3")])
    await made.commit(
        store, made.batch("jp-made", made.NOW - 14_000, Harvest(read=1, stations=(made.FUKUSHIMA,), readings=rows))
    )
    await body(api, PATH)
    assert len(counted) > n, "what was known then has changed"


async def test_the_hour_of_every_area_is_kept_as_it_passes(api: Client, clock: VirtualClock) -> None:
    service = api.server.app[SERVICE]
    clock.advance_to(made.NOW + 200)
    areas = len(service.config.geography.areas)
    assert await keep_hour(service) == areas
    assert await keep_hour(service) == 0
    there = await kept_summaries.areas_kept(service.store, service.audience, METHOD, made.NOW)
    assert there == {area.id for area in service.config.geography.areas}
