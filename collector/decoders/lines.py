"""One record per line, by a pattern whose engine takes time in proportion to the text."""

from __future__ import annotations

from collector.headings import Sections, ready, sentences, told
from collector.rawtable import Findings, PayloadRefused, RawTable
from collector.text import lines_of, text_of
from domain.reasons import Ignored, Refusal
from specs.columns import Wanted
from specs.decode import Lines


def decode(body: bytes, spec: Lines, wanted: Wanted) -> RawTable:  # noqa: ARG001
    """The groups of the pattern as columns; blank lines are padding. Raises PayloadRefused."""
    pattern = ready(spec.pattern)
    text = text_of(body, spec.encoding)
    lines = lines_of(text, spec.max_rows)
    sections = Sections(spec.section)
    findings = Findings()
    found: list[tuple[str | None, ...]] = []
    where: list[int] = []
    names = sorted(pattern.groupindex, key=pattern.groupindex.__getitem__)
    for number, line in enumerate(lines, 1):
        match = pattern.fullmatch(line)
        if match is not None:
            found.append(tuple(match.group(name) for name in names))
            where.append(number)
        elif sections.takes(number, line) or not line.strip() or spec.others == "ignore":
            findings.ignore(Ignored.PADDING)
        else:
            findings.refuse(Refusal.NOT_A_RECORD, number, line)
    if not found and not findings.refused and any(line.strip() for line in lines):
        # Every line passed over is a changed format, never an empty answer.
        raise PayloadRefused(Refusal.ROWS_NOT_FOUND, f"no line fits the pattern; the text begins {body[:80]!r}")
    columns = {name: [row[at] for row in found] for at, name in enumerate(names)}
    table = RawTable(columns, where, len(where) + findings.refused.total(), findings=findings)
    return told(table, sentences(text, spec.sentences), sections)
