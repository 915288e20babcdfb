"""Twins: one instrument that is seen through two feeds is one station with two paths. Proposed by a program, confirmed by a person."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from pydantic import Field

from specs.problems import ConfigError, Problem, optional_file
from specs.strict import Strict

FILE = "twins.yaml"


class Twin(Strict):
    """A pair of station ids. Only a `confirmed` one counts; a `refused` one stays in the table, so that it is not proposed again.

    `first` is the path that names the station. The numbers are what the proposal rested on: metres between the published positions,
    correlation and share of equal values over the hours that both reported.
    """

    first: str = Field(min_length=1)
    second: str = Field(min_length=1)
    status: Literal["proposed", "confirmed", "refused"] = "proposed"
    distance_m: float | None = Field(default=None, ge=0)
    correlation: float | None = Field(default=None, ge=-1, le=1)
    equal_share: float | None = Field(default=None, ge=0, le=1)
    hours: int = Field(default=0, ge=0)
    names_alike: float | None = Field(default=None, ge=0, le=1)
    by: str = ""
    on: date | None = None
    why: str = ""


class TwinFile(Strict):
    """`config/twins.yaml`."""

    twins: tuple[Twin, ...] = ()


def load_twins(folder: Path) -> tuple[Twin, ...]:
    """Every pair of the table; none without such a file; raises ConfigError with everything that is wrong in it."""
    found = optional_file(folder, FILE, TwinFile).twins
    if wrong := [*_wrong(found)]:
        raise ConfigError(wrong)
    return found


def _wrong(found: tuple[Twin, ...]) -> list[Problem]:
    problems = []
    pairs: set[frozenset[str]] = set()
    for number, one in enumerate(found):
        pair = frozenset({one.first, one.second})
        if one.first == one.second:
            problems.append(Problem(FILE, 1, 1, f"twins.{number}", f"`{one.first}` cannot be its own twin"))
        if pair in pairs:
            problems.append(Problem(FILE, 1, 1, f"twins.{number}", f"{one.first} and {one.second} stand there twice"))
        if one.status == "confirmed" and not (one.by and one.on):
            problems.append(
                Problem(FILE, 1, 1, f"twins.{number}", "a confirmed pair says who confirmed it and when: `by`, `on`")
            )
        pairs.add(pair)
    return problems


def one_station(twins: tuple[Twin, ...]) -> Mapping[str, str]:
    """Station id -> the id that stands for its instrument, for every station of a confirmed pair; chains of pairs lead to one id."""
    leads: dict[str, str] = {}

    def root(uid: str) -> str:
        while leads.get(uid, uid) != uid:
            uid = leads[uid]
        return uid

    for one in twins:
        if one.status == "confirmed":
            first, second = root(one.first), root(one.second)
            leads.setdefault(first, first)
            leads[second] = first
    return MappingProxyType({uid: root(uid) for uid in {*leads, *leads.values()}})
