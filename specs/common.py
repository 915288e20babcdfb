"""What every format shares."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from specs.strict import Strict

Encoding = Literal[
    "utf-8", "utf-8-sig", "utf-16", "big5", "cp949", "cp932", "euc-jp", "euc-kr", "gb18030", "latin-1", "cp1251", "cp1252", "koi8-r", "ascii"
]  # fmt: skip


class Common(Strict):
    """What every format shares: a cap on rows, and texts in the body that mean an error of the publisher's.

    `inside`: the answer is a ZIP or gzip archive; of a ZIP the members with this name are read (`*.csv`, one after another, all alike).
    """

    max_rows: int = Field(default=200_000, ge=1)
    error_marks: tuple[str, ...] = ()
    inside: str = ""


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
