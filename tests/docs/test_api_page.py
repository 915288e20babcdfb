"""docs/api.md: what it shows is what the service answers, and it names every kind of problem; the reference names every path."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from api.app import openapi_bytes
from api.operation import FORMATS
from api.problems import TABLE
from api.settings import ApiSettings
from tests.api.conftest import Client, api, clock, filled, serve, store

__all__ = ["api", "clock", "filled", "serve", "store"]
DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "api.md").read_text(encoding="utf-8")
REFERENCE = (DOCS / "reference" / "api.md").read_text(encoding="utf-8")
SHOWN = re.findall(r"```http\nGET (\S+)\n```\n```json\n(.*?)```", PAGE, re.DOTALL)


def shows(part: Any, whole: Any) -> bool:
    """Whether everything in `part` stands in `whole`: keys of objects, beginnings of lists."""
    if isinstance(part, dict):
        return isinstance(whole, dict) and all(key in whole and shows(part[key], whole[key]) for key in part)
    if isinstance(part, list):
        return isinstance(whole, list) and len(part) <= len(whole) and all(map(shows, part, whole))
    return bool(part == whole)


@pytest.mark.parametrize(("path", "answer"), SHOWN)
async def test_what_is_shown_is_what_is_answered(api: Client, path: str, answer: str) -> None:
    async with api.get(path) as response:
        told = await response.json(content_type=None)
        assert response.status == json.loads(answer).get("status", 200)
    assert shows(json.loads(answer), told), json.dumps(told, indent=1, ensure_ascii=False)


def test_every_request_of_the_page_has_its_answer() -> None:
    assert PAGE.count("```http") == len(SHOWN) > 4


def test_every_problem_and_format_is_named() -> None:
    statuses = {code: line.split("|")[1] for line in PAGE.splitlines() for code in TABLE if f"`{code}`" in line[:200]}
    assert set(statuses) == set(TABLE)
    assert all(str(status) in statuses[code] for code, (status, _) in TABLE.items())
    assert all(f"`{word}`" in PAGE for word in FORMATS)


def test_the_reference_names_every_path_and_parameter() -> None:
    paths = json.loads(openapi_bytes(ApiSettings()))["paths"]
    for path, methods in paths.items():
        for method, told in methods.items():
            line = next(line for line in REFERENCE.splitlines() if line.startswith(f"| `{method.upper()} {path}` |"))
            asked = [one["name"] for one in told["parameters"] if one["in"] == "query" and one["name"] != "f"]
            assert all(f"`{name}`" in line for name in asked), (path, line)
