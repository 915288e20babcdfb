"""JSON with one object per row. Numbers keep their literal text, so that 0.0280 stays 0.0280 and 1e400 is found later, in its row."""

from __future__ import annotations

from functools import lru_cache
from operator import attrgetter
from typing import Any

import msgspec

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
    for name in wanted.texts:
        texts = list(map(attrgetter(names[name]), rows))
        if not texts or any(text is not msgspec.UNSET for text in texts):
            columns[name] = [None if text is msgspec.UNSET else text for text in texts]
    for name in wanted.numbers:
        raw = [bytes(cell) for cell in map(attrgetter(names[name]), rows)]
        if any(raw):
            columns[name] = _literals(raw)
    return RawTable(columns, range(1, len(rows) + 1), len(rows))


def _literals(raw: list[bytes]) -> Cells:
    """Number literals as text; null and absent as None; strings unquoted."""
    known: dict[bytes, str | None] = {cell: _text_of(cell) for cell in set(raw)}
    return [known[cell] for cell in raw]


def _text_of(raw: bytes) -> str | None:
    if raw in {b"", b"null"}:
        return None
    return str(msgspec.json.decode(raw)) if raw[:1] == b'"' else raw.decode()


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
    if spec.ok and (text := _text_of(bytes(_walk(found, spec.ok.path)))) not in spec.ok.values:
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
