"""Alerts as Atom 1.0 (RFC 4287) and RSS 2.0, for people who have no server. Pure: alerts in, bytes out.

One entry per alert: an event over 40 stations is one entry that grows, keeps its id and moves its `updated`. An empty feed
says in its own subtitle that it is no statement about radiation.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from urllib.parse import quote

from lxml import etree
from lxml.etree import _Element

from alerting.cap_alert import CapAlert, Voice
from alerting.cap_model import CapTime
from alerting.cap_text import LANGUAGES, Told, clean, told
from domain.states import AlertState

ATOM_TYPE = "application/atom+xml"
RSS_TYPE = "application/rss+xml"
#: In tag URIs the date says since when the authority's name was ours; it never changes, or every reader would see everything anew.
_TAG_DATE = "2026"
_ATOM = "http://www.w3.org/2005/Atom"
_TAGS = {"en": "en", "ja": "ja", "ko": "ko", "zh": "zh-Hans"}
_MOST = 200

_TITLE = ("Radiation alerts", "放射線の警報", "방사선 경보", "辐射警报")
_SUBTITLE = (
    "Automatic notices from published data. An empty list is no statement about radiation and no all-clear.",
    "公表データに基づく自動通知。項目がないことは放射線の状況を示すものでも解除でもない。",
    "발표된 자료에 따른 자동 통지. 목록이 비어 있어도 방사선 상황에 대한 진술이나 해제가 아님.",
    "依据公布数据自动发出。列表为空不说明辐射情况，也不代表警报解除。",
)


@dataclass(frozen=True, slots=True)
class FeedHead:
    """What a feed says of itself: its own address, the moment it was made as of, and what it was narrowed to (in words, may be "")."""

    self_url: str
    as_of_s: int
    narrowed_to: str = ""


def atom(
    alerts: Iterable[CapAlert], voice: Voice, head: FeedHead, language: str = "en", *, exercises: bool = False
) -> bytes:
    """An Atom 1.0 document, newest change first, at most 200 entries; drills and tests only when asked for, and then marked.

    `updated` of the feed is that of its newest entry, or the moment it was made when it has none.
    """
    shown = newest_of(alerts, exercises=exercises)
    root = etree.Element(f"{{{_ATOM}}}feed", nsmap={None: _ATOM})
    root.set("{http://www.w3.org/XML/1998/namespace}lang", _TAGS[language])
    _put(root, "id", tag(voice, "feed", head.narrowed_to))
    _put(root, "title", _feed_title(voice, head, language))
    _put(root, "subtitle", _SUBTITLE[LANGUAGES.index(language)])
    _put(root, "updated", _iso(max((alert.at_s for alert in shown), default=head.as_of_s)))
    _link(root, "self", head.self_url, ATOM_TYPE)
    _link(root, "alternate", f"{voice.base_url.rstrip('/')}/", "text/html")
    _put(_put(root, "author"), "name", clean(voice.name(language)))
    _put(root, "generator", "Radcommons")
    for alert in shown:
        _entry(_put(root, "entry"), alert, voice, language)
    return _bytes(root)


def rss(
    alerts: Iterable[CapAlert], voice: Voice, head: FeedHead, language: str = "en", *, exercises: bool = False
) -> bytes:
    """The same as RSS 2.0. `pubDate` of an item is its last change; its guid stays."""
    shown = newest_of(alerts, exercises=exercises)
    root = etree.Element("rss", version="2.0", nsmap={"atom": _ATOM})
    channel = etree.SubElement(root, "channel")
    _plain(channel, "title", _feed_title(voice, head, language))
    _plain(channel, "link", f"{voice.base_url.rstrip('/')}/")
    _plain(channel, "description", _SUBTITLE[LANGUAGES.index(language)])
    _plain(channel, "language", _TAGS[language].lower())
    _plain(channel, "lastBuildDate", _rfc822(max((alert.at_s for alert in shown), default=head.as_of_s)))
    _plain(channel, "generator", "Radcommons")
    _link(channel, "self", head.self_url, RSS_TYPE)
    for alert in shown:
        _item(etree.SubElement(channel, "item"), alert, voice, language)
    return _bytes(root)


def newest_of(alerts: Iterable[CapAlert], *, exercises: bool) -> tuple[CapAlert, ...]:
    """One alert per id, at its newest revision, newest change first; nothing that was never published."""
    newest: dict[str, CapAlert] = {}
    for alert in alerts:
        known = newest.get(alert.alert_id)
        if known is None or alert.revision > known.revision:
            newest[alert.alert_id] = alert
    shown = [
        alert for alert in newest.values() if _is_public(alert) and (exercises or not (alert.is_exercise or alert.test))
    ]
    return tuple(sorted(shown, key=lambda alert: (-alert.at_s, alert.alert_id))[:_MOST])


def tag(voice: Voice, kind: str, key: str) -> str:
    """A tag URI (RFC 4151): stable over moves of the service, unlike an address."""
    authority = voice.sender if _is_authority(voice.sender) else quote(voice.sender, safe="") + ".invalid"
    return f"tag:{authority},{_TAG_DATE}:{kind}/{quote(unicodedata.normalize('NFC', key), safe='')}"


def _is_authority(sender: str) -> bool:
    """A domain name or a mail address, as RFC 4151 wants it."""
    return all(character.isalnum() or character in ".-@_" for character in sender) and sender.count("@") <= 1


def _is_public(alert: CapAlert) -> bool:
    over = alert.state in (AlertState.RESOLVED, AlertState.CANCELLED)
    return alert.state is not AlertState.PENDING and not (over and not alert.earlier)


def _feed_title(voice: Voice, head: FeedHead, language: str) -> str:
    title = f"{voice.name(language)}: {_TITLE[LANGUAGES.index(language)]}"
    return clean(f"{title} ({head.narrowed_to})" if head.narrowed_to else title)


def _begun_s(alert: CapAlert) -> int:
    """When it was first published."""
    return min([alert.at_s, *(past.at_s for past in alert.earlier if past.state is not AlertState.PENDING)])


def _entry(node: _Element, alert: CapAlert, voice: Voice, language: str) -> None:
    words = told(alert, language, alert.at_s)
    _put(node, "id", tag(voice, "alert", alert.alert_id))
    _put(node, "title", words.headline)
    _put(node, "published", _iso(_begun_s(alert)))
    _put(node, "updated", _iso(alert.at_s))
    for scheme, term in _terms(alert):
        _put(node, "category").attrib.update({"scheme": f"tag:radcommons,{_TAG_DATE}:{scheme}", "term": term})
    _link(node, "alternate", voice.url(alert.alert_id), "application/json")
    _link(node, "alternate", voice.url(alert.alert_id, ".cap.xml"), "application/cap+xml")
    _link(node, "related", voice.url(alert.alert_id, "/evidence"), "application/json")
    _put(node, "summary", _summary(words))


def _item(node: _Element, alert: CapAlert, voice: Voice, language: str) -> None:
    words = told(alert, language, alert.at_s)
    _plain(node, "title", words.headline)
    _plain(node, "link", voice.url(alert.alert_id))
    _plain(node, "description", _summary(words))
    _plain(node, "guid", tag(voice, "alert", alert.alert_id)).set("isPermaLink", "false")
    _plain(node, "pubDate", _rfc822(alert.at_s))
    for scheme, term in _terms(alert):
        _plain(node, "category", term).set("domain", scheme)
    _link(node, "related", voice.url(alert.alert_id, ".cap.xml"), "application/cap+xml")


def _terms(alert: CapAlert) -> list[tuple[str, str]]:
    terms = [("state", alert.state.value), ("topic", alert.topic.value), *(("area", area.id) for area in alert.areas)]
    if alert.is_exercise:
        terms.append(("mark", "exercise"))
    if alert.test:
        terms.append(("mark", "test"))
    return terms


def _summary(words: Told) -> str:
    return f"{words.description}\n{words.instruction}"


def _put(parent: _Element, name: str, text: str | None = None) -> _Element:
    node = etree.SubElement(parent, f"{{{_ATOM}}}{name}")
    node.text = text
    return node


def _plain(parent: _Element, name: str, text: str) -> _Element:
    node = etree.SubElement(parent, name)
    node.text = text
    return node


def _link(parent: _Element, relation: str, url: str, kind: str) -> None:
    _put(parent, "link").attrib.update({"rel": relation, "href": url, "type": kind})


def _iso(s: int) -> str:
    return CapTime.of(s).text.replace("-00:00", "Z")


def _rfc822(s: int) -> str:
    return format_datetime(datetime.fromtimestamp(s, UTC))


def _bytes(root: _Element) -> bytes:
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8"))
