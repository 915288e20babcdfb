"""How a publisher is asked: address template, its variables, and secrets by reference."""

from __future__ import annotations

import re
from functools import cache
from typing import Annotated, Literal, Self
from urllib.parse import parse_qsl, urlsplit
from zoneinfo import available_timezones

from pydantic import AfterValidator, Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from specs.near import nearest
from specs.strict import EnvRef, Strict

PLACEHOLDER = re.compile(r"\{(\w+)\}")
#: Names of parameters and headers whose value is a secret wherever we met one; a literal value there is refused.
SECRET_NAME = re.compile(
    r"(?i)(^|[_-])(key|token|secret|password|passwd|auth|authorization|cookie|signature)$|(service|api|access|auth|cert)_?key$|^akey$"
)


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())  # reads the whole folder of zones, so once is enough


def _known_zone(name: str) -> str:
    if name not in _zones():
        hint = _ZONES.get(name.upper())
        if match := re.fullmatch(r"(?:UTC|GMT)?([+-])0?(\d{1,2})(?::?00)?", name):
            hint = f"Etc/GMT{'-' if match[1] == '+' else '+'}{match[2]}"  # the sign of these names is turned round
        told = f" (did you mean `{hint}`?)" if hint else nearest(name, _zones())
        raise ValueError(f"`{name}` is not an IANA time zone, as Asia/Tokyo or UTC{told}")
    return name


#: What people write instead of an IANA name.
_ZONES = {
    "JST": "Asia/Tokyo",
    "KST": "Asia/Seoul",
    "HKT": "Asia/Hong_Kong",
    "CST": "Asia/Shanghai",
    "MSK": "Europe/Moscow",
    "Z": "UTC",
}


Zone = Annotated[str, AfterValidator(_known_zone)]


class Values(Strict):
    """A template variable that takes each of these values in turn."""

    values: tuple[str, ...] = Field(min_length=1)


class Span(Strict):
    """A template variable that takes each whole number from `first` to `last`."""

    first: int = Field(ge=0)
    last: int = Field(ge=0, le=100_000)


class Listed(Strict):
    """A template variable that takes each value of a column of a table in `config/tables/`; `where` keeps only rows with these texts."""

    table: str
    column: str
    where: dict[str, str] = Field(default_factory=dict)


class Moment(Strict):
    """A template variable made from the time of asking: `format` as in strftime (or `epoch_s`), in `zone`, moved by `offset_s`, and then
    set back to a whole multiple of `step_s` (600 gives 13:10, 13:20, ...).

    `also_s` asks for further moments too; a year in the template thus reads last year's file as well in the first days of January.
    """

    format: str
    zone: Zone = "UTC"
    offset_s: int = 0
    step_s: int = Field(default=1, ge=1, le=86_400)
    also_s: tuple[int, ...] = ()

    @field_validator("format")
    @classmethod
    def _tells_time(cls, text: str) -> str:
        if text != "epoch_s" and "%" not in text:
            raise ValueError(f"`{text}` tells no time; write it as in strftime, as `%Y%m%d`, or `epoch_s`")
        return text


class Paging(Strict):
    """An answer in pages: `parameter` counts rows (`by: rows`: 0, 1000, 2000, ...) or pages (`by: pages`: 1, 2, 3, ...) from `first`.

    The next page is asked for as long as a page holds `size` rows or more, is not the same as the one before, and fewer than `most` were asked.
    `next` is where a JSON page says what comes next: the path of an address, or of a list of links (the one with `rel: next` is taken), or `$link`
    for the header of that name. With `parameter` it is a mark that is sent as this parameter. Only the same path of the same server is asked.
    """

    parameter: str = ""
    size: int = Field(default=1, ge=1)
    next: str = ""
    by: Literal["rows", "pages"] = "rows"
    first: int = Field(default=0, ge=0)
    most: int = Field(default=50, ge=1, le=1000)

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if not self.next and (not self.parameter or "size" not in self.model_fields_set):
            raise ValueError("pages are counted by `parameter` and `size`, or each says where the `next` one is")
        return self


Variable = Values | Span | Listed | Moment


class Request(Strict):
    """One address, or several from one template.

    `also` are addresses under which the same answer was served before or lies in archives: they are recognised, never asked.
    `absent` are HTTP statuses that mean "no such document", which is no failure of the publisher.
    """

    url: str = Field(pattern=r"^https?://")
    method: Literal["GET", "POST"] = "GET"
    variables: dict[str, Variable] = Field(default_factory=dict)
    parameters: dict[str, str | EnvRef] = Field(default_factory=dict)
    headers: dict[str, str | EnvRef] = Field(default_factory=dict)
    body: str = ""
    also: tuple[str, ...] = ()
    scheduled: bool = True
    every_s: int | None = Field(default=None, ge=60)
    absent: tuple[int, ...] = ()
    redirect_hosts: tuple[str, ...] = ()
    paging: Paging | None = None

    @model_validator(mode="after")
    def _placeholders_are_defined(self) -> Self:
        plain = [value for value in self.parameters.values() if isinstance(value, str)]
        wanted = set(PLACEHOLDER.findall(" ".join((self.url, self.body, *plain))))
        if missing := sorted(wanted - set(self.variables)):
            raise ValueError(f"the template names {', '.join(missing)}, which `variables` does not define")
        if unused := sorted(set(self.variables) - wanted - set(PLACEHOLDER.findall(" ".join(self.also)))):
            raise ValueError(f"the template never uses {', '.join(unused)}")
        return self

    @field_validator("url")
    @classmethod
    def _no_secret_in_the_address(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.username or parts.password:
            raise ValueError("the address carries a login; put it into `headers` by reference, as {env: NAME}")
        for name, _ in parse_qsl(parts.query, keep_blank_values=True):
            if SECRET_NAME.search(name):
                raise _secret(name)
        return url

    @field_validator("parameters", "headers")
    @classmethod
    def _secrets_by_reference(cls, pairs: dict[str, str | EnvRef]) -> dict[str, str | EnvRef]:
        for name, value in pairs.items():
            if isinstance(value, str) and SECRET_NAME.search(name):
                raise _secret(name)
        return pairs


def _secret(name: str) -> PydanticCustomError:
    return PydanticCustomError(
        "secret_in_file",
        "`{key}` looks like a secret written in the file; write `{key}: {env: SOME_NAME}` and set that variable in the environment",
        {"key": name},
    )
