"""Formats that are standards: small documents that we wrote, and what is wrong with bad ones."""

from __future__ import annotations

from typing import Any

import pytest

from collector.decode import decode
from collector.decoders.bgeigie import checksum
from collector.decoders.n42 import channels, seconds
from collector.rawtable import PayloadRefused, RawTable
from domain.reasons import Refusal
from specs.columns import Wanted
from specs.standards import N42, BGeigie, Eurdep, Irix, MultiPoint

EURDEP = r"""\BEGIN_EURDEP;
\BEGIN_HEADER;
\SENT 2026-11-01T12:00Z; a comment
\END_HEADER;
\BEGIN_LOCALITY;
\FIELD_LIST LOCALITY_CODE,LOCALITY_NAME,LONGITUDE,LATITUDE;
\XX01, "Harbour, north; old", W021.5035, N64.0508;
\END_LOCALITY;
\BEGIN_RADIOLOGICAL;
\FIELD_LIST LOCALITY_CODE,VALUE,BEGIN,END;
\BEGIN_DEFAULT;
\UNIT nSv/h;
\NUCLIDE T-GAMMA;
\END_DEFAULT;
this line is a comment
\XX01,4.70E+01,2026-11-01T11:00Z,2026-11-01T12:00Z;
\XX01,4.70E+01,2026-11-01T11:00Z;
\END_RADIOLOGICAL;
\END_EURDEP;
"""
IRIX = """<irix:Report xmlns:irix="http://www.iaea.org/2012/IRIX/Format" xmlns:id="http://www.iaea.org/2012/IRIX/Format/Identification"
 xmlns:loc="http://www.iaea.org/2012/IRIX/Format/Locations" xmlns:mon="http://www.iaea.org/2012/IRIX/Format/Measurements" version="1.0">
<id:Identification><id:OrganisationReporting>lab.example</id:OrganisationReporting><id:DateAndTimeOfCreation>2026-11-01T12:00:00Z</id:DateAndTimeOfCreation>
<id:ReportContext>Routine</id:ReportContext><id:ReportUUID>u-1</id:ReportUUID></id:Identification>
<loc:Locations><loc:Location id="L1"><loc:Name>Harbour</loc:Name><loc:GeographicCoordinates><loc:Latitude>35.5</loc:Latitude>
<loc:Longitude>139.5</loc:Longitude></loc:GeographicCoordinates></loc:Location></loc:Locations>
<mon:Measurements ValidAt="2026-11-01T12:00:00Z">
<mon:DoseRate><mon:DoseRateType>Gamma</mon:DoseRateType><mon:MeasuringPeriod><mon:StartTime>2026-11-01T11:00:00Z</mon:StartTime>
<mon:EndTime>2026-11-01T12:00:00Z</mon:EndTime></mon:MeasuringPeriod>
<mon:Measurements><mon:Measurement><loc:Location ref="L1"/><mon:Value Unit="Sv/s">2.8E-11</mon:Value><mon:Validated>Validated</mon:Validated></mon:Measurement>
</mon:Measurements></mon:DoseRate>
<mon:Sample><mon:SampleType>A11</mon:SampleType><mon:Measurements><mon:Measurement><mon:Nuclide>Cs-137</mon:Nuclide>
<mon:Value Unit="Bq/m3" Constraint="&lt;">1E-5</mon:Value></mon:Measurement></mon:Measurements></mon:Sample>
</mon:Measurements></irix:Report>"""
SOAP = '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><w:uploadReport xmlns:w="w">{}</w:uploadReport></s:Body></s:Envelope>'
N42_2011 = """<RadInstrumentData xmlns="http://physics.nist.gov/N42/2011/N42"><RadMeasurement id="m1"><MeasurementClassCode>Foreground</MeasurementClassCode>
<StartDateTime>2026-11-01T12:00:00Z</StartDateTime><RealTimeDuration>PT1M0.5S</RealTimeDuration>
<Spectrum radDetectorInformationReference="d"><LiveTimeDuration>PT60S</LiveTimeDuration><ChannelData compressionCode="CountedZeroes">0 3 5 7 0 2</ChannelData></Spectrum>
<DoseRate><DoseRateValue>0.11</DoseRateValue></DoseRate></RadMeasurement></RadInstrumentData>"""
GML = """<wfs:FeatureCollection xmlns:wfs="http://www.opengis.net/wfs/2.0" xmlns:gml="http://www.opengis.net/gml/3.2" xmlns:gmlcov="http://www.opengis.net/gmlcov/1.0"
 xmlns:swe="http://www.opengis.net/swe/2.0" numberReturned="1"><wfs:member><gml:Point gml:id="point-7"><gml:name>Quay</gml:name><gml:pos>60.10 25.2 </gml:pos></gml:Point>
<gmlcov:MultiPointCoverage><gmlcov:positions>60.100 25.20 1793534400
60.100 25.20 1793535000
61.0 25.0 1793534400</gmlcov:positions><gml:doubleOrNilReasonTupleList>0.106 0.008
NaN 0.008
0.1 0.008</gml:doubleOrNilReasonTupleList><swe:field name="DR"/><swe:field name="ERR"/></gmlcov:MultiPointCoverage></wfs:member></wfs:FeatureCollection>"""


def read(body: str | bytes, spec: Any, *columns: str) -> RawTable:
    return decode(body.encode() if isinstance(body, str) else body, spec, Wanted(columns, (), frozenset()))


def refused(body: str | bytes, spec: Any) -> Refusal:
    with pytest.raises(PayloadRefused) as caught:
        read(body, spec)
    return caught.value.reason


def test_eurdep_fills_in_defaults_and_places() -> None:
    table = read(EURDEP * 2, Eurdep(format="eurdep"), "value", "unit", "nuclide", "locality_name", "longitude")
    assert {name: cells[0] for name, cells in table.columns.items()} == {
        "value": "4.70E+01", "unit": "nSv/h", "nuclide": "T-GAMMA", "locality_name": "Harbour, north; old", "longitude": "W021.5035",
    }  # fmt: skip
    assert len(table) == 2 and table.head["sent"] == "2026-11-01T12:00Z"
    assert dict(table.findings.refused) == {Refusal.NOT_A_RECORD: 2}


def test_eurdep_that_was_cut_off_says_so() -> None:
    table = read(EURDEP[: EURDEP.index("\\END_RADIO")], Eurdep(format="eurdep"), "value")
    assert len(table) == 1 and table.findings.refused[Refusal.BAD_SYNTAX] == 1


def test_text_that_is_no_eurdep_is_refused() -> None:
    assert refused("a,b,c\n1,2,3\n", Eurdep(format="eurdep")) is Refusal.ROWS_NOT_FOUND


@pytest.mark.parametrize("body", [IRIX, SOAP.format(IRIX)], ids=["bare", "soap"])
def test_irix_measurements(body: str) -> None:
    table = read(
        body,
        Irix(format="irix"),
        "kind",
        "value",
        "unit",
        "begin",
        "end",
        "latitude",
        "name",
        "nuclide",
        "constraint",
        "type",
    )
    rows = [dict(zip(table.columns, cells, strict=True)) for cells in zip(*table.columns.values(), strict=True)]
    assert rows[0] == {
        "kind": "dose_rate", "value": "2.8E-11", "unit": "Sv/s", "begin": "2026-11-01T11:00:00Z", "end": "2026-11-01T12:00:00Z",
        "latitude": "35.5", "name": "Harbour", "nuclide": None, "constraint": None, "type": "Gamma",
    }  # fmt: skip
    assert (rows[1]["kind"], rows[1]["nuclide"], rows[1]["constraint"], rows[1]["type"]) == (
        "sample",
        "Cs-137",
        "<",
        "A11",
    )
    assert table.head["uuid"] == "u-1"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (IRIX.replace("Routine", "Exercise"), Refusal.FILTERED_BY_FEED), (IRIX.replace("<id:ReportUUID>u-1</id:ReportUUID>", ""), Refusal.NOT_A_RECORD),
        (SOAP.format("<arg0/>"), Refusal.ROWS_NOT_FOUND), ("<other/>", Refusal.ROWS_NOT_FOUND),
        (IRIX.replace("id:Identification", "id:Identity"), Refusal.NOT_A_RECORD), (IRIX[:-20], Refusal.BAD_SYNTAX),
    ],
)  # fmt: skip
def test_irix_that_is_not_to_be_read(body: str, reason: Refusal) -> None:
    assert refused(body, Irix(format="irix")) is reason


def test_n42_of_2011() -> None:
    table = read(N42_2011, N42(format="n42"), "counts", "channels", "live_time_s", "real_time_s", "dose_rate", "class")
    assert {name: list(cells) for name, cells in table.columns.items()} == {
        "counts": ["12", None], "channels": ["7", None], "live_time_s": ["60", None], "real_time_s": ["60.5", "60.5"],
        "dose_rate": [None, "0.11"], "class": ["Foreground", "Foreground"],
    }  # fmt: skip
    assert table.head["dialect"] == "2011"


def test_n42_with_an_undeclared_prefix_is_read_and_said() -> None:
    table = read(N42_2011.replace("</RadMeasurement>", "<X:y>1</X:y></RadMeasurement>"), N42(format="n42"), "counts")
    assert table.columns["counts"][0] == "12" and table.findings.refused == {Refusal.BAD_SYNTAX: 1}


@pytest.mark.parametrize("words", ["0", "0 -1", "1 x", "0 99999999", "inf"])
def test_channels_that_are_none(words: str) -> None:
    with pytest.raises(ValueError):
        channels(words.split(), packed=True)


@pytest.mark.parametrize(
    ("text", "told"),
    [("PT1824.65S", "1824.65"), ("P1DT1H", "90000"), ("PT0S", "0"), ("P", None), ("1 h", None), (None, None)],
)
def test_durations(text: str | None, told: str | None) -> None:
    assert seconds(text) == told


def sentence(text: str) -> str:
    return f"${text}*{checksum(text):02X}"


GOOD = "BNRDD,300,2026-11-01T12:00:00Z,36,5,1000,A,3538.5284,N,13943.1506,E,93.0,A,12,1"


def test_bgeigie_sentences_one_by_one() -> None:
    log = "\r\n".join(
        [
            "# NEW LOG",
            sentence(GOOD),
            sentence(GOOD)[:-2] + "00",
            sentence(GOOD.replace(",N,13943", ",N,-13943").replace(",E,", ",W,")),
            sentence(GOOD)[:40] + sentence(GOOD),
            "noise",
        ]
    )
    table = read(log, BGeigie(format="bgeigie"), "device", "latitude", "longitude", "validity")
    assert {name: list(cells) for name, cells in table.columns.items()} == {
        "device": ["300"], "latitude": [f"{35 + 38.5284 / 60:.6f}"], "longitude": [f"{139 + 43.1506 / 60:.6f}"], "validity": ["A"],
    }  # fmt: skip
    assert dict(table.findings.refused) == {Refusal.BAD_SYNTAX: 1, Refusal.BAD_NUMBER: 1, Refusal.NOT_A_RECORD: 2}


def test_gml_joins_lines_and_places() -> None:
    table = read(GML, MultiPoint(format="gml_multipoint"), "station", "name", "time", "DR")
    assert {name: list(cells) for name, cells in table.columns.items()} == {
        "station": ["7", "7"], "name": ["Quay", "Quay"], "time": ["1793534400", "1793535000"], "DR": ["0.106", None],
    }  # fmt: skip
    assert dict(table.findings.refused) == {Refusal.NO_KEY: 1}


def test_gml_blocks_of_unequal_length_are_joined_with_nobody() -> None:
    table = read(GML.replace("NaN 0.008\n", ""), MultiPoint(format="gml_multipoint"), "DR")
    assert len(table) == 0 and table.findings.refused == {Refusal.NOT_A_RECORD: 1}


def test_an_empty_window_is_no_error() -> None:
    empty = '<wfs:FeatureCollection xmlns:wfs="w" numberMatched="0" numberReturned="0"/>'
    assert len(read(empty, MultiPoint(format="gml_multipoint"))) == 0
    report = "<ExceptionReport><Exception><ExceptionText>Too long</ExceptionText></Exception></ExceptionReport>"
    assert refused(report, MultiPoint(format="gml_multipoint")) is Refusal.PUBLISHER_ERROR
