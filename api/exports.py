"""Exports: a window is written in parts of some hours beside the service, and taken up again where it stopped."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import secrets
import shutil
import tempfile
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import msgspec
from aiohttp import web

from api.files.rows import joined, parquet
from api.models.values import Observation
from api.service import SERVICE, Service
from api.table import Pair, header_line, lines
from api.telling import observation
from api.units import canonical_unit
from store import read
from store.rows import Filter, ObservationRow, SeriesRow

_log = logging.getLogger("radcommons.api")
PART_S = 6 * 3600
KEPT_S = 7 * 86400
_ROWS_AT_ONCE = 20_000
State = Literal["waiting", "running", "done", "failed"]


class Job(msgspec.Struct, kw_only=True):
    """An export as it is kept beside its parts; `f` is what `query` means."""

    id: str
    format: Literal["csv", "ndjson", "parquet"]
    query: dict[str, str]
    begin_s: int
    end_s: int
    as_of_s: int
    created_s: int
    f: Filter
    state: State = "waiting"
    rows: int = 0
    parts_done: int = 0
    size_bytes: int | None = None
    sha256: str = ""
    detail: str = ""

    @property
    def parts(self) -> int:
        """Parts that it is written in."""
        return max(1, -(-(self.end_s - self.begin_s) // PART_S))


@dataclass(slots=True)
class Exports:
    """The exports of one service, one folder for each; one is written at a time."""

    service: Service
    folder: Path
    _wake: asyncio.Event = field(default_factory=asyncio.Event)

    def add(self, job: Job) -> None:
        """Take an export on."""
        self._place(job.id).mkdir(parents=True)
        self._save(job)
        self._wake.set()

    def get(self, export_id: str) -> Job | None:
        """An export by its id, None if it is not known or has expired."""
        path = self._place(export_id) / "job.json"
        if not export_id.isalnum() or not path.is_file():
            return None
        return msgspec.json.decode(path.read_bytes(), type=Job)

    def file(self, job: Job) -> Path:
        """Where the whole file lies once it is done."""
        return self._place(job.id) / f"export.{job.format}"

    def unfinished(self) -> list[Job]:
        """Exports that wait or run, oldest first."""
        found = [job for job in self._all() if job.state in ("waiting", "running")]
        return sorted(found, key=lambda job: (job.created_s, job.id))

    async def work(self) -> None:
        """Write what waits, as long as the service runs; what was begun before a stop goes on after its last whole part."""
        while True:
            self._wake.clear()
            self._expire()
            for job in self.unfinished():
                await self._write(job)
            await self._wake.wait()

    async def _write(self, job: Job) -> None:
        try:
            job.state = "running"
            self._save(job)
            known, pairs = await self._series(job)
            while job.parts_done < job.parts:
                await self._part(job, known, pairs)
            await asyncio.to_thread(self._finish, job, pairs)
        except Exception as error:  # noqa: BLE001 - one that fails must not stop the others
            _log.exception("export %s failed", job.id)
            job.state, job.detail = "failed", f"{type(error).__name__}: see the log of the service"
        self._save(job)

    async def _series(self, job: Job) -> tuple[dict[str, SeriesRow], Sequence[Pair]]:
        rows = await read.series_list(self.service.store, job.f, limit=1_000_000)
        known = {row.series.uid: row for row in rows if self.service.facts(row.series.feed_id).shown}
        pairs = sorted(
            {(one.quantity, canonical_unit(one.quantity, one.unit)) for row in known.values() for one in (row.series,)}
        )
        return known, pairs

    async def _part(self, job: Job, known: dict[str, SeriesRow], pairs: Sequence[Pair]) -> None:
        begin_s = job.begin_s + job.parts_done * PART_S
        span = begin_s, min(begin_s + PART_S, job.end_s)
        rows: list[Observation] = []
        after: tuple[int, str] | None = None
        while page := await read.observations(
            self.service.store, job.f, *span, as_of_s=job.as_of_s, after=after, limit=_ROWS_AT_ONCE
        ):
            after = (page[-1].end_s, page[-1].series_uid)
            rows += await asyncio.to_thread(self._told, page, known)
        body = await asyncio.to_thread(_encoded, job.format, rows, pairs)
        (self._place(job.id) / f"{job.parts_done:06}.part").write_bytes(body)
        job.rows += len(rows)
        job.parts_done += 1
        self._save(job)

    def _told(self, page: Sequence[ObservationRow], known: dict[str, SeriesRow]) -> list[Observation]:
        return [observation(row, known[row.series_uid].series, self.service) for row in page if row.series_uid in known]

    def _finish(self, job: Job, pairs: Sequence[Pair]) -> None:
        """Put the parts together; they are deleted once the whole is there."""
        parts, whole = sorted(self._place(job.id).glob("*.part")), self.file(job)
        if job.format == "parquet":
            joined(parts, whole)
        else:
            with whole.open("wb") as out:
                if job.format == "csv":
                    out.write(header_line(Observation, pairs))
                for part in parts:
                    with part.open("rb") as source:
                        shutil.copyfileobj(source, out)
        with whole.open("rb") as written:
            job.sha256 = hashlib.file_digest(written, "sha256").hexdigest()
        job.size_bytes, job.state = whole.stat().st_size, "done"
        self._save(job)
        for part in parts:
            part.unlink()

    def _all(self) -> list[Job]:
        found = (self.get(path.parent.name) for path in self.folder.glob("*/job.json"))
        return [job for job in found if job is not None]

    def _expire(self) -> None:
        for job in self._all():
            if self.service.now_s() - job.created_s > KEPT_S:
                shutil.rmtree(self._place(job.id))

    def _place(self, export_id: str) -> Path:
        return self.folder / export_id

    def _save(self, job: Job) -> None:
        """Written beside and moved into place, so that a stop in the middle leaves the old one."""
        place = self._place(job.id)
        (place / "job.new").write_bytes(msgspec.json.encode(job))
        (place / "job.new").replace(place / "job.json")


EXPORTS: web.AppKey[Exports] = web.AppKey("exports", Exports)


async def exporting(app: web.Application) -> AsyncIterator[None]:
    """Write exports as long as the application runs; without a folder in the settings they go with it."""
    task = asyncio.create_task(app[EXPORTS].work())
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    if app[SERVICE].settings.export_folder is None:
        shutil.rmtree(app[EXPORTS].folder, ignore_errors=True)


def exports_of(service: Service) -> Exports:
    """The exports of a service in the folder of its settings."""
    folder = service.settings.export_folder
    return Exports(service, Path(tempfile.mkdtemp(prefix="radcommons-exports-")) if folder is None else folder)


def new_id() -> str:
    """An id that nobody guesses: whoever has it may fetch the file."""
    return secrets.token_hex(12)


def _encoded(word: str, rows: Sequence[Observation], pairs: Sequence[Pair]) -> bytes:
    if word == "parquet":
        return parquet(Observation, rows, typed=True)
    if word == "csv":
        return lines(Observation, rows, pairs)
    return b"".join(msgspec.json.encode(row) + b"\n" for row in rows)
