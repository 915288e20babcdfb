"""The configuration that runs: every good file of `config/`, and of a broken one its last good version. The others go on."""

from __future__ import annotations

import difflib
import hashlib
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from specs import changes, retired, site, twins
from specs.loading import Config, Held, load_config
from specs.problems import ConfigError

_SUFFIXES = frozenset({".yaml", ".csv", ".geojson"})
_FEEDS = "feeds/"
#: Files that no feed needs: a broken one without a good version is left out, as if it were not there, and said to be.
_SPARED = frozenset({site.FILE, retired.FILE, changes.FILE, twins.FILE})
#: Each round settles at least one file, and one bad neighbour may stand behind another; more than this is no night's mistake.
_ROUNDS = 8


@dataclass(frozen=True, slots=True)
class Kept:
    """A version of a file that ran well. `instead_of` is the digest of the content in whose stead it runs ("": of no file)."""

    digest: str
    text: str
    instead_of: str | None = None
    problems: tuple[str, ...] = ()


def digest_of(text: str) -> str:
    """SHA-256 of a file's text: the name of a version."""
    return hashlib.sha256(text.encode()).hexdigest()


def text_diff(before: str, after: str, name: str) -> str:
    """A unified difference of two versions of a file."""
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), f"{name} (runs)", name, lineterm="", n=2)
    return "\n".join(lines)


def texts_of(folder: Path) -> dict[str, str]:
    """Name -> text of every operator file that a configuration is made of. What is no UTF-8 shows as its replacement characters."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix in _SUFFIXES and path.is_file():
            found[path.relative_to(folder).as_posix()] = path.read_bytes().decode("utf-8", errors="replace")
    return found


def load_running(folder: Path, kept: Mapping[str, Kept]) -> Config:
    """The configuration of `folder`, with kept versions in the stead of files that are broken or held back.

    `Config.held` says which and why. A broken feed file without a good version is left out, and so is a file that no feed needs (sites, retired
    stations, changes of method, twins). Raises ConfigError only
    where a file that all feeds need (sources, areas, rules) is broken and no good version of it is known.
    """
    found = texts_of(folder)
    work = _Work(folder, found, kept)
    for _ in range(_ROUNDS):
        try:
            config = work.load()
        except ConfigError as error:
            work.settle(error)
            continue
        return replace(config, folder=folder, held=work.told(), texts=work.texts())
    return replace(work.load(), folder=folder, held=work.told(), texts=work.texts())


class _Work:
    """What stands for what, from round to round."""

    def __init__(self, folder: Path, found: dict[str, str], kept: Mapping[str, Kept]) -> None:
        self._folder, self._found, self._kept = folder, found, kept
        self._instead: dict[str, Kept] = {}
        self._out: set[str] = set()
        self._why: dict[str, list[str]] = {}
        nothing_left = not any(name.startswith(_FEEDS) for name in found)
        for name, row in kept.items():
            lost = nothing_left and name.startswith(_FEEDS) and row.instead_of is None
            if lost:
                self._hold(
                    name, ["the folder of feeds is empty all at once; the last versions run on until it is back"]
                )
            elif row.instead_of is not None and row.instead_of == self._digest(name):
                self._hold(name, row.problems)

    def load(self) -> Config:
        if not self._instead and not self._out:
            return load_config(self._folder)
        with tempfile.TemporaryDirectory(prefix="radcommons-config-") as folder:
            self._lay_out(Path(folder))
            return load_config(Path(folder))

    def settle(self, error: ConfigError) -> None:
        """Put kept versions in the stead of what is broken: shared files first, then feeds that were changed, then whoever else is to blame."""
        by_name: dict[str, list[str]] = {}
        for problem in error.problems:
            by_name.setdefault(problem.file, []).append(str(problem))
        if shared := [name for name in by_name if not name.startswith(_FEEDS)]:
            for name in shared:
                if not self._can_replace(name) and name not in _SPARED:
                    raise _without_feeds(error)
                self._hold(name, by_name[name])
            return
        changed = [name for name in by_name if self._can_replace(name) or name not in self._kept]
        if changed:
            for name in changed:
                self._hold(name, by_name[name])
            return
        neighbours = [name for name in self._kept if not name.startswith(_FEEDS) and self._can_replace(name)]
        told = [line for lines in by_name.values() for line in lines]
        for name in neighbours or by_name:
            self._hold(name, told if neighbours else by_name[name])

    def told(self) -> tuple[Held, ...]:
        return tuple(
            Held(name, self._digest(name), self._instead[name].digest if name in self._instead else "", tuple(why))
            for name, why in sorted(self._why.items())
        )

    def texts(self) -> dict[str, str]:
        running = {name: text for name, text in self._found.items() if name not in self._out}
        return running | {name: row.text for name, row in self._instead.items()}

    def _digest(self, name: str) -> str:
        return digest_of(self._found[name]) if name in self._found else ""

    def _can_replace(self, name: str) -> bool:
        row = self._kept.get(name)
        return row is not None and name not in self._instead and row.digest != self._digest(name)

    def _hold(self, name: str, why: Iterable[str]) -> None:
        self._why.setdefault(name, []).extend(why)
        if name in self._kept and name not in self._instead and self._kept[name].digest != self._digest(name):
            self._instead[name] = self._kept[name]
        else:
            self._instead.pop(name, None)
            self._out.add(name)

    def _lay_out(self, folder: Path) -> None:
        for name in self._found:
            if name in self._out or name in self._instead:
                continue
            _path(folder, name).symlink_to((self._folder / name).resolve())
        for name, row in self._instead.items():
            _path(folder, name).write_text(row.text, encoding="utf-8")


def _path(folder: Path, name: str) -> Path:
    path = folder / PurePosixPath(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _without_feeds(error: ConfigError) -> ConfigError:
    """What stops a start: files that all feeds need. Broken feed files are no reason, so they are not in the way of reading this."""
    return ConfigError(problem for problem in error.problems if not problem.file.startswith(_FEEDS))
