import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from alerting.cap import document, message_of, read, read_actual
from alerting.cap_model import CapMessage, CapRefusal, CapRefused, MsgType, Scope, Severity
from alerting.cap_write import CapInvalid, write
from tests.alerting.cap_made import SAMPLES, VOICE, made, schema

R = CapRefusal
HEAD = '<?xml version="1.0"?><alert xmlns="urn:oasis:names:tc:emergency:cap:1.2">'
TOP = "<identifier>a</identifier><sender>s@example.org</sender><sent>2026-11-24T20:34:20+09:00</sent><status>Actual</status><msgType>Alert</msgType><scope>Public</scope>"
INFO = "<info><category>CBRNE</category><event>Rise</event><urgency>Unknown</urgency><severity>Minor</severity><certainty>Possible</certainty>{}</info>"
AREA = INFO.format("<area><areaDesc>x</areaDesc>{}</area>")


def cap(inside):
    return (HEAD + inside + "</alert>").encode()


def test_a_small_document_is_read():
    message = read(cap(TOP + AREA.format("<polygon>1,2 3,4 5,6 1,2</polygon><circle>1,2 3.5</circle>")))
    assert isinstance(message, CapMessage)
    assert message.infos[0].areas[0].polygons == (((1.0, 2.0), (3.0, 4.0), (5.0, 6.0), (1.0, 2.0)),)
    assert message.infos[0].areas[0].circles[0].radius_km == 3.5


REFUSED = [
    (R.BAD_SYNTAX, b""),
    (R.BAD_SYNTAX, b"no xml"),
    (R.BAD_SYNTAX, cap(TOP)[:-5]),
    (R.BAD_SYNTAX, cap(TOP + "<note>&undeclared;</note>")),
    (R.DOCTYPE, b'<!DOCTYPE alert [<!ENTITY x SYSTEM "file:///etc/passwd">]>' + cap(TOP.replace(">a<", ">&x;<"))[21:]),
    (R.DOCTYPE, b"<!DOCTYPE alert>" + cap(TOP)[21:]),
    (R.DOCTYPE, b'<!DOCTYPE alert SYSTEM "http://127.0.0.1:8599/x.dtd">' + cap(TOP)[21:]),
    (R.WRONG_NAMESPACE, cap(TOP).replace(b"cap:1.2", b"cap:1.1")),
    (R.WRONG_NAMESPACE, cap(TOP).replace(b' xmlns="urn:oasis:names:tc:emergency:cap:1.2"', b"")),
    (R.WRONG_ROOT, cap(TOP).replace(b"alert", b"feed")),
    (R.MISSING_ELEMENT, cap(TOP.replace("<scope>Public</scope>", ""))),
    (R.MISSING_ELEMENT, cap(TOP.replace("<sent>2026-11-24T20:34:20+09:00</sent>", ""))),
    (R.MISSING_ELEMENT, cap(TOP + "<info><event>x</event></info>")),
    (R.REPEATED_ELEMENT, cap(TOP.replace("<scope>", "<scope>Public</scope><scope>"))),
    (R.OUT_OF_ORDER, cap(TOP.replace("<sender>s@example.org</sender>", "") + "<sender>s</sender>")),
    (R.UNKNOWN_ELEMENT, cap(TOP + "<extra/>")),
    (R.UNKNOWN_ELEMENT, cap(TOP + '<x:note xmlns:x="urn:x"/>')),
    (R.UNKNOWN_ELEMENT, cap(TOP + "<note><b>x</b></note>")),
    (R.UNKNOWN_ELEMENT, cap(TOP + '<Signature xmlns="http://www.w3.org/2000/09/xmldsig#"><alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"/></Signature>')),
    (R.UNKNOWN_ATTRIBUTE, cap(TOP + '<Signature xmlns="http://www.w3.org/2000/09/xmldsig#" xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:nil="true"/>')),
    (R.UNKNOWN_ATTRIBUTE, cap(TOP + '<note lang="en">x</note>')),
    (R.STRAY_TEXT, cap(TOP + "stray")),
    (R.BAD_ENUMERATION, cap(TOP.replace("Actual", "actual"))),
    (R.BAD_ENUMERATION, cap(TOP + AREA.format("").replace("Minor", ""))),
    (R.BAD_ENUMERATION, cap(TOP + AREA.format("").replace("CBRNE", "Nuclear"))),
    (R.BAD_TIME, cap(TOP.replace("+09:00", "Z"))),
    (R.BAD_TIME, cap(TOP.replace("+09:00", ""))),
    (R.BAD_TIME, cap(TOP.replace("11-24", "13-24"))),
    (R.BAD_TIME, cap(TOP + INFO.format("<expires>tomorrow</expires>"))),
    (R.BAD_IDENTIFIER, cap(TOP.replace(">a<", ">a b<"))),
    (R.BAD_IDENTIFIER, cap(TOP.replace(">a<", ">a,b<"))),
    (R.BAD_IDENTIFIER, cap(TOP.replace(">a<", ">a&lt;b<"))),
    (R.BAD_IDENTIFIER, cap(TOP.replace(">a<", "><"))),
    (R.BAD_IDENTIFIER, cap(TOP.replace("s@example.org", "the sender"))),
    (R.MISSING_REFERENCES, cap(TOP.replace(">Alert<", ">Update<"))),
    (R.MISSING_REFERENCES, cap(TOP.replace(">Alert<", ">Cancel<") + "<references> </references>")),
    (R.BAD_REFERENCES, cap(TOP + "<references/>")),
    (R.BAD_REFERENCES, cap(TOP.replace(">Alert<", ">Update<") + "<references>s@example.org,a</references>")),
    (R.BAD_REFERENCES, cap(TOP.replace(">Alert<", ">Update<") + "<references>s@example.org,b,2026-11-24T20:34:20Z</references>")),
    (R.BAD_REFERENCES, cap(TOP.replace(">Alert<", ">Update<") + "<references>s@example.org,a,2026-11-24T20:34:20+09:00</references>")),
    (R.MISSING_RESTRICTION, cap(TOP.replace("Public", "Restricted"))),
    (R.MISSING_ADDRESSES, cap(TOP.replace("Public", "Private"))),
    (R.EMPTY_ELEMENT, cap(TOP + AREA.format("").replace(">Rise<", "> <"))),
    (R.EMPTY_ELEMENT, cap(TOP + AREA.format("").replace(">x<", "><"))),
    (R.BAD_LANGUAGE, cap(TOP + INFO.replace("<info>", "<info><language>english, mostly</language>").format(""))),
    (R.BAD_POLYGON, cap(TOP + AREA.format("<polygon>1,2 3,4 1,2</polygon>"))),
    (R.BAD_POLYGON, cap(TOP + AREA.format("<polygon>1,2 3,4 5,6 7,8</polygon>"))),
    (R.BAD_POLYGON, cap(TOP + AREA.format("<polygon>1 2 3 4 5 6 1 2</polygon>"))),
    (R.BAD_POLYGON, cap(TOP + AREA.format("<polygon>141,37 142,37 142,38 141,37</polygon>"))),  # lon,lat: latitude 141 is none
    (R.BAD_POLYGON, cap(TOP + AREA.format("<polygon>1,2 nan,4 5,6 1,2</polygon>"))),
    (R.BAD_POLYGON, cap(TOP + AREA.format("<polygon/>"))),
    (R.BAD_CIRCLE, cap(TOP + AREA.format("<circle>1,2</circle>"))),
    (R.BAD_CIRCLE, cap(TOP + AREA.format("<circle>1,2 -3</circle>"))),
    (R.BAD_NUMBER, cap(TOP + AREA.format("<altitude>high</altitude>"))),
    (R.BAD_SYNTAX, cap(TOP + INFO.format("<web>http://[</web>"))),
    (R.TOO_LARGE, cap(TOP + "<note>" + "x" * (3 << 20) + "</note>")),
]  # fmt: skip


@pytest.mark.parametrize(("reason", "body"), REFUSED, ids=[f"{reason}-{i}" for i, (reason, _) in enumerate(REFUSED)])
def test_each_fault_is_refused_with_its_reason(reason, body):
    refused = read(body)
    assert isinstance(refused, CapRefused)
    assert refused.reason is reason


def test_every_reason_has_a_case():
    assert {reason for reason, _ in REFUSED} | {R.NOT_ACTUAL, R.EXERCISE_MARK} == set(R)


def test_entities_do_not_unfold():
    bomb = (
        b'<!DOCTYPE alert [<!ENTITY a "'
        + b"x" * 1000
        + b'">'
        + b"".join(b'<!ENTITY a%d "%s">' % (i, b"&a%s;" % (str(i - 1).encode() if i else b"") * 10) for i in range(9))
        + b"]>"
    )
    refused = read(bomb + cap(TOP + "<note>&a8;</note>")[21:])
    assert refused.reason in (R.DOCTYPE, R.BAD_SYNTAX)


@pytest.mark.parametrize("status", ["Exercise", "System", "Test", "Draft"])
def test_only_actual_is_taken_for_real(status):
    body = cap(TOP.replace("Actual", status))
    assert isinstance(read(body), CapMessage)
    assert read_actual(body).reason is R.NOT_ACTUAL


MARKS = [
    "EXERCISE: leak at the plant",
    "[Exercise] Rise",
    "【訓練】放射線",
    "訓練：放射線",
    "[훈련] 상승",
    "【演练】升高",
    "This is a test",
    "THIS IS ONLY A TEST.",
    "Drill message",
    "*** TEST ***",
    "exercise exercise exercise",
]
NO_MARKS = [
    "Exercise caution near the coast",
    "Rise at 東富士演習場",
    "Samples were tested twice",
    "latest test results of fish",
    "Protest at the plant",
    "훈련소 인근 상승",
]


@pytest.mark.parametrize("mark", MARKS)
@pytest.mark.parametrize("place", ["note", "event", "headline"])
def test_marks_of_a_drill_are_seen_whatever_the_status_says(mark, place):
    inside = (
        TOP
        + (f"<note>{mark}</note>" if place == "note" else "")
        + INFO.format(f"<headline>{mark}</headline>" if place == "headline" else "")
    )
    body = cap(inside.replace(">Rise<", f">{mark}<") if place == "event" else inside)
    assert read_actual(body).reason is R.EXERCISE_MARK


@pytest.mark.parametrize("text", NO_MARKS)
def test_words_that_only_look_like_a_mark_do_not_silence_an_alert(text):
    assert isinstance(read_actual(cap(TOP + INFO.format(f"<headline>{text}</headline>"))), CapMessage)


def test_signatures_are_counted_and_not_trusted():
    signed = cap(TOP + '<Signature xmlns="http://www.w3.org/2000/09/xmldsig#"><SignedInfo/></Signature>')
    assert read(signed).signatures == 1
    assert read(cap('<Signature xmlns="http://www.w3.org/2000/09/xmldsig#"/>' + TOP)).reason is R.OUT_OF_ORDER


def test_comments_and_instructions_are_no_content():
    message = read(cap(TOP.replace(">a<", "><!-- x -->a<?y z?><") + "<!-- missing -->"))
    assert message.identifier == "a"


def test_the_writer_refuses_what_the_reader_would_refuse():
    message = message_of(made(), VOICE)
    for bad in (
        replace(message, identifier="a b"), replace(message, references=None), replace(message, scope=Scope.PRIVATE),
        replace(message, msg_type=MsgType.CANCEL, references=()),
        replace(message, infos=(replace(message.infos[0], areas=(replace(message.infos[0].areas[0], polygons=(((1.0, 2.0),),)),)),)),
    ):  # fmt: skip
        with pytest.raises(CapInvalid):
            write(bad)


SAMPLE_FATES = {
    "australia.cap": None, "canada.cap": None, "earthquake-iso8859-1.cap": None, "wcatwc-warning.cap": None,
    "earthquake.cap": R.WRONG_NAMESPACE, "no_optional_fields.cap": R.WRONG_NAMESPACE, "noaa_errors.cap": R.WRONG_NAMESPACE,
    "invalid.cap": R.MISSING_ELEMENT,
}  # fmt: skip

if SAMPLES.is_dir():

    @pytest.mark.parametrize(("name", "reason"), SAMPLE_FATES.items())
    def test_the_shared_documents_are_read_or_refused_as_they_deserve(name, reason):
        found = read((SAMPLES / name).read_bytes())
        if reason is None:
            assert isinstance(found, CapMessage)
            assert read(write(found)) == replace(found, signatures=0)
        else:
            assert found.reason is reason

    def test_what_the_shared_documents_say():
        usgs = read_actual((SAMPLES / "earthquake-iso8859-1.cap").read_bytes())
        assert "Usulután" in usgs.infos[0].headline
        assert usgs.signatures == 1
        tsunami = read_actual((SAMPLES / "wcatwc-warning.cap").read_bytes())
        assert tsunami.infos[0].severity is Severity.EXTREME
        assert tsunami.references[0].identifier == "PAAQ-1-lqw6d6"
        assert len(read_actual((SAMPLES / "australia.cap").read_bytes()).infos) == 2

    def test_a_message_that_says_actual_and_calls_itself_a_test_is_not_shown_as_real():
        found = read_actual((SAMPLES / "canada.cap").read_bytes())
        assert found.reason is R.EXERCISE_MARK
        assert "test" in found.detail.lower()

    @settings(max_examples=200, deadline=None)
    @given(st.randoms(use_true_random=False), st.integers(1, 3))
    def test_nothing_is_read_that_the_schema_refuses(chance, cuts):
        names = [name for name, reason in SAMPLE_FATES.items() if reason is None]
        body = (SAMPLES / chance.choice(names)).read_bytes() if chance.random() < 0.7 else document(made(), VOICE)
        root = etree.fromstring(body)
        for _ in range(cuts):
            _damage(root, chance)
        damaged = etree.tostring(root)
        if isinstance(read(damaged), CapMessage):
            assert schema().validate(etree.fromstring(damaged)), schema().error_log.last_error

    def _damage(root, chance: random.Random):
        nodes = [node for node in root.iter() if isinstance(node.tag, str)]
        node = chance.choice(nodes)
        parent = node.getparent()
        match chance.randrange(6):
            case 0 if parent is not None:
                parent.remove(node)
            case 1 if parent is not None:
                parent.insert(chance.randrange(len(parent) + 1), node)
            case 2:
                node.text = chance.choice(
                    [
                        "",
                        " ",
                        "x",
                        "Actual",
                        "1,2",
                        "-3",
                        "http://[x",
                        "a b",
                        "%zz",
                        "2026-01-01T00:00:00-00:00",
                        "é",
                        "{x}",
                        "http://a b",
                        "a#b#c",
                        ":",
                        "//",
                    ]
                )
            case 3:
                node.tag = chance.choice(nodes).tag
            case 4:
                node.set(chance.choice(["x", "{http://www.w3.org/2001/XMLSchema-instance}nil"]), "true")
            case _:
                etree.SubElement(node, chance.choice(nodes).tag).text = node.text
