"""Registered changes of method: from when on a series is measured in another way, so that its earlier past says nothing of it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from pydantic import AwareDatetime, Field

from specs.problems import optional_file
from specs.strict import Strict

FILE = "method_changes.yaml"


class MethodChange(Strict):
    """A change of instrument, place, calibration or averaging. `of` is the id of a series, a station or a feed."""

    of: str = Field(min_length=1)
    at: AwareDatetime
    what: str = Field(min_length=1)
    source: str = Field(min_length=1)


class ChangeFile(Strict):
    """`config/method_changes.yaml`."""

    changes: tuple[MethodChange, ...] = ()


def load_changes(folder: Path) -> dict[str, int]:
    """Id -> seconds since 1970 of its last registered change; empty without such a file; raises ConfigError with everything wrong in it."""
    found = optional_file(folder, FILE, ChangeFile)
    last: dict[str, datetime] = {}
    for one in found.changes:
        last[one.of] = max(one.at, last.get(one.of, one.at))
    return {of: int(at.timestamp()) for of, at in last.items()}
