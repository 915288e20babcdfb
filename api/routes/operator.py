"""Operators: check a feed file, plan it, let it run, pause and resume a publisher, poll now, and see who changed what.

The API writes a request into the store, the collector acts on it and answers there; the two programs never call each other.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from typing import Any

import msgspec

from api import params as p
from api.access import author_of, may_operate
from api.clocktext import told, told_or_none
from api.models import operator as m
from api.operation import Call, Operation, Reply
from api.paging import begin, following, limit
from api.problems import Code, ProblemError
from api.routes.feeds import known_feed
from specs.feed import FeedSpec
from specs.loading import ConfigError, load_text
from specs.running import digest_of, text_diff
from store import feed_controls
from store.config_files import ConfigChange, config_changes
from store.feed_controls import Pause
from store.requests import RequestRow, ask, request

_LOOK_EVERY_S = 0.1


async def validate(call: Call) -> Reply:
    """Check a feed file beside the files that run; every problem at once."""
    may_operate(call)
    text: str = call.body.text
    feed_id, feed, problems = _checked(call, text)
    found = tuple(
        m.FileProblem(file=one.file, line=one.line, column=one.column, path=one.path, message=one.message)
        for one in problems
    )
    name = f"feeds/{feed_id}.yaml"
    diff = text_diff(call.service.config.texts.get(name, ""), text, name) if feed else ""
    return Reply(m.Checked(valid=not found, feed=feed_id, version=digest_of(text), problems=found, diff=diff))


async def plan(call: Call) -> Reply:
    """What a feed file would make of real answers. Writes no reading."""
    may_operate(call)
    feed_id = _valid(call, call.body.text)
    return await _asked(call, "plan", feed_id, {"text": call.body.text, "fetch": call.body.fetch})


async def put_feed(call: Call) -> Reply:
    """Let a version of a feed's file run."""
    may_operate(call)
    feed_id, wanted = _valid(call, call.body.text), call.path["id"]
    if feed_id != wanted:
        raise ProblemError(Code.NOT_MEANINGFUL, f"The file is that of {feed_id!r}, the path names {wanted!r}.", "id")
    if call.body.force and not call.body.reason.strip():
        raise ProblemError(Code.NOT_MEANINGFUL, "A forced version needs a reason, which is kept.", "reason")
    body = {name: getattr(call.body, name) for name in ("text", "force", "reason", "fetch")}
    return await _asked(call, "apply", feed_id, body)


async def pause(call: Call) -> Reply:
    """Ask this publisher no more until somebody resumes it."""
    may_operate(call)
    feed, author = known_feed(call.service, call.path["id"]), author_of(call)
    changed = await feed_controls.pause(call.service.store, Pause(feed.id, author, call.now_s, call.body.reason))
    return await _pause_told(call, feed.id, changed=changed)


async def resume(call: Call) -> Reply:
    """Ask this publisher again."""
    may_operate(call)
    feed, author = known_feed(call.service, call.path["id"]), author_of(call)
    changed = await feed_controls.resume(call.service.store, feed.id, author, call.now_s, call.body.reason)
    return await _pause_told(call, feed.id, changed=changed)


async def run(call: Call) -> Reply:
    """Poll now, if politeness allows it."""
    may_operate(call)
    return await _asked(call, "run", known_feed(call.service, call.path["id"]).id, {})


async def changes(call: Call) -> Reply:
    """Who changed a feed, when, how and why."""
    may_operate(call)
    feed_id = call.path["id"]
    mark, most = begin(call.route, call.query), limit(call.query)
    rows = await config_changes(call.service.store, feed_id, before_id=mark.after_s if mark else None, limit=most + 1)
    if not rows:
        known_feed(call.service, feed_id)
    page = rows[:most]
    more = following(call.route, call.query, as_of_s=0, after_id="", after_s=page[-1].id) if len(rows) > most else None
    listed = tuple(map(_change, page))
    return Reply(m.ChangeList(feed=feed_id, changes=listed, next=more), rows=listed, row=m.Change, next=more)


async def request_told(call: Call) -> Reply:
    """A request to the collector, with its answer once there is one."""
    may_operate(call)
    text = call.path["number"]
    row = await request(call.service.store, int(text)) if text.isascii() and text.isdigit() and len(text) < 16 else None
    if row is None:
        raise ProblemError(Code.NOT_FOUND, f"No request {text!r} is known.")
    return _told(row)


def _change(row: ConfigChange) -> m.Change:
    return m.Change(
        id=row.id, at=told(row.at_s), action=row.action, author=row.author, file=row.name, version=row.digest, before=row.before,
        reason=row.reason, numbers=row.numbers, diff=row.diff,
    )  # fmt: skip


def _checked(call: Call, text: str) -> tuple[str, FeedSpec | None, tuple[Any, ...]]:
    """The id that a text gives itself, the feed when it is in order, and what is wrong with it."""
    feed_id = _own_id(text)
    try:
        return feed_id, load_text(text, f"feeds/{feed_id}.yaml", call.service.config), ()
    except ConfigError as error:
        return feed_id, None, error.problems


def _own_id(text: str) -> str:
    """The id in the first lines of a feed file; the full reading comes after, and needs a name for its messages."""
    for line in text.splitlines():
        if line.startswith("id:"):
            return line.removeprefix("id:").split("#")[0].strip().strip("\"'")
    return "without-id"


def _valid(call: Call, text: str) -> str:
    feed_id, _, problems = _checked(call, text)
    if problems:
        raise ProblemError(Code.NOT_MEANINGFUL, "\n".join(map(str, problems)), "text")
    return feed_id


async def _asked(call: Call, kind: str, feed_id: str, body: Mapping[str, Any]) -> Reply:
    """Leave a request and wait a while for its answer; 202 with a place to look when no collector answers in time."""
    store = call.service.store
    number = await ask(store, kind, feed_id, author_of(call), json.dumps(body), call.now_s)
    until = time.monotonic() + call.service.settings.operator_wait_s
    row = await request(store, number)
    while row is not None and row.done_s is None and time.monotonic() < until:
        await asyncio.sleep(_LOOK_EVERY_S)
        row = await request(store, number)
    if row is None:
        raise ProblemError(Code.INTERNAL, f"Request {number} is gone.")
    return _told(row)


def _told(row: RequestRow) -> Reply:
    answer: dict[str, Any] = json.loads(row.answer or "{}")
    plan = answer.get("plan")
    body = m.RequestAnswer(
        request=row.id, kind=row.kind, feed=row.feed_id, author=row.author, asked=told(row.asked_s),
        answered=told_or_none(row.done_s), outcome=row.outcome, detail=answer.get("detail") or answer.get("cause") or "",
        plan=None if plan is None else msgspec.convert(plan, m.Plan), runs=answer.get("runs"), version=answer.get("version", ""),
        before=answer.get("before", ""), written=answer.get("written"), run=answer.get("run", ""), state=answer.get("state", ""),
        links={"self": f"/v1/feed-requests/{row.id}", "feed": f"/v1/feeds/{row.feed_id}"},
    )  # fmt: skip
    return Reply(body, status=_STATUS[row.outcome] if row.done_s is not None else 202)


#: A refusal is an answer with its plan in it, so that the numbers are at hand; it is no success.
_STATUS = {"done": 200, "refused": 409, "failed": 502}


async def _pause_told(call: Call, feed_id: str, *, changed: bool) -> Reply:
    row = (await feed_controls.pauses(call.service.store)).get(feed_id)
    body = m.PauseAnswer(
        feed=feed_id, paused=row is not None, changed=changed, author=row.author if row else "",
        since=told(row.since_s) if row else None, reason=row.reason if row else "",
    )  # fmt: skip
    return Reply(body)


_TAG, _SCOPE = "operators", "operator"
_ONE = {"id": "jp-nra-ramis", "number": "1"}
_GONE = (Code.NOT_FOUND,)
_AUTHOR = "The header `X-Operator` names who asks; it is kept with the change."
_WAITS = (
    f"Waits for the collector; 202 when none has answered yet (look at `links.self`), 409 when it refused. {_AUTHOR}"
)
OPERATIONS = (
    Operation(
        "POST", "/v1/feeds:validate", validate, "Check a feed file", m.Checked, _TAG, body=m.Candidate, scope=_SCOPE,
    ),
    Operation(
        "POST", "/v1/feeds:plan", plan, "Hold a feed file against real answers", m.RequestAnswer, _TAG, body=m.Plannable,
        scope=_SCOPE, description=_WAITS, statuses=(202, 409, 502),
    ),
    Operation(
        "PUT", "/v1/feeds/{id}", put_feed, "Let a version of a feed's file run", m.RequestAnswer, _TAG, body=m.NewVersion,
        scope=_SCOPE, description=_WAITS, statuses=(202, 409, 502), path_examples=_ONE,
    ),
    Operation(
        "POST", "/v1/feeds/{id}:pause", pause, "Pause a feed", m.PauseAnswer, _TAG, body=m.Because, scope=_SCOPE,
        description=_AUTHOR, problems=_GONE, path_examples=_ONE,
    ),
    Operation(
        "POST", "/v1/feeds/{id}:resume", resume, "Resume a feed", m.PauseAnswer, _TAG, body=m.Because, scope=_SCOPE,
        description=_AUTHOR, problems=_GONE, path_examples=_ONE,
    ),
    Operation(
        "POST", "/v1/feeds/{id}:run", run, "Poll a feed now", m.RequestAnswer, _TAG, scope=_SCOPE, description=_WAITS,
        problems=_GONE, statuses=(202, 409, 502), path_examples=_ONE,
    ),
    Operation(
        "GET", "/v1/feeds/{id}/changes", changes, "Who changed a feed, when and how", m.ChangeList, _TAG, p.PAGE,
        ("json", "csv", "ndjson"), _GONE, scope=_SCOPE, path_examples=_ONE,
    ),
    Operation(
        "GET", "/v1/feed-requests/{number}", request_told, "A request to the collector", m.RequestAnswer, _TAG, problems=_GONE,
        scope=_SCOPE, statuses=(202, 409, 502), path_examples=_ONE,
    ),
)  # fmt: skip
