"""Why a store cannot be used; each message is a sentence for the operator."""

from __future__ import annotations

import sqlalchemy as sa


class StoreRefused(RuntimeError):
    """The store cannot be used as asked; the message is a sentence for the operator."""


class SchemaRefused(StoreRefused):
    """The database's schema does not fit this program."""


class Outpaced(RuntimeError):
    """Another process changed the same thing first; nothing was written, look again and decide anew."""


def sentence(error: BaseException, url: str = "") -> str | None:
    """What the database itself said (unreachable, damaged, full, locked), for an operator; None for what is a fault of ours."""
    told = (sa.exc.OperationalError, sa.exc.InterfaceError)
    if not isinstance(error, told) and type(error) is not sa.exc.DatabaseError:
        return None
    said = " ".join(str(error.orig or error).split())
    where = f" {sa.make_url(url).render_as_string(hide_password=True)}" if url else ""
    return f"The database{where} cannot be used: {said}."
