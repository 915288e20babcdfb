"""The generated page of the HTTP interface: every path with its parameters, formats and problems, from the OpenAPI document."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from api.app import openapi_bytes
from api.operation import FORMATS
from api.problems import TABLE
from api.settings import ApiSettings
from radcommons.markdown import HEAD, table

_METHODS = ("get", "post", "put", "patch", "delete")
_WORDS = {media: word for word, media in FORMATS.items()}
_INTRODUCTION = """# Paths and problems

Every path of the service, from its OpenAPI document (`/openapi.json`; `/docs` shows it with the shape of each answer). How to read
answers stands in [the HTTP interface](../api.md).

Parameters in **bold** are required. Problems are those of the path itself; any path may also answer {always}.
"""


def api() -> str:
    """Paths by tag, parameters with their meaning, problems with their statuses."""
    document = json.loads(openapi_bytes(ApiSettings()))
    operations = [
        (f"{method.upper()} {path}", told)
        for path, methods in document["paths"].items()
        for method, told in methods.items()
        if method in _METHODS
    ]
    always = set.intersection(*(set(_problems(told)) for _, told in operations if "service" not in told["tags"]))
    listed = ", ".join(f"`{code}`" for code in TABLE if code in always)
    parts = [HEAD + _INTRODUCTION.format(always=listed)]
    for tag in document["tags"]:
        own = [(name, told) for name, told in operations if tag["name"] in told["tags"]]
        rows = (_row(name, told, always) for name, told in own)
        parts += [
            f"## {tag['name'].capitalize()}\n",
            table(("path", "says", "parameters", "formats", "problems"), rows),
        ]
    parts += ["## Parameters\n", table(("parameter", "meaning", "for example"), _parameters(operations))]
    problems = ((f"`{code}`", str(status), title) for code, (status, title) in TABLE.items())
    parts += ["## Problems\n", table(("code", "status", "says"), problems)]
    return "\n".join(parts)


def _row(name: str, told: Mapping[str, Any], always: set[str]) -> tuple[str, ...]:
    scope = "".join(f" ({who}'s token)" for needed in told.get("security", ()) for who in needed)
    named = [_named(one) for one in told["parameters"] if one["in"] == "query" and one["name"] != "f"]
    codes = [f"`{code}`" for code in _problems(told) if code not in always]
    return f"`{name}`", told["summary"] + scope, " ".join(named), ", ".join(_formats(told)), " ".join(codes)


def _named(parameter: Mapping[str, Any]) -> str:
    return f"**`{parameter['name']}`**" if parameter["required"] else f"`{parameter['name']}`"


def _formats(told: Mapping[str, Any]) -> list[str]:
    good = (answer for status, answer in told["responses"].items() if status.startswith("2"))
    return list(dict.fromkeys(_WORDS.get(media, media) for answer in good for media in answer.get("content", {})))


def _problems(told: Mapping[str, Any]) -> list[str]:
    found = (answer.get("content", {}).get("application/problem+json", {}) for answer in told["responses"].values())
    return [code for content in found for code in content.get("examples", {})]


def _parameters(operations: list[tuple[str, Mapping[str, Any]]]) -> Iterator[tuple[str, str, str]]:
    """Each parameter and meaning once; one name may mean different things on different paths."""
    seen = set()
    for _, told in operations:
        for one in told["parameters"]:
            key = one["name"], one.get("description", "")
            if one["in"] == "query" and key not in seen:
                seen.add(key)
                example = one.get("example", "")
                yield f"`{key[0]}`", key[1], ",".join(example) if isinstance(example, list) else str(example)
