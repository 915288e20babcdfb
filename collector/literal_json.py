"""JSON as plain values whose numbers keep their literal text, read with care for what publishers do to JSON."""

from __future__ import annotations

import json
from typing import Any

from collector.rawtable import PayloadRefused
from domain.reasons import Refusal


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
    """The value at a dotted path, in which a number picks from a list; None where the path leads nowhere."""
    for part in path.split(".") if path else []:
        if isinstance(document, dict):
            document = document.get(part)
        elif isinstance(document, list) and part.isascii() and part.isdigit() and len(part) < 8:
            document = document[int(part)] if int(part) < len(document) else None
        else:
            return None
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


def rows_below(document: Any, path: str, most: int) -> tuple[list[Any], list[Any]] | None:
    """Rows at a path in which `name[]` goes through a list, and beside each the object that holds it; None when there is no such list."""
    first, through, rest = path.partition("[]")
    rows = rows_at(document, first)
    if rows is None or not through:
        return None if rows is None else (rows, [document] * len(rows))
    found: list[Any] = []
    owners: list[Any] = []
    for holder in rows:
        below = rows_at(holder, rest.removeprefix(".")) if "[]" not in rest else None
        deeper = (
            (below, [holder] * len(below)) if below is not None else rows_below(holder, rest.removeprefix("."), most)
        )
        if deeper is not None:
            found += deeper[0]
            owners += deeper[1]
        if len(found) > most:
            break
    return found, owners


def text_of_value(value: Any) -> str | None:
    """A cell: null is None, text and numbers as written, true and false as words, anything deeper as its JSON."""
    if value is None:
        return None
    return str(value) if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def shape(document: Any) -> str:
    """A few words on what a document is, for refusals."""
    return f"the keys {', '.join(list(document)[:8])}" if isinstance(document, dict) else f"a {type(document).__name__}"
