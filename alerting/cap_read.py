"""Bytes -> CAP 1.2 values, or a refusal with its reason: as strict as the schema, and stricter where a drill could pass for real.

Every document that is taken is valid against the OASIS schema; the tests hold the two against each other.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import NoReturn, TypeVar

from lxml import etree
from lxml.etree import _Element

from alerting.cap_model import (
    NAMESPACE,
    CapArea,
    CapCircle,
    CapInfo,
    CapMessage,
    CapPair,
    CapReference,
    CapRefusal,
    CapRefused,
    CapResource,
    CapTime,
    Category,
    Certainty,
    LatLon,
    MsgType,
    ResponseType,
    Scope,
    Severity,
    Status,
    Urgency,
)
from alerting.cap_rules import broken, not_meant
from alerting.cap_shape import ALERT, AREA, DSIG, INFO, PAIR, RESOURCE, Shape

MOST_BYTES = 2 << 20

_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_ALLOWED_ATTRIBUTES = frozenset({f"{{{_XSI}}}schemaLocation", f"{{{_XSI}}}noNamespaceSchemaLocation"})
_LANGUAGE = re.compile(r"[a-zA-Z]{1,8}(-[a-zA-Z0-9]{1,8})*")
_DECIMAL = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)")
_INTEGER = re.compile(r"[+-]?[0-9]+")
#: RFC 3986 with letters beyond ASCII (an IRI): a colon belongs to a scheme, an address in brackets or a port, a percent sign to
#: two digits. The schema's own check (libxml2) takes a little more; what it refuses is refused here.
_HOST = r"(?:[A-Za-z0-9\-._~!$&'()*+,;=]|%[0-9A-Fa-f]{2}|[^\x00-\x7f])"
_PART = _HOST.replace(";=", ";=@")
_SCHEME = r"[A-Za-z][A-Za-z0-9+.\-]*:"
_PATH = rf"(?:/(?:{_PART}|[:/])*)?"
_AUTHORITY = rf"(?:(?:{_HOST}+@)?(?:{_HOST}+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{{1,5}})?)?"
_URI = re.compile(
    rf"(?:{_SCHEME}(?!//)(?:{_PART}|[:/])*|(?:{_SCHEME})?//{_AUTHORITY}{_PATH}|(?!//){_PART}*{_PATH})"
    rf"(?:\?(?:{_PART}|[:/?])*)?(?:\#(?:{_PART}|[:/?])*)?"
)
_SPACE = " \t\r\n"

_Enum = TypeVar("_Enum", bound=StrEnum)


class _Refuse(Exception):
    """Carries a refusal out of the depth of a document."""

    def __init__(self, reason: CapRefusal, where: str, detail: str = "") -> None:
        super().__init__(detail)
        self.refused = CapRefused(reason, where, detail[:300])


def read(body: bytes) -> CapMessage | CapRefused:
    """The message of a CAP 1.2 document in any status, or why it is none; never raises for what a sender wrote.

    Says nothing about whether the message means it: whoever acts on it or shows it asks `read_actual`.
    """
    try:
        message = _alert(_root(body))
    except _Refuse as refusal:
        return refusal.refused
    return broken(message) or message


def read_actual(body: bytes) -> CapMessage | CapRefused:
    """As `read`, and refuses every message that is not meant: a status other than Actual, or a text that marks a drill."""
    message = read(body)
    return message if isinstance(message, CapRefused) else not_meant(message) or message


def _root(body: bytes) -> _Element:
    if len(body) > MOST_BYTES:
        raise _Refuse(CapRefusal.TOO_LARGE, "", f"{len(body)} bytes, at most {MOST_BYTES} are read")
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, huge_tree=False, load_dtd=False, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise _Refuse(CapRefusal.BAD_SYNTAX, "", str(error)) from error
    # CAP has no document type; with one come entities, which can read our files or unfold to gigabytes
    if root.getroottree().docinfo.internalDTD is not None:
        raise _Refuse(CapRefusal.DOCTYPE, "", "a document type declaration")
    name = etree.QName(root)
    if name.localname != "alert":
        raise _Refuse(CapRefusal.WRONG_ROOT, name.localname, str(root.tag))
    if name.namespace != NAMESPACE:
        raise _Refuse(CapRefusal.WRONG_NAMESPACE, "alert", str(name.namespace or "none"))
    return root


class _Parts:
    """The children of one element, checked against its shape, by name."""

    def __init__(self, node: _Element, shape: Shape, where: str) -> None:
        self.where = where
        self._found: dict[str, list[_Element]] = {name: [] for name, _, _ in shape}
        self.signatures = 0
        _plain(node, where, has_children=True)
        place = {name: at for at, (name, _, _) in enumerate(shape)}
        at = 0
        for child in node:
            name = self._name(child, place, where)
            if not name:
                self.signatures += 1
                continue
            if place[name] < at or self.signatures:
                raise _Refuse(CapRefusal.OUT_OF_ORDER, f"{where}/{name}", "stands after what must follow it")
            at = place[name]
            self._found[name].append(child)
        for name, least, most in shape:
            self._count(name, least, most)

    def _name(self, child: _Element, place: Mapping[str, int], where: str) -> str:
        if not isinstance(child.tag, str):
            raise _Refuse(CapRefusal.DOCTYPE, where, "an entity reference")
        qname = etree.QName(child)
        if qname.namespace == DSIG and where == "alert":
            _foreign(child)
            return ""
        if qname.namespace != NAMESPACE or qname.localname not in place:
            raise _Refuse(CapRefusal.UNKNOWN_ELEMENT, f"{where}/{qname.localname}", str(child.tag))
        return str(qname.localname)

    def _count(self, name: str, least: int, most: int | None) -> None:
        count = len(self._found[name])
        if count < least:
            raise _Refuse(CapRefusal.MISSING_ELEMENT, f"{self.where}/{name}", "")
        if most is not None and count > most:
            raise _Refuse(CapRefusal.REPEATED_ELEMENT, f"{self.where}/{name}", f"{count} times")

    def nodes(self, name: str) -> list[tuple[_Element, str]]:
        """Children of a name with their paths."""
        return [(node, f"{self.where}/{name}[{i}]") for i, node in enumerate(self._found[name], 1)]

    def texts(self, name: str) -> tuple[str, ...]:
        """The texts of a repeatable element."""
        return tuple(_text_of(node, where) for node, where in self.nodes(name))

    def text(self, name: str) -> str | None:
        """The text of an optional element, None when absent."""
        return next(iter(self.texts(name)), None)

    def must(self, name: str) -> str:
        """The text of a required element."""
        return self.texts(name)[0]

    def token(self, name: str) -> str | None:
        """As `text`, without the white space around it (types of the schema that collapse it)."""
        text = self.text(name)
        return None if text is None else text.strip(_SPACE)

    def one_of(self, name: str, kind: type[_Enum]) -> _Enum:
        """A required word of a closed list."""
        return self.each_of(name, kind)[0]

    def each_of(self, name: str, kind: type[_Enum]) -> tuple[_Enum, ...]:
        """Words of a closed list."""
        try:
            return tuple(kind(text) for text in self.texts(name))
        except ValueError as error:
            raise _Refuse(CapRefusal.BAD_ENUMERATION, f"{self.where}/{name}", str(error)) from error

    def time(self, name: str) -> CapTime | None:
        """A moment, None when absent."""
        text = self.token(name)
        if text is None:
            return None
        return CapTime.read(text) or self._refuse(CapRefusal.BAD_TIME, name, text)

    def matching(self, name: str, pattern: re.Pattern[str], reason: CapRefusal) -> str | None:
        """A token that a pattern allows, None when absent."""
        text = self.token(name)
        return text if text is None or pattern.fullmatch(text) else self._refuse(reason, name, text)

    def pairs(self, name: str) -> tuple[CapPair, ...]:
        """Repeatable valueName and value."""
        parts = [_Parts(node, PAIR, where) for node, where in self.nodes(name)]
        return tuple(CapPair(part.must("valueName"), part.must("value")) for part in parts)

    def _refuse(self, reason: CapRefusal, name: str, detail: str) -> NoReturn:
        raise _Refuse(reason, f"{self.where}/{name}", detail)


def _alert(root: _Element) -> CapMessage:
    parts = _Parts(root, ALERT, "alert")
    sent = parts.time("sent")
    assert sent is not None
    return CapMessage(
        identifier=parts.must("identifier"), sender=parts.must("sender"), sent=sent, status=parts.one_of("status", Status),
        msg_type=parts.one_of("msgType", MsgType), scope=parts.one_of("scope", Scope), source=parts.text("source"),
        restriction=parts.text("restriction"), addresses=parts.text("addresses"), codes=parts.texts("code"),
        note=parts.text("note"), references=_references(parts.text("references")), incidents=parts.text("incidents"),
        infos=tuple(_info(node, where) for node, where in parts.nodes("info")), signatures=parts.signatures,
    )  # fmt: skip


def _info(node: _Element, where: str) -> CapInfo:
    parts = _Parts(node, INFO, where)
    return CapInfo(
        language=parts.matching("language", _LANGUAGE, CapRefusal.BAD_LANGUAGE),
        categories=parts.each_of("category", Category), event=parts.must("event"),
        responses=parts.each_of("responseType", ResponseType), urgency=parts.one_of("urgency", Urgency),
        severity=parts.one_of("severity", Severity), certainty=parts.one_of("certainty", Certainty),
        audience=parts.text("audience"), event_codes=parts.pairs("eventCode"), effective=parts.time("effective"),
        onset=parts.time("onset"), expires=parts.time("expires"), sender_name=parts.text("senderName"),
        headline=parts.text("headline"), description=parts.text("description"), instruction=parts.text("instruction"),
        web=parts.matching("web", _URI, CapRefusal.BAD_SYNTAX), contact=parts.text("contact"), parameters=parts.pairs("parameter"),
        resources=tuple(_resource(child, at) for child, at in parts.nodes("resource")),
        areas=tuple(_area(child, at) for child, at in parts.nodes("area")),
    )  # fmt: skip


def _resource(node: _Element, where: str) -> CapResource:
    parts = _Parts(node, RESOURCE, where)
    size = parts.matching("size", _INTEGER, CapRefusal.BAD_NUMBER)
    return CapResource(
        parts.must("resourceDesc"), parts.must("mimeType"), None if size is None else int(size[:18]),
        parts.matching("uri", _URI, CapRefusal.BAD_SYNTAX), parts.text("derefUri"), parts.text("digest"),
    )  # fmt: skip


def _area(node: _Element, where: str) -> CapArea:
    parts = _Parts(node, AREA, where)
    altitude, ceiling = (parts.matching(name, _DECIMAL, CapRefusal.BAD_NUMBER) for name in ("altitude", "ceiling"))
    return CapArea(
        parts.must("areaDesc"),
        tuple(_ring(_text_of(child, at), at) for child, at in parts.nodes("polygon")),
        tuple(_circle(_text_of(child, at), at) for child, at in parts.nodes("circle")),
        parts.pairs("geocode"),
        None if altitude is None else float(altitude),
        None if ceiling is None else float(ceiling),
    )


def _ring(text: str, where: str) -> tuple[LatLon, ...]:
    return tuple(_point(word, CapRefusal.BAD_POLYGON, where) for word in text.split())


def _circle(text: str, where: str) -> CapCircle:
    words = text.split()
    if len(words) != 2 or not _DECIMAL.fullmatch(words[1]):
        raise _Refuse(CapRefusal.BAD_CIRCLE, where, text)
    return CapCircle(*_point(words[0], CapRefusal.BAD_CIRCLE, where), float(words[1]))


def _point(word: str, reason: CapRefusal, where: str) -> LatLon:
    numbers = word.split(",")
    if len(numbers) != 2 or not all(_DECIMAL.fullmatch(each) for each in numbers):
        raise _Refuse(reason, where, word)
    return float(numbers[0]), float(numbers[1])


def _references(text: str | None) -> tuple[CapReference, ...] | None:
    return None if text is None else tuple(map(_reference, text.split()))


def _reference(word: str) -> CapReference:
    parts = word.split(",")
    sent = CapTime.read(parts[2]) if len(parts) == 3 else None
    if sent is None:
        raise _Refuse(CapRefusal.BAD_REFERENCES, "alert/references", word)
    return CapReference(parts[0], parts[1], sent)


def _foreign(signature: _Element) -> None:
    """A signature holds nothing of CAP and asks for no type: the schema looks inside for what it knows."""
    for node in signature.iter():
        if not isinstance(node.tag, str) or etree.QName(node).namespace == NAMESPACE:
            raise _Refuse(CapRefusal.UNKNOWN_ELEMENT, "alert/Signature", str(node.tag))
        for name in node.attrib:
            if str(name).startswith(f"{{{_XSI}}}"):
                raise _Refuse(CapRefusal.UNKNOWN_ATTRIBUTE, "alert/Signature", str(name))


def _text_of(node: _Element, where: str) -> str:
    _plain(node, where, has_children=False)
    return node.text or ""


def _plain(node: _Element, where: str, *, has_children: bool) -> None:
    """Only the attributes that the schema allows; text or children, never both."""
    for name in node.attrib:
        if str(name) not in _ALLOWED_ATTRIBUTES:
            raise _Refuse(CapRefusal.UNKNOWN_ATTRIBUTE, where, str(name))
    if not has_children and len(node):
        raise _Refuse(CapRefusal.UNKNOWN_ELEMENT, where, "an element inside text")
    if has_children and any((text or "").strip(_SPACE) for text in (node.text, *(child.tail for child in node))):
        raise _Refuse(CapRefusal.STRAY_TEXT, where, (node.text or "").strip() or "text between elements")
