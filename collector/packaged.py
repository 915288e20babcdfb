"""Answers that come as an archive: the members to read, refused before they swell."""

from __future__ import annotations

import io
import zipfile
import zlib
from fnmatch import fnmatchcase

from collector.rawtable import PayloadRefused
from domain.reasons import Refusal

_MOST_BYTES = 200_000_000
_MOST_MEMBERS = 1000


def members(body: bytes, pattern: str) -> list[bytes]:
    """The bytes of every member of a ZIP that is called like `pattern`, in order of their names; of a gzip file its content."""
    if body[:2] == b"\x1f\x8b":
        return [_unzipped(body)]
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            parts = [part for part in archive.infolist() if fnmatchcase(part.filename.rpartition("/")[2], pattern)]
            if not parts:
                told = ", ".join(part.filename for part in archive.infolist()[:8])
                raise PayloadRefused(Refusal.ROWS_NOT_FOUND, f"no member is called `{pattern}`; there are {told}")
            if len(parts) > _MOST_MEMBERS or sum(part.file_size for part in parts) > _MOST_BYTES:
                raise PayloadRefused(Refusal.TOO_LARGE, f"{len(parts)} members unpack to more than {_MOST_BYTES} bytes")
            return [archive.read(part) for part in sorted(parts, key=lambda part: part.filename)]
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, ValueError, EOFError) as error:
        raise PayloadRefused(Refusal.BAD_SYNTAX, f"no archive that we can open: {error}") from error


def _unzipped(body: bytes) -> bytes:
    unpacker = zlib.decompressobj(wbits=31)
    try:
        found = unpacker.decompress(body, _MOST_BYTES)
    except zlib.error as error:
        raise PayloadRefused(Refusal.BAD_COMPRESSION, str(error)) from error
    if unpacker.unconsumed_tail or not unpacker.eof:
        raise PayloadRefused(
            Refusal.TOO_LARGE if unpacker.unconsumed_tail else Refusal.BAD_COMPRESSION, "cut off or too large"
        )
    return found
