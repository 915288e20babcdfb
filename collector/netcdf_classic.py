"""NetCDF's classic forms (CDF-1, CDF-2 and CDF-5) from bytes in memory. The libraries that read them want a C library over hostile bytes, or
all of SciPy; the form itself is a header and arrays.

Source: "File Format Specifications" of the NetCDF documentation (Unidata).
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

_TYPES = {1: ">i1", 2: "S1", 3: ">i2", 4: ">i4", 5: ">f4", 6: ">f8", 7: ">u1", 8: ">u2", 9: ">u4", 10: ">i8", 11: ">u8"}
_DIMENSIONS, _VARIABLES, _ATTRIBUTES = 10, 11, 12
_STREAMED = {4: 0xFFFFFFFF, 8: 0xFFFFFFFFFFFFFFFF}


class NotClassic(ValueError):
    """Bytes that are no classic NetCDF file, or end before what their header promises."""


@dataclass(frozen=True, slots=True)
class ClassicVariable:
    """One variable: its dimensions, its type, and where its values lie; they are read when asked for (`variable[...]`)."""

    name: str
    dimensions: tuple[str, ...]
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    attrs: Mapping[str, Any]
    _body: bytes
    _begin: int
    _step: int | None  # bytes from record to record; None when the values lie in one piece

    def __getitem__(self, key: Any) -> Any:
        """The values, seen in the bytes of the file without a copy; raises NotClassic when the file is too short for them."""
        inner = self.shape if self._step is None else self.shape[1:]
        strides = [math.prod(inner[at + 1 :]) * self.dtype.itemsize for at in range(len(inner))]
        reach = math.prod(inner) * self.dtype.itemsize
        if self._step is not None:
            strides.insert(0, self._step)
            reach += self._step * max(self.shape[0] - 1, 0)
        if self._begin + reach > len(self._body):
            raise NotClassic(f"the values of `{self.name}` reach beyond the end of the file")
        return np.ndarray(self.shape, self.dtype, self._body, self._begin, tuple(strides))[key]


@dataclass(frozen=True, slots=True)
class ClassicFile:
    """A whole file: variables by name and global attributes. It has no groups."""

    variables: Mapping[str, ClassicVariable]
    attrs: Mapping[str, Any]
    groups: Mapping[str, Any] = field(default_factory=dict)


def opened(body: bytes) -> ClassicFile:
    """The file in `body`; raises NotClassic."""
    try:
        return _Header(body).file()
    except (struct.error, UnicodeDecodeError, IndexError) as error:
        raise NotClassic(f"the header is broken: {error}") from error


class _Header:
    """Reads the header from its first byte on."""

    def __init__(self, body: bytes) -> None:
        if body[:3] != b"CDF" or body[3:4] not in {b"\x01", b"\x02", b"\x05"}:
            raise NotClassic("no CDF-1, CDF-2 or CDF-5")
        self._body, self._at = body, 4
        self._count_size = 8 if body[3] == 5 else 4
        self._offset_size = 4 if body[3] == 1 else 8

    def file(self) -> ClassicFile:
        """The dimensions, attributes and variables in the order of the header."""
        records = self._number(self._count_size)
        dimensions = [(self._name(), self._number(self._count_size)) for _ in self._list(_DIMENSIONS)]
        attributes = self._attributes()
        found = [self._variable(dimensions) for _ in self._list(_VARIABLES)]
        # the room of a record is that of all its variables, each filled up to four bytes unless it is the only one
        sizes = [math.prod(shape) * kind.itemsize for _, _, shape, kind, _, _, own in found if own]
        step = sum(sizes) if len(sizes) == 1 else sum(-(-size // 4) * 4 for size in sizes)
        if records == _STREAMED[self._count_size]:
            begins = [begin for *_, begin, own in found if own]
            records = (len(self._body) - min(begins)) // step if begins and step else 0
        return ClassicFile(
            {
                name: ClassicVariable(name, along, ((records, *shape) if own else shape), kind, attrs, self._body, begin, step if own else None)
                for name, along, shape, kind, attrs, begin, own in found
            },
            attributes,
        )  # fmt: skip

    def _variable(
        self, dimensions: list[tuple[str, int]]
    ) -> tuple[str, tuple[str, ...], tuple[int, ...], np.dtype[Any], Mapping[str, Any], int, bool]:
        """Name, dimensions, shape without that of records, type, attributes, place, and whether it has a part in every record."""
        name = self._name()
        places = [dimensions[self._number(self._count_size)] for _ in range(self._size())]
        attributes = self._attributes()
        kind = self._type()
        self._number(self._count_size)  # its size, which overflows in large files and follows from the shape
        begin = self._number(self._offset_size)
        own = bool(places) and places[0][1] == 0
        shape = tuple(length for _, length in (places[1:] if own else places))
        return name, tuple(called for called, _ in places), shape, kind, attributes, begin, own

    def _attributes(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for _ in self._list(_ATTRIBUTES):
            name, kind, count = self._name(), self._type(), self._size()
            raw = self._bytes(count * kind.itemsize)
            values = np.frombuffer(raw, kind)
            found[name] = (
                raw.decode("utf-8", "replace").rstrip("\0") if kind == "S1" else values[0] if count == 1 else values
            )
        return found

    def _list(self, wanted: int) -> range:
        tag, count = self._number(4), self._size()
        if tag not in {0, wanted} or (tag == 0 and count):
            raise NotClassic(f"a list of kind {tag} where one of kind {wanted} should stand")
        return range(count)

    def _type(self) -> np.dtype[Any]:
        kind = _TYPES.get(self._number(4))
        if kind is None:
            raise NotClassic("a type that is none")
        return np.dtype(kind)

    def _name(self) -> str:
        return self._bytes(self._size()).decode()

    def _size(self) -> int:
        """A count of things that each take a byte at least, so that no count makes a loop longer than the file."""
        count = self._number(self._count_size)
        if count > len(self._body) - self._at:
            raise NotClassic(f"{count} things where {len(self._body) - self._at} bytes are left")
        return count

    def _number(self, size: int) -> int:
        (found,) = struct.unpack_from(">I" if size == 4 else ">Q", self._body, self._at)
        self._at += size
        return int(found)

    def _bytes(self, size: int) -> bytes:
        raw = self._body[self._at : self._at + size]
        if len(raw) < size:
            raise NotClassic("the header ends in the middle")
        self._at += -(-size // 4) * 4
        return raw
