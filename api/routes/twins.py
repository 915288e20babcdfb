"""Twins: which stations of unlike feeds are one instrument, and how many instruments and publishers some stations really are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from msgspec import Meta

from api import params as p
from api.models.common import Struct
from api.operation import Call, Operation, Reply
from api.problems import Code, ProblemError
from api.service import Service
from specs.twins import Twin as TwinPair
from store import read
from store.rows import StationRow


class Twin(Struct, frozen=True, kw_only=True):
    """Two stations that are one instrument (`confirmed`), may be (`proposed`), or are not (`refused`), and what that rests on."""

    first: str
    second: str
    status: str
    distance_m: float | None
    correlation: float | None
    equal_share: float | None
    hours: int
    names_alike: float | None
    by: str
    on: str
    why: str


class Instrument(Struct, frozen=True, kw_only=True):
    """One instrument, and the stations through which it is seen."""

    id: str
    stations: tuple[str, ...]
    feeds: tuple[str, ...]
    sources: tuple[str, ...]


class Independence(Struct, frozen=True, kw_only=True):
    """How many instruments, and instruments of unlike publishers, the stations asked for really are."""

    stations: int
    instruments: tuple[Instrument, ...]
    sources: Annotated[
        int, Meta(description="publishers that stand behind them; two paths of one instrument are no second witness")
    ]


class TwinList(Struct, frozen=True, kw_only=True):
    """The reviewed table of twins, and with `station` what it means for those stations."""

    twins: tuple[Twin, ...]
    independence: Independence | None
    withheld: Annotated[int, Meta(description="pairs with a station that may not be shown here")]


STATIONS: p.Param[str] = p.Param(
    "station",
    str,
    {"type": "string", "minLength": 1},
    "ids of stations; comma separated or repeated",
    "jp-nra-ramis:99110001",
    many=True,
)


async def twins(call: Call) -> Reply:
    """Pairs of the table, those of some stations or all, and how independent the stations are."""
    service, asked = call.service, call.query.all(STATIONS)
    pairs = [one for one in service.config.twins if not asked or {one.first, one.second} & set(asked)]
    rows = {uid: row for uid in {*asked, *_stations(pairs)} if (row := await read.station(service.store, uid))}
    for uid in asked:
        if uid not in rows or not service.facts(rows[uid].feed_id).shown:
            raise ProblemError(Code.NOT_FOUND, f"No station {uid!r} is known.", STATIONS.name)
    hidden = {uid for uid, row in rows.items() if not service.facts(row.feed_id).shown}
    shown = [one for one in pairs if not {one.first, one.second} & hidden]
    told = tuple(map(_told, shown))
    independence = _independence(service, asked, rows) if asked else None
    body = TwinList(twins=told, independence=independence, withheld=len(pairs) - len(shown))
    return Reply(body, rows=told, row=Twin, max_age_s=60)


def _stations(pairs: Sequence[TwinPair]) -> set[str]:
    return {uid for one in pairs for uid in (one.first, one.second)}


def _told(one: TwinPair) -> Twin:
    return Twin(
        first=one.first, second=one.second, status=one.status, distance_m=one.distance_m, correlation=one.correlation,
        equal_share=one.equal_share, hours=one.hours, names_alike=one.names_alike, by=one.by,
        on=one.on.isoformat() if one.on else "", why=one.why,
    )  # fmt: skip


def _independence(service: Service, asked: Sequence[str], rows: dict[str, StationRow]) -> Independence:
    groups: dict[str, list[str]] = {}
    for uid in dict.fromkeys(asked):
        groups.setdefault(service.twins.get(uid, uid), []).append(uid)
    instruments = tuple(_instrument(service, key, uids, rows) for key, uids in sorted(groups.items()))
    # one witness for each instrument: the publisher of its first path
    sources = {service.facts(rows[uids[0]].feed_id).source for uids in groups.values()}
    return Independence(stations=len(set(asked)), instruments=instruments, sources=len(sources))


def _instrument(service: Service, key: str, uids: list[str], rows: dict[str, StationRow]) -> Instrument:
    feeds = tuple(sorted({rows[uid].feed_id for uid in uids}))
    sources = tuple(sorted({service.facts(feed).source for feed in feeds}))
    return Instrument(id=key if key in uids else uids[0], stations=tuple(uids), feeds=feeds, sources=sources)


OPERATIONS = (
    Operation(
        "GET", "/v1/twins", twins, "Stations that are one instrument", TwinList, "stations", (STATIONS,),
        ("json", "csv", "ndjson"), (Code.NOT_FOUND,),
    ),
)  # fmt: skip
