"""The raw archive: what publishers answered, when, byte for byte, written before anything is parsed.

Form of an archive folder (a replay reads it, and so can anybody):

    captures.jsonl                        one line per answered request
    bodies/<first two>/<sha256>.gz        each distinct body once, named by the digest of the bytes as received
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from collector.fetched import Fetched
from collector.inflate import CompressionError, inflate
from domain.readings import Answer
from domain.reasons import Refusal

INDEX = "captures.jsonl"
EMPTY_SHA256 = hashlib.sha256(b"").hexdigest()


class ArchiveError(Exception):
    """An archive that cannot be read at all: no index, or a folder that is none."""


class RawArchive:
    """Appends answers to an archive folder; a line is written only once its body is safe on disk.

    One process writes one archive. A line torn by a crash is cut off when the archive is opened again.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = threading.Lock()
        folder.mkdir(parents=True, exist_ok=True)
        _cut_torn_line(folder / INDEX)
        self._index = (folder / INDEX).open("ab")

    def put(self, answer: Answer, wire: bytes) -> None:
        """Keep an answer and its body as received; an answer without an HTTP status is not one and is left out."""
        if not answer.status:
            return
        digest = answer.sha256 or EMPTY_SHA256
        name = f"bodies/{digest[:2]}/{digest}.gz"
        _write_once(self.folder / name, wire)
        line = json.dumps(_line(answer, digest, name), ensure_ascii=False, separators=(",", ":"))
        with self._lock:
            self._index.write(line.encode() + b"\n")
            self._index.flush()
            os.fsync(self._index.fileno())

    def close(self) -> None:
        """Close the index; bodies and lines are on disk already."""
        self._index.close()


class NullArchive:
    """Keeps nothing: a replay reads an archive and writes none."""

    def put(self, answer: Answer, wire: bytes) -> None:
        """Keep nothing."""

    def close(self) -> None:
        """Nothing to close."""


Archive = RawArchive | NullArchive


@dataclass(frozen=True, slots=True, order=True)
class _Entry:
    """Where one capture stands; the order is that of the replay."""

    requested_s: float
    archive: int
    offset: int


class ArchiveReader:
    """Reads one or several archives as one, in order of `requested_at`; bodies are read one at a time.

    Lines that cannot be read are kept in `problems` and cost only themselves; `feed_id` of an answer is "".
    """

    def __init__(self, folders: Sequence[Path], *, max_bytes: int = 1 << 28) -> None:
        self.folders = tuple(folders)
        self.problems: list[str] = []
        self._max_bytes = max_bytes
        self._handles = [_index_of(folder) for folder in self.folders]
        self._entries = sorted(entry for number in range(len(self.folders)) for entry in self._scan(number))

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def span_s(self) -> tuple[float, float]:
        """When the first and the last answer were requested; (0, 0) of an empty archive."""
        return (self._entries[0].requested_s, self._entries[-1].requested_s) if self._entries else (0.0, 0.0)

    def __iter__(self) -> Iterator[Fetched]:
        return (self.read(position) for position in range(len(self)))

    def answers(self) -> Iterator[Answer]:
        """The index alone, in order: what was asked and how it was answered, without the bodies."""
        for entry in self._entries:
            yield _answer(self._line(entry))

    def read(self, position: int) -> Fetched:
        """The capture at `position` of the order, with its body; a body that cannot be read is a failure of that capture."""
        entry = self._entries[position]
        line = self._line(entry)
        answer = _answer(line)
        if answer.failure or answer.not_modified:
            return Fetched(answer)
        try:
            wire = _body(self.folders[entry.archive], line)
        except (OSError, EOFError, ValueError, KeyError) as error:
            self.problems.append(f"{self.folders[entry.archive]} {line.get('body')}: {error}")
            return Fetched(replace(answer, failure=Refusal.NO_CAPTURE, failure_detail=str(error)))
        return opened(answer, wire, self._max_bytes)

    def close(self) -> None:
        """Close the indexes."""
        for handle in self._handles:
            handle.close()

    def _line(self, entry: _Entry) -> dict[str, object]:
        handle = self._handles[entry.archive]
        handle.seek(entry.offset)
        line: dict[str, object] = json.loads(handle.readline())
        return line

    def _scan(self, number: int) -> Iterator[_Entry]:
        offset = 0
        for count, text in enumerate(self._handles[number], 1):
            try:
                line = json.loads(text)
                if not isinstance(line, dict):
                    raise TypeError("a line that is no object")
                _answer(line)
                yield _Entry(_seconds(line["requested_at"]), number, offset)
            except (ValueError, KeyError, TypeError) as error:
                self.problems.append(f"{self.folders[number] / INDEX}:{count} {type(error).__name__}: {error}")
            offset += len(text)


def newest_captures(
    folder: Path, key_of: Callable[[Answer], str], *, each: int, most: int, max_bytes: int = 1 << 28
) -> list[Fetched]:
    """The newest readable answers of an archive, oldest first: up to `each` of every key, `most` in all; "" is nobody's.

    The index is read from its end, at most 64 MB of it: a year's index must not be read for the answers of yesterday.
    """
    found: list[tuple[Answer, dict[str, object]]] = []
    counts: Counter[str] = Counter()
    for text in _backwards(folder / INDEX):
        try:
            line = json.loads(text)
            answer = _answer(line)
        except (ValueError, KeyError, TypeError):
            continue
        key = "" if answer.failure or answer.not_modified else key_of(answer)
        if key and counts[key] < each:
            counts[key] += 1
            found.append((answer, line))
        if len(found) >= most:
            break
    taken = []
    for answer, line in reversed(found):
        try:
            taken.append(opened(answer, _body(folder, line), max_bytes))
        except (OSError, EOFError, ValueError, KeyError):
            continue
    return taken


def _backwards(index: Path, *, most_bytes: int = 64 << 20, step: int = 1 << 20) -> Iterator[bytes]:
    """Lines of a file from its last to its first."""
    if not index.exists():
        return
    with index.open("rb") as file:
        at = file.seek(0, os.SEEK_END)
        stop, rest = max(0, at - most_bytes), b""
        while at > stop:
            size = min(step, at - stop)
            at = file.seek(at - size)
            *lines, rest = reversed((file.read(size) + rest).split(b"\n"))
            yield from (line for line in lines if line)
        if at == 0 and rest:
            yield rest


def _index_of(folder: Path) -> BinaryIO:
    try:
        return (folder / INDEX).open("rb")
    except OSError as error:
        raise ArchiveError(f"{folder} is no capture archive: {INDEX} cannot be read ({error.strerror})") from error


def opened(answer: Answer, wire: bytes, max_bytes: int) -> Fetched:
    """The answer with its body taken out of its Content-Encoding, or with the failure to do so."""
    encoding = dict(answer.headers).get("content-encoding", "")
    try:
        return Fetched(answer, inflate(wire, encoding, max_bytes))
    except CompressionError as error:
        return Fetched(replace(answer, failure=error.reason, failure_detail=str(error)))


def _line(answer: Answer, digest: str, name: str) -> dict[str, object]:
    line: dict[str, object] = {
        "method": answer.method,
        "url": answer.url,
        "requested_at": _iso(answer.requested_s),
        "received_at": _iso(answer.received_s),
        "status": answer.status,
        "headers": dict(answer.headers),
        "body": name,
        "stored_as": "gzip",
        "sha256": digest,
        "bytes": answer.size_bytes,
    }
    if answer.failure:
        line |= {"failure": answer.failure.value, "failure_detail": answer.failure_detail}
    return line


def _answer(line: dict[str, object]) -> Answer:
    headers = line.get("headers")
    pairs = headers.items() if isinstance(headers, dict) else ()
    requested = _seconds(str(line["requested_at"]))
    failure = line.get("failure")
    status = int(str(line.get("status", 200)))
    return Answer(
        feed_id="",
        method=str(line.get("method", "GET")),
        url=str(line["url"]),
        requested_s=requested,
        received_s=max(requested, _seconds(str(line.get("received_at", line["requested_at"])))),
        status=status,
        headers=tuple((str(key).lower(), str(value)) for key, value in pairs),
        sha256=str(line.get("sha256", "")),
        size_bytes=int(str(line.get("bytes", 0))),
        not_modified=status == NOT_MODIFIED,
        failure=Refusal(str(failure)) if failure else refusal_of_status(status),
        failure_detail=str(line.get("failure_detail", "")),
    )


NOT_MODIFIED = 304
#: Statuses whose body is the document that was asked for.
READABLE = frozenset({200, 203})
_BLOCKED = frozenset({401, 403, 407, 429, 451})


def refusal_of_status(status: int) -> Refusal | None:
    """What an HTTP status alone says against reading the body; None for 200, 203 and 304."""
    if status in READABLE or status == NOT_MODIFIED:
        return None
    if status in _BLOCKED:
        return Refusal.BLOCKED
    return Refusal.REDIRECT if 300 <= status < 400 else Refusal.HTTP_STATUS


def _body(folder: Path, line: dict[str, object]) -> bytes:
    path = folder / str(line["body"])
    # an index may come from anywhere; it must not lead out of its archive
    if not path.resolve().is_relative_to(folder.resolve()):
        raise ValueError("the body's path leads out of the archive")
    stored = path.read_bytes()
    wire = gzip.decompress(stored) if line.get("stored_as", "gzip") == "gzip" else stored
    if hashlib.sha256(wire).hexdigest() != line.get("sha256"):
        raise ValueError("the body's digest is not the one in the index")
    return wire


def _write_once(path: Path, wire: bytes) -> None:
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".part-")
    with os.fdopen(handle, "wb") as file:
        file.write(gzip.compress(wire, 1, mtime=0))
        file.flush()
        os.fsync(file.fileno())
    Path(temporary).replace(path)


def _cut_torn_line(index: Path) -> None:
    if not index.exists() or not index.stat().st_size:
        return
    with index.open("rb+") as file:
        file.seek(-1, os.SEEK_END)
        if file.read(1) == b"\n":
            return
        end = file.seek(0, os.SEEK_END)
        start = max(0, end - (1 << 20))
        file.seek(start)
        file.truncate(start + file.read().rfind(b"\n") + 1)


def _iso(time_s: float) -> str:
    return datetime.fromtimestamp(time_s, UTC).isoformat()


def _seconds(text: str) -> float:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"a time without an offset: {text}")
    return moment.timestamp()
