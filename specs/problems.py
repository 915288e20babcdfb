"""Problems in operator files, each with the place where an editor finds it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from specs import advice

Loc = tuple[str | int, ...]
_Model = TypeVar("_Model", bound=BaseModel)


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing wrong in one operator file; lines and columns count from 1."""

    file: str
    line: int
    column: int
    path: str
    message: str

    def __str__(self) -> str:
        where = f" {self.path}" if self.path else ""
        return f"{self.file}:{self.line}:{self.column}{where} {self.message}"


class ConfigError(Exception):
    """The configuration cannot be used; `problems` names everything that is wrong, all at once."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(set(problems)))
        super().__init__("\n".join(map(str, self.problems)))


def read_yaml(path: Path, name: str) -> tuple[Any, tuple[Problem, ...]]:
    """The YAML document in `path` with positions, or None and what is wrong with it (syntax, duplicate keys, encoding)."""
    try:
        text = path.read_text(encoding="utf-8")
    except (UnicodeDecodeError, OSError) as error:
        return None, (Problem(name, 1, 1, "", f"cannot be read as YAML: {error}"),)
    return parse_yaml(text, name)


def optional_file(folder: Path, name: str, model: type[_Model]) -> _Model:
    """`name` in `folder` as `model`, the empty one without such a file; raises ConfigError with everything that is wrong in it."""
    path = folder / name
    if not path.is_file():
        return model()
    document, problems = read_yaml(path, name)
    if problems:
        raise ConfigError(problems)
    try:
        return model.model_validate(plain(document))
    except ValidationError as error:
        raise ConfigError(problems_of(error, model, document, name)) from error


def parse_yaml(text: str, name: str) -> tuple[Any, tuple[Problem, ...]]:
    """The same of a text."""
    loader = YAML(typ="rt")
    loader.allow_duplicate_keys = False
    try:
        return loader.load(text), ()
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        said = (error.problem or error.context or "not YAML").splitlines()[0]
        if "block" in said:
            said += " (this line, or one above it, is indented otherwise than its neighbours)"
        return None, (Problem(name, line, column, "", f"not valid YAML: {said}"),)
    except (YAMLError, RecursionError, ValueError) as error:
        return None, (Problem(name, 1, 1, "", f"cannot be read as YAML: {error}"),)


def plain(node: Any) -> Any:
    """The document without positions: dicts, lists and scalars of the standard library."""
    if isinstance(node, Mapping):
        return {str(key): plain(value) for key, value in node.items()}
    if isinstance(node, Sequence) and not isinstance(node, str | bytes):
        return [plain(value) for value in node]
    if isinstance(node, bool):
        return bool(node)
    for kind in (int, float, str):
        if isinstance(node, kind):
            return kind(node)
    return node


def problems_of(error: ValidationError, model: type[BaseModel], document: Any, name: str) -> tuple[Problem, ...]:
    """Pydantic's errors as problems with positions; of a union only the member that came nearest is reported."""
    found = []
    for item in _nearest_members(error, document):
        loc = _known_part(item["loc"], document)
        key = (item.get("ctx") or {}).get("key")
        loc = (*loc, key) if isinstance(key, str) and _step(_at(document, loc), key) is not None else loc
        line, column = position(document, loc)
        found.append(
            Problem(name, line, column, ".".join(map(str, loc)), _message(item, model, loc, _at(document, loc)))
        )
    return tuple(dict.fromkeys(found))


def position(document: Any, loc: Loc) -> tuple[int, int]:
    """Line and column (from 1) of the node at `loc`, or of the nearest node above it."""
    line, column, node = 0, 0, document
    for part in loc:
        marks = getattr(node, "lc", None)
        below = _step(node, part)
        if marks is None or below is None:
            break
        line, column = marks.key(part) if isinstance(node, Mapping) else marks.item(part)
        node = below
    return line + 1, column + 1


def _step(node: Any, part: str | int) -> Any:
    if isinstance(node, Mapping):
        return node.get(part) if node.get(part) is not None else ("" if part in node else None)
    if isinstance(node, Sequence) and not isinstance(node, str) and isinstance(part, int) and part < len(node):
        return node[part]
    return None


def _at(document: Any, loc: Loc) -> Any:
    for part in loc:
        document = _step(document, part)
    return document


def _known_part(loc: Loc, document: Any) -> Loc:
    """`loc` without what pydantic adds (names of union members and of validators), as far as the document goes; a missing key stays out."""
    kept: list[str | int] = []
    node = document
    for part in loc:
        below = _step(node, part)
        if below is not None:
            kept.append(part)
            node = below
    return tuple(kept)


def _nearest_members(error: ValidationError, document: Any) -> list[Any]:
    """Errors of all members of a union arrive together; keep those of the member with the fewest."""
    items = error.errors(include_url=False, include_input=False)
    # A list whose members are wrong is reported as too short as well, because it "has none after validation".
    items = [item for item in items if item["type"] != "too_short" or not _has_deeper(item["loc"], items)]
    by_place: dict[Loc, dict[str, list[Any]]] = defaultdict(lambda: defaultdict(list))
    for item in items:
        prefix, tag = _union_tag(item["loc"], document)
        by_place[prefix if tag else item["loc"]][tag].append(item)
    kept = []
    for members in by_place.values():
        counts = Counter({tag: -len(found) for tag, found in members.items()})
        kept += members[counts.most_common(1)[0][0]]
    return kept


def _has_deeper(loc: Loc, items: Sequence[Any]) -> bool:
    return any(len(item["loc"]) > len(loc) and item["loc"][: len(loc)] == loc for item in items)


def _union_tag(loc: Loc, document: Any) -> tuple[Loc, str]:
    node = document
    for place, part in enumerate(loc):
        below = _step(node, part)
        if below is None:
            last = place == len(loc) - 1
            return (loc[:place], str(part)) if isinstance(part, str) and not (last and part.islower()) else (loc, "")
        node = below
    return loc, ""


def _message(item: Any, model: type[BaseModel], loc: Loc, value: Any) -> str:
    if item["type"] == "extra_forbidden":
        key = str(loc[-1]) if loc else ""
        return advice.unknown_key(key, _keys_at(model, loc[:-1]), value if value != "" else None)
    if item["type"] in {"literal_error", "enum"}:
        wrong = item["loc"][-2] if item["loc"][-1:] == ("[key]",) else value
        return advice.no_choice(wrong, item["ctx"]["expected"])
    if item["type"] == "union_tag_invalid":
        return f"{item['ctx']['discriminator'].strip(chr(39))}: " + advice.no_choice(
            item["ctx"]["tag"], item["ctx"]["expected_tags"]
        )
    if item["type"] == "union_tag_not_found":
        return f"`{item['ctx']['discriminator'].strip(chr(39))}` is missing; docs/feeds.md tells which one fits"
    if (told := advice.wrong_shape(item["type"], value)) is not None:
        return told
    if item["type"] == "missing":
        return f"`{item['loc'][-1]}` is missing"
    text = str(item["msg"]).removeprefix("Value error, ")
    return text[:1].lower() + text[1:]


def _keys_at(model: type[BaseModel], loc: Loc) -> set[str]:
    """The keys that may stand at `loc`, read off the model's JSON Schema."""
    schema = model.model_json_schema()
    defs = schema.get("$defs", {})
    here = _open([schema], defs)
    for part in loc:
        here = _open([below for one in here for below in _below(one, part)], defs)
    return {key for one in here for key in one.get("properties", {})}


def _below(schema: dict[str, Any], part: str | int) -> list[dict[str, Any]]:
    if isinstance(part, int):
        return [schema["items"]] if isinstance(schema.get("items"), dict) else []
    if part in schema.get("properties", {}):
        return [schema["properties"][part]]
    extra = schema.get("additionalProperties")
    return [extra] if isinstance(extra, dict) else []


def _open(schemas: list[dict[str, Any]], defs: dict[str, Any]) -> list[dict[str, Any]]:
    opened: list[dict[str, Any]] = []
    todo = list(schemas)
    while todo:
        one = todo.pop()
        if "$ref" in one:
            todo.append(defs[one["$ref"].rsplit("/", 1)[1]])
        todo += [*one.get("anyOf", []), *one.get("oneOf", []), *one.get("allOf", [])]
        opened.append(one)
    return opened
