"""JSON Schema of the operator files, for completion in editors: generated into `config/schema/`, compared by a test, never edited.

`python -m specs.schema` writes them.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from specs.feed import FeedSpec
from specs.rule import RuleFile
from specs.source import SourceFile
from specs.twins import TwinFile

FOLDER = Path(__file__).parents[1] / "config" / "schema"
FILES: dict[str, type[BaseModel]] = {
    "feed.json": FeedSpec,
    "sources.json": SourceFile,
    "rules.json": RuleFile,
    "twins.json": TwinFile,
}


def schema(name: str) -> str:
    """The text of one schema file."""
    document = {"$schema": "https://json-schema.org/draft/2020-12/schema", **FILES[name].model_json_schema()}
    return json.dumps(document, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def reference() -> str:
    """Every key that a feed file may hold, as Markdown: part by part, with what the part is for, types and defaults."""
    document = FeedSpec.model_json_schema()
    parts = {"FeedSpec": {key: value for key, value in document.items() if key != "$defs"}, **document["$defs"]}
    return "\n".join(_part(name, part) for name, part in parts.items() if "properties" in part)


def vocabulary() -> str:
    """The formats and the parts of a mapping with their keys, for a terminal."""
    document = FeedSpec.model_json_schema()
    parts = {name: part for name, part in document["$defs"].items() if "properties" in part}
    formats = [part for part in parts.values() if "format" in part["properties"] and "max_rows" in part["properties"]]
    told = [f"  {part['properties']['format']['const']:<15} {_first(part)}\n{_keys(part)}" for part in formats]
    mapping = [f"  {name:<15} {_first(part)}\n{_keys(part)}" for name, part in parts.items() if part not in formats]
    return "\n".join(["formats (decode.format)", *told, "parts of a form", *mapping])


def _first(part: dict[str, Any]) -> str:
    """The first sentence of a part's description."""
    return " ".join(part.get("description", "").split()).partition(". ")[0].removesuffix(".") + "."


def _keys(part: dict[str, Any]) -> str:
    return " " * 18 + ", ".join(key for key in part["properties"] if key != "format")


def _part(name: str, part: dict[str, Any]) -> str:
    lines = [f"### {name}\n", part.get("description", ""), "", "| key | value | default |", "|---|---|---|"]
    for key, value in part["properties"].items():
        default = (
            "required" if key in part.get("required", ()) else json.dumps(value.get("default"), ensure_ascii=False)
        )
        lines.append(f"| `{key}` | {_type(value)} | {default} |")
    return "\n".join(lines) + "\n"


def _type(value: dict[str, Any]) -> str:
    if "$ref" in value:
        return str(value["$ref"]).rsplit("/", 1)[1]
    if "const" in value or "enum" in value:
        return " \\| ".join(f"`{word}`" for word in value.get("enum", [value.get("const")]))
    if members := value.get("anyOf") or value.get("oneOf"):
        return " or ".join(_type(member) for member in members)
    if value.get("type") == "array":
        return f"list of {_type(value['items'])}" if isinstance(value.get("items"), dict) else "list"
    if value.get("type") == "object":
        extra = value.get("additionalProperties")
        return f"map to {_type(extra)}" if isinstance(extra, dict) else "map"
    return str(value.get("type", "anything"))


def write() -> None:
    """Write all schema files."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        (FOLDER / name).write_text(schema(name), encoding="utf-8")


if __name__ == "__main__":
    write()
