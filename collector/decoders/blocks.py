"""Text in blocks of `name: value` lines, one block per row."""

from __future__ import annotations

from collector.headings import Sections, sentences, told
from collector.rawtable import Cells, Findings, PayloadRefused, RawTable
from collector.text import lines_of, text_of
from domain.reasons import Ignored, Refusal
from specs.columns import Wanted
from specs.decode import Blocks


def decode(body: bytes, spec: Blocks, wanted: Wanted) -> RawTable:
    """The blocks as rows; names are columns. Raises PayloadRefused."""
    findings = Findings()
    rows: list[tuple[int, dict[str, str]]] = []
    here: dict[str, str] = {}
    text = text_of(body, spec.encoding)
    sections = Sections(spec.section)
    for number, line in enumerate(lines_of(text, spec.max_rows * 100), 1):
        if spec.comment and line.startswith(spec.comment):
            continue
        name, sign, value = line.partition(spec.sign)
        if sections.takes(number, line) or not line.strip() or (spec.ends and line.startswith(spec.ends)):
            here = {}
        elif not sign or not name.strip():
            findings.ignore(Ignored.PADDING)
        else:
            if not here or name.strip() in here:
                here = {}
                rows.append((number, here))
            here[name.strip()] = value.strip()
    if not rows:
        raise PayloadRefused(Refusal.ROWS_NOT_FOUND, f"no line has `{spec.sign}` in it; the text begins {body[:80]!r}")
    if len(rows) > spec.max_rows:
        raise PayloadRefused(Refusal.TOO_MANY_ROWS, f"{len(rows)} blocks, at most {spec.max_rows} are read")
    met = {name for _, row in rows for name in row}
    columns: dict[str, Cells] = {name: [row.get(name) for _, row in rows] for name in wanted.names if name in met}
    table = RawTable(columns, [number for number, _ in rows], len(rows), findings=findings)
    return told(table, sentences(text, spec.sentences), sections)
