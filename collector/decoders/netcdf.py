"""NetCDF, classic or 4: variables along the same dimensions as columns, codes as the words that the file gives them."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

import h5netcdf
import h5py
import numpy as np

from collector import netcdf_classic
from collector.rawtable import Cells, PayloadRefused, RawTable, joined
from domain.reasons import Refusal
from specs.columns import Wanted
from specs.standards import NetCdf

_SINCE = re.compile(
    r"(\w+)\s+since\s+(\d{1,4})-(\d{1,2})-(\d{1,2})(?:[T\s]+(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:\.\d*)?)?)?\s*(?:Z|UTC|\+?00:?00)?",
    re.ASCII,
)
_SECONDS = {"millisecond": 0.001, "second": 1.0, "sec": 1.0, "s": 1.0, "minute": 60.0, "min": 60.0, "hour": 3600.0, "h": 3600.0, "hr": 3600.0, "day": 86400.0, "d": 86400.0}  # fmt: skip
#: What stands in a place that was never written, where the variable names no other (NetCDF's own defaults).
_NEVER_WRITTEN = {
    "f4": 9.969209968386869e36,
    "f8": 9.969209968386869e36,
    "i2": -32767,
    "i4": -2147483647,
    "i8": -9223372036854775806,
}
_CALENDARS = frozenset({"", "standard", "gregorian", "proleptic_gregorian"})


def decode(body: bytes, spec: NetCdf, wanted: Wanted) -> RawTable:
    """The rows of every chosen group, one below the other. Raises PayloadRefused."""
    try:
        with _opened(body) as file:
            tables = [_table(name, group, spec, wanted, file) for name, group in _holders(file, spec)]
    except PayloadRefused:
        raise
    except Exception as error:
        # the library raises whatever a broken file makes it raise
        raise PayloadRefused(Refusal.BAD_SYNTAX, f"no NetCDF file: {type(error).__name__}: {error}") from error
    if not tables:
        raise PayloadRefused(Refusal.ROWS_NOT_FOUND, f"no variable `{spec.rows}`")
    return joined(tables, spec.max_rows)


def _opened(body: bytes) -> Any:
    if body[:3] == b"CDF":
        return nullcontext(netcdf_classic.opened(body))
    return h5netcdf.File(io.BytesIO(body), "r", decode_vlen_strings=True)


def _holders(file: Any, spec: NetCdf) -> Iterator[tuple[str, Any]]:
    todo: list[tuple[str, Any]] = [("", file)]
    while todo:
        name, group = todo.pop(0)
        if spec.rows in group.variables and (not spec.groups or name in spec.groups):
            yield name, group
        todo += [(f"{name}/{below}".strip("/"), inner) for below, inner in group.groups.items()]


def _table(name: str, group: Any, spec: NetCdf, wanted: Wanted, file: Any) -> RawTable:
    along: tuple[str, ...] = tuple(group.variables[spec.rows].dimensions)
    shape: tuple[int, ...] = tuple(group.variables[spec.rows].shape)
    count = math.prod(shape)
    if count > spec.max_rows:
        raise PayloadRefused(Refusal.TOO_MANY_ROWS, f"{count} rows, at most {spec.max_rows} are read")
    columns: dict[str, Cells] = {"group": [name] * count}
    units: dict[str, str] = {}
    for column in wanted.names:
        variable = group.variables.get(column.removesuffix(".utc"))
        if variable is None or not set(_places(variable)) <= set(along):
            continue
        if math.prod(variable.shape) * variable.dtype.itemsize > spec.max_bytes:
            raise PayloadRefused(Refusal.TOO_LARGE, f"`{column}` has more than {spec.max_bytes} bytes")
        texts = _texts(variable, column.endswith(".utc") and column not in group.variables)
        columns[column] = _spread(texts, _places(variable), along, shape)
        units[f"units.{variable.name.rpartition('/')[2]}"] = _attribute(variable, "units")
    head = {key: str(value) for key, value in file.attrs.items() if isinstance(value, str | int | float)}
    return RawTable(columns, range(1, count + 1), count, head | units)


def _places(variable: Any) -> tuple[str, ...]:
    """The dimensions of a variable; the last one of letters (classic texts) is none."""
    dimensions: tuple[str, ...] = tuple(variable.dimensions)
    return dimensions[:-1] if variable.dtype == np.dtype("S1") and dimensions else dimensions


def _spread(texts: Any, own: Sequence[str], along: Sequence[str], shape: Sequence[int]) -> list[str | None]:
    """The cells of a variable for every row: repeated along the dimensions that it does not have."""
    moved = np.transpose(texts, [own.index(name) for name in along if name in own])
    view = moved[tuple(slice(None) if name in own else np.newaxis for name in along)]
    return [None if cell is None else str(cell) for cell in np.broadcast_to(view, tuple(shape)).ravel()]


def _texts(variable: Any, as_moment: bool) -> Any:
    """All cells of a variable as texts (None for no value), in its own shape."""
    values = np.asarray(variable[...])
    if values.dtype == np.dtype("S1"):
        values = np.array([b"".join(line).decode("utf-8", "replace").strip("\0 ") for line in values.reshape(-1, values.shape[-1])]).reshape(values.shape[:-1])  # fmt: skip
    tell = _teller(variable, as_moment)
    known = {value: tell(value) for value in set(values.ravel().tolist())} if values.dtype.kind in "iu" else {}
    flat = values.ravel()
    found = [known[value] for value in flat.tolist()] if known else [tell(value) for value in flat]
    cells = np.empty(len(found), dtype=object)
    cells[:] = found
    return cells.reshape(values.shape)


def _teller(variable: Any, as_moment: bool) -> Callable[[Any], str | None]:
    """How one value of a variable is written."""
    words = _words(variable)
    nothing = {
        value
        for name in ("_FillValue", "missing_value")
        for value in np.atleast_1d(variable.attrs.get(name, ())).tolist()
    }
    if "_FillValue" not in variable.attrs and isinstance(variable.dtype, np.dtype):
        nothing.add(_NEVER_WRITTEN.get(variable.dtype.str[1:]))
    moment = _clock(variable) if as_moment else None
    scale, offset = _decimal(variable, "scale_factor", "1"), _decimal(variable, "add_offset", "0")
    plain = (scale, offset) == (Decimal(1), Decimal(0))

    def tell(value: Any) -> str | None:
        if isinstance(value, str | bytes):
            return value.decode("utf-8", "replace") if isinstance(value, bytes) else value
        number = value.item() if hasattr(value, "item") else value
        if number in nothing or number != number:  # noqa: PLR0124  NaN is not itself
            return None
        if number in words:
            return words[number]
        if moment is not None:
            return moment(float(number))
        return str(value) if plain else str((Decimal(str(value)) * scale + offset).normalize())

    return tell


def _words(variable: Any) -> dict[int, str]:
    """Codes and what they mean: an enumeration of the file, or `flag_values` with `flag_meanings`."""
    kind = variable.dtype if isinstance(variable.dtype, np.dtype) else None
    listed = h5py.check_enum_dtype(variable.dtype if kind is None else getattr(variable, "_h5ds", variable).dtype)
    if listed:
        return {int(code): str(word) for word, code in listed.items()}
    codes = np.atleast_1d(variable.attrs.get("flag_values", ())).tolist()
    return dict(zip(codes, _attribute(variable, "flag_meanings").split(), strict=False))


def _clock(variable: Any) -> Callable[[float], str]:
    found = _SINCE.fullmatch(_attribute(variable, "units").strip())
    calendar = _attribute(variable, "calendar").lower()
    step = _SECONDS.get(found[1].lower(), _SECONDS.get(found[1].lower().removesuffix("s"))) if found else None
    if found is None or step is None or calendar not in _CALENDARS:
        told = f"`{_attribute(variable, 'units')}` in the calendar `{calendar}`"
        raise PayloadRefused(Refusal.BAD_TIME, f"{variable.name} counts {told}, which is no time that we know")
    start = datetime(*(int(part or 0) for part in found.groups()[1:]), tzinfo=UTC)  # type: ignore[misc,arg-type]

    def moment(count: float) -> str:
        try:
            return (start + timedelta(seconds=round(count * step))).isoformat()
        except (OverflowError, ValueError):
            return str(count)  # no time of ours: refused with its row

    return moment


def _attribute(variable: Any, name: str) -> str:
    value = variable.attrs.get(name, "")
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _decimal(variable: Any, name: str, default: str) -> Decimal:
    try:
        return Decimal(str(np.atleast_1d(variable.attrs.get(name, default))[0]))
    except InvalidOperation:
        return Decimal(default)
