"""The collector's desk: requests that operators left in the store, done one by one and answered there."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import msgspec
import structlog

from collector.applying import ApplyRefusedError, allow, apply_version, known_of, plan_text, running_text
from collector.fetch import Fetcher
from collector.fetched import Fetched
from collector.guard import Guard
from collector.plan import planned
from collector.planning import Plan, archived
from collector.versions import Versions
from domain.clock import Clock
from specs.loading import Config, ConfigError, load_text
from store.engine import Store
from store.requests import RequestRow, answer_request, take_requests

log = structlog.get_logger(__name__)
_SHOWN_FOR_A_PLAN = 3


class _RequestRefusedError(Exception):
    """A request that is not done; the sentence says why, and `plan` has the numbers where there are any."""

    def __init__(self, told: str, plan: Plan | None = None) -> None:
        super().__init__(told)
        self.plan = plan


@dataclass(slots=True)
class Desk:
    """Does what operators ask: `plan`, `apply` and `run`. `config` gives the running configuration, `reload` takes a new version over."""

    store: Store
    versions: Versions
    guard: Guard
    fetcher: Fetcher
    clock: Clock
    config: Callable[[], Config]
    reload: Callable[[], Awaitable[object]]

    async def step(self) -> None:
        """Do everything that waits; a request that fails is answered too, and its traceback is kept."""
        for row in await take_requests(self.store, int(self.clock.now_s())):
            try:
                outcome, answer = "done", await self._do(row)
            except _RequestRefusedError as error:
                outcome, answer = "refused", {"detail": str(error), "plan": error.plan}
            except ConfigError as error:
                outcome, answer = "refused", {"detail": str(error)}
            except Exception as error:
                log.exception("a request failed", request=row.id, kind=row.kind, feed=row.feed_id)
                outcome, answer = "failed", {"detail": f"{type(error).__name__}: {error}"}
            log.info(
                "request answered", request=row.id, kind=row.kind, feed=row.feed_id, author=row.author, outcome=outcome
            )
            told = msgspec.json.encode(answer).decode()
            await answer_request(self.store, row.id, outcome, told, int(self.clock.now_s()))

    async def _do(self, row: RequestRow) -> dict[str, Any]:
        body = json.loads(row.body or "{}")
        match row.kind:
            case "run":
                return await self._run(row)
            case "plan":
                plan, _ = await self._plan(row.feed_id, body)
                return {"plan": plan}
            case "apply":
                return await self._apply(row, body)
        raise _RequestRefusedError(f"nobody knows how to {row.kind}")

    async def _run(self, row: RequestRow) -> dict[str, Any]:
        feed = self.config().feed(row.feed_id)
        if feed is None:
            raise _RequestRefusedError(f"no feed {row.feed_id} is running")
        run, why = await self.guard.poll_now(feed)
        if run is None:
            raise _RequestRefusedError(why)
        return {
            "run": run.uid,
            "state": str(run.state),
            "cause": run.cause,
            "stored": run.tally.stored,
            "read": run.tally.read,
        }

    async def _plan(self, feed_id: str, body: dict[str, Any]) -> tuple[Plan, str]:
        config = self.config()
        before = await running_text(self.store, config.folder, feed_id)
        text = str(body.get("text") or before)
        candidate = load_text(text, f"feeds/{feed_id}.yaml", config)
        running = config.feed(feed_id)
        both = [candidate] if running is None else [candidate, running]
        captures: list[Fetched] = await asyncio.to_thread(archived, config, both, self.versions.archive)
        if body.get("fetch"):
            requests = planned(candidate, self.clock.now_s(), config.tables, whole=True)[:_SHOWN_FOR_A_PLAN]
            captures += [await self.fetcher.fetch(one) for one in requests]
        known = await known_of(self.store, feed_id)
        return await asyncio.to_thread(plan_text, config, feed_id, text, before, captures, known), text

    async def _apply(self, row: RequestRow, body: dict[str, Any]) -> dict[str, Any]:
        plan, text = await self._plan(row.feed_id, body)
        reason = str(body.get("reason", ""))
        try:
            allow(plan, force=bool(body.get("force")), reason=reason)
        except ApplyRefusedError as error:
            raise _RequestRefusedError(str(error), plan) from error
        done = await apply_version(
            self.store,
            self.config().folder,
            plan,
            text,
            author=row.author,
            reason=reason,
            now_s=int(self.clock.now_s()),
        )
        await self.reload()
        runs = await running_text(self.store, self.config().folder, row.feed_id)
        return {
            "version": done.digest, "before": done.before, "written": done.written, "runs": runs == text, "plan": plan,
        }  # fmt: skip
