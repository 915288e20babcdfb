"""Secrets by reference: read from the environment at the last moment, and taken out of everything that is kept."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import quote

MASK = "***"
#: A shorter value would be found by accident inside ordinary text.
SHORTEST = 6


class SecretMissingError(Exception):
    """A feed names an environment variable that is not set."""


class Secrets:
    """Looks secrets up by the name of their environment variable; `NAME_FILE` may name a file that holds the value."""

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        self._environment = os.environ if environment is None else environment

    def value(self, name: str) -> str:
        """The secret called `name`; raises SecretMissingError."""
        if value := self._environment.get(name, "").strip():
            return value
        if path := self._environment.get(f"{name}_FILE", ""):
            try:
                return Path(path).read_text(encoding="utf-8").strip()
            except OSError as error:
                raise SecretMissingError(f"{name}_FILE cannot be read: {error.strerror}") from error
        raise SecretMissingError(f"the environment variable {name} is not set")


class Scrubber:
    """Takes known secrets out of text and bytes, in every spelling that a server may echo."""

    def __init__(self, values: Iterable[str]) -> None:
        spellings = {form for value in values for form in (value, quote(value, safe=""), quote(value))}
        # the longest first: a spelling may be contained in another one
        self._spellings = sorted((form for form in spellings if len(form) >= SHORTEST), key=len, reverse=True)

    def text(self, text: str) -> str:
        """The text without secrets."""
        for spelling in self._spellings:
            text = text.replace(spelling, MASK)
        return text

    def data(self, data: bytes) -> bytes:
        """The bytes without secrets; the same object when there were none."""
        for spelling in self._spellings:
            if spelling.encode() in data:
                data = data.replace(spelling.encode(), MASK.encode())
        return data
