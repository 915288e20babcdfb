"""Stations that go by another id now: an old id answers with the new one instead of with nothing."""

from __future__ import annotations

from collections import Counter
from datetime import date
from pathlib import Path

from pydantic import Field

from specs.problems import ConfigError, Problem, optional_file
from specs.strict import Strict

FILE = "retired.yaml"


class Retired(Strict):
    """A station id that is not used any more. `redirect_to` is the id that carries its past on, "" where there is none."""

    station: str = Field(min_length=1)
    redirect_to: str = ""
    since: date
    reason: str = Field(min_length=1)


class RetiredFile(Strict):
    """`config/retired.yaml`."""

    retired: tuple[Retired, ...] = ()


def load_retired(folder: Path) -> dict[str, Retired]:
    """Old station id -> what became of it; empty without such a file; raises ConfigError with everything that is wrong in it."""
    found = optional_file(folder, FILE, RetiredFile)
    twice = [station for station, count in Counter(one.station for one in found.retired).items() if count > 1]
    if twice:
        raise ConfigError([Problem(FILE, 1, 1, "retired", f"`{station}` is retired twice") for station in twice])
    return {one.station: one for one in found.retired}
