r"""EURDEP 2.x text: statements `\NAME value;` in sections, records below a field list, any number of messages one after another."""

from __future__ import annotations

from dataclasses import dataclass, field

from collector.rawtable import Cells, Findings, PayloadRefused, RawTable
from collector.text import lines_of, text_of
from domain.reasons import Refusal
from specs.columns import Wanted
from specs.standards import Eurdep

_MOST_FIELDS = 200
_PLACE = ("locality_name", "latitude", "longitude", "height_above_sea", "height_above_land")


@dataclass(slots=True)
class _Message:
    """What one message has said so far."""

    fields: list[str] = field(default_factory=list)
    defaults: dict[str, str] = field(default_factory=dict)
    places: dict[str, dict[str, str]] = field(default_factory=dict)
    sections: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Reading:
    """The rows of a whole payload while it is read."""

    rows: list[dict[str, str]] = field(default_factory=list)
    where: list[int] = field(default_factory=list)
    head: dict[str, str] = field(default_factory=dict)
    findings: Findings = field(default_factory=Findings)


def decode(body: bytes, spec: Eurdep, wanted: Wanted) -> RawTable:
    """Records of all messages; a record of another width than its field list costs that record only. Raises PayloadRefused."""
    lines = lines_of(text_of(body, spec.encoding), spec.max_rows * 2)
    reading, message, begun, ended = _Reading(), _Message(), 0, 0
    for number, line in enumerate(lines, 1):
        statement = _statement(line)
        if statement is None:
            continue
        word, _, rest = statement[0].partition(" ")
        if word == "BEGIN_EURDEP":
            message, begun = _Message(), begun + 1
        elif word == "END_EURDEP":
            ended += 1
        elif begun:
            _take(statement[0], word, rest.strip(), number, message, reading, spec)
    if not begun:
        raise PayloadRefused(Refusal.ROWS_NOT_FOUND, f"no \\BEGIN_EURDEP; the text begins {body[:60]!r}")
    if ended < begun:
        # What a cut transfer still holds is whole up to the cut; the loss is said.
        reading.findings.refuse(Refusal.BAD_SYNTAX, len(lines), f"{begun} messages begin and {ended} end")
    if len(reading.rows) > spec.max_rows:
        raise PayloadRefused(Refusal.TOO_MANY_ROWS, f"{len(reading.rows)} records, at most {spec.max_rows} are read")
    met = {name for row in reading.rows for name in row}
    columns: dict[str, Cells] = {name: [row.get(name) for row in reading.rows] for name in wanted.names if name in met}
    read = len(reading.rows) + reading.findings.refused.total()
    return RawTable(columns, reading.where, read, reading.head, reading.findings)


def _statement(line: str) -> tuple[str, str] | None:
    """What stands between the backslash and the semicolon outside quotes, and the comment behind it; None for a line that is no statement."""
    text = line.strip()
    if not text.startswith("\\"):
        return None
    end, quoted = len(text), False
    for at, letter in enumerate(text):
        if letter == '"':
            quoted = not quoted
        elif letter == ";" and not quoted:
            end = at
            break
    return text[1:end].strip(), text[end + 1 :].strip()


def _take(line: str, word: str, rest: str, number: int, message: _Message, reading: _Reading, spec: Eurdep) -> None:
    section = message.sections[-1] if message.sections else ""
    if word.startswith("BEGIN_"):
        message.sections.append(word.removeprefix("BEGIN_"))
        if word != "BEGIN_DEFAULT":
            message.fields, message.defaults = [], {}
    elif word.startswith("END_"):
        if message.sections and message.sections[-1] == word.removeprefix("END_"):
            message.sections.pop()
        else:
            reading.findings.refuse(Refusal.BAD_SYNTAX, number, f"\\{word} closes {section or 'nothing'}")
    elif word == "FIELD_LIST":
        message.fields = [name.strip().lower() for name in rest.split(",")][:_MOST_FIELDS]
    elif section == "DEFAULT":
        message.defaults[word.lower()] = rest
    elif section == "HEADER":
        reading.head.setdefault(word.lower(), rest)
    elif section in {"LOCALITY", spec.section}:
        _record(line, number, message, reading)


def _record(line: str, number: int, message: _Message, reading: _Reading) -> None:
    cells = [cell.strip().strip('"') for cell in _commas(line)]
    if len(cells) != len(message.fields):
        told = f"{len(cells)} cells where the field list has {len(message.fields)}: {line[:80]}"
        reading.findings.refuse(Refusal.NOT_A_RECORD, number, told)
        return
    row = {**message.defaults, **dict(zip(message.fields, cells, strict=True))}
    if message.sections[-1] == "LOCALITY":
        message.places[row.get("locality_code", "")] = row
        return
    place = message.places.get(row.get("locality_code", ""), {})
    reading.rows.append({**{name: place[name] for name in _PLACE if name in place}, **row})
    reading.where.append(number)


def _commas(line: str) -> list[str]:
    """Cells by commas outside quotes."""
    cells, quoted, start = [], False, 0
    for at, letter in enumerate(line):
        if letter == '"':
            quoted = not quoted
        elif letter == "," and not quoted:
            cells.append(line[start:at])
            start = at + 1
    return [*cells, line[start:]]
