"""Proposed twins: on a terminal, and as lines of `config/twins.yaml` that a person looks at."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from analysis.twins import Proposal
from specs.twins import Twin

_console = Console(width=150)
_HEAD = """\
# yaml-language-server: $schema=schema/twins.json
# Stations of unlike feeds that are one instrument. Only `status: confirmed` counts, with `by` and `on`; a refused pair stays, so that it is
# not proposed again. `radcommons feed twins --write` adds proposals.
twins:
"""


def show_proposals(found: Sequence[Proposal], known: Sequence[Twin]) -> None:
    """Print the new proposals, and how many pairs the table holds."""
    table = Table("first", "second", "m", "hours", "correlation", "equal", "names alike")
    for one in found:
        numbers = (f"{one.distance_m:.0f}", str(one.hours), _number(one.correlation), _number(one.equal_share))
        table.add_row(one.first, one.second, *numbers, _number(one.names_alike))
    _console.print(table)
    by_status = {status: sum(one.status == status for one in known) for status in ("confirmed", "proposed", "refused")}
    _console.print(
        f"{len(found)} new; the table holds {', '.join(f'{count} {status}' for status, count in by_status.items())}"
    )


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}"


def add_to_table(path: Path, found: Sequence[Proposal]) -> None:
    """Append the proposals; what stands in the table stays, with its comments."""
    text = path.read_text(encoding="utf-8") if path.is_file() else _HEAD
    text = text.replace("twins: []", "twins:")
    path.write_text(text.rstrip("\n") + "\n" + "".join(map(_line, found)), encoding="utf-8")
    _console.print(f"added to {path}; look at each, then write `status: confirmed`, `by` and `on`, or `refused`")


def _line(one: Proposal) -> str:
    told = [f"first: {one.first!r}", f"second: {one.second!r}", "status: proposed", f"distance_m: {one.distance_m:g}"]
    told += [f"{name}: {value:g}" for name, value in _numbers(one) if value is not None]
    return f"  - {{{', '.join(told)}}}\n".replace("'", '"')


def _numbers(one: Proposal) -> tuple[tuple[str, float | None], ...]:
    return (
        ("correlation", one.correlation), ("equal_share", one.equal_share), ("hours", one.hours), ("names_alike", one.names_alike),
    )  # fmt: skip
