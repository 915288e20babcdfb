"""Twins over HTTP: the table, and how many instruments and publishers some stations really are."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from api.service import SERVICE
from specs.twins import Twin
from tests.api import made
from tests.api.conftest import Client, body

TWINS = (
    Twin(
        first=made.FUKUSHIMA.uid,
        second=made.OFFSHORE.uid,
        status="confirmed",
        by="Kim",
        on=date(2026, 8, 1),
        distance_m=12.0,
    ),
    Twin(first=made.FUKUOKA.uid, second=made.BUSAN.uid),
)


async def taken(client: Client) -> Client:
    service = client.server.app[SERVICE]  # type: ignore[attr-defined]
    await service.take_over(replace(service.config, twins=TWINS))
    return client


async def test_the_table_with_what_it_rests_on(api: Client) -> None:
    told = await body(await taken(api), "/v1/twins")
    assert [(one["first"], one["status"], one["by"]) for one in told["twins"]] == [
        (made.FUKUSHIMA.uid, "confirmed", "Kim"), (made.FUKUOKA.uid, "proposed", ""),
    ]  # fmt: skip
    assert (told["withheld"], told["independence"]) == (0, None)


async def test_two_paths_of_one_instrument_are_no_second_witness(api: Client) -> None:
    asked = f"{made.FUKUSHIMA.uid},{made.OFFSHORE.uid},{made.BUSAN.uid}"
    told = await body(await taken(api), f"/v1/twins?station={asked}")
    independence = told["independence"]
    assert (independence["stations"], len(independence["instruments"]), independence["sources"]) == (3, 2, 2)
    paths = {one["id"]: one["stations"] for one in independence["instruments"]}
    assert paths[made.FUKUSHIMA.uid] == [made.FUKUSHIMA.uid, made.OFFSHORE.uid]


@pytest.mark.parametrize("uid", ["nobody:1", made.BUSAN.uid])
async def test_what_may_not_be_shown_is_not_there(public: Any, uid: str) -> None:
    client = await taken(public)
    await body(client, f"/v1/twins?station={uid}", 404)
    told = await body(client, "/v1/twins")
    assert (len(told["twins"]), told["withheld"]) == (1, 1)
