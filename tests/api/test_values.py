"""What one value says of itself, and what a public audience does not get to see."""

from __future__ import annotations

from typing import Any

import pytest

from api.service import Service
from api.units import canonical_unit, conversion
from domain.quantities import TABLE
from domain.readings import Harvest
from domain.units import BY_CODE, factor
from store.engine import Store
from tests.api import made
from tests.api.conftest import Client, body


async def latest(api: Client, series: str) -> Any:
    rows = (await body(api, "/v1/latest?limit=10000"))["latest"]
    return next(row for row in rows if row["series"] == series)


async def test_a_value_names_its_conversion_and_keeps_what_was_published(api: Client) -> None:
    row = await latest(api, made.DOSE_F.uid)
    assert (row["value"], row["unit"], row["kind"]) == (51.0, "nSv/h", "converted")
    assert row["conversion"] == {
        "id": "uSv/h->nSv/h",
        "version": 1,
        "factor": "1000",
        "source": "UCUM; SI prefixes, exact",
    }
    assert row["published"] == {"text": "0.051", "unit": "", "ucum": "uSv/h"}
    assert (row["phenomenon_start"], row["phenomenon_end"]) == ("2026-08-15T02:30:00Z", "2026-08-15T02:40:00Z")
    assert (row["received_at"], row["published_at"], row["revision"]) == ("2026-08-15T02:50:00Z", None, 1)
    assert (row["source"], row["feed"], row["licence"], row["rights"]) == (
        "jp-publisher",
        "jp-made",
        "licence of jp-made",
        "yes",
    )
    assert (row["freshness"], row["age_s"], row["exercise"]) == ("fresh", 1200, False)
    assert (row["judgement"], row["usual"]["median"]) == ("normal", 52.0)


async def test_a_value_published_in_its_own_unit_is_measured(api: Client) -> None:
    row = await latest(api, made.DOSE_B.uid)
    assert (row["value"], row["unit"], row["kind"], row["conversion"], row["published"]["text"]) == (
        85.0,
        "nSv/h",
        "measured",
        None,
        "85",
    )
    assert (row["judgement"], row["usual"]) == (None, None)  # no past yet: not the same as normal


async def test_a_censored_value_has_a_limit_and_no_number(api: Client) -> None:
    row = await latest(api, made.SEA_KORI.uid)
    assert (row["value"], row["limit"], row["censoring"], row["unit"]) == (None, 822.0, "below", "{counts}/min")


async def test_an_old_value_says_nothing_about_now(api: Client) -> None:
    row = await latest(api, made.DOSE_KORI.uid)
    assert (row["freshness"], row["judgement"]) == ("silent", None)
    assert row["age_s"] == 30 * 3600


async def test_a_rise_is_judged_against_the_own_past(api: Client, store: Store) -> None:
    harvest = Harvest(
        read=1, stations=(made.FUKUSHIMA,), readings=made.readings([(made.DOSE_F, made.NOW - 60, 0.080, "0.080")])
    )
    await made.commit(store, made.batch("jp-made", made.NOW, harvest))
    assert (await latest(api, made.DOSE_F.uid))["judgement"] == "elevated"


async def test_exercise_is_marked_in_every_row_and_on_the_page(api: Client) -> None:
    row = await latest(api, made.DOSE_D.uid)
    assert (row["exercise"], row["kind"]) == (True, "simulated")
    for path in (
        "/v1/latest?feed=xx-drill",
        "/v1/stations?feed=xx-drill",
        "/v1/series?feed=xx-drill",
        "/v1/regions/JP-07/summary",
    ):
        assert (await body(api, path))["exercise"] is True, path
    for path in ("/v1/latest?feed=jp-made", "/v1/stations?feed=jp-made"):
        assert (await body(api, path))["exercise"] is False, path
    kinds = [(one["quantity"], one["exercise"]) for one in (await body(api, "/v1/regions/JP-07/summary"))["summaries"]]
    assert ("air_dose_rate_as_published", True) in kinds
    assert ("air_dose_rate_as_published", False) in kinds, "an exercise never joins what is real"


async def test_samples_keep_the_cell_as_published(api: Client) -> None:
    told = await body(api, "/v1/samples/s1")
    caesium, tritium = told["sample"]["results"]
    assert (caesium["value"], caesium["unit"], caesium["uncertainty"]) == (
        0.0051,
        "Bq/L",
        {"value": 0.0004, "kind": "standard", "coverage_factor": None},
    )
    assert (
        tritium["value"],
        tritium["limit"],
        tritium["censoring"],
        tritium["published"]["text"],
        tritium["published_limit"],
    ) == (
        None,
        0.4,
        "not_detected",
        "ND",
        "0.4",
    )
    assert (told["sample"]["published_time"], told["sample"]["resolution"], len(told["revisions"])) == (
        "2026/7/6",
        "day",
        1,
    )


async def test_an_empty_window_tells_what_stood_behind_it(api: Client) -> None:
    told = await body(api, "/v1/observations?from=2026-08-01T00:00:00Z&to=2026-08-01T00:00:00Z&feed=jp-made")
    assert (told["observations"], told["coverage"]["why_empty"], told["coverage"]["rows"]) == (
        [],
        "no_reading_in_window",
        0,
    )
    assert [(feed["id"], feed["state"]) for feed in told["coverage"]["feeds"]] == [("jp-made", "ok")]
    never = await body(api, "/v1/latest?feed=never-made")
    assert [feed["state"] for feed in never["coverage"]["feeds"]] == ["never_run"]
    assert never["stale"] is True


async def test_the_public_gets_what_may_be_passed_on_and_hears_of_the_rest(public: Client) -> None:
    told = await body(public, "/v1/latest?region=KR-26,JP-40")
    assert [row["feed"] for row in told["latest"]] == ["jp-made"]
    assert told["withheld"] == {"count": 3, "feeds": ["kr-made"], "reason": "held, not shown: ask the publisher"}
    assert told["audience"] == "public"
    only = await body(public, "/v1/stations?feed=kr-made")
    assert (only["stations"], only["coverage"]["why_empty"], only["withheld"]["count"]) == ([], "withheld", 2)
    lone = await body(
        public, f"/v1/series/{made.DOSE_B.uid}/observations?from=2026-08-14T00:00:00Z&to=2026-08-16T00:00:00Z"
    )
    assert (lone["observations"], lone["withheld"]["count"]) == ([], 1)


@pytest.mark.parametrize("path", [f"/v1/stations/{made.BUSAN.uid}", f"/v1/series/{made.DOSE_B.uid}"])
async def test_what_is_held_back_is_not_there_for_the_public(public: Client, api: Client, path: str) -> None:
    await body(public, path, 404)
    assert await body(api, path)


async def test_no_value_of_a_withheld_feed_leaks_anywhere(public: Client) -> None:
    window = "from=2026-08-01T00:00:00Z&to=2026-08-16T00:00:00Z"
    for path in (
        "/v1/latest?limit=10000",
        "/v1/latest?f=csv",
        "/v1/latest?f=geojson",
        f"/v1/observations?{window}&limit=10000",
        "/v1/regions/KR-26/summary",
        f"/v1/observations?{window}&f=ndjson",
    ):
        async with public.get(path) as response:
            text = await response.text()
        assert "kr-made:b1" not in text, path


async def test_a_summary_for_the_public_says_what_it_had_to_leave_out(public: Client, api: Client) -> None:
    told = await body(public, "/v1/regions/KR-26/summary")
    assert (told["state"], told["summaries"], told["withheld"]["count"]) == ("insufficient", [], 3)
    assert (await body(api, "/v1/regions/KR-26/summary"))["withheld"] is None


def test_units_are_told_exactly() -> None:
    for quantity in TABLE:
        for unit in BY_CODE.values():
            if unit.dimension is quantity.dimension and canonical_unit(quantity.id, unit.ucum) != unit.ucum:
                told = conversion(unit.ucum, quantity.unit)
                assert told is not None
                assert factor(unit.ucum, quantity.unit) == type(factor(unit.ucum, quantity.unit))(told.factor)


async def test_a_warmed_service_judges_at_once_and_an_old_baseline_is_made_anew(serve, clock, store: Store) -> None:
    api = await serve(warm_up=True)
    assert (await latest(api, made.DOSE_F.uid))["usual"]["count"] == 63
    clock.advance_to(made.NOW + 3600)
    rows = [(made.DOSE_F, made.NOW + at_s, 0.052, "0.052") for at_s in (1800, 2400, 3000)]
    harvest = Harvest(read=3, stations=(made.FUKUSHIMA,), readings=made.readings(rows))
    await made.commit(store, made.batch("jp-made", made.NOW + 3500, harvest))
    await latest(api, made.DOSE_F.uid)
    service = next(value for value in api.server.app.values() if isinstance(value, Service))
    await service.usual._renewal
    clock.advance_to(made.NOW + 3700)
    assert (await latest(api, made.DOSE_F.uid))["usual"]["count"] == 64
