"""JSON as plain values whose numbers keep their literal text, read with care for what publishers do to JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from collector.rawtable import PayloadRefused
from domain.reasons import Refusal

#: The steps of a row path: a name, `[]` through a list, `{}` through the members of an object.
_STEP = re.compile(r"\[\]|\{\}|[^.\[\]{}]+")


class Literal(str):
    """A number as it was written; NaN and Infinity, which are no JSON, too, so that they cost one cell and not the document."""

    __slots__ = ()


def document_of(body: bytes) -> Any:
    """The document; raises PayloadRefused for wrong encoding, wrong syntax and bottomless nesting."""
    try:
        text = body.removeprefix(b"\xef\xbb\xbf").decode()
        return json.loads(text, parse_float=Literal, parse_int=Literal, parse_constant=Literal)
    except UnicodeDecodeError as error:
        raise PayloadRefused(Refusal.WRONG_ENCODING, f"byte {error.start} is not UTF-8") from error
    except RecursionError as error:
        raise PayloadRefused(Refusal.TOO_DEEP, "nested deeper than can be read") from error
    except ValueError as error:
        raise PayloadRefused(Refusal.BAD_SYNTAX, f"not JSON: {error}") from error


def at(document: Any, path: str) -> Any:
    """The value at a dotted path, in which a number picks from a list; None where the path leads nowhere.

    A member whose own name has dots in it (`@iot.id`) is found by that name.
    """
    while path:
        part, _, rest = path.partition(".")
        if isinstance(document, dict):
            if rest and part not in document and path in document:
                return document[path]
            document = document.get(part)
        elif isinstance(document, list) and part.isascii() and part.isdigit() and len(part) < 8:
            document = document[int(part)] if int(part) < len(document) else None
        else:
            return None
        path = rest
    return document


def rows_at(document: Any, path: str) -> list[Any] | None:
    """The list of rows at a dotted path, None when there is none.

    Publishers write an empty list as null, "" or {} somewhere along the path, and a list of one row as the row itself.
    """
    for part in path.split(".") if path else []:
        if not isinstance(document, dict) or part not in document:
            return None
        document = document[part]
        if document in (None, "", {}):
            return []
    if isinstance(document, dict):
        return [document]
    return document if isinstance(document, list) else None


@dataclass(frozen=True, slots=True)
class Within:
    """An object that holds rows, and what holds that object."""

    value: Any
    above: Within | None = None


def rows_below(document: Any, path: str, most: int) -> tuple[list[Any], list[Within]] | None:
    """Rows at a path in which `name[]` goes through a list and `name{}` through the members of an object, and beside each row the object that
    holds it; None when there is no such list.
    """
    rows: list[Any] = []
    owners: list[Within] = []
    found = _gather(document, _STEP.findall(path), Within(document), (rows, owners), most)
    return (rows, owners) if found else None


def _gather(value: Any, steps: Sequence[str], owner: Within, found: tuple[list[Any], list[Within]], most: int) -> bool:
    """Add the rows below `value`; False when the way leads nowhere. A holder without rows has none, which is no fault."""
    for at, step in enumerate(steps):
        if step not in {"[]", "{}"}:
            if not isinstance(value, dict) or step not in value:
                return False
            value = value[step]
            if value in (None, "", {}):
                return True
            continue
        below = _members(value, step)
        if below is None:
            return False
        if at + 1 == len(steps):
            value = below
            break
        for member, inner in below:
            if len(found[0]) > most:
                break
            _gather(inner, steps[at + 1 :], Within(member, owner), found, most)
        return True
    rows = [member for member, _ in value] if steps and steps[-1] in {"[]", "{}"} else _listed(value)
    if rows is None:
        return False
    found[0].extend(rows)
    found[1].extend([owner] * len(rows))
    return True


def _listed(value: Any) -> list[Any] | None:
    """Publishers write a list of one row as the row itself."""
    if isinstance(value, dict):
        return [value]
    return value if isinstance(value, list) else None


def _members(value: Any, step: str) -> list[tuple[Any, Any]] | None:
    """The things that a list or an object holds: each as a row, and as it stands."""
    if step == "[]":
        rows = _listed(value)
        return None if rows is None else [(row, row) for row in rows]
    return [(named(key, member), member) for key, member in value.items()] if isinstance(value, dict) else None


def named(key: str, member: Any) -> dict[str, Any]:
    """A member of an object as a row: its name is the column `key`, and what is no object the column `value`."""
    return {**member, "key": key} if isinstance(member, dict) else {"key": key, "value": member}


def text_of_value(value: Any) -> str | None:
    """A cell: null is None, text and numbers as written, true and false as words, anything deeper as its JSON."""
    if value is None:
        return None
    return str(value) if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def shape(document: Any) -> str:
    """A few words on what a document is, for refusals."""
    return f"the keys {', '.join(list(document)[:8])}" if isinstance(document, dict) else f"a {type(document).__name__}"
