"""Sources: the publishers behind the feeds, and how they want to be named."""

from __future__ import annotations

from specs.strict import Identifier, Names, Strict


class SourceSpec(Strict):
    """A publisher: names, home, country (ISO 3166-1, or `INT`), the attribution line to carry, and a note."""

    id: Identifier
    names: Names
    homepage: str = ""
    country: str
    attribution: Names
    note: str = ""


class SourceFile(Strict):
    """`config/sources.yaml`."""

    sources: tuple[SourceSpec, ...]
