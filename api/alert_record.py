"""What the API reads of the documents that alerting keeps with alerts; parts it does not know stay where they are."""

from __future__ import annotations

import msgspec


class Subject(msgspec.Struct, frozen=True):
    """What an alert is about."""

    quantity: str = ""
    medium: str = ""
    unit: str = ""


class Member(msgspec.Struct, frozen=True):
    """One series that fired."""

    series_uid: str
    station_uid: str
    latitude_deg: float | None = None
    longitude_deg: float | None = None
    median: float = 0.0
    trigger: float = 0.0
    peak: float = 0.0
    rain: bool | None = None


class Life(msgspec.Struct, frozen=True):
    """The members of an alert."""

    members: tuple[Member, ...] = ()


class Record(msgspec.Struct, frozen=True):
    """An alert's document."""

    kind: str = ""
    rule_version: int = 0
    subject: Subject = Subject()
    about: str = ""
    feeds: tuple[str, ...] = ()
    life: Life = Life()


_DECODER = msgspec.json.Decoder(Record)


def record_of(document: str) -> Record:
    """The record in a document; an empty one when it is of another kind."""
    try:
        return _DECODER.decode(document)
    except (msgspec.DecodeError, UnicodeEncodeError):
        return Record()


class _Muted(msgspec.Struct, frozen=True):
    muted: str = ""


_MUTED = msgspec.json.Decoder(_Muted)


def muted_by(document: str) -> str:
    """What kept the notices of an event back, from its document; empty when nothing did."""
    try:
        return _MUTED.decode(document).muted
    except (msgspec.DecodeError, UnicodeEncodeError):
        return ""
