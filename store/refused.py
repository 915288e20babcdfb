"""Why a store cannot be used; each message is a sentence for the operator."""

from __future__ import annotations


class StoreRefused(RuntimeError):
    """The store cannot be used as asked; the message is a sentence for the operator."""


class SchemaRefused(StoreRefused):
    """The database's schema does not fit this program."""


class Outpaced(RuntimeError):
    """Another process changed the same thing first; nothing was written, look again and decide anew."""
