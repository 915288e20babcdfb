"""Program 2's second half: takes due rows of the outbox, makes one attempt at each, writes down what came of it.

A row is leased before it is sent and marked after it was: killed in between, the lease runs out and it is sent again with the
same `webhook-id`. So nothing is lost, repeats can be told, and within a subscription nothing overtakes.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Self

import aiohttp
import structlog

from alerting.ears import Ears, Mailer, challenge_of
from alerting.mail import MailRelay, send
from alerting.voicing import Spoken
from alerting.webhooks import sign
from alerting.webhooks.ledger import Ledger
from alerting.webhooks.resolve import TargetPolicy
from alerting.webhooks.retry import TABLE_S, Answered, Next, Verdict, decide
from alerting.webhooks.send import TIMEOUT, HttpSender, Sender
from domain.clock import Clock, SystemClock
from domain.identity import digest
from store import deliveries
from store.alert_rows import CHALLENGE, NOTICE, AttemptRow, DueDelivery, Message, SubscriptionRow
from store.deliveries import Attempted, Settlement
from store.engine import Store

log = structlog.get_logger(__name__)

USER_AGENT = "radcommons-webhooks/1"
#: Growth of an alert is told to people at most so often, unless there is something else to tell; machines get every event at once.
GROUP_S = 600
CHALLENGE_LASTS_S = 86_400
_GREW = ("alert.grew", "exercise.alert.grew")
_CLAIM_EVERY_S = 0.25


@dataclass(frozen=True, slots=True)
class Pace:
    """How a sender works. A lease is longer than a run and the longest attempt together, so that a living sender never loses it.

    `run`: deliveries of one subscription that are taken at once; what a kill repeats is bounded by `ledger.MOST_UNWRITTEN`.
    """

    table_s: Sequence[float] = TABLE_S
    in_flight: int = 200
    run: int = 64
    run_s: float = 10.0
    lease_s: float = 45.0
    timeout: aiohttp.ClientTimeout = TIMEOUT
    per_host: int = 8


@dataclass(slots=True)
class Deliverer:
    """Delivers for one store. Enter it to open its session; `step` delivers until nothing is due.

    `wall` gives the stamp that receivers check against their own clocks; `clock` is the one on which deliveries are due. Without
    `spoken` there are webhooks in JSON only, without `relay` no mails.
    """

    store: Store
    clock: Clock
    policy: TargetPolicy = field(default_factory=TargetPolicy)
    sender: Sender | None = None
    wall: Clock = field(default_factory=SystemClock)
    chance: random.Random = field(default_factory=random.Random)
    pace: Pace = field(default_factory=Pace)
    spoken: Spoken | None = None
    relay: MailRelay | None = None
    mail_from: str = ""
    mailer: Mailer = send
    stepped_s: float | None = None
    _ears: Ears | None = None
    _own: HttpSender | None = None
    _ledger: Ledger | None = None

    async def __aenter__(self) -> Self:
        sender = self.sender
        if sender is None:
            self._own = sender = HttpSender(self.policy, USER_AGENT, self.pace.timeout, per_host=self.pace.per_host)
            self._own.open()
        self._ears = Ears(self.store, sender, self.spoken, self.relay, self.mail_from, self.mailer)
        self._ledger = Ledger(self.store, self.clock, self.pace.run, self.pace.lease_s)
        if self.store.is_sqlite:
            # A file has one sender. What the last one had leased when it died would wait for nothing.
            await deliveries.release_leases(self.store)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._ledger is not None:
            await self._ledger.close()
        if self._own is not None:
            await self._own.close()
        self._own = self._ears = self._ledger = None

    async def step(self) -> int:
        """Deliver what is due; a slow receiver holds up only itself. Returns the attempts made."""
        made = 0
        flying: set[asyncio.Task[int]] = set()
        try:
            while True:
                runs = await self._claimed(self.pace.in_flight - len(flying))
                flying |= {asyncio.create_task(self.deliver(run)) for run in runs}
                self.stepped_s = time.monotonic()
                if not flying:
                    return made
                done, flying = await asyncio.wait(flying, timeout=_CLAIM_EVERY_S)
                made += sum(task.result() for task in done)
        finally:
            for task in flying:
                task.cancel()
            await asyncio.gather(*flying, return_exceptions=True)

    async def _claimed(self, most: int) -> list[list[DueDelivery]]:
        if most <= 0:
            return []
        pace = self.pace
        return await deliveries.due_runs(self.store, self.clock.now_s(), limit=most, run=pace.run, lease_s=pace.lease_s)

    async def deliver(self, run: Sequence[DueDelivery]) -> int:
        """Consecutive deliveries to one receiver and those that follow, until one fails or time is up. Returns the attempts made."""
        if self._ledger is None:
            raise RuntimeError("enter the deliverer first")
        begun_s, made = time.monotonic(), 0
        while run:
            tried, done = await self._through(run, begun_s, self._ledger)
            made += tried
            run = await self._ledger.settle(run[0].subscription.uid, done)
        return made

    async def _through(self, run: Sequence[DueDelivery], begun_s: float, ledger: Ledger) -> tuple[int, Settlement]:
        """One run: how many were tried, and the settlement of its end; what was delivered before is on its way into the store."""
        tried, owner = 0, run[0].subscription.uid
        one: Attempted | None = None
        for due in run:
            if one is not None and _may_wait(due):
                await ledger.settle(owner, Settlement([one]))  # where a delivery stands depends on what is written
                one = None
            grouped = await self._grouped(due) if _may_wait(due) else None
            if isinstance(grouped, float):
                rest = [other.delivery.uid for other in run[tried + 1 :]]
                return tried, Settlement([], rest, {due.delivery.uid: grouped})
            if one is not None and not ledger.note(one):
                await ledger.room()
            one = grouped or await self._attempt(due)
            tried += 1
            if one.state != "delivered" or time.monotonic() - begun_s > self.pace.run_s:
                break
        assert one is not None
        rest = [due.delivery.uid for due in run[tried:]]
        goes_on = not rest and time.monotonic() - begun_s <= self.pace.run_s
        return tried, Settlement([one], rest, {}, [one.delivery_uid] if goes_on else [])

    async def _grouped(self, due: DueDelivery) -> Attempted | float | None:
        """For people one event over forty stations is one notice that grows: its growth is told with what comes next, or a while later.

        The attempt that needs none, the moment when it is due after all, or None: tell it now.
        """
        delivery = due.delivery
        standing, now_s = await deliveries.standing(self.store, delivery), self.clock.now_s()
        if standing.followed_by_own:
            merged = AttemptRow(now_s, None, "merged", "told with a later event of the same alert")
            return Attempted(delivery.uid, merged, settled=True)
        if standing.followed or standing.told_s is None or now_s >= standing.told_s + GROUP_S:
            return None
        return float(standing.told_s + GROUP_S)

    async def _attempt(self, due: DueDelivery) -> Attempted:
        if self._ears is None:
            raise RuntimeError("enter the deliverer first")
        delivery, now_s = due.delivery, self.clock.now_s()
        answered = await self._answered(self._ears, due, now_s)
        after = decide(answered, delivery.attempts + 1, now_s, self.chance, self.pace.table_s)
        if delivery.kind == CHALLENGE:
            return await self._challenged(due, answered, after, now_s)
        one = Attempted(delivery.uid, _row(answered, after.verdict.value, now_s), after.due_s)
        ended = after.verdict in (Verdict.GONE, Verdict.EXHAUSTED) and delivery.kind != NOTICE
        return self._ended(due, one, answered, after, now_s) if ended else one

    async def _answered(self, ears: Ears, due: DueDelivery, now_s: float) -> Answered:
        """What came of telling. A row that we cannot tell is a failure of that row: it must not hold up anybody else."""
        try:
            return await ears.tell(due, lambda: _keys(due.subscription, now_s), int(self.wall.now_s()))
        except Exception as error:
            log.exception("a delivery could not be made", delivery=due.delivery.uid)
            return Answered(0, failure=f"failed here: {type(error).__name__}")

    async def _challenged(self, due: DueDelivery, answered: Answered, after: Next, now_s: float) -> Attempted:
        """What a challenge has come to. The words to be given back are never logged: whoever reads the log has proved nothing."""
        delivery, code = due.delivery, challenge_of(due.delivery.payload)
        hidden = replace(answered, first_bytes=answered.first_bytes.replace(code, "***"))
        if after.verdict is not Verdict.DELIVERED:
            due_s = after.due_s if after.due_s and after.due_s < delivery.created_s + CHALLENGE_LASTS_S else None
            return Attempted(delivery.uid, _row(hidden, after.verdict.value, now_s), due_s)
        outcome = "asked"
        if due.subscription.channel == "webhook":
            outcome = "not_given_back"
            if _given_back(answered.first_bytes, code) and await self._prove(due.subscription, code, now_s):
                outcome = "proved"
        return Attempted(delivery.uid, _row(hidden, outcome, now_s))

    async def _prove(self, subscription: SubscriptionRow, code: str, now_s: float) -> bool:
        return await deliveries.prove(
            self.store, subscription.uid, hashlib.sha256(code.encode()).hexdigest(), int(now_s)
        )

    def _ended(self, due: DueDelivery, one: Attempted, answered: Answered, after: Next, now_s: float) -> Attempted:
        """The subscription is disabled, visibly, and its owner is told by mail where there is an address and a relay."""
        row = due.subscription
        reason = _reason(answered, after, self.pace.table_s)
        log.warning("a subscription is disabled", subscription=row.uid, because=after.verdict.value)
        message = None
        if row.contact and self._ears is not None and self._ears.has_mail:
            data = {"subscription": row.uid, "reason": reason}
            payload = json.dumps({"type": NOTICE, "timestamp": int(now_s), "data": data})
            message = Message("msg_" + digest(NOTICE, row.uid, str(now_s)), row.uid, NOTICE, payload)
        return replace(one, subscription_state="disabled", notice=reason, message=message)


def _may_wait(due: DueDelivery) -> bool:
    """Growth of an alert, told to people."""
    return due.subscription.channel != "webhook" and due.delivery.kind in _GREW


def _row(answered: Answered, outcome: str, now_s: float) -> AttemptRow:
    """An attempt for the log. What receivers answer is theirs: no NUL or half character of it may keep everybody's rows from being written."""
    said = (answered.failure or answered.first_bytes)[:500].replace("\x00", "\ufffd").encode(errors="replace").decode()
    return AttemptRow(now_s, answered.status or None, outcome, said, answered.duration_ms)


def _reason(answered: Answered, after: Next, table_s: Sequence[float]) -> str:
    last = f"status {answered.status}" if answered.status else answered.failure or "no answer"
    if after.verdict is Verdict.GONE:
        return f"the receiver says that it is gone ({last})"
    return f"{len(table_s)} attempts over {sum(table_s) / 3600:.0f} hours have failed, the last with {last}"


def _given_back(answer: str, code: str) -> bool:
    """Whether a receiver has given the challenge back: alone, or as `challenge` of a JSON object. Echoing the whole request is no proof."""
    if not code:
        return False
    text = answer.strip()
    if text == code:
        return True
    try:
        found = json.loads(text)
    except ValueError:
        return False
    return isinstance(found, dict) and found.get("challenge") == code


def _keys(subscription: SubscriptionRow, now_s: float) -> list[sign.SigningKey]:
    """The subscription's keys, newest first; during a rotation the old one signs too."""
    keys = [sign.signing_key(text) for text in subscription.secret.split()]
    if subscription.previous_secret and (subscription.previous_until_s or 0) > now_s:
        keys += [sign.signing_key(text) for text in subscription.previous_secret.split()]
    return keys
