"""What every format shares."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from specs.strict import Strict

Encoding = Literal["utf-8", "utf-8-sig", "big5", "cp949", "cp932", "euc-kr", "gb18030", "latin-1", "ascii"]


class Common(Strict):
    """What every format shares: a cap on rows, and texts in the body that mean an error of the publisher's."""

    max_rows: int = Field(default=200_000, ge=1)
    error_marks: tuple[str, ...] = ()
