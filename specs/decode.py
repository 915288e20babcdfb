"""The formats that a payload can have. A decoder is named after its format and knows no publisher."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from specs.strict import Strict

Encoding = Literal["utf-8", "utf-8-sig", "big5", "cp949", "cp932", "euc-kr", "gb18030", "latin-1", "ascii"]


class Common(Strict):
    """What every format shares: a cap on rows, and texts in the body that mean an error of the publisher's."""

    max_rows: int = Field(default=200_000, ge=1)
    error_marks: tuple[str, ...] = ()


class Envelope(Strict):
    """A status word inside the payload: anything but one of `values` at `path` is an error of the publisher's; `message` is its text."""

    path: str
    values: tuple[str, ...] = Field(min_length=1)
    message: str = ""


class JsonRows(Common):
    """JSON with one object per row under `rows` (dots go down; "" is the document itself); a lone object counts as one row.

    `drop` names columns that must not enter the service at all (personal data): they are neither read nor kept.
    """

    format: Literal["json_rows"]
    rows: str = ""
    ok: Envelope | None = None
    drop: tuple[str, ...] = ()


class JsonSuffix(Common):
    """One flat JSON object in which a row exists wherever a key ends in `suffix`: columns are `key` (what stands before), `value`,
    and one per sibling suffix. Other keys are the document's head (`$head.<key>`).
    """

    format: Literal["json_suffix"]
    suffix: str = Field(min_length=1)
    siblings: dict[str, str] = Field(default_factory=dict)


class Delimited(Common):
    """Delimited text with a header line; `header` names the columns when the file has none (`has_header: false`) or has names that change.

    `multiline`: a quoted cell may run over several lines. `skip_lines` pass unread; `head_lines` after them are `name,value` lines that stand once (`$head.<name>`).
    """

    format: Literal["delimited"]
    encoding: Encoding = "utf-8"
    delimiter: str = Field(default=",", min_length=1, max_length=1)
    skip_lines: int = Field(default=0, ge=0)
    head_lines: int = Field(default=0, ge=0)
    header: tuple[str, ...] = ()
    has_header: bool = True
    multiline: bool = False


class WideText(Common):
    """Whitespace table with one row per station and one column per hour; the first hour stands in a sentence.

    `sentence` holds `{first}` and may hold `{last}`; the words around them must match. Columns: `key`, `time`, `value`.
    """

    format: Literal["wide_text"]
    encoding: Encoding = "ascii"
    sentence: str = Field(pattern=r"\{first\}")
    time_format: str
    step_s: int = Field(gt=0)


class XmlItems(Common):
    """XML with one element per row under the path `items` (slash separated, below the root); children are columns."""

    format: Literal["xml_items"]
    items: str
    ok: Envelope | None = None


class SideBySide(Common):
    """Tables standing side by side, one per layer, each opened by a column named `opener`; pairs of columns per analyte.

    Lines: `layer` row, analyte row, row of kinds (`detected` and `limit`), then data. Columns given out, one row per cell:
    `time`, `layer`, `analyte`, `detected`, `limit`, `line`. Lines before the tables `Name,value` are the head.
    """

    format: Literal["side_by_side"]
    encoding: Encoding = "utf-8-sig"
    opener: str
    detected: str = "Dt"
    limit: str = "ND"
    head_lines: int = Field(default=2, ge=0)
    blank: tuple[str, ...] = ("", "-")


Decode = Annotated[JsonRows | JsonSuffix | Delimited | WideText | XmlItems | SideBySide, Field(discriminator="format")]
