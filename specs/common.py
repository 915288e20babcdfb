"""What every format shares."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from specs.patterns import LinePattern
from specs.strict import Strict

Encoding = Literal[
    "utf-8", "utf-8-sig", "utf-16", "big5", "cp949", "cp932", "euc-jp", "euc-kr", "gb18030", "latin-1", "cp1251", "cp1252", "koi8-r", "ascii"
]  # fmt: skip


class Common(Strict):
    """What every format shares: a cap on rows, and texts in the body that mean an error of the publisher's.

    `inside`: the answer is a ZIP or gzip archive; of a ZIP the members with this name are read (`*.csv`, one after another, all alike).
    `fill_down`: columns whose empty cells repeat the one above (merged cells). `parts`: cells that hold several things; the named groups of the
    pattern become columns `<column>.<group>`: `parts: {period: "(?P<from>.+)/(?P<to>.+)"}` gives `period.from` and `period.to`.
    """

    max_rows: int = Field(default=200_000, ge=1)
    error_marks: tuple[str, ...] = ()
    inside: str = ""
    fill_down: tuple[str, ...] = ()
    parts: dict[str, LinePattern] = Field(default_factory=dict)


class Written(Common):
    r"""What formats for people share.

    `sentences` are patterns for what stands once outside the table; the named groups of each, where it first fits, are `$head.<group>`:
    `sentences: ['Values of (?P<day>\d{4}-\d\d-\d\d)']` gives `$head.day`. `section` is the pattern of a line between the rows (the whole
    line, or the distinct cells of a row with blanks between) that names what stands below it; its groups are columns of those rows.
    """

    sentences: tuple[LinePattern, ...] = ()
    section: LinePattern | None = None


class Unpivot(Strict):
    """Columns that are rows: a table with a column per nuclide, station or hour. Each becomes a row of its own, whose column `name` holds
    the part of the heading that changes.

    `columns` gives the columns that come of it, each with the heading that it stands under in the table, with `{}` for the part that changes:
    `{detected: "{} concentration (Bq/L)", limit: "{} limit (Bq/L)"}`; blanks beside `{}` may be absent. `{}` alone takes every
    column that the mapping does not name itself, `but` those listed here. A name whose cells are all empty gives no row.
    """

    name: str = Field(default="name", min_length=1)
    columns: dict[str, str] = Field(min_length=1)
    but: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _one_hole(self) -> Self:
        for column, heading in self.columns.items():
            if heading.count("{}") != 1:
                raise ValueError(f'the heading of `{column}` needs one {{}} where the name stands, as "{{}} (Bq/L)"')
        return self
