"""CSV of answers: one header with units in it, nested parts as `part_field` columns, every column present in every row.

Numbers of two quantities never share a column: `value` and `limit` become one column per quantity and unit.
"""

from __future__ import annotations

import csv
import io
import types
import typing
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import msgspec

#: A quantity and the unit that its values are told in.
Pair = tuple[str, str]
Path = tuple[str, ...]
_SPLIT = ("value", "limit")


@lru_cache(maxsize=64)
def columns(kind: type[msgspec.Struct], explode: str = "") -> tuple[Path, ...]:
    """The columns of a struct as paths of field names; `explode` names a list of structs that gives a row for each member."""
    found: list[Path] = []
    for name, hint in get_type_hints(kind, include_extras=True).items():
        part = _struct_in(hint)
        if name == explode:
            inner = _member(hint)
            found += [(name, *path) for path in columns(inner)]
        elif part is not None:
            found += [(name, *path) for path in columns(part)]
        else:
            found.append((name,))
    return tuple(found)


def _bare(hint: Any) -> Any:
    return _bare(get_args(hint)[0]) if get_origin(hint) is Annotated else hint


def _struct_in(hint: Any) -> type[msgspec.Struct] | None:
    """The struct that a field holds, also where it may be null."""
    bare = _bare(hint)
    options = get_args(bare) if isinstance(bare, types.UnionType) or get_origin(bare) is typing.Union else (bare,)
    found = [
        option for option in map(_bare, options) if isinstance(option, type) and issubclass(option, msgspec.Struct)
    ]
    return found[0] if found else None


def hinted(kind: type[msgspec.Struct], path: Path) -> type:
    """What lies at a path by the struct's own word: bool, int or float; str for anything else."""
    hint = get_type_hints(kind, include_extras=True)[path[0]]
    part = _struct_in(hint)
    if len(path) > 1 and part is not None:
        return hinted(part, path[1:])
    bare = _bare(hint)
    options = get_args(bare) if isinstance(bare, types.UnionType) or get_origin(bare) is typing.Union else (bare,)
    found = {option for option in map(_bare, options) if option in (bool, int, float)}
    return found.pop() if len(found) == 1 else str


def _member(hint: Any) -> type[msgspec.Struct]:
    found = _struct_in(get_args(_bare(hint))[0])
    if found is None:
        raise TypeError(f"{hint} is no list of structs")
    return found


def pairs(rows: Iterable[msgspec.Struct], explode: str = "") -> tuple[Pair, ...]:
    """The quantities, each with its unit, that rows hold, in order of their names."""
    return tuple(
        sorted(
            {
                (str(one.quantity), str(one.unit))
                for row in rows
                for one in members(row, explode)
                if hasattr(one, "quantity")
            }
        )
    )


def members(row: msgspec.Struct, explode: str) -> Sequence[Any]:
    """What gives a line each: the members of the list named by `explode`, else the row itself."""
    return getattr(row, explode) if explode else (row,)


def header(kind: type[msgspec.Struct], known: Sequence[Pair], explode: str = "") -> list[str]:
    """The header line's names."""
    names = []
    for path in columns(kind, explode):
        if path[-1] in _SPLIT and len(path) == (2 if explode else 1):
            prefix = "" if path[-1] == "value" else f"{path[-1]} of "
            names += [f"{prefix}{quantity} [{unit}]" for quantity, unit in known]
        else:
            names.append("_".join(path))
    return names


def header_line(kind: type[msgspec.Struct], known: Sequence[Pair], explode: str = "") -> bytes:
    """The header as a line of its own."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow(header(kind, known, explode))
    return out.getvalue().encode()


def lines(
    kind: type[msgspec.Struct], rows: Iterable[msgspec.Struct], known: Sequence[Pair], explode: str = ""
) -> bytes:
    """The rows below the header."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    paths = columns(kind, explode)
    for row in rows:
        for member in members(row, explode) or (None,):
            writer.writerow(_cells(paths, row, member, known, explode))
    return out.getvalue().encode()


def table(kind: type[msgspec.Struct], rows: Sequence[msgspec.Struct], explode: str = "") -> bytes:
    """A whole CSV."""
    known = pairs(rows, explode)
    return header_line(kind, known, explode) + lines(kind, rows, known, explode)


def _cells(paths: Sequence[Path], row: Any, member: Any, known: Sequence[Pair], explode: str) -> list[str]:
    cells: list[str] = []
    for path in paths:
        inside = bool(explode) and path[0] == explode
        found = at(member, path[1:]) if inside else at(row, path)
        if path[-1] in _SPLIT and len(path) == (2 if explode else 1):
            own = (getattr(member if explode else row, "quantity", ""), getattr(member if explode else row, "unit", ""))
            cells += [_cell(found) if pair == own else "" for pair in known]
        else:
            cells.append(_cell(found))
    return cells


def at(whole: Any, path: Path) -> Any:
    """What lies at a path; None where a part on the way is missing."""
    for name in path:
        if whole is None:
            return None
        whole = getattr(whole, name)
    return whole


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, str):
        return str(value)
    if isinstance(value, int):
        return str(int(value))
    return msgspec.json.encode(value).decode() if _nested(value) else " ".join(map(_cell, value))


def _nested(value: Any) -> bool:
    return isinstance(value, dict) or any(isinstance(item, msgspec.Struct | dict) for item in value)
