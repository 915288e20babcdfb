"""How each subscriber is told: a webhook in JSON or CAP, a mail, a plain post. One attempt at one delivery; never raises for what others do.

What is sent follows from the store alone, so that every attempt at a delivery says the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from email.message import EmailMessage
from typing import Protocol

import msgspec

from alerting import mail, plainpost
from alerting.cap import MEDIA_TYPE, message_of
from alerting.cap_alert import CapAlert
from alerting.cap_model import CapInfo, CapMessage, CapPair, CapTime, MsgType, Scope, Status
from alerting.cap_write import write
from alerting.mail import BadAddress, MailOutcome, MailRelay
from alerting.own_words import OwnSubject, OwnWords, own_words
from alerting.route import BadFilter, numbered, wanted
from alerting.voicing import Spoken
from alerting.webhooks import sign
from alerting.webhooks.resolve import TargetPolicy, refusal
from alerting.webhooks.retry import Answered
from alerting.webhooks.send import BODY_LIMIT, Sender
from store import alerts, read
from store.alert_rows import CHALLENGE, NOTICE, DeliveryRow, DueDelivery, SubscriptionRow
from store.engine import Store
from store.rows import Filter

MAIL = "mailto:"
SEQUENCE_HEADER = "radcommons-sequence"
TEST = "exercise.subscription.test"
#: An address that there is not, in the words of SMTP; other refusals may be the relay's own trouble.
_NOBODY = frozenset({550, 551, 553})
_TAGS = {"en": "en", "ja": "ja", "ko": "ko", "zh": "zh-Hans"}


class Data(msgspec.Struct, frozen=True):
    """What is read of a message's own account of itself."""

    alert: str = ""
    revision: int = 0
    challenge: str = ""
    reason: str = ""


class Told(msgspec.Struct, frozen=True):
    """A message's payload, as far as it is read here."""

    data: Data = Data()


_TOLD = msgspec.json.Decoder(Told)


class Mailer(Protocol):
    """Hands a mail to a relay."""

    def __call__(self, message: EmailMessage, relay: MailRelay) -> Awaitable[MailOutcome]:
        """What became of it; never raises for what a server does."""
        ...


def target_refusal(url: str, allowed: TargetPolicy) -> str:
    """Why an address may not be told anything, in words; "" when nothing in its text speaks against it. `mailto:` is a mail address."""
    if not url.startswith(MAIL):
        return refusal(url, allowed)
    try:
        mail.checked_address(url.removeprefix(MAIL))
    except BadAddress:
        return "not one plain mail address"
    return ""


def challenge_of(payload: str) -> str:
    """The words that a receiver has to give back."""
    return _TOLD.decode(payload).data.challenge


@dataclass(frozen=True, slots=True)
class Ears:
    """What telling needs beside the row: the store, the sender of requests, a voice for CAP, mails and posts, and a relay for mails."""

    store: Store
    sender: Sender
    spoken: Spoken | None = None
    relay: MailRelay | None = None
    mail_from: str = ""
    mailer: Mailer = mail.send

    @property
    def has_mail(self) -> bool:
        """Whether mails can be sent."""
        return self.relay is not None and self.spoken is not None

    async def tell(self, due: DueDelivery, keys: Callable[[], Sequence[sign.SigningKey]], wall_s: int) -> Answered:
        """One attempt. `keys` may raise BadKey; `wall_s` is the stamp that receivers check."""
        row, kind = due.subscription, due.delivery.kind
        if kind == NOTICE:
            return await self._mail(due, row.contact)
        if row.channel == "email":
            return await self._mail(due, _target(due).removeprefix(MAIL))
        try:
            headers, body = _in_json(due) if _is_json(row, kind) else await self._request(due)
            signed = sign.headers(keys(), due.delivery.uid, wall_s, body)
        except sign.BadKey as error:
            return Answered(0, failure=f"refused: {error}")
        except _Unsayable as error:
            return Answered(0, failure=f"refused: {error}")
        if len(body) >= BODY_LIMIT:
            return Answered(0, failure=f"refused: the body has {len(body)} bytes")
        return await self.sender.post(_target(due), {**headers, **signed}, body)

    async def _request(self, due: DueDelivery) -> tuple[dict[str, str], bytes]:
        """Headers and body of a plain post or a webhook in CAP."""
        if due.subscription.channel == "plain":
            return await self._plain(due)
        return {"content-type": MEDIA_TYPE, SEQUENCE_HEADER: str(due.delivery.sequence)}, await self._cap(due)

    async def _plain(self, due: DueDelivery) -> tuple[dict[str, str], bytes]:
        row, delivery = due.subscription, due.delivery
        own = self._own(due)
        if own is not None:
            headers = {
                "content-type": "text/plain; charset=utf-8",
                "title": plainpost.header(own.title),
                "priority": "2",
            }
            return headers, own.text.encode()
        alert = await self._alert(delivery)
        spoken = self._voice()
        ready = await asyncio.to_thread(plainpost.build, alert, spoken.voice, row.url, languages(row)[0])
        return {**ready.headers, SEQUENCE_HEADER: str(delivery.sequence)}, ready.body

    async def _cap(self, due: DueDelivery) -> bytes:
        """The message of the event in the subscriber's languages, with the number of the delivery inside what is signed."""
        spoken = self._voice()
        if due.delivery.kind == TEST:
            return write(self._cap_test(due.delivery))
        alert = await self._alert(due.delivery)
        message = await asyncio.to_thread(message_of, alert, spoken.voice)
        if message is None:
            raise _Unsayable("nothing was published of this event")
        tags = [_TAGS[language] for language in languages(due.subscription)]
        number = CapPair("delivery_sequence", str(due.delivery.sequence))
        infos: list[CapInfo] = [
            replace(info, parameters=(*info.parameters, number)) for info in message.infos if info.language in tags
        ]
        body = write(replace(message, infos=tuple(infos)))
        return body if len(body) < BODY_LIMIT else write(replace(message, infos=tuple(infos[:1])))

    def _cap_test(self, delivery: DeliveryRow) -> CapMessage:
        words = own_words(OwnSubject.TEST, "en")
        return CapMessage(
            delivery.uid,
            self._voice().voice.sender,
            CapTime.of(delivery.created_s),
            Status.TEST,
            MsgType.ALERT,
            Scope.PRIVATE,
            addresses=delivery.subscription_uid,
            note=f"{words.text} delivery_sequence {delivery.sequence}",
        )

    async def _mail(self, due: DueDelivery, recipient: str) -> Answered:
        if self.relay is None or self.spoken is None:
            return Answered(0, failure="this service has no mail relay")
        try:
            message = await self._letter(due, recipient)
        except (BadAddress, _Unsayable) as error:
            return Answered(0, failure=f"refused: {error}")
        outcome = await self.mailer(message, self.relay)
        status = outcome.code or (250 if outcome.delivered else 0)
        return Answered(status, failure="" if outcome.delivered else outcome.detail, final=outcome.code in _NOBODY)

    async def _letter(self, due: DueDelivery, recipient: str) -> EmailMessage:
        row, voice = due.subscription, self._voice().voice
        address = f"{voice.base_url.rstrip('/')}/v1/subscriptions/{row.uid}"
        own = self._own(due)
        if own is not None:
            return mail.plain(voice, self.mail_from, recipient, own, due.delivery.uid, due.delivery.created_s)
        alert = await self._alert(due.delivery)
        built = await asyncio.to_thread(
            mail.build, alert, voice, self.mail_from, recipient, languages(row)[0], unsubscribe_url=address
        )
        built["X-Radcommons-Sequence"] = str(due.delivery.sequence)
        return built

    def _own(self, due: DueDelivery) -> OwnWords | None:
        """What is said when a message is about the subscription itself."""
        row, kind = due.subscription, due.delivery.kind
        language = languages(row)[0]
        if kind == TEST:
            return own_words(OwnSubject.TEST, language)
        if kind == CHALLENGE:
            base = self.spoken.voice.base_url.rstrip("/") if self.spoken else ""
            code = challenge_of(due.delivery.payload)
            link = f"{base}/v1/subscriptions/{row.uid}/confirm?code={code}"
            return own_words(OwnSubject.CHALLENGE, language, link=link)
        if kind == NOTICE:
            reason = _TOLD.decode(due.delivery.payload).data.reason
            return own_words(OwnSubject.NOTICE, language, subscription=row.uid, reason=reason)
        return None

    async def _alert(self, delivery: DeliveryRow) -> CapAlert:
        spoken, about = self._voice(), _TOLD.decode(delivery.payload).data
        events = [one for one in await alerts.events(self.store, about.alert) if one.revision <= about.revision]
        if not events:
            raise _Unsayable(f"no event {delivery.event_uid!r} is in the store")
        bare = await asyncio.to_thread(spoken.alert, events)
        uids = frozenset(station.uid for station in bare.stations)
        rows = await read.stations(self.store, Filter(stations=uids), limit=len(uids)) if uids else []
        names = {one.station.uid: next((name for _, name in one.station.names), "") for one in rows}
        return replace(bare, stations=tuple(replace(one, name=names.get(one.uid, "")) for one in bare.stations))

    def _voice(self) -> Spoken:
        if self.spoken is None:
            raise _Unsayable("this service has no voice for CAP, mails and posts")
        return self.spoken


def _is_json(row: SubscriptionRow, kind: str) -> bool:
    return row.channel == "webhook" and (row.format != "cap" or kind == CHALLENGE)


def _in_json(due: DueDelivery) -> tuple[dict[str, str], bytes]:
    """Headers and body of a webhook, as they were entered and with their number."""
    delivery = due.delivery
    if delivery.sequence < 0:
        return {}, delivery.payload.encode()
    return {SEQUENCE_HEADER: str(delivery.sequence)}, numbered(delivery.payload, delivery.sequence)


class _Unsayable(ValueError):
    """A message that cannot be put into the words of its channel."""


def languages(row: SubscriptionRow) -> tuple[str, ...]:
    """The subscriber's languages, the first of them that of mails and posts."""
    try:
        return wanted(row.filter).languages
    except BadFilter:
        return tuple(_TAGS)


def _target(due: DueDelivery) -> str:
    """A challenge goes to the address that waits for proof, everything else to the proven one."""
    row = due.subscription
    return row.pending_url or row.url if due.delivery.kind == CHALLENGE else row.url
