"""Program 2's second half: takes due rows of the outbox, makes one attempt at each, writes down what came of it.

A row is leased before it is sent and marked after it was: killed in between, the lease runs out and it is sent again with the
same `webhook-id`. So nothing is lost, repeats can be told, and within a subscription nothing overtakes.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

import structlog

from alerting.route import numbered
from alerting.webhooks import sign
from alerting.webhooks.resolve import TargetPolicy
from alerting.webhooks.retry import Answered, Next, Verdict, decide
from alerting.webhooks.send import BODY_LIMIT, HttpSender, Sender
from domain.clock import Clock, SystemClock
from store import deliveries
from store.alert_rows import AttemptRow, DueDelivery, SubscriptionRow
from store.engine import Store

log = structlog.get_logger(__name__)

USER_AGENT = "radcommons-webhooks/1"
IN_FLIGHT = 50
#: Deliveries to one receiver that are sent before their rows are written: what a kill at the worst moment repeats at most.
RUN = 8
#: A run ends after so many seconds; a lease is longer than that and the longest attempt, so that a living sender never loses it.
_RUN_S = 10.0
LEASE_S = 45.0
_LOOK_AGAIN_S = 0.5


@dataclass(slots=True)
class Deliverer:
    """Delivers for one store. Enter it to open its session; `step` delivers until nothing is due.

    `wall` gives the stamp that receivers check against their own clocks; `clock` is the one on which deliveries are due.
    """

    store: Store
    clock: Clock
    policy: TargetPolicy = field(default_factory=TargetPolicy)
    sender: Sender | None = None
    wall: Clock = field(default_factory=SystemClock)
    chance: random.Random = field(default_factory=random.Random)
    _own: HttpSender | None = None

    async def __aenter__(self) -> Self:
        if self.sender is None:
            self._own = HttpSender(self.policy, USER_AGENT)
            self._own.open()
            self.sender = self._own
        if self.store.is_sqlite:
            # A file has one sender. What the last one had leased when it died would wait for nothing.
            await deliveries.release_leases(self.store)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._own is not None:
            await self._own.close()
            self._own = self.sender = None

    async def step(self) -> int:
        """Deliver what is due to at most IN_FLIGHT receivers at a time; a slow one holds up only itself. Returns the attempts made."""
        made = 0
        flying: set[asyncio.Task[int]] = set()
        try:
            while True:
                free = IN_FLIGHT - len(flying)
                runs = (
                    await deliveries.due_runs(self.store, self.clock.now_s(), limit=free, run=RUN, lease_s=LEASE_S)
                    if free
                    else []
                )
                flying |= {asyncio.create_task(self.deliver(run)) for run in runs}
                if not flying:
                    return made
                done, flying = await asyncio.wait(flying, timeout=_LOOK_AGAIN_S, return_when=asyncio.FIRST_COMPLETED)
                made += sum(task.result() for task in done)
        finally:
            for task in flying:
                task.cancel()
            await asyncio.gather(*flying, return_exceptions=True)

    async def deliver(self, run: Sequence[DueDelivery]) -> int:
        """Consecutive deliveries to one receiver, until one fails; then the rows about them. Returns the attempts made."""
        made: list[deliveries.Attempted] = []
        begun_s = time.monotonic()
        for due in run:
            made.append(await self._attempt(due))
            if made[-1].state != "delivered" or time.monotonic() - begun_s > _RUN_S:
                break
        rest = [due.delivery.uid for due in run[len(made) :]]
        await deliveries.settle(self.store, deliveries.Settlement(made, rest))
        return len(made)

    async def _attempt(self, due: DueDelivery) -> deliveries.Attempted:
        delivery, now_s = due.delivery, self.clock.now_s()
        answered = await self._post(due, now_s)
        after = decide(answered, delivery.attempts + 1, now_s, self.chance)
        attempt = AttemptRow(
            now_s,
            answered.status or None,
            after.verdict.value,
            (answered.failure or answered.first_bytes)[:500],
            answered.duration_ms,
        )
        return deliveries.Attempted(
            delivery.uid, attempt, after.due_s, self._subscription_state(due.subscription, after)
        )

    async def _post(self, due: DueDelivery, now_s: float) -> Answered:
        if self.sender is None:
            raise RuntimeError("enter the deliverer first")
        body = numbered(due.delivery.payload, due.delivery.sequence)
        try:
            headers = sign.headers(_keys(due.subscription, now_s), due.delivery.uid, int(self.wall.now_s()), body)
        except sign.BadKey as error:
            return Answered(0, failure=f"refused: {error}")
        if len(body) >= BODY_LIMIT:
            return Answered(0, failure=f"refused: the body has {len(body)} bytes")
        return await self.sender.post(due.subscription.url, headers, body)

    def _subscription_state(self, subscription: SubscriptionRow, after: Next) -> str:
        if after.verdict not in (Verdict.GONE, Verdict.EXHAUSTED):
            return ""
        log.warning("a subscription is disabled", subscription=subscription.uid, because=after.verdict.value)
        return "disabled"


def _keys(subscription: SubscriptionRow, now_s: float) -> list[sign.SigningKey]:
    """The subscription's keys, newest first; during a rotation the old one signs too."""
    keys = [sign.signing_key(text) for text in subscription.secret.split()]
    if subscription.previous_secret and (subscription.previous_until_s or 0) > now_s:
        keys += [sign.signing_key(text) for text in subscription.previous_secret.split()]
    return keys
