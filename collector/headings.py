"""What documents for people say outside the rows: sentences that hold for all of them, and headings that hold for the rows below."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache

import re2

from collector.rawtable import Cells, RawTable
from specs.patterns import compiled

#: A sentence stands within so many letters of the top of a document.
_SEARCHED = 1_000_000


@lru_cache(maxsize=256)
def ready(pattern: str) -> re2._Regexp:
    """A pattern of an operator's, compiled once."""
    return compiled(pattern)


def sentences(text: str, patterns: Sequence[str]) -> dict[str, str]:
    """What the named groups of each pattern say where it first fits; nothing of a pattern that fits nowhere."""
    found: dict[str, str] = {}
    for pattern in patterns:
        match = ready(pattern).search(text[:_SEARCHED])
        if match is not None:
            found |= {name: said for name, said in match.groupdict().items() if said is not None}
    return found


class Sections:
    """Lines between the rows that name what stands below them, up to the next such line."""

    def __init__(self, pattern: str | None) -> None:
        self._pattern = ready(pattern) if pattern else None
        self._from: list[int] = []
        self._said: list[dict[str, str | None]] = []

    def takes(self, number: int, text: str) -> bool:
        """Whether line `number` is such a heading, which is then no row. Lines come in order."""
        match = self._pattern.fullmatch(text.strip()) if self._pattern else None
        if match is not None:
            self._from.append(number)
            self._said.append(match.groupdict())
        return match is not None

    def columns(self, where: Sequence[int]) -> dict[str, Cells]:
        """The groups of the pattern as columns for rows that stand in the lines `where`; None above the first heading."""
        if self._pattern is None:
            return {}
        at = [bisect_right(self._from, number) - 1 for number in where]
        return {
            name: [self._said[place][name] if place >= 0 else None for place in at] for name in self._pattern.groupindex
        }


def told(table: RawTable, head: Mapping[str, str], sections: Sections) -> RawTable:
    """The table with what its sentences and headings say."""
    return replace(table, columns={**table.columns, **sections.columns(table.where)}, head={**table.head, **head})
