"""IRIX 1.0: one report of dose rates, public ones only, in SI units; an exercise says so in its context."""

from __future__ import annotations

import hashlib
import uuid
from collections import defaultdict

from lxml import etree

from api.files.exchange import Measured, Report, per_second

_FORMAT = "http://www.iaea.org/2012/IRIX/Format"
_SPACES = {
    "irix": _FORMAT,
    "id": f"{_FORMAT}/Identification",
    "loc": f"{_FORMAT}/Locations",
    "mon": f"{_FORMAT}/Measurements",
}
_UNITS = {"nSv/h": "Sv/s", "nGy/h": "Gy/s"}


def write(report: Report) -> bytes:
    """The report as XML; its UUID follows from its content, so that the same answer is the same report."""
    root = etree.Element(f"{{{_FORMAT}}}Report", nsmap=_SPACES, version="1.0")
    identification = _in(root, "id", "Identification")
    for name, text in (
        ("OrganisationReporting", report.originator),
        ("DateAndTimeOfCreation", report.written),
        ("ReportContext", "Exercise" if report.exercise else "Routine"),
        ("SequenceNumber", "1"),
        ("ReportUUID", _identity(report)),
        ("Confidentiality", "Free for Public Use"),
    ):
        _in(identification, "id", name, text)
    _locations(root, report)
    measurements = _in(root, "mon", "Measurements")
    measurements.set("ValidAt", report.written)
    _dose_rates(measurements, report)
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True))


def _identity(report: Report) -> str:
    told = repr((report.exercise, report.written, report.originator, report.rows))
    return str(uuid.uuid5(uuid.NAMESPACE_URL, hashlib.sha256(told.encode()).hexdigest()))


def _locations(root: etree._Element, report: Report) -> None:
    holder = _in(root, "loc", "Locations")
    for uid, row in sorted({row.station: row for row in report.rows}.items()):
        place = _in(holder, "loc", "Location")
        place.set("id", uid)
        _in(place, "loc", "Name", row.name)
        where = _in(place, "loc", "GeographicCoordinates")
        _in(where, "loc", "Latitude", repr(row.latitude))
        _in(where, "loc", "Longitude", repr(row.longitude))


def _dose_rates(holder: etree._Element, report: Report) -> None:
    """One group for each averaging window: IRIX tells a period for all measurements below it."""
    groups: dict[tuple[str, str], list[Measured]] = defaultdict(list)
    for row in report.rows:
        groups[row.start or row.end, row.end].append(row)
    for (start, end), rows in sorted(groups.items()):
        group = _in(holder, "mon", "DoseRate")
        _in(group, "mon", "DoseRateType", "Gamma")
        period = _in(group, "mon", "MeasuringPeriod")
        _in(period, "mon", "StartTime", start)
        _in(period, "mon", "EndTime", end)
        listed = _in(group, "mon", "Measurements")
        for row in sorted(rows, key=lambda one: one.station):
            one = _in(listed, "mon", "Measurement")
            _in(one, "loc", "Location").set("ref", row.station)
            _in(one, "mon", "Value", per_second(row.value)).set("Unit", _UNITS[row.unit])


def _in(parent: etree._Element, prefix: str, name: str, text: str | None = None) -> etree._Element:
    made = etree.SubElement(parent, f"{{{_SPACES[prefix]}}}{name}")
    if text is not None:
        made.text = "".join(letter for letter in text if letter >= " ")
    return made
