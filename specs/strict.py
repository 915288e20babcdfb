"""The base of every operator-file model: frozen, and a key that is not known is an error."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field


class Strict(BaseModel):
    """A checked part of an operator file; unknown keys are refused and nothing can be changed after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


Language = Literal["en", "ja", "ko", "zh", "zh-Hant", "ru"]
Names = dict[Language, str]
Identifier = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=60)]


class EnvRef(Strict):
    """A secret by reference: the name of an environment variable. The value itself never stands in a file."""

    env: str = Field(pattern=r"^[A-Z][A-Z0-9_]*$")
