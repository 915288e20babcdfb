"""Sheets of an XLSX workbook: header found by its words, footers inside the sheet cut off, archives that swell refused before they do."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, time
from itertools import islice
from typing import Any

import openpyxl

from collector.headings import Sections, sentences, told
from collector.line_table import header_of, numbered_names, table_of_lines
from collector.rawtable import PayloadRefused, RawTable, joined
from domain.reasons import Refusal
from specs.columns import Wanted
from specs.decode import Sheets

_MOST_COLUMNS = 500
#: Packed to unpacked: real workbooks reach about 20, bombs a thousand.
_MOST_SWELL = 200
#: The header stands within so many rows of a sheet's top.
_HEADER_WITHIN = 50


def decode(body: bytes, spec: Sheets, wanted: Wanted) -> RawTable:
    """The rows of all chosen sheets, one below the other, with the column `sheet`. Raises PayloadRefused."""
    _check(body, spec)
    try:
        book = openpyxl.load_workbook(io.BytesIO(body), read_only=True, data_only=True, keep_links=False)
        names = [name for name in book.sheetnames if not spec.sheets or name in spec.sheets]
        tables = [_sheet(book[name], name, spec, wanted) for name in names]
    except PayloadRefused:
        raise
    except Exception as error:
        # The library raises whatever a broken part of the archive makes it raise: KeyError, ValueError, its own, lxml's.
        raise PayloadRefused(Refusal.BAD_SYNTAX, f"no workbook: {type(error).__name__}: {error}") from error
    if missing := sorted(set(spec.sheets) - set(names)):
        raise PayloadRefused(Refusal.ROWS_NOT_FOUND, f"no sheet {', '.join(missing)}; there are {book.sheetnames[:12]}")
    found = [table for table in tables if table is not None]
    if not found:
        raise PayloadRefused(Refusal.ROWS_NOT_FOUND, f"no sheet has a header with {', '.join(spec.has)}")
    return joined(found, spec.max_rows)


def _check(body: bytes, spec: Sheets) -> None:
    """What the archive says of itself, before a byte of it is unpacked."""
    try:
        parts = zipfile.ZipFile(io.BytesIO(body)).infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise PayloadRefused(Refusal.BAD_SYNTAX, f"no workbook: {error}") from error
    size = sum(part.file_size for part in parts)
    if size > spec.max_unpacked or size > _MOST_SWELL * len(body) + 1_000_000:
        raise PayloadRefused(Refusal.TOO_LARGE, f"the workbook unpacks to {size} bytes")


def _sheet(sheet: Any, name: str, spec: Sheets, wanted: Wanted) -> RawTable | None:
    """One sheet, or None when it has no such header."""
    rows = _rows(sheet, spec.max_rows)
    above: list[str] = []
    header: list[str] = []
    for at, header in rows:
        if set(spec.has) <= set(header) or at > _HEADER_WITHIN:
            break
        above.append(_said(header))
    if not set(spec.has) <= set(header):
        return None
    titles = header_of([header, *(cells for _, cells in islice(rows, spec.header_lines - 1))])
    for _ in islice(rows, spec.skip_rows):
        pass
    sections = Sections(spec.section)
    body: list[tuple[int, list[str]]] = []
    for number, cells in rows:
        if spec.footer_begins and cells and cells[0].startswith(spec.footer_begins):
            break
        if not sections.takes(number, _said(cells)):
            body.append((number, cells))
    table = table_of_lines(body, numbered_names(titles), spec.max_rows, wanted)
    table = told(table, sentences("\n".join(above), spec.sentences), sections)
    return replace(table, columns={**table.columns, "sheet": [name] * len(table)})


def _said(cells: list[str]) -> str:
    """The words of a row, as a sentence."""
    return " ".join(dict.fromkeys(filter(None, cells)))


def _rows(sheet: Any, most: int) -> Iterator[tuple[int, list[str]]]:
    for number, values in enumerate(sheet.iter_rows(values_only=True, max_col=_MOST_COLUMNS), 1):
        if number > most + _HEADER_WITHIN:
            raise PayloadRefused(Refusal.TOO_MANY_ROWS, f"more than {most} rows")
        cells = [_text(value) for value in values]
        while cells and not cells[-1]:
            cells.pop()
        yield number, cells


def _text(value: Any) -> str:
    """A cell as text: dates in ISO form, numbers as short as they can be told apart."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(" ")
    if isinstance(value, date | time):
        return value.isoformat()
    return " ".join(str(value).split())
