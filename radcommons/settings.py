"""Settings of a process: read once from the command line and RADCOMMONS_* variables, then one frozen object."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from collector.addresses import host_is_loopback
from domain.states import Audience

DEFAULT_DATABASE = "sqlite+aiosqlite:///var/radcommons.db"
DEFAULT_ARCHIVE = Path("var/archive")
DEFAULT_PORT = 8080
_DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg"}


class SettingsError(ValueError):
    """A combination of settings that is refused; the message says what to change."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Where a process reads and writes, where it listens, and how it introduces itself."""

    config: Path
    database: str = DEFAULT_DATABASE
    archive: Path = DEFAULT_ARCHIVE
    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    audience: Audience = Audience.INTERNAL
    contact: str = ""
    operator_token: str = field(default="", repr=False)
    requests_per_minute: int = 0
    webhook_networks: tuple[str, ...] = ()
    exercise: bool = False
    read_database: str = ""
    log_key: Path | None = field(default_factory=lambda: _path_from("RADCOMMONS_LOG_KEY"))

    @property
    def signing_key(self) -> Path:
        """The file of the key that signs the log; made at the first start, beside the archive unless RADCOMMONS_LOG_KEY names one."""
        return self.log_key or self.archive.parent / "log.key"


def _path_from(name: str) -> Path | None:
    return Path(os.environ[name]) if os.environ.get(name) else None


def default_config() -> Path:
    """`config/` of the working folder when there is one, else the one beside this code."""
    here = Path("config")
    return here if here.is_dir() else Path(__file__).resolve().parents[1] / "config"


def database_url(text: str, password: str = "") -> str:
    """A database URL with its driver spelt out, and with `password` where it names a user without one; a path means SQLite."""
    if "://" not in text:
        return f"sqlite+aiosqlite:///{text}"
    scheme, rest = text.split("://", 1)
    login, at, place = rest.rpartition("@")
    if at and password and ":" not in login:
        rest = f"{login}:{quote(password, safe='')}@{place}"
    return f"{_DRIVERS.get(scheme, scheme)}://{rest}"


def prepare_folder(database: str) -> None:
    """Make the folder that an SQLite file is to lie in."""
    scheme, rest = database.split("://", 1)
    path = rest.removeprefix("/")
    if scheme.startswith("sqlite") and path and not path.startswith(":memory:"):
        Path(path.split("?", 1)[0]).parent.mkdir(parents=True, exist_ok=True)


def without_password(database: str) -> str:
    """A database URL that may be printed."""
    scheme, rest = database.split("://", 1)
    if "@" not in rest:
        return database
    login, host = rest.rsplit("@", 1)
    return f"{scheme}://{login.split(':', 1)[0]}:***@{host}"


def chosen_audience(host: str, audience: Audience | None) -> Audience:
    """Who is answered. On loopback that is the operator; beyond it somebody must say so, because rights depend on it."""
    if audience is not None:
        return audience
    if host_is_loopback(host):
        return Audience.INTERNAL
    raise SettingsError(
        f"--host {host} lets others in, so say who they are: --audience public (only what may be redistributed) "
        "or --audience internal (your own organisation)"
    )


def secret_from(name: str, environment: Mapping[str, str] | None = None) -> str:
    """The value of the variable `name`, or of the file that `name_FILE` names; "" when neither is set."""
    environment = os.environ if environment is None else environment
    if path := environment.get(f"{name}_FILE"):
        return Path(path).read_text(encoding="utf-8").strip()
    return environment.get(name, "")
