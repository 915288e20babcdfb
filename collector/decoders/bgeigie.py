"""Sentences of bGeigie drive logs: `$BNRDD,...*hh`, each with the exclusive-or of its letters as checksum."""

from __future__ import annotations

from functools import reduce

from collector.positions import angle
from collector.rawtable import Cells, Findings, PayloadRefused, RawTable
from collector.text import lines_of, text_of
from domain.reasons import Ignored, Refusal
from specs.columns import Wanted
from specs.standards import BGeigie

_TAGS = frozenset({"BNRDD", "BMRDD", "BGRDD", "BNXRDD", "PNTDD", "CZRDD"})
_FIELDS = 15
_COLUMNS = ("tag", "device", "time", "cpm", "counts", "total", "validity", "latitude", "longitude", "altitude", "fix")


def decode(body: bytes, spec: BGeigie, wanted: Wanted) -> RawTable:
    """One row per sentence whose checksum and fields are in order; all others are refused one by one. Raises PayloadRefused."""
    findings, rows, where = Findings(), [], []
    lines = lines_of(text_of(body, "latin-1"), spec.max_rows)
    for number, line in enumerate(lines, 1):
        text = line.strip()
        if not text or text.startswith("#"):
            findings.ignore(Ignored.PADDING)
            continue
        try:
            rows.append(_row(text))
            where.append(number)
        except _Broken as error:
            findings.refuse(error.reason, number, f"{error.told}: {text[:100]}")
    if not rows and not findings.refused:
        raise PayloadRefused(Refusal.ROWS_NOT_FOUND, "no sentence of a bGeigie in the text")
    columns: dict[str, Cells] = {
        name: [row[at] for row in rows] for at, name in enumerate(_COLUMNS) if name in wanted.names
    }
    return RawTable(columns, where, len(rows) + findings.refused.total(), findings=findings)


class _Broken(Exception):
    def __init__(self, reason: Refusal, told: str) -> None:
        self.reason, self.told = reason, told
        super().__init__(told)


def _row(text: str) -> tuple[str, ...]:
    sentence, star, check = text.removeprefix("$").rpartition("*")
    if not text.startswith("$") or not star or "$" in sentence:
        raise _Broken(Refusal.NOT_A_RECORD, "no sentence, or two run together")
    if f"{checksum(sentence):02X}" != check.strip().upper():
        raise _Broken(Refusal.BAD_SYNTAX, f"the checksum is {checksum(sentence):02X}")
    cells = sentence.split(",")
    if len(cells) != _FIELDS or cells[0] not in _TAGS:
        raise _Broken(Refusal.NOT_A_RECORD, f"{len(cells)} fields of {cells[0][:10]}")
    latitude, longitude = (
        angle(cells[at], "nmea", hemisphere=cells[at + 1]) if cells[at + 1] else float("nan") for at in (7, 9)
    )
    if not (abs(latitude) <= 90 and abs(longitude) <= 180):
        raise _Broken(Refusal.BAD_NUMBER, "no position (a sign and a hemisphere contradict each other, or it is none)")
    return (*cells[:7], f"{latitude:.6f}", f"{longitude:.6f}", cells[11], cells[12])


def checksum(sentence: str) -> int:
    """Exclusive-or over the letters between `$` and `*`."""
    return reduce(lambda total, letter: total ^ ord(letter), sentence, 0)
