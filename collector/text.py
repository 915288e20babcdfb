"""Bytes to text by the declared encoding, and text to numbered lines."""

from __future__ import annotations

from collector.rawtable import PayloadRefused
from domain.reasons import Refusal

#: A line longer than this is no table of ours; it is refused before anything splits it.
_LONGEST_LINE = 2_000_000
#: Full-width letters to plain ones, and nothing else: a general normalisation would make 712 of `71²`.
NARROW: dict[int, int | str | None] = {**{0xFF01 + at: 0x21 + at for at in range(0x5E)}, 0x3000: 0x20}


def text_of(body: bytes, encoding: str) -> str:
    """The body as text; raises PayloadRefused when its bytes are not in the declared encoding. A byte order mark is no letter."""
    try:
        text = body.decode("utf-8-sig" if encoding == "utf-8" else encoding)
    except UnicodeDecodeError as error:
        raise PayloadRefused(Refusal.WRONG_ENCODING, f"byte {error.start} is not {encoding}") from error
    if "\0" in text:
        raise PayloadRefused(Refusal.WRONG_ENCODING, f"the text holds NUL characters, so it is not {encoding}")
    return text


def lines_of(text: str, most: int) -> list[str]:
    """Lines by LF, CR or CRLF (never by the rarer separators that may stand inside a name); raises PayloadRefused when there are too many."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if len(lines) > most + 1000:
        raise PayloadRefused(Refusal.TOO_MANY_ROWS, f"{len(lines)} lines, at most {most} rows are read")
    if max(map(len, lines)) > _LONGEST_LINE:
        raise PayloadRefused(Refusal.BAD_SYNTAX, f"a line has more than {_LONGEST_LINE} characters")
    return lines
