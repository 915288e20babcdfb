"""JSON with one object per row. Numbers keep their literal text, so that 0.0280 stays 0.0280 and 1e400 is found later, in its row."""

from __future__ import annotations

from functools import lru_cache
from itertools import chain
from typing import Any

import msgspec
from msgspec.structs import astuple

from collector.json_table import check, opened, table_of
from collector.literal_json import rows_below, shape
from collector.rawtable import Cells, PayloadRefused, RawTable
from domain.reasons import Refusal
from specs.columns import Wanted
from specs.decode import JsonRows

_NOTHING = msgspec.Raw(b"")


def decode(body: bytes, spec: JsonRows, wanted: Wanted) -> RawTable:
    """Rows of a JSON document as columns of text; raises PayloadRefused."""
    body = body.removeprefix(b"\xef\xbb\xbf")
    special = spec.in_xml or spec.wrapped or spec.pivot or spec.packed or spec.unpivot or wanted.heads
    if special or "[]" in spec.rows or "{}" in spec.rows:
        return _tolerant(body, spec, wanted)
    try:
        return _fast(body, spec, wanted)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        # Something in the document is not as the form says. A second, slower reading finds out what, and loses only that.
        return _tolerant(body, spec, wanted)


def _fast(body: bytes, spec: JsonRows, wanted: Wanted) -> RawTable:
    """Compiled reading of just the wanted members; any surprise raises."""
    if spec.ok is not None:
        _check_envelope(msgspec.json.decode(body, type=_path_type(spec.ok.path, msgspec.Raw)), spec)
    document, names = _document_type(spec.rows, wanted)
    rows = _walk(document(body), spec.rows)
    if len(rows) > spec.max_rows:
        raise PayloadRefused(Refusal.TOO_MANY_ROWS, f"{len(rows)} rows, at most {spec.max_rows} are read")
    columns: dict[str, Cells] = {}
    every = list(chain.from_iterable(map(astuple, rows)))  # row by row; one column is every so-manieth of them
    cells = {name: every[at :: len(names)] for at, name in enumerate(names)}
    for name in wanted.texts:
        if (texts := _words(cells[name])) is not None:
            columns[name] = texts
    for name in wanted.numbers:
        if (texts := _literals(cells[name])) is not None:
            columns[name] = texts
    return RawTable(columns, range(1, len(rows) + 1), len(rows))


def _words(cells: list[Any]) -> Cells | None:
    """Texts, absent ones as None; None when all of some are."""
    if msgspec.UNSET not in cells:
        return cells
    told = [None if text is msgspec.UNSET else text for text in cells]
    return told if any(text is not msgspec.UNSET for text in cells) else None


def _literals(cells: list[msgspec.Raw]) -> Cells | None:
    """Number literals as text; null and absent as None; strings unquoted; None when all are absent.

    They are joined and cut again as one text: asking each cell for its bytes takes longer than to parse the whole document.
    """
    joined = b"\n".join(cells)
    if not joined.strip(b"\n"):
        return None
    if len(joined) == 5 * len(cells) - 1 and joined.count(b"null") == len(cells):
        return [None] * len(cells)
    literals = joined.decode().split("\n")
    if len(literals) != len(cells):  # an object or a list over several lines
        literals = [bytes(cell).decode() for cell in cells]
    plain = not (b'"' in joined or b"null" in joined or b"\n\n" in joined or not (literals[0] and literals[-1]))
    if plain:
        return literals
    known = {literal: _text_of(literal) for literal in set(literals)}
    return list(map(known.__getitem__, literals))


def _text_of(literal: str) -> str | None:
    if literal in {"", "null"}:
        return None
    return str(msgspec.json.decode(literal)) if literal[:1] == '"' else literal


@lru_cache(maxsize=256)
def _document_type(rows: str, wanted: Wanted) -> tuple[Any, dict[str, str]]:
    """A decoder for exactly these columns below the row path, and the attribute that holds each column."""
    names = {name: f"c{number}" for number, name in enumerate(wanted.names)}
    if any("." in name or name.startswith("^") for name in names):
        raise msgspec.ValidationError("nested columns are read the slower way")
    fields: list[tuple[str, Any, Any]] = [
        (names[name], str | None | msgspec.UnsetType, msgspec.UNSET) for name in wanted.texts
    ]
    fields += [(names[name], msgspec.Raw, _NOTHING) for name in wanted.numbers]
    row = msgspec.defstruct("Row", fields, rename={names[name]: name for name in names}, gc=False)
    return msgspec.json.Decoder(_path_type(rows, list[row])).decode, names  # type: ignore[valid-type]


@lru_cache(maxsize=256)
def _path_type(path: str, inner: Any) -> Any:
    for part in reversed(path.split(".") if path else []):
        inner = msgspec.defstruct("Level", [("inner", inner)], rename={"inner": part})
    return inner


def _walk(document: Any, path: str) -> Any:
    for _ in path.split(".") if path else []:
        document = document.inner
    return document


def _check_envelope(found: Any, spec: JsonRows) -> None:
    if spec.ok and (text := _text_of(bytes(_walk(found, spec.ok.path)).decode())) not in spec.ok.values:
        raise PayloadRefused(Refusal.PUBLISHER_ERROR, f"{spec.ok.path} is {text}")


def _tolerant(body: bytes, spec: JsonRows, wanted: Wanted) -> RawTable:
    document = opened(body, spec)
    check(document, spec)
    found = rows_below(document, spec.rows, spec.max_rows)
    if found is None:
        raise PayloadRefused(
            Refusal.ROWS_NOT_FOUND, f"no list of rows at `{spec.rows or 'the top'}`; the document has {shape(document)}"
        )
    return table_of(found[0], found[1], document, spec, wanted)
