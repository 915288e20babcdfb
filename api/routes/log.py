"""The log of committed batches: signed heads, proofs that a reading stands in it, and that it was only ever added to."""

from __future__ import annotations

import base64
from collections.abc import Awaitable
from typing import TypeVar

from api import params as p
from api.clocktext import told
from api.models import log as m
from api.operation import Call, Operation, Reply
from api.problems import Code, ProblemError
from store import heads as signed
from store import log, read
from store.evidence import Disagrees, Evidence, NotInLog, evidence

T = TypeVar("T")
_MOST_LEAVES = 2**53
_LEAVES = {"type": "integer", "minimum": 1, "maximum": _MOST_LEAVES}
SERIES = p.Param(
    "series",
    str,
    {"type": "string", "minLength": 1},
    "A series by its id.",
    "jp-nra-ramis:1010110001:air_dose_rate_as_published:air_over_land",
    required=True,
)
END = p.instant("end", "`phenomenon_end` of the reading.", "2026-08-15T00:10:00Z", required=True)
REVISION = p.Param(
    "revision",
    p.whole(1, 2**31 - 1),
    {"type": "integer", "minimum": 1, "maximum": 2**31 - 1},
    "A version of the reading by its number; the one that stands unless told otherwise.",
    "1",
)
SIZE = p.Param(
    "size",
    p.whole(1, _MOST_LEAVES),
    _LEAVES,
    "Lead to the root of the tree of so many leaves (a head that you kept), not to the newest signed one.",
    "1000",
)
OLD = p.Param("old", p.whole(1, _MOST_LEAVES), _LEAVES, "Leaves of the tree that you know.", "100", required=True)
NEW = p.Param(
    "new",
    p.whole(1, _MOST_LEAVES),
    _LEAVES,
    "Leaves of the later tree; the newest signed one unless told otherwise.",
    "1000",
)


def _head(one: signed.Head) -> m.Head:
    return m.Head(
        size=one.size,
        root=one.root.hex(),
        signed_at=told(one.at_s),
        text=one.text.decode(),
        public_key=one.public_key.hex(),
        signature=one.signature.hex(),
    )


async def head(call: Call) -> Reply:
    """The newest signed head."""
    found = await signed.heads(call.service.store, limit=1)
    if not found:
        raise ProblemError(Code.NOT_FOUND, "No head was signed yet: the collector signs one an hour.")
    return Reply(m.HeadAnswer(head=_head(found[0]), size_now=await log.leaves(call.service.store)), max_age_s=60)


async def heads(call: Call) -> Reply:
    """Signed heads, the newest first."""
    found = await signed.heads(call.service.store, limit=call.query.get(p.LIMIT) or p.LIMIT_DEFAULT)
    rows = tuple(_head(one) for one in found)
    return Reply(m.HeadPage(size_now=await log.leaves(call.service.store), heads=rows), rows=rows, max_age_s=60)


async def proof(call: Call) -> Reply:
    """Proof that one version of one reading stands in the log as it was committed; by whom and how to check it, see the guide.

    A reading whose rows no longer make the leaf that was logged gets none: somebody changed them (`not_available`).
    """
    uid, end_s = call.query.need(SERIES), call.query.need(END)
    await _shown(call, uid)
    found = await _asked(
        evidence(
            call.service.store,
            uid,
            end_s,
            as_of_s=call.query.get(p.AS_OF),
            revision=call.query.get(REVISION),
            size=call.query.get(SIZE),
        ),
        "size",
    )
    if found is None:
        raise ProblemError(
            Code.NOT_FOUND, f"No such version of a reading of {uid!r} that ends at {told(end_s)} is known."
        )
    return Reply(_proof(found), max_age_s=60)


async def _shown(call: Call, uid: str) -> None:
    """A block holds readings of one feed only, so the rights of the feed are those of everything in a proof."""
    row = await read.series(call.service.store, uid)
    if row is None or not call.service.facts(row.series.feed_id).shown:
        raise ProblemError(Code.NOT_FOUND, f"No series {uid!r} is known, or it may not be shown here.", SERIES.name)


async def _asked(work: Awaitable[T], param: str) -> T:
    """What the store says, its refusals as problems."""
    try:
        return await work
    except NotInLog as error:
        raise ProblemError(Code.NOT_FOUND, f"No proof: {error}.") from error
    except Disagrees as error:
        raise ProblemError(
            Code.NOT_AVAILABLE, f"No proof: {error}. The store was changed; `radcommons db verify` names where."
        ) from error
    except IndexError as error:
        raise ProblemError(Code.NOT_MEANINGFUL, f"No proof: {error}.", param) from error


def _proof(found: Evidence) -> m.Proof:
    return m.Proof(
        series=found.series.uid,
        unit=found.series.unit,
        station=found.series.station_uid,
        phenomenon_end=told(found.end_s),
        revision=found.revision,
        block=m.Block(number=found.block_number, row=found.row, bytes=base64.b64encode(found.block).decode()),
        entry=found.entry.decode(),
        leaf=found.proof.number,
        leaf_hash=found.proof.leaf.hex(),
        size=found.proof.size,
        root=found.proof.root.hex(),
        path=tuple(one.hex() for one in found.proof.path),
        head=None if found.head is None else _head(found.head),
    )


async def consistency(call: Call) -> Reply:
    """Proof that the later log only adds to the earlier one."""
    new = call.query.get(NEW)
    if new is None:
        newest = await signed.heads(call.service.store, limit=1)
        new = newest[0].size if newest else await log.leaves(call.service.store)
    found = await _asked(log.consistency(call.service.store, call.query.need(OLD), new), "old")
    body = m.Consistency(
        old=found.old,
        new=found.new,
        old_root=found.old_root.hex(),
        new_root=found.new_root.hex(),
        path=tuple(one.hex() for one in found.path),
    )
    return Reply(body, max_age_s=3600)


OPERATIONS = (
    Operation(
        "GET", "/v1/log/head", head, "Newest signed head of the log", m.HeadAnswer, "log", problems=(Code.NOT_FOUND,)
    ),
    Operation("GET", "/v1/log/heads", heads, "Signed heads of the log", m.HeadPage, "log", (p.LIMIT,)),
    Operation(
        "GET",
        "/v1/log/proof",
        proof,
        "Proof that a reading stands in the log",
        m.Proof,
        "log",
        (SERIES, END, p.AS_OF, REVISION, SIZE),
        problems=(Code.NOT_FOUND, Code.NOT_MEANINGFUL, Code.NOT_AVAILABLE),
    ),
    Operation(
        "GET",
        "/v1/log/consistency",
        consistency,
        "Proof that the log was only added to",
        m.Consistency,
        "log",
        (OLD, NEW),
        problems=(Code.NOT_MEANINGFUL,),
    ),
)
