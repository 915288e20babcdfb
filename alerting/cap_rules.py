"""What CAP 1.2 asks beyond its schema, on values: shared by the reader, which refuses, and the writer, which must not break it."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from itertools import chain

from alerting.cap_model import (
    CapArea,
    CapCircle,
    CapInfo,
    CapMessage,
    CapRefusal,
    CapRefused,
    LatLon,
    MsgType,
    Scope,
    Status,
)

#: Forbidden in identifier and sender, because references are comma and space separated and travel in XML.
_NOT_IN_IDENTIFIER = re.compile(r"[\s,<&\x00-\x1f\x7f]")
_NEEDS_REFERENCES = frozenset({MsgType.UPDATE, MsgType.CANCEL, MsgType.ACK, MsgType.ERROR})
#: Words with which people mark a drill in the text of a message whose status says Actual. Seen in the wild as a prefix, in
#: brackets, or as the usual sentence; a bare "exercise" is no mark ("exercise caution", a post beside a training ground).
_MARK = re.compile(
    r"""^\W*(?:EXERCISE|DRILL|TEST)\b(?!\s+(?:caution|care))      # "EXERCISE - ...", "[TEST] ..."
      | [\[(【［（<＜*]\s*(?:exercise|drill|test|訓練|演習|試験|テスト|훈련|연습|시험|演练|演練|演习|测试)\s*[\])】］）>＞*:：]
      | ^\W*(?:訓練|훈련|演练|演練|演习)\s*[:：]
      | \b(?:exercise\s+exercise|(?:exercise|drill|test)\s+(?:only|message)|this\s+is\s+(?:only\s+)?an?\s+(?:exercise|drill|test))\b
      | 訓練です|훈련입니다|这是演练|這是演練
    """,
    re.IGNORECASE | re.VERBOSE,
)


def is_identifier(text: str) -> bool:
    """Whether a text may stand as identifier or sender."""
    return bool(text) and not _NOT_IN_IDENTIFIER.search(text)


def broken(message: CapMessage) -> CapRefused | None:
    """The first rule of CAP 1.2 that a message breaks; None for a good one."""
    return next(chain(_of_head(message), _of_scope(message), _of_references(message), _of_infos(message.infos)), None)


def not_meant(message: CapMessage) -> CapRefused | None:
    """Why a message must not be taken for real: its status, or words that mark a drill although the status says Actual."""
    if message.status is not Status.ACTUAL:
        return CapRefused(CapRefusal.NOT_ACTUAL, "alert/status", message.status)
    texts = [message.note, *chain.from_iterable((i.event, i.headline, i.description) for i in message.infos)]
    found = (_MARK.search(text) for text in texts if text)
    return next(
        (CapRefused(CapRefusal.EXERCISE_MARK, "alert", match.group(0).strip()) for match in found if match), None
    )


def _of_head(message: CapMessage) -> Iterator[CapRefused]:
    for name, text in (("identifier", message.identifier), ("sender", message.sender)):
        if not is_identifier(text):
            yield CapRefused(CapRefusal.BAD_IDENTIFIER, f"alert/{name}", text[:200])


def _of_scope(message: CapMessage) -> Iterator[CapRefused]:
    if message.scope is Scope.RESTRICTED and not (message.restriction or "").strip():
        yield CapRefused(CapRefusal.MISSING_RESTRICTION, "alert/restriction", "scope is Restricted")
    if message.scope is Scope.PRIVATE and not (message.addresses or "").strip():
        yield CapRefused(CapRefusal.MISSING_ADDRESSES, "alert/addresses", "scope is Private")


def _of_references(message: CapMessage) -> Iterator[CapRefused]:
    where = "alert/references"
    if message.msg_type in _NEEDS_REFERENCES and not message.references:
        yield CapRefused(CapRefusal.MISSING_REFERENCES, where, f"msgType is {message.msg_type}")
    elif message.references == ():
        yield CapRefused(CapRefusal.BAD_REFERENCES, where, "present and empty")
    for reference in message.references or ():
        if not (is_identifier(reference.sender) and is_identifier(reference.identifier)):
            yield CapRefused(CapRefusal.BAD_REFERENCES, where, str(reference)[:200])
        if reference == message.reference:
            yield CapRefused(CapRefusal.BAD_REFERENCES, where, "the message refers to itself")


def _of_infos(infos: tuple[CapInfo, ...]) -> Iterator[CapRefused]:
    for number, info in enumerate(infos, 1):
        where = f"alert/info[{number}]"
        if not info.event.strip():
            yield CapRefused(CapRefusal.EMPTY_ELEMENT, f"{where}/event", "")
        if not info.categories:
            yield CapRefused(CapRefusal.MISSING_ELEMENT, f"{where}/category", "")
        for place, area in enumerate(info.areas, 1):
            yield from _of_area(area, f"{where}/area[{place}]")


def _of_area(area: CapArea, where: str) -> Iterator[CapRefused]:
    if not area.description.strip():
        yield CapRefused(CapRefusal.EMPTY_ELEMENT, f"{where}/areaDesc", "")
    for ring in area.polygons:
        if len(ring) < 4 or ring[0] != ring[-1] or not all(map(_on_earth, ring)):
            yield CapRefused(CapRefusal.BAD_POLYGON, f"{where}/polygon", f"{len(ring)} points: {ring[:3]}")
    for circle in area.circles:
        if not _is_circle(circle):
            yield CapRefused(CapRefusal.BAD_CIRCLE, f"{where}/circle", str(circle))


def _is_circle(circle: CapCircle) -> bool:
    return (
        _on_earth((circle.latitude_deg, circle.longitude_deg))
        and math.isfinite(circle.radius_km)
        and circle.radius_km >= 0
    )


def _on_earth(point: LatLon) -> bool:
    latitude, longitude = point
    return -90.0 <= latitude <= 90.0 and -180.0 <= longitude <= 180.0
