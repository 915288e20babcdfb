"""Whitespace tables with a station per row and a time per column, whose first time stands in a sentence above."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from functools import lru_cache

from collector.rawtable import Findings, PayloadRefused, RawTable
from collector.text import lines_of, text_of
from domain.reasons import Refusal
from specs.columns import Wanted
from specs.decode import WideText

_MOST_COLUMNS = 2000


def decode(body: bytes, spec: WideText, wanted: Wanted) -> RawTable:  # noqa: ARG001
    """One row per cell, with columns `key`, `time` (in the sentence's own spelling) and `value`. Raises PayloadRefused."""
    lines = lines_of(text_of(body, spec.encoding), spec.max_rows)
    at, first, width = _time_axis(lines, spec)
    times = [
        (first + timedelta(seconds=spec.step_s * column)).strftime(spec.time_format) for column in range(width or 0)
    ]
    findings = Findings()
    key, time, value, where = [], [], [], []
    read = 0
    for number, line in enumerate(lines[at + 1 :], at + 2):
        words = line.split()
        if not words:
            continue
        read += 1
        if len(words) != len(times) + 1:
            findings.refuse(Refusal.NOT_A_RECORD, number, f"{len(words) - 1} values for {len(times)} hours")
            continue
        for stamp, word in zip(times, words[1:], strict=True):
            key.append(words[0])
            time.append(stamp)
            value.append(word)
            where.append(number)
    if len(where) > spec.max_rows:
        raise PayloadRefused(Refusal.TOO_MANY_ROWS, f"{len(where)} values, at most {spec.max_rows} are read")
    return RawTable(
        {"key": key, "time": time, "value": value}, where, len(where) + findings.refused.total(), findings=findings
    )


def _time_axis(lines: list[str], spec: WideText) -> tuple[int, datetime, int]:
    """Line of the sentence, first time, and how many columns the sentence promises (from its last time)."""
    pattern = _sentence(spec.sentence)
    for at, line in enumerate(lines[:20]):
        found = pattern.fullmatch(line.strip())
        if not found:
            continue
        try:
            times = {name: datetime.strptime(text, spec.time_format) for name, text in found.groupdict().items()}  # noqa: DTZ007
        except ValueError as error:
            raise PayloadRefused(Refusal.BAD_TIME, f"{line.strip()[:100]}: {error}") from error
        last = times.get("last")
        if last is None:
            return at, times["first"], max(len(row.split()) - 1 for row in lines[at + 1 :] or [""])
        width = int((last - times["first"]).total_seconds()) // spec.step_s + 1
        if not 0 < width <= _MOST_COLUMNS:
            raise PayloadRefused(Refusal.BAD_TIME, f"{width} columns from {line.strip()[:100]}")
        return at, times["first"], width
    raise PayloadRefused(Refusal.ROWS_NOT_FOUND, f"no sentence like `{spec.sentence}`")


@lru_cache(maxsize=64)
def _sentence(template: str) -> re.Pattern[str]:
    pieces = re.split(r"\{(first|last)\}", template)
    return re.compile(
        "".join(rf"(?P<{piece}>\S{{1,30}})" if place % 2 else re.escape(piece) for place, piece in enumerate(pieces))
    )
