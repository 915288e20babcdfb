"""The order and number of elements in a CAP 1.2 document: (name, least, most), most None = any number. Source: the OASIS schema."""

from __future__ import annotations

Shape = tuple[tuple[str, int, int | None], ...]

#: Enveloped signatures, the only foreign elements that may stand in an alert, at its end.
DSIG = "http://www.w3.org/2000/09/xmldsig#"

ALERT: Shape = (
    ("identifier", 1, 1), ("sender", 1, 1), ("sent", 1, 1), ("status", 1, 1), ("msgType", 1, 1), ("source", 0, 1),
    ("scope", 1, 1), ("restriction", 0, 1), ("addresses", 0, 1), ("code", 0, None), ("note", 0, 1), ("references", 0, 1),
    ("incidents", 0, 1), ("info", 0, None),
)  # fmt: skip

INFO: Shape = (
    ("language", 0, 1), ("category", 1, None), ("event", 1, 1), ("responseType", 0, None), ("urgency", 1, 1),
    ("severity", 1, 1), ("certainty", 1, 1), ("audience", 0, 1), ("eventCode", 0, None), ("effective", 0, 1),
    ("onset", 0, 1), ("expires", 0, 1), ("senderName", 0, 1), ("headline", 0, 1), ("description", 0, 1),
    ("instruction", 0, 1), ("web", 0, 1), ("contact", 0, 1), ("parameter", 0, None), ("resource", 0, None), ("area", 0, None),
)  # fmt: skip

RESOURCE: Shape = (
    ("resourceDesc", 1, 1), ("mimeType", 1, 1), ("size", 0, 1), ("uri", 0, 1), ("derefUri", 0, 1), ("digest", 0, 1),
)  # fmt: skip

AREA: Shape = (
    ("areaDesc", 1, 1), ("polygon", 0, None), ("circle", 0, None), ("geocode", 0, None), ("altitude", 0, 1), ("ceiling", 0, 1),
)  # fmt: skip

PAIR: Shape = (("valueName", 1, 1), ("value", 1, 1))
