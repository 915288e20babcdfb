"""GML MultiPointCoverage: places and times in one block of text, values in another, joined by line; stations by their coordinates' text."""

from __future__ import annotations

from lxml import etree

from collector.rawtable import Cells, Findings, PayloadRefused, RawTable
from collector.xml_safe import local, root_of, text_at, text_of_element
from domain.reasons import Ignored, Refusal
from specs.columns import Wanted
from specs.standards import MultiPoint

_GML_ID = "{http://www.opengis.net/gml/3.2}id"


def decode(body: bytes, spec: MultiPoint, wanted: Wanted) -> RawTable:
    """One row per line of the coverage. An answer without members is empty, not wrong. Raises PayloadRefused."""
    root = root_of(body)
    if local(root) == "ExceptionReport":
        raise PayloadRefused(Refusal.PUBLISHER_ERROR, " ".join((text_of_element(root) or "").split()))
    if local(root) != "FeatureCollection":
        raise PayloadRefused(Refusal.ROWS_NOT_FOUND, f"the document is {local(root)}, no FeatureCollection")
    findings = Findings()
    columns: dict[str, list[str | None]] = {}
    read = 0
    members = [one for one in root.iter() if local(one) == "MultiPointCoverage"]
    if not members and root.get("numberReturned", "0") != "0":
        raise PayloadRefused(Refusal.ROWS_NOT_FOUND, "the collection has members and none is a MultiPointCoverage")
    stations = _stations(root)
    for coverage in members:
        rows = _rows(coverage, stations, findings)
        read += len(rows)
        if read > spec.max_rows:
            raise PayloadRefused(Refusal.TOO_MANY_ROWS, f"more than {spec.max_rows} rows")
        for row in rows:
            for name in (*_FIXED, *row):
                columns.setdefault(name, [None] * (len(next(iter(columns.values()), []))))
            for name, column in columns.items():
                column.append(row.get(name))
    count = len(next(iter(columns.values()), []))
    kept: dict[str, Cells] = {name: column for name, column in columns.items() if name in wanted.names}
    return RawTable(kept, range(1, count + 1), count + findings.refused.total(), findings=findings)


_FIXED = ("station", "name", "latitude", "longitude", "time")


def _stations(root: etree._Element) -> dict[tuple[str, ...], dict[str, str]]:
    """Stations by the words of their position, which is how the coverage names them."""
    found = {}
    for point in (one for one in root.iter() if local(one) == "Point"):
        words = (text_at(point, "pos") or "").split()
        identity = str(point.get(_GML_ID) or "").removeprefix("point-")
        if len(words) >= 2 and identity:
            found[_place(words)] = {"station": identity, "name": text_at(point, "name") or ""}
    return found


def _place(words: list[str]) -> tuple[str, ...]:
    """Coordinates as a key: `60.22290` and `60.2229` are one place."""
    return tuple(word.rstrip("0").rstrip(".") if "." in word else word for word in words[:2])


def _rows(
    coverage: etree._Element, stations: dict[tuple[str, ...], dict[str, str]], findings: Findings
) -> list[dict[str, str]]:
    positions, values = _lines(coverage, "positions"), _lines(coverage, "doubleOrNilReasonTupleList")
    fields = [str(one.get("name")) for one in coverage.iter() if local(one) == "field"]
    if len(positions) != len(values):
        # Joined by line number, a missing line would give every later value to the wrong station.
        told = f"{len(positions)} positions and {len(values)} values"
        findings.refuse(Refusal.NOT_A_RECORD, coverage.sourceline or 0, told)
        return []
    rows = []
    for number, (where, numbers) in enumerate(zip(positions, values, strict=True), 1):
        if len(where) != 3 or len(numbers) != len(fields):
            findings.refuse(
                Refusal.NOT_A_RECORD, number, f"{' '.join(where)}: {len(numbers)} values, {len(fields)} fields"
            )
            continue
        station = stations.get(_place(where))
        if station is None:
            findings.refuse(Refusal.NO_KEY, number, f"no station stands at {where[0]} {where[1]}")
            continue
        filled = {name: text for name, text in zip(fields, numbers, strict=True) if text.lower() != "nan"}
        findings.ignore(Ignored.NOT_REPORTED, len(fields) - len(filled))
        rows.append({**station, "latitude": where[0], "longitude": where[1], "time": where[2], **filled})
    return rows


def _lines(coverage: etree._Element, name: str) -> list[list[str]]:
    block = next((one for one in coverage.iter() if local(one) == name), None)
    text = text_of_element(block) if block is not None else ""
    return [line.split() for line in (text or "").splitlines() if line.strip()]
