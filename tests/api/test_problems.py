"""Every way in which a request can fail is told in one shape, with a stable code."""

from __future__ import annotations

import pytest

from api.problems import CONTENT_TYPE, TABLE, Code
from tests.api.conftest import Client, body
from tests.api.made import DOSE_F

WINDOW = "from=2026-08-14T00:00:00Z&to=2026-08-16T00:00:00Z"
CASES = [
    ("/v1/stations?regoin=JP-07", 400, Code.UNKNOWN_PARAMETER, "regoin"),
    ("/v1/regions/JP-07?f=csv", 400, Code.BAD_VALUE, "f"),
    ("/v1/stations?limit=1&limit=2", 400, Code.REPEATED_PARAMETER, "limit"),
    ("/v1/stations?limit=0", 400, Code.BAD_VALUE, "limit"),
    ("/v1/stations?limit=10001", 400, Code.BAD_VALUE, "limit"),
    ("/v1/stations?limit=+5", 400, Code.BAD_VALUE, "limit"),
    ("/v1/stations?limit=%D9%A3", 400, Code.BAD_VALUE, "limit"),
    ("/v1/stations?region=", 400, Code.BAD_VALUE, "region"),
    ("/v1/stations?region=JP-07,", 400, Code.BAD_VALUE, "region"),
    ("/v1/stations?region=JP-99", 404, Code.UNKNOWN_NAME, "region"),
    ("/v1/stations?region=%00", 400, Code.BAD_VALUE, "region"),
    ("/v1/stations?feed=nothing", 404, Code.UNKNOWN_NAME, "feed"),
    ("/v1/latest?station=jp-made:f1,nothing", 404, Code.UNKNOWN_NAME, "station"),
    ("/v1/stations?source=nothing", 404, Code.UNKNOWN_NAME, "source"),
    ("/v1/stations?country=kr", 400, Code.BAD_VALUE, "country"),
    ("/v1/stations?country=DE", 404, Code.UNKNOWN_NAME, "country"),
    ("/v1/stations?medium=water", 400, Code.BAD_VALUE, "medium"),
    ("/v1/stations?quantity=dose", 400, Code.BAD_VALUE, "quantity"),
    ("/v1/stations?bbox=1,2,3", 400, Code.BAD_VALUE, "bbox"),
    ("/v1/stations?bbox=1,nan,3,4", 400, Code.BAD_VALUE, "bbox"),
    ("/v1/stations?bbox=100,40,110,30", 422, Code.NOT_MEANINGFUL, "bbox"),
    ("/v1/stations?near=91,0", 400, Code.BAD_VALUE, "near"),
    ("/v1/stations?near=inf,0", 400, Code.BAD_VALUE, "near"),
    ("/v1/stations?radius_m=1000", 422, Code.NOT_MEANINGFUL, "near"),
    ("/v1/stations?cursor=nonsense", 400, Code.BAD_CURSOR, "cursor"),
    ("/v1/stations?cursor=%E3%81%82", 400, Code.BAD_CURSOR, "cursor"),
    ("/v1/observations", 400, Code.MISSING_PARAMETER, "from"),
    ("/v1/observations?from=2026-08-14T00:00:00Z", 400, Code.MISSING_PARAMETER, "to"),
    ("/v1/observations?from=2026-08-14T00:00:00&to=2026-08-16T00:00:00Z", 400, Code.NAIVE_TIME, "from"),
    ("/v1/observations?from=2026-08-14&to=2026-08-16T00:00:00Z", 400, Code.BAD_VALUE, "from"),
    ("/v1/observations?from=2026-13-14T00:00:00Z&to=2026-08-16T00:00:00Z", 400, Code.BAD_VALUE, "from"),
    ("/v1/observations?from=2026-08-16T00:00:00Z&to=2026-08-14T00:00:00Z", 422, Code.WINDOW_REVERSED, "to"),
    (f"/v1/series/{DOSE_F.uid}/observations?resolution=2h", 400, Code.BAD_VALUE, "resolution"),
    ("/v1/regions/JP-07/summary?window=5", 400, Code.BAD_VALUE, "window"),
    ("/v1/regions/JP-07/summary?window=1s", 400, Code.BAD_VALUE, "window"),
    (
        "/v1/regions/JP-07/history?step=10m&from=2026-01-01T00:00:00Z&to=2026-08-01T00:00:00Z",
        422,
        Code.NOT_MEANINGFUL,
        "step",
    ),
    ("/v1/stations/nothing", 404, Code.NOT_FOUND, ""),
    ("/v1/series/nothing", 404, Code.NOT_FOUND, ""),
    ("/v1/series/nothing/observations", 404, Code.NOT_FOUND, ""),
    ("/v1/samples/nothing", 404, Code.NOT_FOUND, ""),
    ("/v1/sources/nothing", 404, Code.NOT_FOUND, ""),
    ("/v1/feeds/nothing/runs", 404, Code.NOT_FOUND, ""),
    ("/v1/feeds/jp-made/runs/nothing", 404, Code.NOT_FOUND, ""),
    ("/v1/feeds/kr-made/runs/jp-made@2026-08-15T03:00:00Z", 404, Code.NOT_FOUND, ""),
    ("/v1/regions/XX-1", 404, Code.NOT_FOUND, ""),
    ("/v1/regions/XX-1/summary", 404, Code.NOT_FOUND, ""),
    ("/v1/nothing", 404, Code.NO_SUCH_PATH, ""),
    ("/web/../settings.py", 404, Code.NO_SUCH_PATH, ""),
    ("/web/%2e%2e/settings.py", 404, Code.NO_SUCH_PATH, ""),
    ("/web/%00", 404, Code.NO_SUCH_PATH, ""),
]


@pytest.mark.parametrize(("path", "status", "code", "param"), CASES, ids=[case[0] for case in CASES])
async def test_each_failure_has_its_shape(api: Client, path: str, status: int, code: Code, param: str) -> None:
    async with api.get(path) as response:
        assert response.status == status
        assert response.content_type == CONTENT_TYPE
        told = await response.json()
    assert told | {"detail": "", "trace_id": ""} == {
        "type": f"/v1/problems/{code}",
        "title": TABLE[code][1],
        "status": status,
        "detail": "",
        "code": code,
        "trace_id": "",
        "param": param,
        "redirect_to": "",
        "source": "",
    }
    assert told["detail"]
    assert len(told["trace_id"]) == 32


async def test_the_type_of_a_problem_explains_itself(api: Client) -> None:
    told = await body(api, "/v1/stations?nonsense=1", 400)
    assert (await body(api, told["type"]))["title"] == told["title"]
    assert {row["code"] for row in (await body(api, "/v1/problems"))["problems"]} == set(Code)


async def test_a_wrong_method_names_the_right_ones(api: Client) -> None:
    async with api.delete("/v1/stations") as response:
        assert response.status == 405
        assert response.headers["Allow"] == "GET,HEAD"
        assert (await response.json())["code"] == Code.METHOD_NOT_ALLOWED


async def test_nothing_acceptable(api: Client) -> None:
    told = await body(api, "/v1/stations", 406, Accept="image/png")
    assert told["code"] == Code.NOT_ACCEPTABLE


async def test_what_nobody_expected_keeps_its_traceback_and_tells_nothing(api: Client, monkeypatch, caplog) -> None:
    async def broken(*_: object, **__: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr("store.read.stations", broken)
    told = await body(api, "/v1/stations", 500)
    assert told["code"] == Code.INTERNAL
    assert "secret" not in str(told)
    assert told["trace_id"] in caplog.text
    assert "secret detail" in caplog.text


async def test_too_many_requests_say_when_to_come_back(serve, clock) -> None:
    api = await serve(requests_per_minute=3)
    for left in (2, 1, 0):
        async with api.get("/v1/problems") as response:
            assert (response.status, response.headers["RateLimit-Remaining"]) == (200, str(left))
    async with api.get("/v1/problems") as response:
        assert response.status == 429
        assert response.headers["Retry-After"] == "20"
        assert (await response.json())["code"] == Code.TOO_MANY_REQUESTS
    assert await body(api, "/healthz")
    clock.advance_to(clock.now_s() + 20)
    assert await body(api, "/v1/problems")
