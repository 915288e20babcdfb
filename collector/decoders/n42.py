"""ANSI N42.42 spectra and dose rates, in the dialects of 2006 and of 2011."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lxml import etree

from collector.rawtable import Cells, Findings, PayloadRefused, RawTable
from collector.xml_safe import children, find, local, root_of, text_at
from domain.reasons import Refusal
from specs.columns import Wanted
from specs.standards import N42

_DURATION = re.compile(r"P(?:(\d{1,6})D)?(?:T(?:(\d{1,6})H)?(?:(\d{1,9})M)?(?:(\d{1,12}(?:\.\d{1,12})?)S)?)?", re.ASCII)
_DIALECTS = {"RadInstrumentData": "2011", "N42InstrumentData": "2006"}
_MOST_CHANNELS = 1 << 17
Row = dict[str, str | None]


def decode(body: bytes, spec: N42, wanted: Wanted) -> RawTable:
    """One row per spectrum or dose rate. What had to be passed over to read a malformed file is said in the head and counted.

    Raises PayloadRefused.
    """
    findings = Findings()
    root = _root(body, findings)
    dialect = _DIALECTS.get(local(root))
    if dialect is None:
        raise PayloadRefused(Refusal.ROWS_NOT_FOUND, f"the document is {local(root)}, no N42 file")
    rows, where = [], []
    for element, row in _of_2011(root) if dialect == "2011" else _of_2006(root):
        try:
            rows.append(_counted(element, row))
            where.append(element.sourceline or 0)
        except ValueError as error:
            findings.refuse(Refusal.BAD_NUMBER, element.sourceline or 0, str(error))
    if len(rows) > spec.max_rows:
        raise PayloadRefused(Refusal.TOO_MANY_ROWS, f"{len(rows)} spectra, at most {spec.max_rows} are read")
    met = {name for row in rows for name, text in row.items() if text is not None}
    columns: dict[str, Cells] = {name: [row.get(name) for row in rows] for name in wanted.names if name in met}
    return RawTable(columns, where, len(rows), {"dialect": dialect, **_instrument(root)}, findings)


def _root(body: bytes, findings: Findings) -> etree._Element:
    """The document; real files use prefixes that they do not declare, which a strict reader must not even open."""
    try:
        return root_of(body)
    except PayloadRefused as error:
        if "prefix" not in error.detail.lower():
            raise
        findings.refuse(Refusal.BAD_SYNTAX, "document", f"read all the same: {error.detail}")
        return root_of(body, recover=True)


def _of_2011(root: etree._Element) -> Iterator[tuple[etree._Element, Row]]:
    for measurement in children(root, "RadMeasurement"):
        place = find(measurement, "RadInstrumentState/StateVector/GeographicPoint")
        shared: Row = {
            "measurement": measurement.get("id"), "class": text_at(measurement, "MeasurementClassCode"),
            "start": text_at(measurement, "StartDateTime"), "real_time_s": seconds(text_at(measurement, "RealTimeDuration")),
            "latitude": text_at(place, "LatitudeValue") if place is not None else None,
            "longitude": text_at(place, "LongitudeValue") if place is not None else None,
        }  # fmt: skip
        for spectrum in children(measurement, "Spectrum"):
            detector = spectrum.get("radDetectorInformationReference")
            yield (
                spectrum,
                {**shared, "detector": detector, "live_time_s": seconds(text_at(spectrum, "LiveTimeDuration"))},
            )
        for dose in children(measurement, "DoseRate"):
            detector = dose.get("radDetectorInformationReference")
            yield dose, {**shared, "detector": detector, "dose_rate": text_at(dose, "DoseRateValue")}


def _of_2006(root: etree._Element) -> Iterator[tuple[etree._Element, Row]]:
    for measurement in children(root, "Measurement"):
        for data in children(measurement, "DetectorData"):
            start = text_at(data, "StartTime")
            for spectrum in (one for one in data.iter() if local(one) == "Spectrum"):
                yield spectrum, {
                    "measurement": spectrum.get("SampleNumber") or measurement.get("UUID"), "class": text_at(spectrum, "SourceType"),
                    "detector": spectrum.get("Detector"), "start": text_at(spectrum, "StartTime") or start,
                    "real_time_s": seconds(text_at(spectrum, "RealTime")), "live_time_s": seconds(text_at(spectrum, "LiveTime")),
                }  # fmt: skip


def _counted(element: etree._Element, row: Row) -> Row:
    data = find(element, "ChannelData")
    if data is None:
        return row
    packed = "CountedZeroes" in {data.get("compressionCode"), data.get("Compression")}
    counts = channels("".join(data.itertext()).split(), packed=packed)
    total = sum(counts)
    return {**row, "channels": str(len(counts)), "counts": str(int(total) if total == int(total) else total)}


def channels(words: list[str], *, packed: bool) -> list[float]:
    """The channels of a spectrum. In the packed form a zero is followed by how many zeros stand there. Raises ValueError."""
    found: list[float] = []
    at = 0
    while at < len(words):
        value, run = float(words[at]), 1
        if packed and value == 0:
            if at + 1 >= len(words):
                raise ValueError("a run of zeros without its length")
            run, at = int(words[at + 1]), at + 1
        if not 0 < run <= _MOST_CHANNELS - len(found) or not value < float("inf"):
            raise ValueError(f"{len(found) + run} channels, or a count that is none")
        found += [value] * run
        at += 1
    return found


def seconds(text: str | None) -> str | None:
    """An ISO 8601 duration in seconds; None when absent or no duration of days and less."""
    found = _DURATION.fullmatch(text.strip()) if text else None
    if found is None or not any(found.groups()):
        return None
    days, hours, minutes, rest = (float(part or 0) for part in found.groups())
    return f"{days * 86400 + hours * 3600 + minutes * 60 + rest:.6f}".rstrip("0").rstrip(".")


def _instrument(root: etree._Element) -> dict[str, str]:
    found = next(
        (one for one in root.iter() if local(one) in {"RadInstrumentInformation", "InstrumentInformation"}), None
    )
    if found is None:
        return {}
    texts = {
        "manufacturer": text_at(found, "RadInstrumentManufacturerName") or text_at(found, "Manufacturer"),
        "model": text_at(found, "RadInstrumentModelName") or text_at(found, "InstrumentModel"),
        "instrument": text_at(found, "RadInstrumentIdentifier") or text_at(found, "InstrumentID"),
    }
    return {name: text for name, text in texts.items() if text}
