r"""EURDEP 2.1 text: localities, then one record for each dose rate (sample type A5, external radiation)."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import quote

from api.files.exchange import Measured, Report

_FIELDS = "LOCALITY_CODE,NUCLIDE,SAMPLE_TYPE,VALUE,UNIT,BEGIN,END"


def write(report: Report) -> bytes:
    """The message. A report of an exercise is never written: EURDEP has no mark for it, so it would be taken for real."""
    rows = [] if report.exercise else report.rows
    lines = [
        r"\BEGIN_EURDEP;",
        r"\BEGIN_HEADER;",
        r"\FORMAT_VERSION 2.1;",
        rf"\ORIGINATOR {_word(report.originator)};",
        rf"\SENT {_minute(report.written)};",
        rf"\REMARKS {_word(f'{report.left_out} observations are left out: no dose rate, no place, no value or no right to pass on')};",
        r"\END_HEADER;",
        r"\BEGIN_LOCALITY;",
        r"\FIELD_LIST LOCALITY_CODE,LOCALITY_NAME,LONGITUDE,LATITUDE,HEIGHT_ABOVE_SEA;",
        *_localities(rows),
        r"\END_LOCALITY;",
        r"\BEGIN_RADIOLOGICAL;",
        rf"\FIELD_LIST {_FIELDS};",
        *(
            rf"\{_word(row.station)},T-GAMMA,A5,{row.value!r},{row.unit},{_minute(row.start or '')},{_minute(row.end)};"
            for row in rows
        ),
        r"\END_RADIOLOGICAL;",
        r"\END_EURDEP;",
    ]
    return ("\r\n".join(lines) + "\r\n").encode("ascii")


def _localities(rows: Iterable[Measured]) -> Iterable[str]:
    for uid, row in sorted({row.station: row for row in rows}.items()):
        height = "" if row.elevation_m is None else f"{row.elevation_m:g}"
        longitude, latitude = _degrees(row.longitude, "EW", 3), _degrees(row.latitude, "NS", 2)
        yield rf"\{_word(uid)},{_word(row.name if row.name.isascii() else uid)},{longitude},{latitude},{height};"


def _degrees(value: float, letters: str, digits: int) -> str:
    """`E139.69170`: the letter of the hemisphere first."""
    whole, _, part = f"{abs(value):.6f}".partition(".")
    return f"{letters[value < 0]}{whole.zfill(digits)}.{part}"


def _minute(moment: str) -> str:
    """Without seconds where they are zero, as EURDEP files have it."""
    return moment.replace(":00Z", "Z") if len(moment) == 20 else moment


def _word(text: str) -> str:
    """A cell of ASCII, which is all that the format knows; in quotes where a separator stands in it."""
    plain = (text if text.isascii() else quote(text, safe=" :")).replace('"', "'").replace("\n", " ")
    return f'"{plain}"' if any(mark in plain for mark in ",;") else plain
