"""What an export holds, in `manifest.json` beside it: every file with its SHA-256, the licences, and how far the store had come."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

FORMAT, VERSION = "radcommons-export", 1
NAME = "manifest.json"
READINGS, REVISIONS, TABLE, ZARR = "readings", "revisions", "table", "zarr"
_CHUNK = 1 << 20


class NoExport(ValueError):
    """The folder holds no export that this program can read; the message says why."""


@dataclass(frozen=True, slots=True)
class Licence:
    """Under what terms a feed's values may be used, by its operator file."""

    feed_id: str
    source_id: str
    attribution: str
    licence: str
    licence_url: str
    redistribute: str


@dataclass(frozen=True, slots=True)
class Through:
    """How far the store had come: its newest answer, and how many answers it had read again. What is the same has the same readings."""

    answer: int
    rereads: int


@dataclass(frozen=True, slots=True)
class Part:
    """One file (or one folder of chunks): what it is of, how many rows, its size and digest, and the store's state that it shows."""

    path: str
    kind: str
    name: str  # a month as 2026-08, a table, or a group
    rows: int
    size_bytes: int
    sha256: str
    through: Through


@dataclass(slots=True)
class Manifest:
    """An export; `complete` when all its parts show one state of the store."""

    audience: str
    schema: str
    made_s: int
    through: Through
    complete: bool = False
    from_month: str = ""
    to_month: str = ""
    feeds: tuple[str, ...] = ()  # chosen; empty: all that the audience may have
    withheld_feeds: tuple[str, ...] = ()
    log_size: int | None = None  # leaves of the log, when it came along
    licences: tuple[Licence, ...] = ()
    left_out: dict[str, str] = field(default_factory=dict)  # groups that are no grid -> why
    parts: dict[str, Part] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """Readings in the files."""
        return sum(part.rows for part in self.parts.values() if part.kind == READINGS)

    def told(self) -> bytes:
        """As JSON, the same for the same export."""
        made: dict[str, Any] = {"format": FORMAT, "version": VERSION, **asdict(self)}
        made["parts"] = [asdict(self.parts[path]) for path in sorted(self.parts)]
        return json.dumps(made, ensure_ascii=False, indent=1).encode() + b"\n"


def write(folder: Path, manifest: Manifest) -> None:
    """Put the manifest in place as a whole."""
    put(folder / NAME, manifest.told())


def read(folder: Path) -> Manifest:
    """The manifest of a folder; raises NoExport."""
    try:
        told = json.loads((folder / NAME).read_bytes())
    except (OSError, ValueError) as error:
        raise NoExport(f"{folder} holds no readable {NAME}: {error}") from error
    if not isinstance(told, dict) or told.get("format") != FORMAT:
        raise NoExport(f"{folder / NAME} is no manifest of an export")
    if told.pop("version", None) != VERSION:
        raise NoExport(f"{folder / NAME} was written by another version of this program, which this one does not read")
    try:
        return _manifest(told)
    except (TypeError, KeyError, AttributeError) as error:
        raise NoExport(f"{folder / NAME} is damaged: {error}") from error


def _manifest(told: dict[str, Any]) -> Manifest:
    del told["format"]
    parts = [Part(**{**one, "through": Through(**one["through"])}) for one in told.pop("parts")]
    for part in parts:
        if Path(part.path).is_absolute() or ".." in Path(part.path).parts:
            raise KeyError(f"the path {part.path!r} leads out of the folder")
    licences = tuple(Licence(**one) for one in told.pop("licences"))
    names = {name: tuple(told.pop(name)) for name in ("feeds", "withheld_feeds")}
    return Manifest(
        **{**told, **names, "through": Through(**told["through"])},
        licences=licences,
        parts={part.path: part for part in parts},
    )


def put(path: Path, content: bytes) -> None:
    """Write a file that is there as a whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(path.name + ".part")
    with fresh.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def digest(path: Path) -> str:
    """SHA-256 of a file; of a folder, that of its files' names and digests in order."""
    if path.is_dir():
        listed = sorted(one for one in path.rglob("*") if one.is_file())
        return hashlib.sha256(
            b"".join(f"{one.relative_to(path).as_posix()} {digest(one)}\n".encode() for one in listed)
        ).hexdigest()
    made = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            made.update(chunk)
    return made.hexdigest()


def size(path: Path) -> int:
    """Bytes of a file or of everything in a folder."""
    return sum(one.stat().st_size for one in _files(path))


def _files(path: Path) -> Iterable[Path]:
    return (one for one in path.rglob("*") if one.is_file()) if path.is_dir() else (path,)
