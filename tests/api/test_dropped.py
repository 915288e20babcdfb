"""An answer about a time whose readings are no longer kept says that, and never that there was nothing."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from store import tables
from store.engine import Store
from tests.api import made
from tests.api.conftest import Client, body

WINDOW = "from=2026-07-01T00:00:00Z&to=2026-07-02T00:00:00Z"
UNTIL_S = made.NOW - 3 * 3600


@pytest.fixture
async def gone(store: Store) -> dict[str, object]:
    """A drop of a feed that reaches up to three hours ago; as an answer tells it."""
    row = {"feed_id": "jp-made", "until_s": UNTIL_S, "from_s": 0, "keep_days": 60, "at_s": made.NOW, "leaf": 0}
    async with store.writing() as connection:
        await connection.execute(sa.insert(tables.dropped).values(row))
    return {
        "feed": "jp-made",
        "after": "1970-01-01T00:00:00Z",
        "until": "2026-08-15T00:00:00Z",
        "keep_days": 60,
        "at": "2026-08-15T03:00:00Z",
        "reason": "dropped_by_retention",
    }


async def test_lists_say_what_is_no_longer_kept(api: Client, gone: dict[str, object]) -> None:
    for path in (f"/v1/observations?{WINDOW}&feed=jp-made", f"/v1/series/{made.DOSE_F.uid}/observations?{WINDOW}"):
        told = await body(api, path)
        assert (told["coverage"]["why_empty"], told["coverage"]["dropped"]) == ("dropped_by_retention", [gone])
    told = await body(api, f"/v1/observations?{WINDOW}&feed=kr-made")
    assert (told["coverage"]["why_empty"], told["coverage"]["dropped"]) == ("no_reading_in_window", [])


async def test_a_whole_window_says_it_in_a_header(api: Client, gone: dict[str, object]) -> None:
    answer = await api.get(f"/v1/observations?{WINDOW}&f=csv")
    assert answer.headers["Radcommons-Dropped"] == f"{gone['feed']} until {gone['until']}"


async def test_a_region_in_the_past_is_insufficient_there(api: Client, gone: dict[str, object]) -> None:
    told = await body(api, "/v1/regions/JP-07/history?from=2026-08-14T22:00:00Z&to=2026-08-15T03:00:00Z&step=1h")
    assert told["dropped"] == [gone]
    lost = {step["at"]: step["reasons"] == ["dropped_by_retention"] for step in told["history"]}
    assert all(lost[at] for at in lost if at <= "2026-08-15T02:00:00Z")
    assert not lost["2026-08-15T03:00:00Z"]
    assert {step["state"] for step in told["history"] if lost[step["at"]]} == {"insufficient"}
