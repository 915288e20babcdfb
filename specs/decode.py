"""The formats that a payload can have. A decoder is named after its format and knows no publisher.

Formats that are standards of their own, and have one decoder each, are in `specs.standards`.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from specs.common import Common, Encoding
from specs.patterns import LinePattern
from specs.standards import N42, BGeigie, Eurdep, Irix, MultiPoint
from specs.strict import Strict


class Envelope(Strict):
    """A status word inside the payload: anything but one of `values` at `path` is an error of the publisher's; `message` is its text."""

    path: str
    values: tuple[str, ...] = Field(min_length=1)
    message: str = ""


class Pivot(Strict):
    """A list of name and value pairs inside a row (at `pairs`): each pair becomes a column that is called as its name."""

    pairs: str = Field(min_length=1)
    name: str = "name"
    value: str = "value"


class Packed(Strict):
    """A cell that holds fields of its own, as `temp:17.6,volt:8.14`: each becomes a column `<column>.<name>`."""

    column: str = Field(min_length=1)
    between: str = Field(default=",", min_length=1, max_length=3)
    after_name: str = Field(default=":", min_length=1, max_length=3)


class JsonCommon(Common):
    """What all JSON formats share. A column is a member of the row; dots go down, numbers pick from a list (`wind.0` of `[6.8, 0]`), and
    `^name` is a member of the object that holds the row. `$head.a.b` is a member of the document.

    `in_xml`: the JSON is the text of an XML document. `drop` names columns that must not enter the service at all (personal data): they
    are neither read nor kept.
    """

    ok: Envelope | None = None
    drop: tuple[str, ...] = ()
    pivot: Pivot | None = None
    packed: Packed | None = None
    in_xml: bool = False


class JsonRows(JsonCommon):
    """JSON with one object per row under `rows` (dots go down, `[]` after a name goes through a list; "" is the document itself); a lone
    object counts as one row. GeoJSON and ArcGIS answers have their rows at `features`, with columns as `properties.x`, `attributes.x` and
    `geometry.coordinates.0`.
    """

    format: Literal["json_rows"]
    rows: str = ""


class JsonKeyed(JsonCommon):
    """JSON with one object whose members are the rows: `{"4711": {...}}`. The name of each is the column `key`; a member that is no object
    is the column `value`.
    """

    format: Literal["json_keyed"]
    rows: str = ""


class JsonArrays(JsonCommon):
    """JSON with an object of arrays of equal length under `rows`, one array per column. `each`: the document is (or holds, at this path)
    a list of such objects. `^name` is what stands beside the arrays.
    """

    format: Literal["json_arrays"]
    rows: str = ""
    each: bool = False


class JsonHeader(JsonCommon):
    """JSON with the names of columns in one list (`header`) and one array per row under `rows`. `header_name`: the list holds objects, and
    this member of each is the column's name. Without `header` the first row is the header.
    """

    format: Literal["json_header"]
    rows: str = ""
    header: str = ""
    header_name: str = ""


class JsonLines(JsonCommon):
    """One JSON document per line; `rows` is the path inside each. A broken line costs that line only."""

    format: Literal["json_lines"]
    rows: str = ""


class JsonSuffix(Common):
    """One flat JSON object in which a row exists wherever a key ends in `suffix`: columns are `key` (what stands before), `value`,
    and one per sibling suffix. Other keys are the document's head (`$head.<key>`).
    """

    format: Literal["json_suffix"]
    suffix: str = Field(min_length=1)
    siblings: dict[str, str] = Field(default_factory=dict)


class Delimited(Common):
    """Delimited text with a header line; `header` names the columns when the file has none (`has_header: false`) or has names that change.

    `delimiter` is one character, a longer text, or the word `whitespace` (any run of blanks). `multiline`: a quoted cell may run over
    several lines. `skip_lines` pass unread; `head_lines` after them are `name,value` lines that stand once (`$head.<name>`). Lines that
    begin with `comment` are none; the table begins with the line that begins with `header_begins` and ends before one that begins with one
    of `footer_begins`. `unit_line`: the line below the header holds units (`$head.unit.<column>`). `guards`: cells are written `="0.12"`.
    `trailing`: rows may end in empty cells that the header does not name.
    """

    format: Literal["delimited"]
    encoding: Encoding = "utf-8"
    delimiter: str = Field(default=",", min_length=1, max_length=10)
    quote: str = Field(default='"', min_length=1, max_length=1)
    skip_lines: int = Field(default=0, ge=0)
    head_lines: int = Field(default=0, ge=0)
    header: tuple[str, ...] = ()
    has_header: bool = True
    multiline: bool = False
    comment: str = ""
    header_begins: str = ""
    footer_begins: tuple[str, ...] = ()
    unit_line: bool = False
    guards: bool = False
    trailing: bool = False
    packed: Packed | None = None


class Lines(Common):
    """Text with one record per line, by a pattern whose named groups `(?P<name>...)` are the columns.

    The pattern must fit the whole line. It is run by an engine that takes time in proportion to the line (RE2), so that no text can
    make it hang; look-around and back-references are therefore no part of it. `others`: what a line is that does not fit.
    """

    format: Literal["lines"]
    encoding: Encoding = "utf-8"
    pattern: LinePattern
    others: Literal["refuse", "ignore"] = "refuse"


class HtmlTable(Common):
    """A table of an HTML page: the first one with all of `has` among its header cells. The header is the first row that has them."""

    format: Literal["html_table"]
    encoding: Encoding = "utf-8"
    has: tuple[str, ...] = Field(min_length=1)
    header: tuple[str, ...] = ()


class HtmlItems(Common):
    """An HTML page with one element of class `item` per row; `columns` gives for each column the class or the tag of an element in it."""

    format: Literal["html_items"]
    encoding: Encoding = "utf-8"
    item: str = Field(min_length=1)
    columns: dict[str, str] = Field(min_length=1)


class Sheets(Common):
    """Sheets of an XLSX workbook (all, or those named); the header is the first row with all of `has` among its cells.

    A name that repeats gets `.2`, `.3`. A row that begins with one of `footer_begins` ends the sheet's table, `skip_rows` below the
    header pass unread. The column `sheet` is the sheet's name.
    """

    format: Literal["xlsx"]
    sheets: tuple[str, ...] = ()
    has: tuple[str, ...] = Field(min_length=1)
    skip_rows: int = Field(default=0, ge=0)
    footer_begins: tuple[str, ...] = ()
    max_unpacked: int = Field(default=200_000_000, ge=1)


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
    """XML with one element per row under the path `items` (slash separated, below the root); namespaces are passed over.

    A column is a child, a path below the row (`where/lat`), an attribute (`@id`, `where/@srs`), or `^x`: a child or attribute of the
    element that holds the row. `name[]` in `items` goes through all elements of that name.
    """

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


Decode = Annotated[
    JsonRows
    | JsonKeyed
    | JsonArrays
    | JsonHeader
    | JsonLines
    | JsonSuffix
    | Delimited
    | Lines
    | WideText
    | XmlItems
    | HtmlTable
    | HtmlItems
    | Sheets
    | SideBySide
    | Eurdep
    | Irix
    | N42
    | BGeigie
    | MultiPoint,
    Field(discriminator="format"),
]
