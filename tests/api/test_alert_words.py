"""Alerts in the words of others, over HTTP: CAP of every event of every kind of life, Atom, RSS; rights and marks kept."""

from __future__ import annotations

from dataclasses import replace

import pytest
from aiohttp.test_utils import TestClient, TestServer
from lxml import etree

from alerting.cap import read, read_actual
from alerting.cap_model import CapMessage, CapRefused, MsgType, Scope, Status
from alerting.life import EventKind, Life, Member
from alerting.records import Account, AlertRecord, Subject, encoded, event_uid
from alerting.voicing import Spoken
from api.app import create_app
from api.settings import ApiSettings
from domain.states import AlertState, Audience
from store import alerts as held
from store.alert_rows import AlertRow, Change, Decision, EventRow
from tests.alerting.cap_made import VOICE, schema_errors
from tests.api import made

U, F, S, R, A, C = (
    AlertState.UNVERIFIED,
    AlertState.FIRING,
    AlertState.STALE,
    AlertState.RESOLVED,
    AlertState.AMENDED,
    AlertState.CANCELLED,
)
#: Every state and every kind of event that an alert can come to.
STORIES = {
    "grows": [(U, EventKind.UNVERIFIED), (F, EventKind.FIRING), (F, EventKind.GREW), (R, EventKind.RESOLVED)],
    "silent": [(U, EventKind.UNVERIFIED), (S, EventKind.STALE), (U, EventKind.RETURNED), (R, EventKind.RESOLVED)],
    "corrected": [(F, EventKind.FIRING), (A, EventKind.AMENDED), (C, EventKind.CANCELLED)],
    "still": [(F, EventKind.FIRING)],
}


def record(uid, state, revision, at_s, *, feed="jp-made", kind="departure", exercise=False, stations=1):
    member = Member(
        made.DOSE_F.uid, made.FUKUSHIMA.uid, 37.7, 140.4, 52.0, 1.0, 40.0, 45.0, (at_s - 900, at_s - 300), (93.0, 97.0)
    )
    members = tuple(
        replace(member, series_uid=f"{member.series_uid}{i or ''}", station_uid=f"{member.station_uid}{i or ''}")
        for i in range(stations)
    )
    blind = kind == "blindness"
    rule = "blindness" if blind else "departure-two-readings"
    subject = Subject(rule, "" if blind else "air_dose_rate_as_published", "air_over_land", "nSv/h", exercise)
    life = Life(state, F if revision > 1 else state, () if blind else members, revision, at_s - 1800, at_s, at_s)
    return AlertRecord(uid, kind, 1, subject, feed, () if blind else ("JP-07",), (feed,), life)


async def tell(store, uid, story, *, began_s=made.NOW - 4000, **how):
    for revision, (state, kind) in enumerate(STORIES[story], 1):
        at_s = began_s + 300 * revision
        one = record(uid, state, revision, at_s, stations=revision, **how)
        counts = {"quiet": 3, "active": 40} if one.kind == "blindness" else {}
        account = Account("alert", "departure/1", {"en": "Rise"}, one, at_s - 300, at_s, at_s, counts=counts)
        level = one.life.level if one.life.level in (U, F) else F
        event = EventRow(
            event_uid(uid, revision),
            uid,
            revision,
            kind.value,
            state,
            level,
            at_s,
            "1",
            "{}",
            {"en": "Because."},
            one.subject.exercise,
            encoded(account),
        )
        row = AlertRow(
            uid, one.subject.rule_id, one.about, state, level, revision, began_s, at_s, at_s,
            at_s if state in (R, C) else None, one.areas, one.subject.exercise, encoded(one),
        )  # fmt: skip
        await held.decide(store, Decision(at_s, (), (Change(row, event),)))


@pytest.fixture
async def open_app(store, clock):
    clients = []

    async def start(**settings):
        settings = ApiSettings(**({"check_s": 0.0, "warm_up": False} | settings))
        app = create_app(store, made.config(), settings, clock, voice=Spoken(VOICE, made.config()))
        client = TestClient(TestServer(app, host="127.0.0.1"))
        await client.start_server()
        clients.append(client)
        return client

    yield start
    for client in clients:
        await client.close()


async def got(client, path, status=200, **headers):
    async with client.get(path, headers=headers) as response:
        body = await response.read()
        assert response.status == status, (path, body[:300])
        return response, body


@pytest.mark.parametrize("story", STORIES)
@pytest.mark.parametrize("how", [{}, {"exercise": True}, {"kind": "blindness"}], ids=["real", "exercise", "blindness"])
async def test_every_event_of_every_life_is_a_valid_message(open_app, store, clock, story, how) -> None:
    await tell(store, "al-1", story, **how)
    client = await open_app()
    known: set[str] = set()
    for number, (state, _) in enumerate(STORIES[story], 1):
        response, body = await got(client, f"/v1/alerts/al-1.cap.xml?event=al-1-{number}")
        assert response.headers["Content-Type"].startswith("application/cap+xml")
        assert schema_errors(body) == ""
        message = read(body)
        assert isinstance(message, CapMessage), message
        assert message.status is (Status.EXERCISE if how.get("exercise") else Status.ACTUAL)
        assert message.msg_type is (MsgType.ALERT if number == 1 else MsgType.CANCEL if state is C else MsgType.UPDATE)
        assert {one.identifier for one in message.references or ()} == known
        assert {info.language for info in message.infos} == {"en", "ja", "ko", "zh-Hans"}
        assert isinstance(read_actual(body), CapRefused if how.get("exercise") else CapMessage)
        known.add(message.identifier)
    _, newest = await got(client, "/v1/alerts/al-1.cap.xml")
    assert newest == body
    clock.advance_to(made.NOW + 7 * 3600)
    _, later = await got(client, "/v1/alerts/al-1.cap.xml")
    renewed = read(later)
    assert isinstance(renewed, CapMessage)
    assert schema_errors(later) == ""
    assert (".n1" in renewed.identifier) == (state not in (R, C)), "what is still going on is said again"


async def test_names_of_stations_etag_and_what_is_not_there(open_app, store) -> None:
    await tell(store, "al-1", "still")
    client = await open_app()
    response, body = await got(client, "/v1/alerts/al-1.cap.xml")
    again, nothing = await got(client, "/v1/alerts/al-1.cap.xml", 304, **{"If-None-Match": response.headers["ETag"]})
    assert (nothing, again.headers["ETag"]) == (b"", response.headers["ETag"])
    await got(client, "/v1/alerts/al-1.cap.xml?event=al-2-1", 404)
    await got(client, "/v1/alerts/al-2.cap.xml", 404)
    _, told = await got(client, "/v1/alerts/al-1")
    assert b'"cap":"/v1/alerts/al-1.cap.xml"' in told
    assert body.startswith(b"<?xml")


async def test_internal_readings_are_never_in_a_public_message(open_app, store) -> None:
    await tell(store, "al-1", "still")
    await tell(store, "al-2", "grows", feed="kr-made", began_s=made.NOW - 9000)
    public = await open_app(audience=Audience.PUBLIC)
    await got(public, "/v1/alerts/al-2.cap.xml", 404)
    await got(public, "/v1/alerts/al-2.cap.xml?event=al-2-1", 404)
    for kind in ("atom", "rss"):
        _, body = await got(public, f"/v1/alerts.{kind}")
        assert b"al-1" in body
        assert b"al-2" not in body
    own = await open_app()
    _, body = await got(own, "/v1/alerts/al-2.cap.xml")
    message = read(body)
    assert isinstance(message, CapMessage)
    assert (message.scope, "kr-made" in (message.restriction or "")) == (Scope.RESTRICTED, True)
    assert schema_errors(body) == ""
    _, body = await got(own, "/v1/alerts/al-1.cap.xml")
    assert read(body).scope is Scope.PUBLIC


async def test_feeds_are_filtered_like_the_list(open_app, store) -> None:
    await tell(store, "al-1", "still")
    await tell(store, "al-2", "grows", began_s=made.NOW - 90_000)
    await tell(store, "al-3", "still", exercise=True)
    client = await open_app()

    async def ids(query: str) -> list[str]:
        _, body = await got(client, f"/v1/alerts.atom{query}")
        found = etree.fromstring(body).findall("{*}entry")
        return [one.findtext("{*}id").rsplit("/", 1)[-1] for one in found]

    assert await ids("") == ["al-1", "al-2"]
    assert await ids("?status=open") == ["al-1"]
    assert await ids("?region=JP-07&status=resolved") == ["al-2"]
    assert await ids("?region=JP-47") == []
    assert set(await ids("?exercises=yes")) == {"al-1", "al-2", "al-3"}
    assert await ids("?limit=1") == ["al-1"]
    await got(client, "/v1/alerts.atom?region=JP-99", 404)
    await got(client, "/v1/alerts.rss?color=red", 400)
    response, body = await got(client, "/v1/alerts.rss?language=ja&status=open")
    channel = etree.fromstring(body).find("channel")
    assert channel.findtext("language") == "ja"
    assert len(channel.findall("item")) == 1
    assert response.headers["Content-Type"].startswith("application/rss+xml")
    await got(client, "/v1/alerts.rss?language=ja&status=open", 304, **{"If-None-Match": response.headers["ETag"]})


async def test_a_service_without_a_voice_says_so(api, store) -> None:
    await tell(store, "al-1", "still")
    await got(api, "/v1/alerts/al-1.cap.xml", 503)
    await got(api, "/v1/alerts.atom", 503)
