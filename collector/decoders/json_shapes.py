"""JSON whose rows are no plain list of objects: keyed objects, parallel arrays, a header with arrays, one document per line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from collector.json_table import above, check, opened, table_of
from collector.literal_json import Within, at, document_of, named, rows_at, rows_below, shape, text_of_value
from collector.rawtable import Findings, PayloadRefused, RawTable
from collector.text import lines_of, text_of
from domain.reasons import Refusal
from specs.columns import Wanted
from specs.decode import JsonArrays, JsonCommon, JsonHeader, JsonKeyed, JsonLines

_MOST_COLUMNS = 5000


def keyed(body: bytes, spec: JsonKeyed, wanted: Wanted) -> RawTable:
    """One row per member of an object, with the member's name as column `key`. Raises PayloadRefused."""
    document = _document(body, spec)
    holder = at(document, spec.rows)
    if not isinstance(holder, Mapping):
        raise _not_found(spec.rows, document, "object")
    rows = [named(key, member) for key, member in holder.items()]
    return table_of(rows, [Within(document)] * len(rows), document, spec, wanted)


def arrays(body: bytes, spec: JsonArrays, wanted: Wanted) -> RawTable:
    """One row per place in arrays that run side by side; arrays of unequal length belong to no row. Raises PayloadRefused."""
    document = _document(body, spec)
    holders = _holders(document, spec)
    findings = Findings()
    rows: list[Any] = []
    owners: list[Within] = []
    for number, holder in enumerate(holders, 1):
        found = at(holder.value, spec.rows)
        if not isinstance(found, Mapping):
            raise _not_found(spec.rows, holder.value, "object of arrays")
        lists = _side_by_side(found, holder, wanted)
        lengths = {len(values) for values in lists.values()}
        if len(lengths) > 1:
            told = ", ".join(f"{name} {len(values)}" for name, values in lists.items())
            findings.refuse(Refusal.NOT_A_RECORD, number, f"arrays of unequal length: {told}")
            continue
        count = max(lengths, default=0)
        if len(rows) + count > spec.max_rows:
            raise PayloadRefused(Refusal.TOO_MANY_ROWS, f"more than {spec.max_rows} rows")
        names = list(lists)
        rows += [dict(zip(names, values, strict=True)) for values in zip(*lists.values(), strict=True)]
        owners += [holder] * count
    return table_of(rows, owners, document, spec, wanted, findings)


def _side_by_side(found: Mapping[str, Any], holder: Within, wanted: Wanted) -> dict[str, list[Any]]:
    """The arrays that are columns: those that the form names, all where headings hold names, and those above that it names (`^labels`)."""
    lists = {name: values for name, values in found.items() if isinstance(values, list) and wanted.takes(name)}
    for name in wanted.names:
        if name.startswith("^") and isinstance(values := above(holder, name), list):
            lists[name] = values
    return lists


def _holders(document: Any, spec: JsonArrays) -> list[Within]:
    """The objects that have arrays: the document, or each of those in a list or in an object of them."""
    if not spec.holders and (not spec.each or _has_arrays(at(document, spec.rows))):
        return [Within(document)]
    found = rows_below(document, spec.holders or ("[]" if isinstance(document, list) else "{}"), spec.max_rows)
    if found is None:
        raise _not_found(spec.holders, document, "list of objects")
    return [Within(member, owner) for member, owner in zip(*found, strict=True)]


def _has_arrays(value: Any) -> bool:
    """Whether this is an object of arrays itself: of several places that were asked for, one alone comes without a list around it."""
    return isinstance(value, Mapping) and any(isinstance(member, list) for member in value.values())


def header(body: bytes, spec: JsonHeader, wanted: Wanted) -> RawTable:
    """One row per array, with the columns named once in a list. Raises PayloadRefused."""
    document = _document(body, spec)
    values = at(document, spec.rows)
    if not isinstance(values, list):
        raise _not_found(spec.rows, document, "list of arrays")
    names = at(document, spec.header) if spec.header else (values[0] if values else [])
    if not isinstance(names, list) or len(names) > _MOST_COLUMNS:
        raise PayloadRefused(Refusal.MISSING_COLUMN, f"no list of column names at `{spec.header or 'the first row'}`")
    titles = [text_of_value(name.get(spec.header_name) if isinstance(name, Mapping) else name) or "" for name in names]
    findings = Findings()
    rows, where = [], []
    values = values if spec.header else values[1:]
    beside = {
        name: cells for name, cells in _side_by_side({}, Within(document), wanted).items() if len(cells) == len(values)
    }
    for number, row in enumerate(values, 1):
        if isinstance(row, list) and len(row) == len(titles):
            rows.append(
                dict(zip(titles, row, strict=True)) | {name: cells[number - 1] for name, cells in beside.items()}
            )
            where.append(number)
        else:
            size = len(row) if isinstance(row, list) else text_of_value(row)
            findings.refuse(Refusal.NOT_A_RECORD, number, f"{size} cells where the header has {len(titles)}")
    return table_of(rows, [Within(document)] * len(rows), document, spec, wanted, findings, where)


def lines(body: bytes, spec: JsonLines, wanted: Wanted) -> RawTable:
    """One document per line; a line that is none costs that line only. Raises PayloadRefused."""
    findings = Findings()
    rows: list[Any] = []
    owners: list[Within] = []
    where: list[int] = []
    for number, line in enumerate(lines_of(text_of(body, "utf-8"), spec.max_rows), 1):
        if not line.strip():
            continue
        try:
            document = document_of(line.encode())
            check(document, spec)
        except PayloadRefused as error:
            findings.refuse(error.reason, number, error.detail)
            continue
        found = rows_at(document, spec.rows)
        if found is None:
            findings.refuse(Refusal.ROWS_NOT_FOUND, number, f"no row at `{spec.rows}`; there is {shape(document)}")
            continue
        rows += found
        owners += [Within(document)] * len(found)
        where += [number] * len(found)
    return table_of(rows, owners, {}, spec, wanted, findings, where)


def _document(body: bytes, spec: JsonCommon) -> Any:
    document = opened(body, spec)
    check(document, spec)
    return document


def _not_found(path: str, document: Any, kind: str) -> PayloadRefused:
    return PayloadRefused(
        Refusal.ROWS_NOT_FOUND, f"no {kind} at `{path or 'the top'}`; the document has {shape(document)}"
    )
