from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerting.cap import LASTS_S, RENEWED_S, document, identifier, message_of, read, read_actual
from alerting.cap_alert import AlertStation, CapAlert, PastEvent, Topic, Voice
from alerting.cap_assess import assess
from alerting.cap_model import CapMessage, CapRefusal, CapTime, Certainty, MsgType, Severity, Status, Urgency
from alerting.life import EventKind
from domain.states import AlertState
from tests.alerting.cap_made import (
    AT_S,
    FUKUSHIMA,
    GYEONGGI,
    OIL1,
    OIL2,
    SEA,
    VOICE,
    geography,
    lives,
    made,
    schema_errors,
)

LANGUAGES = ("en", "ja", "ko", "zh-Hans")


@settings(max_examples=80, deadline=None)
@given(lives(), st.none() | st.integers(0, 10**6))
def test_every_message_of_a_random_life_is_valid_and_reads_back_equal(life, later_s):
    published = set()
    for alert in life:
        message = message_of(alert, VOICE, None if later_s is None else alert.at_s + later_s)
        if message is None:
            assert alert.state in (AlertState.RESOLVED, AlertState.CANCELLED)
            continue
        body = document(alert, VOICE, message.sent.s)
        assert schema_errors(body) == ""
        assert read(body) == message_of(alert, VOICE, message.sent.s)
        assert message.sent.text.endswith("-00:00")
        assert all(len(info.headline) <= 160 for info in message.infos)
        assert [info.language for info in message.infos] == list(LANGUAGES)
        assert (
            len(
                {
                    (
                        i.categories,
                        i.urgency,
                        i.severity,
                        i.certainty,
                        i.expires,
                        tuple((a.polygons, a.circles, a.geocodes) for a in i.areas),
                    )
                    for i in message.infos
                }
            )
            == 1
        )
        assert all(info.expires.s > message.sent.s for info in message.infos)
        assert (message.msg_type is MsgType.ALERT) == (not message.references)
        assert (message.status is Status.ACTUAL) == (not alert.is_exercise and not alert.test)
        assert not alert.is_exercise or message.status is Status.EXERCISE
        published.add(message.identifier)


@pytest.mark.parametrize("kind", ["word", "station", "test"])
def test_what_is_not_meant_never_comes_out_as_actual(kind):
    changes = {
        "word": {"exercise": True},
        "station": {"stations": (AlertStation("real:1"), AlertStation("sim:1", exercise=True))},
        "test": {"test": True},
    }[kind]
    message = message_of(made(**changes), VOICE)
    assert message.status is (Status.TEST if kind == "test" else Status.EXERCISE)
    assert "nothing has happened" in message.note
    assert all(info.headline.startswith(("[", "【")) and info.event.startswith(("[", "【")) for info in message.infos)
    refused = read_actual(document(made(**changes), VOICE))
    assert refused.reason is CapRefusal.NOT_ACTUAL
    # and even when somebody on the way changes the status, the marks in the text stop it
    tampered = (
        document(made(**changes), VOICE)
        .replace(b"<status>Exercise", b"<status>Actual")
        .replace(b"<status>Test", b"<status>Actual")
    )
    assert read_actual(tampered).reason is CapRefusal.EXERCISE_MARK


def test_the_first_event_is_an_alert_and_a_later_one_refers_to_all_that_still_stand():
    first = message_of(made(AlertState.UNVERIFIED, revision=1, earlier=()), VOICE)
    assert first.msg_type is MsgType.ALERT
    assert first.references is None
    later = message_of(made(), VOICE)
    assert later.msg_type is MsgType.UPDATE
    assert [r.identifier for r in later.references] == [identifier(made().alert_id, 1), identifier(made().alert_id, 2)]
    assert later.references[0].sent.s == AT_S - 7200


def test_references_leave_out_what_has_expired_but_never_the_last_one():
    long_ago = made(
        earlier=(PastEvent(1, AlertState.UNVERIFIED, AT_S - 90_000), PastEvent(2, AlertState.RESOLVED, AT_S - 80_000)),
        event=EventKind.AMENDED,
    )
    assert [r.identifier for r in message_of(long_ago, VOICE).references] == [identifier(long_ago.alert_id, 2)]


def test_a_reference_is_the_identity_of_the_message_that_was_sent():
    first = made(AlertState.UNVERIFIED, revision=1, at_s=AT_S - 7200, earlier=())
    second = made(revision=2, at_s=AT_S, earlier=(PastEvent(1, AlertState.UNVERIFIED, AT_S - 7200),))
    assert message_of(second, VOICE).references == (message_of(first, VOICE).reference,)


def test_an_open_alert_is_said_again_before_its_message_ends():
    alert = made(AlertState.STALE)
    newest = message_of(alert, VOICE, AT_S + 3 * RENEWED_S + 5)
    assert newest.identifier == identifier(alert.alert_id, 3, 3)
    assert newest.sent.s == AT_S + 3 * RENEWED_S
    assert newest.msg_type is MsgType.UPDATE
    named = {r.identifier for r in newest.references}
    assert identifier(alert.alert_id, 3, 2) in named
    assert identifier(alert.alert_id, 3) not in named  # has expired by then
    assert newest.references[-1] == message_of(alert, VOICE, AT_S + 2 * RENEWED_S).reference
    for hours in range(1, 100):
        assert message_of(alert, VOICE, AT_S + hours * 3600).infos[0].expires.s > AT_S + hours * 3600


def test_what_is_over_is_not_said_again():
    alert = made(AlertState.RESOLVED)
    assert message_of(alert, VOICE, AT_S + 10**6) == message_of(alert, VOICE)
    assert LASTS_S > RENEWED_S


@pytest.mark.parametrize("state", [AlertState.RESOLVED, AlertState.CANCELLED])
def test_no_end_of_what_was_never_published(state):
    assert message_of(made(state, earlier=()), VOICE) is None
    assert document(made(state, earlier=()), VOICE) is None


def test_a_pending_alert_is_not_published_and_not_referred_to():
    assert message_of(replace(made(), state=AlertState.PENDING), VOICE) is None
    alert = made(earlier=(PastEvent(0, AlertState.PENDING, AT_S - 100),))
    assert message_of(alert, VOICE).msg_type is MsgType.ALERT


def test_silence_says_that_data_stopped_and_that_this_is_no_all_clear():
    message = message_of(made(AlertState.STALE), VOICE)
    assert message.msg_type is MsgType.UPDATE
    words = {
        "en": ("data stopped", "not an all-clear"),
        "ja": ("途絶", "解除ではない"),
        "ko": ("끊김", "해제가 아님"),
        "zh-Hans": ("数据中断", "并非解除警报"),
    }
    for info in message.infos:
        assert all(word in info.headline for word in words[info.language])
        assert info.severity is Severity.MODERATE  # what it was: silence lowers nothing
        assert (info.urgency, info.certainty) == (Urgency.UNKNOWN, Certainty.UNKNOWN)


def test_withdrawn_is_a_cancel_with_a_note():
    message = message_of(made(AlertState.CANCELLED), VOICE)
    assert message.msg_type is MsgType.CANCEL
    assert message.references
    assert "Withdrawn" in message.note


BANNED = ("safe", "安全", "안전", "INES", "AllClear", "危険はない", "위험이 없")


@pytest.mark.parametrize("topic", list(Topic))
@pytest.mark.parametrize("state", [state for state in AlertState if state is not AlertState.PENDING])
@pytest.mark.parametrize("level", [None, OIL2])
def test_no_message_in_any_state_says_a_word_that_nobody_can_answer_for(topic, state, level):
    text = document(
        made(state, topic=topic, named_level=level, sampled_s=AT_S - 10**6, result_published_s=AT_S - 10**5), VOICE
    ).decode()
    assert not [word for word in BANNED if word.lower() in text.lower()]
    for instruction in ("Follow your local authorities", "行政機関の指示", "지역 당국의 안내", "当地主管部门的指示"):
        assert instruction in text


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"state": AlertState.UNVERIFIED}, ("Unknown", "Minor", "Possible")),
        ({"state": AlertState.FIRING}, ("Expected", "Moderate", "Likely")),
        ({"state": AlertState.FIRING, "named_level": OIL2}, ("Immediate", "Severe", "Observed")),
        ({"state": AlertState.FIRING, "named_level": OIL1}, ("Immediate", "Extreme", "Observed")),
        ({"state": AlertState.UNVERIFIED, "named_level": OIL2}, ("Expected", "Severe", "Possible")),
        ({"state": AlertState.AMENDED}, ("Expected", "Moderate", "Likely")),
        ({"state": AlertState.AMENDED, "level": AlertState.UNVERIFIED}, ("Unknown", "Minor", "Possible")),
        ({"state": AlertState.STALE, "named_level": OIL2}, ("Unknown", "Severe", "Unknown")),
        ({"state": AlertState.RESOLVED}, ("Past", "Moderate", "Observed")),
        ({"state": AlertState.CANCELLED, "named_level": OIL1}, ("Past", "Unknown", "Unlikely")),
        ({"state": AlertState.FIRING, "topic": Topic.BLINDNESS}, ("Unknown", "Unknown", "Observed")),
        ({"state": AlertState.FIRING, "topic": Topic.SAMPLE, "named_level": OIL2}, ("Unknown", "Severe", "Observed")),
    ],
)
def test_the_table_of_urgency_severity_and_certainty(changes, expected):
    judged = assess(made(changes.pop("state"), **changes))
    assert (judged.urgency, judged.severity, judged.certainty) == expected


def test_machine_values_stand_in_parameters_with_units_in_their_names():
    values = {pair.name: pair.value for pair in message_of(made(), VOICE).infos[0].parameters}
    assert values["station_count"] == "4"
    assert values["max_value [nSv/h]"] == "183.5"
    assert values["baseline [nSv/h]"] == "41.0"
    assert values["newest_reading_age [s]"] == "1200"
    assert values["detector_version"] == "departure 1"
    assert values["exercise"] == "false"


def test_a_number_that_is_not_known_is_left_out():
    message = message_of(made(highest=None, baseline=float("nan"), newest_reading_s=None), VOICE)
    names = {pair.name.split(" ")[0] for pair in message.infos[0].parameters}
    assert not names & {"max_value", "baseline", "newest_reading_age"}


def test_codes_of_areas_ours_and_iso():
    message = message_of(made(areas=(FUKUSHIMA, SEA)), VOICE)
    region, sea = message.infos[1].areas
    assert region.description == "福島県"
    assert {(g.name, g.value) for g in region.geocodes} == {("radcommons:area", "JP-07"), ("ISO3166", "JP-07")}
    assert {(g.name, g.value) for g in sea.geocodes} == {("radcommons:area", "SEA-01")}


def test_a_long_list_of_areas_is_one_outline_with_every_code_and_fits_a_webhook():
    areas = tuple(area for area in geography().areas if area.country == "JP")
    body = document(made(areas=areas), VOICE)
    message = read(body)
    assert isinstance(message, CapMessage)
    (area,) = message.infos[0].areas
    assert len([code for code in area.geocodes if code.name == "radcommons:area"]) == 47
    assert len(message.infos[0].headline) <= 160


def test_the_document_of_every_single_area_fits_a_webhook():
    for area in geography().areas:
        body = document(made(areas=(area,)), VOICE)
        assert len(body) < 20_000, area.id
        assert schema_errors(body) == ""


@given(st.text(max_size=30), st.integers(0, 99), st.integers(0, 99))
def test_identifiers_hold_nothing_that_cap_forbids(alert_id, revision, renewal):
    text = identifier(alert_id, revision, renewal)
    assert text
    assert not set(text) & set(" ,<&\n\t\r")


def test_different_messages_have_different_identifiers():
    assert len({identifier(a, r, n) for a in ("a", "a.r1", "a b", "a_b", "a,b") for r in (1, 11) for n in (0, 1)}) == 20


@pytest.mark.parametrize("sender", ["", "two words", "a,b", "a<b", "a&b", "é.example"])
def test_a_sender_that_cap_forbids_is_refused_at_once(sender):
    with pytest.raises(ValueError):
        Voice(sender, "https://example.org")


@pytest.mark.parametrize("url", ["", "example.org", "ftp://example.org", "https://"])
def test_a_base_that_is_no_address_is_refused_at_once(url):
    with pytest.raises(ValueError):
        Voice("example.org", url)


def test_times_are_utc_spelled_with_minus_zero():
    assert CapTime.of(0).text == "1970-01-01T00:00:00-00:00"
    assert CapTime.read("2026-11-24T20:34:20+09:00").s == CapTime.read("2026-11-24T11:34:20-00:00").s
    for bad in (
        "2026-11-24T20:34:20Z",
        "2026-11-24T20:34:20",
        "2026-02-30T00:00:00-00:00",
        "2026-11-24 20:34:20+09:00",
        "2026-11-24T20:34:20+15:00",
        "２０26-11-24T20:34:20+09:00",
    ):
        assert CapTime.read(bad) is None, bad


def test_alerts_without_area_get_a_circle_or_the_names_of_the_stations():
    (area,) = message_of(made(areas=()), VOICE).infos[0].areas
    assert area.circles[0].radius_km >= 5
    assert "post 0" in area.description
    (named,) = message_of(made(areas=(), stations=(AlertStation("x:1", "Post"),)), VOICE).infos[0].areas
    assert (named.description, named.circles, named.polygons) == ("Post", (), ())
    assert message_of(made(areas=(), stations=()), VOICE).infos[0].areas == ()
    blind = message_of(
        made(
            areas=(), stations=(), topic=Topic.BLINDNESS, about={"en": "NRA monitoring posts", "ja": "原子力規制委員会"}
        ),
        VOICE,
    )
    assert [info.areas[0].description for info in blind.infos[:2]] == ["NRA monitoring posts", "原子力規制委員会"]
    assert blind.infos[1].headline.startswith("原子力規制委員会：")


def test_a_region_with_a_hole_is_drawn_without_one():
    from shapely.geometry import Polygon

    rings = message_of(made(areas=(GYEONGGI,)), VOICE).infos[0].areas[0].polygons
    pieces = [Polygon([(lon, lat) for lat, lon in ring]) for ring in rings]
    assert len(pieces) >= 2
    assert not any(piece.contains(GYEONGGI.geometry.envelope.centroid) for piece in pieces)


def test_outlines_cover_every_area_with_few_points():
    import shapely

    from alerting.cap_area import MOST_POINTS, outline

    for area in geography().areas:
        rings = outline(area.geometry, MOST_POINTS)
        assert sum(map(len, rings)) <= MOST_POINTS
        assert all(ring[0] == ring[-1] and len(ring) >= 4 for ring in rings)
        union = shapely.union_all([shapely.Polygon([(lon, lat) for lat, lon in ring]) for ring in rings])
        assert union.covers(area.geometry), area.id


def test_a_publishers_stray_bytes_do_not_stop_an_alert():
    alert = made(
        stations=(AlertStation("x:1", "Post\x00\ufffe\r\n<&>", 37.0, 140.0),), areas=(), reasons={"en": "a\x0bb\ud800"}
    )
    body = document(alert, VOICE)
    assert read(body) == message_of(alert, VOICE)
    assert isinstance(alert, CapAlert)
