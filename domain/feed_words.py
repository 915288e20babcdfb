"""What each state of a feed means for whoever reads values, and what mends it: said once, shown by the API, the page and the docs."""

from __future__ import annotations

import re
from collections.abc import Mapping

from domain.reasons import Refusal
from domain.states import FeedState

EFFECTS: Mapping[FeedState, str] = {
    FeedState.NEVER_RUN: "Nothing of this feed is known here; its stations are in no summary.",
    FeedState.OK: "Everything that its publisher gives is here.",
    FeedState.LATE: "Its newest values are older than usual; its stations count as feed_late, and no alert resolves on them.",
    FeedState.PARTIAL: "A part of its stations or documents did not come; those age and fall out of summaries, the others are current.",
    FeedState.EMPTY: "Its publisher answered without any value; its stations age, and that is not calm.",
    FeedState.UNREAD: "Its publisher answered with something that could not be read; its stations age, and that is not calm.",
    FeedState.BLOCKED: "Its publisher was not reached or let nobody in; its stations age, and that is not calm.",
    FeedState.MISREAD: "Its answers are read, but most of what they say cannot be right; look before you rely on a value.",
    FeedState.PAUSED: "Nobody asks its publisher, because an operator said so; its stations age, and that is not calm.",
}
MENDS: Mapping[FeedState, str] = {
    FeedState.NEVER_RUN: "Switch it on (`enabled: true`), or wait for its first poll.",
    FeedState.OK: "",
    FeedState.LATE: "Nothing here: its publisher has to catch up.",
    FeedState.PARTIAL: "Look at the requests of its last run; if stations were closed for good, correct `expect.stations`.",
    FeedState.EMPTY: "Nothing here as a rule: publishers empty their lists during maintenance. If it lasts, look at the answer in the archive.",
    FeedState.UNREAD: "Look at the answer in the raw archive; if the form changed, add a form to the feed's file (`feed plan` shows when it fits).",
    FeedState.BLOCKED: "Nothing at once: it is asked again by itself, less often the longer it lasts.",
    FeedState.MISREAD: "Hold the file against the newest answers with `feed plan`; a unit, zone or column changed at the publisher's.",
    FeedState.PAUSED: "`radcommons feed resume`, when the reason is gone.",
}
#: What mends a reason, where that is more than the state says.
REASONS: Mapping[Refusal, str] = {
    Refusal.SECRET_MISSING: "Set the named variable in the collector's environment.",
    Refusal.BLOCKED: "Raise `every_s`, and write to the publisher; a key may have expired.",
    Refusal.TLS: "Wait for the publisher's certificate; checking it is never switched off here.",
    Refusal.REDIRECT: "If the new address is the publisher's, put it into the feed's file.",
    Refusal.FORBIDDEN_ADDRESS: "Correct the address in the feed's file: it leads into a private network, or is none.",
    Refusal.HTML_INSTEAD: "A maintenance page, or an expired key: the file is right.",
    Refusal.PUBLISHER_ERROR: "The publisher says that it failed: the file is right.",
    Refusal.ROWS_NOT_FOUND: "The publisher changed the form: add one beside the old one.",
    Refusal.MISSING_COLUMN: "The publisher renamed or dropped a column: add a form beside the old one.",
    Refusal.UNKNOWN_UNIT: "The publisher changed the unit: add a measure or a form, never change `unit` of one that has stored values.",
    Refusal.TOO_LARGE: "Ask for less at a time, or find out why the answer has grown.",
}  # fmt: skip
_CODE = re.compile(r"[a-z]+(?:_[a-z]+)*")


def effect(state: FeedState) -> str:
    """What a state means for users."""
    return EFFECTS[state]


def mends(state: FeedState, cause: str) -> str:
    """What mends a feed in this state for this cause, as a sentence or two; "" where nothing is to be mended."""
    named = [REASONS[Refusal(code)] for code in dict.fromkeys(_CODE.findall(cause)) if code in _REASON_CODES]
    return " ".join(filter(None, (MENDS[state], *named))) if state is not FeedState.OK else ""


_REASON_CODES = frozenset(reason.value for reason in REASONS)
