"""CAP 1.2 values -> bytes, with the elements in the order of the schema."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from lxml import etree
from lxml.etree import _Element

from alerting.cap_model import NAMESPACE, CapArea, CapCircle, CapInfo, CapMessage, CapPair, CapResource, LatLon
from alerting.cap_rules import broken


class CapInvalid(ValueError):
    """A bug of ours: a message was about to be written that CAP 1.2 does not allow; the text names rule and element."""


def write(message: CapMessage) -> bytes:
    """The document in UTF-8 with an XML declaration; raises CapInvalid, and ValueError for characters that XML cannot hold.

    Signatures are not written: a signature counts for the bytes it came with.
    """
    fault = broken(message)
    if fault:
        raise CapInvalid(f"{fault.reason} at {fault.where}: {fault.detail}")
    root = etree.Element(f"{{{NAMESPACE}}}alert", nsmap={None: NAMESPACE})
    _head(root, message)
    for info in message.infos:
        _info(_under(root, "info"), info)
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8"))


def number(value: float) -> str:
    """A float in plain decimals that read back as the same float."""
    return format(Decimal(repr(value)), "f")


def _head(root: _Element, message: CapMessage) -> None:
    _text(root, "identifier", message.identifier)
    _text(root, "sender", message.sender)
    _text(root, "sent", message.sent.text)
    _text(root, "status", message.status)
    _text(root, "msgType", message.msg_type)
    _text(root, "source", message.source)
    _text(root, "scope", message.scope)
    _text(root, "restriction", message.restriction)
    _text(root, "addresses", message.addresses)
    _texts(root, "code", message.codes)
    _text(root, "note", message.note)
    _text(root, "references", " ".join(map(str, message.references)) if message.references else None)
    _text(root, "incidents", message.incidents)


def _info(node: _Element, info: CapInfo) -> None:
    _text(node, "language", info.language)
    _texts(node, "category", info.categories)
    _text(node, "event", info.event)
    _texts(node, "responseType", info.responses)
    _text(node, "urgency", info.urgency)
    _text(node, "severity", info.severity)
    _text(node, "certainty", info.certainty)
    _text(node, "audience", info.audience)
    _pairs(node, "eventCode", info.event_codes)
    for name, time in (("effective", info.effective), ("onset", info.onset), ("expires", info.expires)):
        _text(node, name, time.text if time else None)
    _text(node, "senderName", info.sender_name)
    for name in ("headline", "description", "instruction", "web", "contact"):
        _text(node, name, getattr(info, name))
    _pairs(node, "parameter", info.parameters)
    for resource in info.resources:
        _resource(_under(node, "resource"), resource)
    for area in info.areas:
        _area(_under(node, "area"), area)


def _resource(node: _Element, resource: CapResource) -> None:
    _text(node, "resourceDesc", resource.description)
    _text(node, "mimeType", resource.mime_type)
    _text(node, "size", None if resource.size_bytes is None else str(resource.size_bytes))
    _text(node, "uri", resource.uri)
    _text(node, "derefUri", resource.embedded)
    _text(node, "digest", resource.digest)


def _area(node: _Element, area: CapArea) -> None:
    _text(node, "areaDesc", area.description)
    _texts(node, "polygon", (" ".join(map(_point, ring)) for ring in area.polygons))
    _texts(node, "circle", map(_circle, area.circles))
    _pairs(node, "geocode", area.geocodes)
    _text(node, "altitude", None if area.altitude_ft is None else number(area.altitude_ft))
    _text(node, "ceiling", None if area.ceiling_ft is None else number(area.ceiling_ft))


def _point(point: LatLon) -> str:
    return f"{number(point[0])},{number(point[1])}"


def _circle(circle: CapCircle) -> str:
    return f"{_point((circle.latitude_deg, circle.longitude_deg))} {number(circle.radius_km)}"


def _pairs(parent: _Element, name: str, pairs: Iterable[CapPair]) -> None:
    for pair in pairs:
        node = _under(parent, name)
        _text(node, "valueName", pair.name)
        _text(node, "value", pair.value)


def _texts(parent: _Element, name: str, texts: Iterable[str]) -> None:
    for text in texts:
        _text(parent, name, text)


def _text(parent: _Element, name: str, text: str | None) -> None:
    if text is not None:
        _under(parent, name).text = str(text)


def _under(parent: _Element, name: str) -> _Element:
    return etree.SubElement(parent, f"{{{NAMESPACE}}}{name}")
