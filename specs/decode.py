"""The formats that a payload can have. A decoder is named after its format and knows no publisher.

Formats that are standards of their own, and have one decoder each, are in `specs.standards`.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from specs.common import Common, Encoding, Unpivot, Written
from specs.patterns import LinePattern
from specs.standards import N42, BGeigie, Eurdep, Irix, MultiPoint, NetCdf
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
    `^name` is a member of the object that holds the row, `^^name` of the one above. `$head.a.b` is a member of the document.

    `in_xml`: the JSON is the text of an XML document. `wrapped`: there is other text before and behind it, as in `callback({...});` or
    `var data = [...];`. `drop` names columns that must not enter the service at all (personal data): they
    are neither read nor kept.
    """

    ok: Envelope | None = None
    drop: tuple[str, ...] = ()
    pivot: Pivot | None = None
    packed: Packed | None = None
    unpivot: Unpivot | None = None
    in_xml: bool = False
    wrapped: bool = False


class JsonRows(JsonCommon):
    """JSON with one object per row under `rows` (dots go down, `[]` after a name goes through a list, `{}` through the members of an object;
    "" is the document itself); a lone object counts as one row. The name of a member is its column `key` (`^key` from the rows below it);
    a member that is no object is the column `value`. A row that is an array has the columns `0`, `1`, ... GeoJSON and ArcGIS answers have their rows at `features`, with columns as `properties.x`, `attributes.x` and
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
    """JSON with an object of arrays of equal length under `rows`, one array per column. `each`: the document is a list of such objects, or
    an object of them by name (`^key`); `holders` is the path to them when they lie deeper. `^name` is what stands beside the arrays; where that
    is an array itself, each row has its member of it (`{"labels": [..], "datasets": [{"data": [..]}]}` with `holders: datasets[]` and `^^labels`).
    """

    format: Literal["json_arrays"]
    rows: str = ""
    each: bool = False
    holders: str = ""


class JsonHeader(JsonCommon):
    """JSON with the names of columns in one list (`header`) and one array per row under `rows`. `header_name`: the list holds objects, and
    this member of each is the column's name. Without `header` the first row is the header. `^names` is an array of the document with a member for
    each row: a grid of places and times is this with `unpivot`.
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


class Delimited(Written):
    """Delimited text with a header line; `header` names the columns when the file has none (`has_header: false`) or has names that change.

    `delimiter` is one character, a longer text, or one of the words `tab` and `whitespace` (any run of blanks). `multiline`: a quoted cell may run over
    several lines. `skip_lines` pass unread; `head_lines` after them are `name,value` lines that stand once (`$head.<name>`). Lines that
    begin with `comment` are none; the table begins with the line that begins with `header_begins` and ends before one that begins with one
    of `footer_begins`. `unit_line`: the line below the header holds units (`$head.unit.<column>`). `header_lines`: so many lines make up the
    header; the words of a column are joined by a blank, and an empty cell of an upper line repeats the one before it. `guards`: cells are
    written `="0.12"`. `trailing`: rows may end in empty cells that the header does not name. A name that repeats gets `.2`, `.3`.
    `transposed`: the names stand in the first cell of each line, and a column of the text is a row.
    """

    format: Literal["delimited"]
    encoding: Encoding = "utf-8"
    delimiter: str = Field(default=",", min_length=1, max_length=10)
    quote: str = Field(default='"', min_length=1, max_length=1)
    skip_lines: int = Field(default=0, ge=0)
    head_lines: int = Field(default=0, ge=0)
    header: tuple[str, ...] = ()
    has_header: bool = True
    header_lines: int = Field(default=1, ge=1, le=5)
    multiline: bool = False
    comment: str = ""
    header_begins: str = ""
    footer_begins: tuple[str, ...] = ()
    unit_line: bool = False
    guards: bool = False
    trailing: bool = False
    transposed: bool = False
    packed: Packed | None = None
    unpivot: Unpivot | None = None

    @field_validator("delimiter")
    @classmethod
    def _the_sign_itself(cls, text: str) -> str:
        if text == "tab":
            return "\t"
        if text.isalpha() and text != "whitespace":
            raise ValueError(
                f'`{text}` is no delimiter; write the sign itself in quotes, as `";"`, or `tab` or `whitespace`'
            )
        return text


class Lines(Written):
    """Text with one record per line, by a pattern whose named groups `(?P<name>...)` are the columns.

    The pattern must fit the whole line. It is run by an engine that takes time in proportion to the line (RE2), so that no text can
    make it hang; look-around and back-references are therefore no part of it. `others`: what a line is that does not fit.
    """

    format: Literal["lines"]
    encoding: Encoding = "utf-8"
    pattern: LinePattern
    others: Literal["refuse", "ignore"] = "refuse"


class FixedWidth(Written):
    """Text with a column per place: `columns` gives for each the first and the last character (counted from 1, both included).

    `skip_lines` pass unread, lines that begin with `comment` are none, and the table ends before a line that begins with one of
    `footer_begins`. Wide letters (as Chinese ones) count two with `wide: true`. Blanks around a cell are no part of it.
    """

    format: Literal["fixed_width"]
    encoding: Encoding = "utf-8"
    columns: dict[str, tuple[int, int]] = Field(min_length=1)
    skip_lines: int = Field(default=0, ge=0)
    comment: str = ""
    footer_begins: tuple[str, ...] = ()
    wide: bool = False
    unpivot: Unpivot | None = None

    @model_validator(mode="after")
    def _from_left_to_right(self) -> Self:
        for name, (first, last) in self.columns.items():
            if not 1 <= first <= last <= 10_000:
                raise ValueError(f"`{name}` is [first, last] in characters from 1, as [1, 5]; not [{first}, {last}]")
        return self


class Blocks(Written):
    """Text in blocks of lines `name: value`, one block per row, with a blank line (or one that begins with `ends`) between them.

    `sign` stands between name and value. A line without it belongs to no column and is passed over. A block that repeats a name begins a new row.
    """

    format: Literal["blocks"]
    encoding: Encoding = "utf-8"
    sign: str = Field(default=":", min_length=1, max_length=5)
    ends: str = ""
    comment: str = ""


class HtmlTable(Written):
    """A table of an HTML page: the first one with all of `has` among its header cells. The header is the first row that has them.

    A cell that spans rows or columns stands in each of them. `header_lines`: so many rows make up the header, from the one above the words
    of `has` on; the words of a column are joined by a blank. `transposed`: the names stand in the first cell of each row.
    """

    format: Literal["html_table"]
    transposed: bool = False
    encoding: Encoding = "utf-8"
    has: tuple[str, ...] = Field(min_length=1)
    header: tuple[str, ...] = ()
    header_lines: int = Field(default=1, ge=1, le=5)
    unpivot: Unpivot | None = None


class HtmlItems(Common):
    """An HTML page with one element of class `item` per row; `columns` gives for each column the class or the tag of an element in it."""

    format: Literal["html_items"]
    encoding: Encoding = "utf-8"
    item: str = Field(min_length=1)
    columns: dict[str, str] = Field(min_length=1)


class Sheets(Written):
    """Sheets of an XLSX workbook (all, or those named); the header is the first row with all of `has` among its cells.

    `header_lines`: so many rows from there on make up the header; an empty cell of an upper row repeats the one before it. A name that repeats gets `.2`, `.3`. A row that begins with one of `footer_begins` ends the sheet's table, `skip_rows` below the
    header pass unread. The column `sheet` is the sheet's name.
    """

    format: Literal["xlsx"]
    sheets: tuple[str, ...] = ()
    has: tuple[str, ...] = Field(min_length=1)
    header_lines: int = Field(default=1, ge=1, le=5)
    skip_rows: int = Field(default=0, ge=0)
    footer_begins: tuple[str, ...] = ()
    max_unpacked: int = Field(default=200_000_000, ge=1)
    unpivot: Unpivot | None = None


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

    A column is a child, a path below the row (`where/lat`), an attribute (`@id`, `where/@srs`), `.` (the row's own text), or `^x`: a child or
    attribute of the element that holds the row (`^^x` of the one above). `name[]` in `items` goes through all elements of that name, `*` is any
    name, which is then the column `key` (`^key` from below). Prefixes of namespaces may be written or left out.
    """

    format: Literal["xml_items"]
    items: str
    ok: Envelope | None = None
    pivot: Pivot | None = None
    unpivot: Unpivot | None = None


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
    | FixedWidth
    | Blocks
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
    | MultiPoint
    | NetCdf,
    Field(discriminator="format"),
]
