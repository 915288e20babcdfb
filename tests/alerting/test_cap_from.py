import pytest

from alerting.cap import message_of
from alerting.cap_alert import Topic
from alerting.cap_from import cap_alert
from alerting.cap_model import MsgType, Status
from alerting.life import EventKind, Life, Member
from alerting.records import Account, AlertRecord, Subject, encoded
from domain.states import AlertState
from specs.region import Geography
from store.alert_rows import EventRow
from tests.alerting.cap_made import AT_S, FUKUSHIMA, VOICE

GEOGRAPHY = Geography((FUKUSHIMA,))


def member(number, peak=40.0):
    return Member(
        f"s:{number}", f"st:{number // 2}", 37.0, 140.0, 50.0, 1.0, 30.0, peak, (AT_S - 600, AT_S), (80.0, 85.0), None
    )


def row(
    revision,
    state,
    kind,
    at_s,
    members=(),
    exercise=False,
    rule_kind="departure",
    counts=None,
    areas=("JP-07", "XX-99"),
):
    subject = Subject(
        "departure-two-readings", "ambient_dose_equivalent_rate" if members else "", "air_over_land", "nSv/h", exercise
    )
    life = Life(state, AlertState.FIRING, tuple(members), revision, AT_S - 600, AT_S, at_s)
    record = AlertRecord("al-1", rule_kind, 1, subject, "feed-1", areas, ("feed-1",), life)
    account = Account(
        "alert.firing", "departure/1", {"en": "Title"}, record, at_s - 300, at_s, at_s, counts=counts or {}
    )
    return EventRow(
        f"al-1-{revision}",
        "al-1",
        revision,
        kind.value,
        state,
        AlertState.FIRING,
        at_s,
        "1",
        "{}",
        {"en": "Because."},
        exercise,
        encoded(account),
    )


def test_the_last_event_is_told_and_the_others_are_its_past():
    rows = [
        row(1, AlertState.FIRING, EventKind.FIRING, AT_S, [member(1)]),
        row(2, AlertState.FIRING, EventKind.GREW, AT_S + 600, [member(i, 40.0 + i) for i in range(5)]),
    ]
    alert = cap_alert(rows, GEOGRAPHY, {"st:1": "Post one"})
    assert alert.count == 3  # two series of one station are one station
    assert alert.highest == 94.0
    assert (alert.baseline, alert.unit) == (50.0, "nSv/h")
    assert alert.areas == (FUKUSHIMA,)
    assert alert.newest_reading_s == AT_S + 300
    message = message_of(alert, VOICE)
    assert message.msg_type is MsgType.UPDATE
    assert message.references == (message_of(cap_alert(rows[:1], GEOGRAPHY), VOICE).reference,)
    assert message.status is Status.ACTUAL


def test_an_exercise_stays_one():
    alert = cap_alert([row(1, AlertState.FIRING, EventKind.FIRING, AT_S, [member(1)], exercise=True)], GEOGRAPHY)
    assert message_of(alert, VOICE).status is Status.EXERCISE


def test_a_blind_feed_is_named_and_its_quiet_stations_are_counted():
    rows = [
        row(
            1,
            AlertState.FIRING,
            EventKind.FIRING,
            AT_S,
            rule_kind="blindness",
            counts={"quiet": 4509, "active": 5000},
            areas=(),
        )
    ]
    alert = cap_alert(rows, GEOGRAPHY, abouts={"feed-1": {"en": "NRA posts"}})
    assert alert.topic is Topic.BLINDNESS
    message = message_of(alert, VOICE)
    assert message.infos[0].headline == "NRA posts: no measurements arrive, nothing can be told there (stations: 4509)"
    assert message.infos[0].areas[0].description == "NRA posts"
    assert message_of(cap_alert(rows, GEOGRAPHY), VOICE).infos[0].headline.startswith("feed-1: ")


def test_an_alert_without_events_is_a_mistake_of_the_caller():
    with pytest.raises(ValueError):
        cap_alert([], GEOGRAPHY)
