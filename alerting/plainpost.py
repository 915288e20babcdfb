"""An alert as one plain POST in the manner of ntfy: the body is the text, headers carry title, priority, tags and a link.

The sender is the webhooks' own, so that the same guard stands where sockets are opened: https, public addresses, no redirects.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from email.header import Header

from alerting.cap_alert import CapAlert, Topic, Voice
from alerting.cap_assess import assess
from alerting.cap_model import Severity
from alerting.cap_text import told
from alerting.webhooks.retry import Answered
from alerting.webhooks.send import Sender
from domain.states import AlertState

#: Longer bodies become an attachment at an ntfy server.
MOST_BYTES = 4000
_PRIORITY = {Severity.EXTREME: 5, Severity.SEVERE: 5, Severity.MODERATE: 4, Severity.MINOR: 3, Severity.UNKNOWN: 3}
_QUIET = 2


@dataclass(frozen=True, slots=True)
class PlainPost:
    """A request that is ready to be sent."""

    url: str
    headers: Mapping[str, str]
    body: bytes


def build(alert: CapAlert, voice: Voice, url: str, language: str = "en", *, authorization: str = "") -> PlainPost:
    """The post of one event; `authorization` is the whole value of that header. A drill is quiet and says so first."""
    words = told(alert, language, alert.at_s)
    headers = {
        "content-type": "text/plain; charset=utf-8",
        "title": header(words.headline),
        "priority": str(priority(alert)),
        "tags": ",".join(_tags(alert)),
        "click": voice.url(alert.alert_id),
        "x-sequence-id": alert.alert_id,  # ntfy since 2.16: one notice that changes, not one for each event
    }
    if authorization:
        headers["authorization"] = " ".join(authorization.split())
    return PlainPost(url, headers, _cut(f"{words.description}\n{words.instruction}"))


async def post(sender: Sender, ready: PlainPost) -> Answered:
    """Send it; what follows an answer is decided as for webhooks (`alerting.webhooks.retry.decide`)."""
    return await sender.post(ready.url, ready.headers, ready.body)


def priority(alert: CapAlert) -> int:
    """1 (lowest) to 5: by severity; what is over or not meant wakes nobody."""
    if alert.is_exercise or alert.test or alert.state in (AlertState.RESOLVED, AlertState.CANCELLED):
        return _QUIET
    return _PRIORITY[assess(alert).severity]


def _tags(alert: CapAlert) -> list[str]:
    tags = [
        "grey_question" if alert.topic is Topic.BLINDNESS or alert.state is AlertState.STALE else "radioactive",
        alert.state.value,
    ]
    marks = [mark for mark, stands in (("exercise", alert.is_exercise), ("test", alert.test)) if stands]
    return [*marks, *tags, *(area.id for area in alert.areas[:3])]


def header(text: str) -> str:
    """A header's text: one line; beyond ASCII as an encoded word (RFC 2047), which ntfy reads and no proxy breaks."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if line.isascii() else Header(line, "utf-8", maxlinelen=10_000).encode()


def _cut(text: str) -> bytes:
    body = text.encode()
    return body if len(body) <= MOST_BYTES else body[: MOST_BYTES - 3].decode("utf-8", "ignore").encode() + "…".encode()
