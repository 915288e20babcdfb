"""An alert as e-mail (RFC 5322), and a thin sender over SMTP.

All messages of one alert refer to its first one, so that a reader shows one conversation that grows. The Message-ID follows
from alert, revision and recipient: a repeated attempt is the same message, and a receiving server may drop the copy.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import smtplib
import ssl
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from enum import StrEnum

from alerting.cap import document, identifier
from alerting.cap_alert import CapAlert, Voice
from alerting.cap_text import told
from alerting.own_words import OwnWords
from domain.identity import digest
from domain.states import AlertState

_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,250}[A-Za-z0-9])?")
_DOMAIN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?")


class BadAddress(ValueError):
    """Not a mail address that we send to: one plain `local@domain` in ASCII, nothing else."""


class MailSecurity(StrEnum):
    """How the connection to the relay is protected; `none` is for a relay on this machine."""

    TLS = "tls"
    STARTTLS = "starttls"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class MailRelay:
    """The operator's mail server. Certificates are verified; a password is never sent without protection."""

    host: str
    port: int = 587
    security: MailSecurity = MailSecurity.STARTTLS
    user: str = ""
    password: str = field(default="", repr=False)
    timeout_s: float = 20.0
    local_hostname: str = "localhost"
    ca_file: str = ""


@dataclass(frozen=True, slots=True)
class MailOutcome:
    """What became of an attempt: the server's code (0: none came), its words, whether trying again makes sense."""

    delivered: bool
    code: int = 0
    detail: str = ""
    again: bool = False


def checked_address(text: str) -> str:
    """A mail address as given; raises BadAddress for anything that could be more than one address, or a header."""
    if not _ADDRESS.fullmatch(text) or ".." in text:
        raise BadAddress(text[:100])
    return text


def build(
    alert: CapAlert, voice: Voice, sender: str, recipient: str, language: str = "en", *, unsubscribe_url: str = ""
) -> EmailMessage:
    """The mail of one event to one recipient, with the CAP document attached. Raises BadAddress."""
    checked_address(sender), checked_address(recipient)
    words = told(alert, language, alert.at_s)
    message = EmailMessage(policy=SMTP)
    message["From"] = Address(_one_line(voice.name(language)), addr_spec=sender)
    message["To"] = Address(addr_spec=recipient)
    message["Subject"] = _one_line(words.headline)
    message["Date"] = datetime.fromtimestamp(alert.at_s, UTC)
    message["Message-ID"] = _message_id(alert, alert.revision, sender, recipient)
    first = next((past for past in alert.earlier if past.state is not AlertState.PENDING), None)
    if first is not None:
        message["In-Reply-To"] = message["References"] = _message_id(alert, first.revision, sender, recipient)
    message["Auto-Submitted"] = "auto-generated"
    message["Content-Language"] = {"zh": "zh-Hans"}.get(language, language)
    message["X-Radcommons-Exercise"] = "true" if alert.is_exercise else "false"
    if unsubscribe_url:
        message["List-Unsubscribe"] = f"<{_one_line(unsubscribe_url)}>"
    message.set_content(f"{words.description}\n\n{words.instruction}\n\n{voice.url(alert.alert_id)}\n")
    attached = document(alert, voice)
    if attached is not None:
        message.add_attachment(
            attached, "application", "cap+xml", filename=f"{digest(alert.alert_id)[:12]}-{alert.revision}.cap.xml"
        )
    return message


def plain(
    voice: Voice, sender: str, recipient: str, words: OwnWords, key: str, at_s: int, language: str = "en"
) -> EmailMessage:
    """A mail about a subscription itself; `key` makes its Message-ID. Raises BadAddress."""
    checked_address(sender), checked_address(recipient)
    message = EmailMessage(policy=SMTP)
    message["From"] = Address(_one_line(voice.name(language)), addr_spec=sender)
    message["To"] = Address(addr_spec=recipient)
    message["Subject"] = _one_line(words.title)
    message["Date"] = datetime.fromtimestamp(at_s, UTC)
    message["Message-ID"] = f"<{digest(key, recipient)}@{sender.partition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(f"{words.text}\n")
    return message


async def send(message: EmailMessage, relay: MailRelay) -> MailOutcome:
    """Hand a mail to the relay; never raises for what a server does. Blocking work runs in a thread."""
    return await asyncio.to_thread(_deliver, message, relay)


def _one_line(text: str) -> str:
    """Header text: line breaks of a name from outside would become headers of their own."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _message_id(alert: CapAlert, revision: int, sender: str, recipient: str) -> str:
    domain = sender.partition("@")[2]
    if not _DOMAIN.fullmatch(domain):
        raise BadAddress(sender)
    return f"<{digest(identifier(alert.alert_id, revision), recipient)}@{domain}>"


def _deliver(message: EmailMessage, relay: MailRelay) -> MailOutcome:
    if relay.user and relay.security is MailSecurity.NONE:
        return MailOutcome(False, detail="a password is not sent over an unprotected connection")
    try:
        server = _connected(relay)
    except (OSError, smtplib.SMTPException) as error:
        return _failed(error)
    try:
        if relay.user:
            server.login(relay.user, relay.password)
        server.send_message(message)
    except (OSError, smtplib.SMTPException) as error:
        return _failed(error)
    finally:
        # the mail has been taken or refused by now; a server that hangs up on QUIT changes nothing
        with contextlib.suppress(OSError, smtplib.SMTPException):
            server.quit()
    return MailOutcome(True, 250)


def _connected(relay: MailRelay) -> smtplib.SMTP:
    context = ssl.create_default_context(cafile=relay.ca_file or None)
    if relay.security is MailSecurity.TLS:
        return smtplib.SMTP_SSL(relay.host, relay.port, relay.local_hostname, timeout=relay.timeout_s, context=context)
    server = smtplib.SMTP(relay.host, relay.port, relay.local_hostname, timeout=relay.timeout_s)
    if relay.security is MailSecurity.STARTTLS:
        try:
            server.starttls(context=context)
        except BaseException:
            server.close()
            raise
    return server


def _failed(error: OSError | smtplib.SMTPException) -> MailOutcome:
    """4xx and broken connections pass; 5xx and a certificate that does not verify do not."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code, words = next(iter(error.recipients.values()))
        return MailOutcome(False, code, _words(words), again=400 <= code < 500)
    if isinstance(error, smtplib.SMTPResponseException):
        code = int(error.smtp_code)
        return MailOutcome(False, max(code, 0), _words(error.smtp_error), again=not 500 <= code < 600)
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return MailOutcome(False, detail=str(error)[:300])
    certain = isinstance(error, ssl.SSLCertVerificationError)
    return MailOutcome(False, detail=f"{type(error).__name__}: {error}"[:300], again=not certain)


def _words(text: bytes | str) -> str:
    return (text.decode("utf-8", "replace") if isinstance(text, bytes) else text)[:300]
