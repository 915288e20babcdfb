"""Silences, maintenance windows and acknowledgements: what operators say about alerts. None of them ends or hides one."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from api.models.common import Instant, Page, Struct

Reason = Annotated[str, Meta(min_length=1, max_length=2000)]
Ids = Annotated[tuple[str, ...], Meta(max_length=200)]


class NewSilence(Struct, frozen=True, kw_only=True):
    """A silence (no notices of these alerts) or a maintenance window (none of missing data only). Empty lists mean every one.

    Alerts that rise above `level` break through; an end, an amendment and a cancellation always reach those who heard of the alert.
    """

    reason: Reason
    until: Annotated[str, Meta(description="end, a time with its offset; at most 30 days ahead")]
    kind: Literal["silence", "maintenance"] = "silence"
    starts: Annotated[str, Meta(description="beginning; now when left out", max_length=40)] = ""
    level: Literal["unverified", "firing", ""] = ""
    alerts: Ids = ()
    rules: Ids = ()
    regions: Ids = ()
    feeds: Ids = ()


class Silence(Struct, frozen=True, kw_only=True):
    """A silence as it stands; `active` says whether it holds now, `ended_at` that somebody ended it early."""

    id: str
    kind: str
    author: str
    reason: str
    starts_at: Instant
    ends_at: Instant
    created_at: Instant
    ended_at: Instant | None
    ended_by: str
    active: bool
    level: str
    alerts: tuple[str, ...]
    rules: tuple[str, ...]
    regions: tuple[str, ...]
    feeds: tuple[str, ...]


class SilenceAnswer(Struct, frozen=True, kw_only=True):
    """One silence."""

    silence: Silence


class SilenceList(Page, frozen=True, kw_only=True):
    """Silences, the newest first."""

    silences: tuple[Silence, ...]


class NewAcknowledgement(Struct, frozen=True, kw_only=True):
    """Somebody has seen an alert; it says so until it expires. It mutes nothing and ends nothing."""

    note: Annotated[str, Meta(max_length=2000)] = ""
    expires: Annotated[str, Meta(description="a time with its offset; in 12 hours when left out", max_length=40)] = ""


class Acknowledgement(Struct, frozen=True, kw_only=True):
    """Who has seen an alert, at which revision, and until when that holds."""

    alert: str
    revision: int
    author: str
    note: str
    at: Instant
    expires_at: Instant
    active: bool


class AcknowledgementAnswer(Struct, frozen=True, kw_only=True):
    """One acknowledgement."""

    acknowledgement: Acknowledgement
