"""What a decoder gives: columns of text exactly as published, and what it could not read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from domain.readings import RefusedRow
from domain.reasons import Ignored, Refusal

#: Refused rows that are kept whole enough to look up; the rest is only counted.
KEPT_ROWS = 50
_DETAIL = 200

Cells = Sequence[str | None]


class PayloadRefused(Exception):
    """A payload that cannot be read at all, with the reason from the closed list; the collector counts it and goes on."""

    def __init__(self, reason: Refusal, detail: str) -> None:
        self.reason, self.detail = reason, detail[:_DETAIL]
        super().__init__(f"{reason}: {self.detail}")


@dataclass(slots=True)
class Findings:
    """Counts of refusals and ignored cells while one payload is worked on."""

    refused: Counter[Refusal] = field(default_factory=Counter)
    rows: list[RefusedRow] = field(default_factory=list)
    ignored: Counter[Ignored] = field(default_factory=Counter)

    def refuse(self, reason: Refusal, where: str | int, detail: str) -> None:
        """Count one refusal; the first fifty are kept with their place and text."""
        self.refused[reason] += 1
        if len(self.rows) < KEPT_ROWS:
            self.rows.append(RefusedRow(reason, str(where), detail[:_DETAIL]))

    def ignore(self, reason: Ignored, count: int = 1) -> None:
        """Count cells that were understood and hold no value."""
        if count:
            self.ignored[reason] += count


@dataclass(frozen=True, slots=True)
class RawTable:
    """Columns of equal length; None = the publisher gave nothing. `where` is the line or row number (from 1) of each row.

    `head` holds texts that stand once in the document. `read` counts records met, also those that became no row.
    """

    columns: Mapping[str, Cells]
    where: Sequence[int]
    read: int
    head: Mapping[str, str] = field(default_factory=dict)
    findings: Findings = field(default_factory=Findings)

    def __len__(self) -> int:
        return len(self.where)


def joined(tables: Sequence[RawTable], most: int) -> RawTable:
    """Tables one below the other, with the head of the first; raises PayloadRefused when they have too many rows together."""
    if sum(map(len, tables)) > most:
        raise PayloadRefused(Refusal.TOO_MANY_ROWS, f"more than {most} rows in all parts")
    findings = Findings()
    for table in tables:
        findings.refused.update(table.findings.refused)
        findings.rows += table.findings.rows[: KEPT_ROWS - len(findings.rows)]
        findings.ignored.update(table.findings.ignored)
    names = dict.fromkeys(name for table in tables for name in table.columns)
    columns: dict[str, Cells] = {
        name: [cell for table in tables for cell in table.columns.get(name, [None] * len(table))] for name in names
    }
    where = [number for table in tables for number in table.where]
    return RawTable(columns, where, sum(table.read for table in tables), tables[0].head if tables else {}, findings)
