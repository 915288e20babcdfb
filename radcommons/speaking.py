"""How this service speaks to people: its name, its public address, its mail relay, whom it tells that it lives. Read from RADCOMMONS_* variables."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from alerting.cap_alert import Voice
from alerting.mail import BadAddress, MailRelay, MailSecurity, checked_address
from radcommons.settings import SettingsError, secret_from


class SpeechError(SettingsError):
    """A variable that cannot be used; the message names it."""


@dataclass(frozen=True, slots=True)
class Speech:
    """Without a relay there is no mail; without a dead-man's address nobody outside is told; without a region there are no drills by schedule."""

    sender: str = ""
    base_url: str = ""
    name: str = "Radcommons"
    contact: str = ""
    relay: MailRelay | None = None
    mail_from: str = ""
    dead_man_url: str = ""
    dead_man_every_s: float = 60.0
    drill_region: str = ""
    drill_every_days: float = 30.0

    def voice(self, address: str) -> Voice:
        """The voice, of a service that answers at `address` where no public one is configured."""
        base_url = self.base_url or address
        return Voice(
            self.sender or urlsplit(base_url).hostname or "radcommons", base_url, {"en": self.name}, self.contact
        )


def speech_from(environment: Mapping[str, str] | None = None) -> Speech:
    """The speech that the environment describes; raises SpeechError."""
    given = _Given(os.environ if environment is None else environment)
    relay = _relay(given)
    mail_from = given.text("MAIL_FROM")
    if relay is not None:
        try:
            checked_address(mail_from)
        except BadAddress:
            raise SpeechError("RADCOMMONS_MAIL_FROM must be the address that mails come from") from None
    speech = Speech(
        given.text("SENDER"),
        given.text("BASE_URL"),
        given.text("SENDER_NAME", "Radcommons"),
        given.text("CONTACT"),
        relay,
        mail_from,
        given.text("DEAD_MAN_URL"),
        given.number("DEAD_MAN_EVERY_S", 60.0),
        given.text("DRILL_REGION"),
        given.number("DRILL_EVERY_DAYS", 30.0),
    )
    if speech.sender or speech.base_url:
        try:
            speech.voice("http://127.0.0.1/")
        except ValueError as error:
            raise SpeechError(f"RADCOMMONS_SENDER or RADCOMMONS_BASE_URL: {error}") from error
    return speech


def _relay(given: _Given) -> MailRelay | None:
    host = given.text("SMTP_HOST")
    if not host:
        return None
    try:
        security = MailSecurity(given.text("SMTP_SECURITY", MailSecurity.STARTTLS))
    except ValueError:
        raise SpeechError(f"RADCOMMONS_SMTP_SECURITY is one of {', '.join(MailSecurity)}") from None
    return MailRelay(
        host,
        int(given.number("SMTP_PORT", 587)),
        security,
        given.text("SMTP_USER"),
        secret_from("RADCOMMONS_SMTP_PASSWORD", given.environment),
        ca_file=given.text("SMTP_CA_FILE"),
    )


@dataclass(frozen=True, slots=True)
class _Given:
    environment: Mapping[str, str] = field(repr=False)

    def text(self, name: str, default: str = "") -> str:
        return self.environment.get(f"RADCOMMONS_{name}", "").strip() or default

    def number(self, name: str, default: float) -> float:
        text = self.text(name)
        try:
            value = float(text) if text else default
        except ValueError:
            raise SpeechError(f"RADCOMMONS_{name}: {text!r} is no number") from None
        if not 0 < value < 1e6:
            raise SpeechError(f"RADCOMMONS_{name}: {text!r} is out of range")
        return value
