"""IRIX 1.0 reports, bare or in a SOAP envelope: dose rates and samples of one report."""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from collector.rawtable import Cells, PayloadRefused, RawTable
from collector.xml_safe import children, find, local, root_of, text_at
from domain.reasons import Refusal
from specs.columns import Wanted
from specs.standards import Irix

_FORMAT = "http://www.iaea.org/2012/IRIX/Format"
#: Columns of a measurement, and where they stand below it.
_BELOW = {
    "value": "Value", "unit": "Value/@Unit", "constraint": "Value/@Constraint", "uncertainty": "Uncertainty",
    "uncertainty_type": "Uncertainty/@Type", "nuclide": "Nuclide", "validated": "Validated", "background": "Background",
    "begin": "MeasuringPeriod/StartTime", "end": "MeasuringPeriod/EndTime", "apparatus": "ApparatusType",
}  # fmt: skip
_HEAD = {
    "organisation": "OrganisationReporting", "created": "DateAndTimeOfCreation", "context": "ReportContext",
    "uuid": "ReportUUID", "sequence": "SequenceNumber", "confidentiality": "Confidentiality",
}  # fmt: skip


def decode(body: bytes, spec: Irix, wanted: Wanted) -> RawTable:
    """One row per measurement. A report of another context than the form takes is refused whole. Raises PayloadRefused."""
    report = _report(root_of(body))
    identification = find(report, "Identification")
    if identification is None:
        raise PayloadRefused(Refusal.NOT_A_RECORD, f"the report has no Identification; it has {_names(report)}")
    head = {name: text_at(identification, path) or "" for name, path in _HEAD.items()}
    if missing := [name for name in ("organisation", "created", "context", "uuid") if not head[name]]:
        raise PayloadRefused(Refusal.NOT_A_RECORD, f"the report does not state its {', '.join(missing)}")
    if head["context"] not in spec.contexts:
        raise PayloadRefused(
            Refusal.FILTERED_BY_FEED, f"a report of context {head['context']} is not measured data here"
        )
    places = {str(place.get("id")): place for place in report.iter() if local(place) == "Location" and place.get("id")}
    found = [(row, one.sourceline or 0) for one, row in _rows(report, places)]
    if len(found) > spec.max_rows:
        raise PayloadRefused(Refusal.TOO_MANY_ROWS, f"{len(found)} measurements, at most {spec.max_rows} are read")
    met = {name for row, _ in found for name, text in row.items() if text is not None}
    columns: dict[str, Cells] = {name: [row.get(name) for row, _ in found] for name in wanted.names if name in met}
    return RawTable(columns, [line for _, line in found], len(found), head)


def _report(root: etree._Element) -> etree._Element:
    """The report itself: the root, or what a SOAP envelope carries."""
    if local(root) == "Report":
        return root
    if local(root) == "Envelope":
        for element in root.iter():
            if local(element) in {"Report", "arg0"} and len(element):
                return element
        raise PayloadRefused(Refusal.ROWS_NOT_FOUND, "the SOAP envelope holds no report")
    raise PayloadRefused(Refusal.ROWS_NOT_FOUND, f"the document is {local(root)}, no IRIX report")


def _rows(
    report: etree._Element, places: dict[str, etree._Element]
) -> Iterator[tuple[etree._Element, dict[str, str | None]]]:
    """Measurements of dose rates and samples. The section counts only in its own namespace: annexes have elements called alike."""
    for section in report.iter(f"{{{_FORMAT}/Measurements}}Measurements"):
        for group in section:
            kind = {"DoseRate": "dose_rate", "Sample": "sample"}.get(local(group))
            if kind is None:
                continue
            for one in (one for holder in children(group, "Measurements") for one in children(holder, "Measurement")):
                yield one, {"kind": kind, **_row(group, one, places)}


def _row(group: etree._Element, one: etree._Element, places: dict[str, etree._Element]) -> dict[str, str | None]:
    """A measurement with what its group says for all: type, period, apparatus, place."""
    row = {name: text_at(one, path) or text_at(group, path) for name, path in _BELOW.items()}
    row["type"] = next((text for name in _TYPES if (text := text_at(group, name))), None)
    for name, path in (("begin", "SamplingPeriod/StartTime"), ("end", "SamplingPeriod/EndTime")):
        row[f"sampling_{name}"] = text_at(group, path)
    place = find(one, "Location")
    place = find(group, "Location") if place is None else place
    if place is None:
        return row
    reference = str(place.get("ref") or "")
    place = places.get(reference, place)
    row["location"] = reference or str(place.get("id") or "") or text_at(place, "Name")
    for name, path in (("name", "Name"), ("latitude", "Latitude"), ("longitude", "Longitude")):
        coordinates = find(place, "GeographicCoordinates")
        row[name] = text_at(place, path) or (text_at(coordinates, path) if coordinates is not None else None)
    return row


_TYPES = ("DoseRateType", "SampleType", "SampleTypeDescription")


def _names(element: etree._Element) -> str:
    return ", ".join(local(child) for child in element[:8]) or "nothing"
