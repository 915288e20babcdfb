"""A plan, a scorecard and a history on a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table

from collector.planning import Plan
from collector.portrait import KindRow
from radcommons.operating import moment
from specs.scorecard import Score, Standing
from store.config_files import ConfigChange

_console = Console(width=150, soft_wrap=True)


def show_plan(plan: Plan) -> None:
    """Print what a version makes of real answers; the last lines say whether it may run."""
    lag = "" if plan.lag_s is None else f", newest {plan.lag_s / 60:.0f} min before receipt"
    _lines([f"answer failed: {one}" for one in plan.failures])
    counted = f"read {plan.read}, stations {plan.stations}, readings {plan.values}, marks {plan.marks}{lag}"
    _lines([
        f"version {plan.digest[:12]} of {plan.feed_id} on {plan.answers} answers: {counted}",
        f"zones: {', '.join(plan.zones) or 'none'}",
        plan.rights,
    ])  # fmt: skip
    if plan.kinds:
        _console.print(_kinds(plan.kinds))
    _lines(f"  {reason}: {count}" for reason, count in (*plan.refused.items(), *plan.ignored.items()))
    _lines(f"  {one}" for one in plan.examples)
    _lines(f"  {row}" for row in plan.rows)
    _stations("gained", plan.gained)
    _stations("lost", plan.lost)
    _compared(plan)
    _lines(f"look at {one}" for one in plan.doubts if one not in plan.breaches)
    _lines(f"BREACH {one}" for one in plan.breaches)
    if not plan.answers:
        _lines(["no answer was looked at: this says nothing about the file"])
    elif not plan.breaches:
        _lines(["nothing speaks against it"])


def _compared(plan: Plan) -> None:
    if plan.diff:
        _lines(plan.diff.splitlines())
    if plan.compared:
        _lines([f"against the running version, on the same answers: {'; '.join(plan.changes) or 'no difference'}"])
    else:
        _lines(["not compared: there is no running version, or no answer that it read"])


def _stations(how: str, uids: Sequence[str]) -> None:
    if uids:
        _lines([f"stations {how}: {', '.join(uids[:10])}{' ...' if len(uids) > 10 else ''}"])


def _kinds(rows: Iterable[KindRow]) -> Table:
    heads = (
        "quantity",
        "medium",
        "published in",
        "series",
        "values",
        "min",
        "median",
        "max",
        "unit",
        "stored median",
        "stored max",
    )
    table = Table(*heads)
    for row in rows:
        spread = [_number(one) for one in (row.least, row.median, row.most)]
        stored = [_number(one) for one in (row.stored_median, row.stored_most)]
        table.add_row(
            row.quantity, row.medium, row.published_unit, str(row.series), str(row.values), *spread, row.unit, *stored
        )
    return table


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:g}"


def show_scores(feed_id: str, found: Sequence[Score]) -> None:
    """Print the rules of one feed that are not done, after their count."""
    done = sum(one.standing is Standing.DONE for one in found)
    _lines([f"{feed_id}: {done} of {len(found)} done"])
    _lines(f"  {one.standing.value:<6} {one.rule:<12} {one.why}" for one in found if one.standing is not Standing.DONE)


def show_history(changes: Sequence[ConfigChange], *, diffs: bool) -> None:
    """Print who changed what, newest first."""
    for one in changes:
        version = f" {one.before[:12] or 'nothing'} -> {one.digest[:12]}" if one.digest else ""
        _lines([f"{moment(one.at_s)} {one.action:<7} by {one.author or 'unknown'}{version}"])
        _lines(f"    {line}" for line in (*one.reason.splitlines(), one.numbers) if line)
        if diffs:
            _lines(f"    {line}" for line in one.diff.splitlines())
    if not changes:
        _lines(["nothing was changed yet"])


def _lines(lines: Iterable[str]) -> None:
    for line in lines:
        _console.print(line, markup=False, highlight=False)
