"""A flat JSON object in which a row exists wherever a key ends in a certain word; there is no list of rows."""

from __future__ import annotations

from collector.literal_json import document_of, text_of_value
from collector.rawtable import Cells, PayloadRefused, RawTable
from domain.reasons import Refusal
from specs.columns import Wanted
from specs.decode import JsonSuffix


def decode(body: bytes, spec: JsonSuffix, wanted: Wanted) -> RawTable:  # noqa: ARG001
    """Columns `key`, `value` and one per sibling; all other keys are the head. Raises PayloadRefused."""
    document = document_of(body)
    if not isinstance(document, dict):
        raise PayloadRefused(Refusal.ROWS_NOT_FOUND, "the document is not one object")
    keys = [key.removesuffix(spec.suffix) for key in document if key.endswith(spec.suffix) and key != spec.suffix]
    if not keys:
        raise PayloadRefused(
            Refusal.ROWS_NOT_FOUND, f"no key ends in {spec.suffix}; there are {', '.join(list(document)[:8])}"
        )
    if len(keys) > spec.max_rows:
        raise PayloadRefused(Refusal.TOO_MANY_ROWS, f"{len(keys)} rows, at most {spec.max_rows} are read")
    columns: dict[str, Cells] = {
        "key": list(keys),
        "value": [text_of_value(document[key + spec.suffix]) for key in keys],
    }
    for name, suffix in spec.siblings.items():
        columns[name] = [text_of_value(document.get(key + suffix)) for key in keys]
    rows = {key + suffix for key in keys for suffix in (spec.suffix, *spec.siblings.values())}
    head = {name: text_of_value(value) or "" for name, value in document.items() if name not in rows}
    return RawTable(columns, range(1, len(keys) + 1), len(keys), head)
