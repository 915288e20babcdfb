from dataclasses import replace
from datetime import datetime
from email.utils import parsedate_to_datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from alerting.cap_alert import AlertStation, PastEvent, Topic, Voice
from alerting.cap_model import CapTime
from alerting.syndication import FeedHead, atom, newest_of, rss, tag
from domain.states import AlertState
from tests.alerting.cap_made import AT_S, SEA, VOICE, lives, made

A = "{http://www.w3.org/2005/Atom}"
HEAD = FeedHead("https://radcommons.example.org/v1/alerts.atom", AT_S + 100)


def entries(body):
    return etree.fromstring(body).findall(f"{A}entry")


def test_an_event_over_40_stations_is_one_entry_that_grows():
    grown = [
        made(
            revision=n,
            at_s=AT_S + n,
            stations=tuple(AlertStation(f"st:{i}") for i in range(n)),
            earlier=tuple(PastEvent(k, AlertState.FIRING, AT_S + k) for k in range(1, n)),
        )
        for n in range(1, 41)
    ]
    early, late = entries(atom(grown[:5], VOICE, HEAD)), entries(atom(grown[::-1], VOICE, HEAD))
    assert len(early) == len(late) == 1
    assert early[0].findtext(f"{A}id") == late[0].findtext(f"{A}id")
    assert early[0].findtext(f"{A}published") == late[0].findtext(f"{A}published")
    assert early[0].findtext(f"{A}updated") < late[0].findtext(f"{A}updated")
    assert "(stations: 40)" in late[0].findtext(f"{A}title")
    (item,) = etree.fromstring(rss(grown, VOICE, HEAD)).findall("channel/item")
    assert item.findtext("guid") == late[0].findtext(f"{A}id")


def test_an_entry_links_to_json_and_cap():
    (entry,) = entries(atom([made(alert_id="a b/ü")], VOICE, HEAD))
    links = {(link.get("rel"), link.get("type")): link.get("href") for link in entry.findall(f"{A}link")}
    assert links["alternate", "application/json"] == "https://radcommons.example.org/v1/alerts/a%20b%2F%C3%BC"
    assert (
        links["alternate", "application/cap+xml"] == "https://radcommons.example.org/v1/alerts/a%20b%2F%C3%BC.cap.xml"
    )
    assert {c.get("term") for c in entry.findall(f"{A}category")} == {"firing", "departure", "JP-07"}


def test_an_empty_feed_says_that_it_is_no_statement():
    for language, words in (
        ("en", "no statement about radiation"),
        ("ja", "放射線の状況を示すものでも解除でもない"),
        ("ko", "해제가 아님"),
        ("zh", "不代表警报解除"),
    ):
        root = etree.fromstring(atom([], VOICE, HEAD, language))
        assert words in root.findtext(f"{A}subtitle")
        assert root.findtext(f"{A}updated") == CapTime.of(HEAD.as_of_s).text.replace("-00:00", "Z")
        assert words in etree.fromstring(rss([], VOICE, HEAD, language)).findtext("channel/description")


def test_drills_are_left_out_unless_asked_for_and_then_marked():
    alerts = [made(exercise=True, alert_id="drill"), made(test=True, alert_id="test"), made(alert_id="real")]
    assert [e.findtext(f"{A}id") for e in entries(atom(alerts, VOICE, HEAD))] == [tag(VOICE, "alert", "real")]
    found = {e.findtext(f"{A}id"): e for e in entries(atom(alerts, VOICE, HEAD, exercises=True))}
    drill = found[tag(VOICE, "alert", "drill")]
    assert drill.findtext(f"{A}title").startswith("[EXERCISE] ")
    assert "exercise" in [c.get("term") for c in drill.findall(f"{A}category")]
    assert "nothing has happened" in drill.findtext(f"{A}summary")
    assert found[tag(VOICE, "alert", "test")].findtext(f"{A}title").startswith("[TEST] ")


def test_what_was_never_published_is_not_listed():
    never = [made(AlertState.RESOLVED, earlier=()), replace(made(), state=AlertState.PENDING, alert_id="p")]
    assert newest_of(never, exercises=True) == ()


def test_newest_change_first():
    alerts = [made(alert_id=str(n), at_s=AT_S + n * 7 % 5) for n in range(5)]
    stamps = [e.findtext(f"{A}updated") for e in entries(atom(alerts, VOICE, HEAD))]
    assert stamps == sorted(stamps, reverse=True)
    root = etree.fromstring(atom(alerts, VOICE, HEAD))
    assert root.findtext(f"{A}updated") == stamps[0]


@settings(max_examples=25, deadline=None)
@given(st.lists(lives(), max_size=3), st.sampled_from(["en", "ja", "ko", "zh"]), st.booleans(), st.text(max_size=20))
def test_both_formats_hold_what_their_standards_ask_for(many, language, exercises, narrowed):
    alerts = [alert for life in many for alert in life]
    head = replace(HEAD, narrowed_to=narrowed)
    root = etree.fromstring(atom(alerts, VOICE, head, language, exercises=exercises))
    assert [len(root.findall(A + name)) for name in ("id", "title", "updated", "author")] == [1, 1, 1, 1]
    ids = []
    for entry in root.findall(f"{A}entry"):
        assert [len(entry.findall(A + name)) for name in ("id", "title", "updated")] == [1, 1, 1]
        published, updated = (datetime.fromisoformat(entry.findtext(A + name)) for name in ("published", "updated"))
        assert published <= updated
        assert entry.findtext(f"{A}title")
        kinds = [
            (link.get("type"), link.get("hreflang"))
            for link in entry.findall(f"{A}link")
            if link.get("rel") == "alternate"
        ]
        assert len(kinds) == len(set(kinds))
        ids.append(entry.findtext(f"{A}id"))
    assert len(ids) == len(set(ids))
    channel = etree.fromstring(rss(alerts, VOICE, head, language, exercises=exercises)).find("channel")
    assert all(channel.findtext(name) for name in ("title", "link", "description"))
    assert [item.findtext("guid") for item in channel.findall("item")] == ids
    assert all(parsedate_to_datetime(item.findtext("pubDate")).tzinfo for item in channel.findall("item"))


def test_ids_outlive_a_move_of_the_service():
    moved = Voice(VOICE.sender, "https://elsewhere.example.net/rad")
    assert entries(atom([made()], VOICE, HEAD))[0].findtext(f"{A}id") == entries(atom([made()], moved, HEAD))[
        0
    ].findtext(f"{A}id")
    assert tag(VOICE, "alert", "é") == tag(VOICE, "alert", "é")
    assert " " not in tag(Voice("a:b/c", "https://x.example"), "alert", "x y")


@pytest.mark.parametrize("make", [atom, rss])
def test_silence_and_blindness_stand_in_the_feed_in_their_own_words(make):
    text = make([made(AlertState.STALE), made(topic=Topic.BLINDNESS, alert_id="b", areas=(SEA,))], VOICE, HEAD).decode()
    assert "this is not an all-clear" in text
    assert "nothing can be told there" in text
