"""What all JSON formats share: opening, the publisher's status word, and rows to columns of text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from collector.literal_json import Within, at, document_of, shape, text_of_value
from collector.rawtable import Findings, PayloadRefused, RawTable
from collector.xml_safe import root_of, text_of_element
from domain.reasons import Refusal
from specs.columns import Wanted
from specs.decode import JsonCommon, Packed, Pivot

#: Fields that one packed cell or one list of pairs may hold.
_MOST_FIELDS = 500


def opened(body: bytes, spec: JsonCommon) -> Any:
    """The document, taken out of its XML when it comes so; raises PayloadRefused."""
    if spec.in_xml:
        body = (text_of_element(root_of(body)) or "").encode()
    return document_of(_unwrapped(body) if spec.wrapped else body)


def _unwrapped(body: bytes) -> bytes:
    """What stands from the first bracket to the last: a script or a callback around the document is passed over."""
    first = min((at for at in (body.find(b"{"), body.find(b"[")) if at >= 0), default=0)
    last = max(body.rfind(b"}"), body.rfind(b"]"))
    return body[first : last + 1] if last >= first else body


def check(document: Any, spec: JsonCommon) -> None:
    """Raise PayloadRefused when the publisher's own status word says that this is no answer."""
    if spec.ok is not None and (text := text_of_value(at(document, spec.ok.path))) not in spec.ok.values:
        message = text_of_value(at(document, spec.ok.message)) if spec.ok.message else ""
        raise PayloadRefused(Refusal.PUBLISHER_ERROR, f"{spec.ok.path} is {text}: {message or shape(document)}")


def table_of(
    rows: Sequence[Any],
    owners: Sequence[Within],
    document: Any,
    spec: JsonCommon,
    wanted: Wanted,
    findings: Findings | None = None,
    where: Sequence[int] | None = None,
) -> RawTable:
    """Rows as columns of text; `owners` are the objects that hold them. A row that is no object costs that row only."""
    if len(rows) > spec.max_rows:
        raise PayloadRefused(Refusal.TOO_MANY_ROWS, f"{len(rows)} rows, at most {spec.max_rows} are read")
    findings = findings or Findings()
    numbers, kept = where or range(1, len(rows) + 1), []
    names = dict.fromkeys(wanted.names)
    if wanted.every:
        names |= dict.fromkeys(key for row in rows if isinstance(row, Mapping) for key in row)
    columns: dict[str, list[str | None]] = {name: [] for name in names}
    met: set[str] = set()
    for number, row, owner in zip(numbers, rows, owners, strict=True):
        if isinstance(row, list):
            row = {str(place): cell for place, cell in enumerate(row[:_MOST_FIELDS])}  # noqa: PLW2901
        if not isinstance(row, Mapping):
            findings.refuse(Refusal.NOT_A_RECORD, number, f"a row must be an object, not {text_of_value(row)}")
            continue
        full = unfolded(row, spec.pivot, spec.packed)
        kept.append(number)
        met.update(full)
        for name, column in columns.items():
            column.append(_cell(full, owner, name))
    present = {name: cells for name, cells in columns.items() if name in met or any(cell is not None for cell in cells)}
    heads = {name: text_of_value(at(document, name)) or "" for name in wanted.heads}
    return RawTable(present, kept, len(rows) + findings.refused.total() - (len(rows) - len(kept)), heads, findings)


def _cell(row: Mapping[str, Any], owner: Within | None, name: str) -> str | None:
    if name in row:
        return text_of_value(row[name])
    return text_of_value(above(owner, name) if name.startswith("^") else at(row, name))


def above(owner: Within | None, name: str) -> Any:
    """What `^name` means for a row that `owner` holds: a member of it, or with more of these signs of what holds that."""
    path = name[1:]
    while path.startswith("^") and owner is not None:
        path, owner = path[1:], owner.above
    return at(owner.value, path) if owner is not None else None


def unfolded(row: Mapping[str, Any], pivot: Pivot | None, packed: Packed | None) -> Mapping[str, Any]:
    """A row with its pairs and packed fields beside its own members, which they never replace."""
    more: dict[str, Any] = {}
    if pivot is not None and isinstance(pairs := at(row, pivot.pairs), list):
        for pair in pairs[:_MOST_FIELDS]:
            if isinstance(pair, Mapping) and isinstance(name := pair.get(pivot.name), str):
                more.setdefault(name, pair.get(pivot.value))
    if packed is not None and isinstance(text := at(row, packed.column), str):
        more |= unpacked(text, packed)
    return {**more, **row} if more else row


def unpacked(text: str, packed: Packed) -> dict[str, str]:
    """The fields of a packed cell, called `<column>.<name>`; of a name that repeats the first counts."""
    found: dict[str, str] = {}
    for part in text.split(packed.between, _MOST_FIELDS)[:_MOST_FIELDS]:
        name, sign, value = part.partition(packed.after_name)
        if sign:
            found.setdefault(f"{packed.column}.{name.strip()}", value.strip())
    return found
