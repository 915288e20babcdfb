"""Patterns that operators write, held to an engine whose time is proportional to the text, so that no text can make one hang."""

from __future__ import annotations

from typing import Annotated

import re2
from pydantic import AfterValidator

#: Memory of one compiled pattern; a pattern that needs more is refused at load.
_MOST_BYTES = 1 << 20


def compiled(pattern: str) -> re2._Regexp:
    """The pattern, ready to use; raises ValueError for what the engine does not take."""
    options = re2.Options()
    options.max_mem, options.log_errors = _MOST_BYTES, False
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        told = error.args[0]
        raise ValueError(f"no pattern that we can run: {told.decode() if isinstance(told, bytes) else told}") from None


def _pattern(text: str) -> str:
    if not compiled(text).groupindex:
        raise ValueError("the pattern names no column; write a group as `(?P<name>...)`")
    return text


LinePattern = Annotated[str, AfterValidator(_pattern)]
