"""Kinds of columns that all tables are made of. Times are whole seconds, UTC."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Double, Integer, MetaData, Text
from sqlalchemy.types import TypeEngine

metadata = MetaData()

#: Sixty-four bits on both engines; SQLite numbers rows by itself only when the type says INTEGER.
Id: TypeEngine[int] = BigInteger().with_variant(Integer, "sqlite")
#: Public identifiers sort by code point everywhere, as Python and SQLite do; PostgreSQL must be told.
Uid: TypeEngine[str] = Text().with_variant(Text(collation="C"), "postgresql")


def row_id() -> Column[int]:
    """A number that the engine gives."""
    return Column("id", Id, primary_key=True, autoincrement=True)


def text(name: str) -> Column[str]:
    """Text that is empty when nothing is said."""
    return Column(name, Text, nullable=False, server_default="")


def whole(name: str, default: str | None = None, *, nullable: bool = False) -> Column[int]:
    """A whole number of sixty-four bits."""
    return Column(name, BigInteger, nullable=nullable, server_default=default)


def number(name: str) -> Column[float]:
    """A number that may be missing."""
    return Column(name, Double)


def flag(name: str) -> Column[bool]:
    """Yes or no; no when nothing is said."""
    return Column(name, Boolean, nullable=False, server_default="0")


def layer() -> list[Column[object]]:
    """Where in air, ground or water something was measured."""
    return [
        Column("layer_label", Text, nullable=False, server_default=""),
        Column("layer_reference", Text, nullable=False, server_default="label_only"),
        Column("layer_min_m", Double),
        Column("layer_max_m", Double),
    ]
