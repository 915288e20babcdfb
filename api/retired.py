"""Ids that were here and go by another name now: 410 with `redirect_to`."""

from __future__ import annotations

from api.problems import Code, ProblemError
from api.service import Service


def gone_station(service: Service, uid: str) -> ProblemError | None:
    """The problem that answers a retired station id; None for any other."""
    found = service.retired.get(uid)
    if found is None:
        return None
    told = f"Station {uid!r} is retired since {found.since}: {found.reason}."
    return ProblemError(Code.GONE, told, redirect_to=f"/v1/stations/{found.redirect_to}" if found.redirect_to else "")


def gone_series(service: Service, uid: str) -> ProblemError | None:
    """The problem that answers a series of a retired station: ids of series begin with their station's."""
    station = next((old for old in service.retired if uid.startswith(f"{old}:")), "")
    if not station:
        return None
    found, rest = service.retired[station], uid[len(station) :]
    told = f"Station {station!r} is retired since {found.since}: {found.reason}."
    return ProblemError(
        Code.GONE, told, redirect_to=f"/v1/series/{found.redirect_to}{rest}" if found.redirect_to else ""
    )
