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
    """The value at a dotted path; None where the path leads nowhere."""
    for part in path.split(".") if path else []:
        document = document.get(part) if isinstance(document, dict) else None
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


def text_of_value(value: Any) -> str | None:
    """A cell: null is None, text and numbers as written, true and false as words, anything deeper as its JSON."""
    if value is None:
        return None
    return str(value) if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def shape(document: Any) -> str:
    """A few words on what a document is, for refusals."""
    return f"the keys {', '.join(list(document)[:8])}" if isinstance(document, dict) else f"a {type(document).__name__}"
