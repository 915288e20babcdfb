"""Silences, maintenance windows and acknowledgements, by operators. Alerting reads them before every decision, also after a restart."""

from __future__ import annotations

import json
import secrets

from api import params as p
from api.access import author_of, may_operate
from api.clocktext import NaiveTimeError, heard, told
from api.models import silences as m
from api.operation import Call, Operation, Reply
from api.paging import limit
from api.problems import Code, ProblemError
from api.routes.alerts import known_alert
from api.said import tell_acknowledgement, tell_silence
from store import alerts as held
from store import silences as kept
from store.silences import AcknowledgementRow, SilenceRow

_LONGEST_S = 30 * 86_400
_ACK_S = 12 * 3600


def _time(text: str, name: str, default_s: int) -> int:
    if not text:
        return default_s
    try:
        return heard(text)
    except NaiveTimeError as error:
        raise ProblemError(Code.NAIVE_TIME, f"`{name}`: {error}.", name) from error
    except ValueError as error:
        raise ProblemError(Code.BAD_BODY, f"`{name}` is {error}.", name) from error


def _known(names: tuple[str, ...], known: object, what: str) -> None:
    unknown = [name for name in names if name not in known]  # type: ignore[operator]
    if unknown:
        raise ProblemError(Code.UNKNOWN_NAME, f"No {what} {unknown[0]!r} is known.", what)


async def _level(call: Call, asked: m.NewSilence) -> str:
    """What the named alerts have reached by now, so that the next severity is heard."""
    reached = set()
    for uid in asked.alerts:
        row = await held.alert(call.service.store, uid)
        if row is None:
            raise ProblemError(Code.UNKNOWN_NAME, f"No alert {uid!r} is known.", "alerts")
        reached.add(row.level.value)
    return asked.level or ("firing" if "firing" in reached else "unverified")


async def silence(call: Call) -> Reply:
    """Keep a silence or a maintenance window."""
    may_operate(call)
    asked: m.NewSilence = call.body
    now_s = call.now_s
    from_s, until_s = _time(asked.starts, "starts", now_s), _time(asked.until, "until", now_s)
    if until_s <= max(from_s, now_s) or until_s - now_s > _LONGEST_S:
        raise ProblemError(
            Code.BAD_BODY, "`until` lies after the beginning and now, and at most 30 days ahead.", "until"
        )
    if not asked.reason.strip():
        raise ProblemError(Code.BAD_BODY, "A silence needs a reason.", "reason")
    service = call.service
    _known(asked.rules, service.rules, "rules")
    _known(asked.regions, service.config.geography.by_id, "regions")
    _known(asked.feeds, service.feeds, "feeds")
    scope = {"rules": asked.rules, "areas": asked.regions, "alerts": asked.alerts, "feeds": asked.feeds}
    row = SilenceRow(
        f"sil_{secrets.token_hex(12)}", asked.kind, author_of(call), asked.reason.strip(), from_s, until_s, now_s,
        json.dumps(scope), await _level(call, asked),
    )  # fmt: skip
    await kept.create_silence(service.store, row)
    headers = {"Location": f"/v1/silences/{row.uid}"}
    return Reply(m.SilenceAnswer(silence=tell_silence(row, now_s)), status=201, headers=headers)


ACTIVE = p.choice("active", ("yes", "all"), "Those that hold now, or all.", "yes")


async def silences(call: Call) -> Reply:
    """Silences, the newest first."""
    may_operate(call)
    at_s = None if call.query.get(ACTIVE) == "all" else call.now_s
    rows = await kept.silences(call.service.store, at_s=at_s, limit=limit(call.query))
    listed = tuple(tell_silence(row, call.now_s) for row in rows)
    body = m.SilenceList(
        as_of=told(call.now_s),
        next=None,
        audience=call.service.audience,
        exercise=False,
        withheld=None,
        silences=listed,
    )
    return Reply(body, rows=listed, row=m.Silence)


async def _silence(call: Call) -> SilenceRow:
    row = await kept.silence(call.service.store, call.path["id"])
    if row is None:
        raise ProblemError(Code.NOT_FOUND, f"No silence {call.path['id']!r} is known.")
    return row


async def one_silence(call: Call) -> Reply:
    """One silence."""
    may_operate(call)
    return Reply(m.SilenceAnswer(silence=tell_silence(await _silence(call), call.now_s)))


async def end(call: Call) -> Reply:
    """End a silence before its time; it stays on record."""
    may_operate(call)
    await _silence(call)
    row = await kept.end_silence(call.service.store, call.path["id"], call.now_s, author_of(call))
    if row is None:
        raise ProblemError(Code.NOT_FOUND, f"No silence {call.path['id']!r} is known.")
    return Reply(m.SilenceAnswer(silence=tell_silence(row, call.now_s)))


async def acknowledge(call: Call) -> Reply:
    """Say that an alert has been seen. It mutes nothing and ends nothing."""
    may_operate(call)
    asked: m.NewAcknowledgement = call.body
    service, alert = call.service, await known_alert(call)
    expires_s = _time(asked.expires, "expires", call.now_s + _ACK_S)
    if not call.now_s < expires_s <= call.now_s + _LONGEST_S:
        raise ProblemError(Code.BAD_BODY, "`expires` lies after now, and at most 30 days ahead.", "expires")
    row = AcknowledgementRow(alert.uid, alert.revision, author_of(call), asked.note.strip(), call.now_s, expires_s)
    await kept.acknowledge(service.store, row)
    told_row = tell_acknowledgement(row, call.now_s)
    return Reply(m.AcknowledgementAnswer(acknowledgement=told_row), status=201)


_ONE = {"id": "sil_0123456789abcdef01234567"}
_ALERT = {"id": "al-0123456789abcdef01234567"}
_GONE = (Code.NOT_FOUND,)
_BODY = (Code.NAIVE_TIME, Code.UNKNOWN_NAME)
_AUTHOR = "The header `X-Operator` names who asks; it is kept."
OPERATIONS = (
    Operation(
        "POST", "/v1/silences", silence, "Silence notices for a while", m.SilenceAnswer, "operators", body=m.NewSilence,
        scope="operator", status=201, problems=_BODY, description=_AUTHOR,
    ),
    Operation(
        "GET", "/v1/silences", silences, "Silences", m.SilenceList, "operators", (ACTIVE, p.LIMIT), ("json", "csv", "ndjson"),
        scope="operator",
    ),
    Operation(
        "GET", "/v1/silences/{id}", one_silence, "One silence", m.SilenceAnswer, "operators", problems=_GONE, scope="operator",
        path_examples=_ONE,
    ),
    Operation(
        "DELETE", "/v1/silences/{id}", end, "End a silence before its time", m.SilenceAnswer, "operators", problems=_GONE,
        scope="operator", path_examples=_ONE, description=_AUTHOR,
    ),
    Operation(
        "POST", "/v1/alerts/{id}/acknowledge", acknowledge, "Say that an alert has been seen", m.AcknowledgementAnswer,
        "operators", body=m.NewAcknowledgement, scope="operator", status=201, problems=(*_GONE, Code.NAIVE_TIME),
        path_examples=_ALERT, description=_AUTHOR,
    ),
)  # fmt: skip
