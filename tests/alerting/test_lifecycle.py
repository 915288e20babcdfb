import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerting.life import Correction, EventKind, Member, Sight
from alerting.lifecycle import News, advance, opened, stale_at_s
from alerting.nearness import corroborate
from alerting.records import AlertRecord, Subject, alert_uid, decoded, encoded
from domain.states import AlertState, may_move
from specs.rule import DepartureNumbers, GateSpec

N = DepartureNumbers(gates=(GateSpec(rise=15, z=5),))
T = 1_790_000_000


def member(key, lat=35.0, lon=136.0, rain=False, trigger=40.0):
    return Member(f"s:{key}:d", f"s:{key}", lat, lon, 50.0, 0.8, trigger, trigger + 5, (T - 600, T), (90.0, 95.0), rain)


def open_one(*members, at=T):
    return opened(members or (member("a"),), at, N).life


def up(key, at=T):
    return Sight(f"s:{key}:d", at, 0, True)


def down(key, at=T, below=2):
    return Sight(f"s:{key}:d", at, below, False)


def test_one_station_is_unverified_and_three_near_each_other_fire():
    assert open_one().state is AlertState.UNVERIFIED
    three = (member("a"), member("b", 35.1), member("c", 35.2))
    assert opened(three, T, N).kind is EventKind.FIRING
    assert open_one(member("a"), member("b", 35.1)).state is AlertState.UNVERIFIED


def test_copies_and_far_stations_do_not_confirm():
    assert not corroborate((member("a"), member("a2", 35.001), member("b", 35.1)), N.corroborated)
    assert not corroborate((member("a"), member("b", 36.0), member("c", 37.0)), N.corroborated)


def test_rises_that_rain_explains_stay_unverified():
    unknown = tuple(member(k, 35 + i / 10, rain=None) for i, k in enumerate("abcd"))
    assert open_one(*unknown).state is AlertState.UNVERIFIED
    wet = tuple(member(k, 35 + i / 10, rain=True) for i, k in enumerate("abcd"))
    assert open_one(*wet).state is AlertState.UNVERIFIED
    strong = tuple(member(k, 35 + i / 10, rain=True, trigger=80) for i, k in enumerate("abcd"))
    assert open_one(*strong).state is AlertState.FIRING


def test_growth_is_an_event_and_confirmation_another():
    life = open_one()
    (grew,) = advance(life, News(sights=(up("a"),), joining=(member("b", 35.1),)), T, N)
    assert (grew.kind, grew.life.state, len(grew.life.members)) == (EventKind.GREW, AlertState.UNVERIFIED, 2)
    (fired,) = advance(grew.life, News(sights=(up("a"), up("b")), joining=(member("c", 35.2),)), T + 600, N)
    assert (fired.kind, fired.life.state) == (EventKind.FIRING, AlertState.FIRING)
    assert fired.life.revision == 3


def test_silence_makes_stale_never_resolved_and_readings_bring_it_back():
    life = open_one()
    late = T + N.stale_after_s + 1
    assert stale_at_s(life, {"s:a:d": T}, N.stale_after_s) == late
    assert advance(life, News(sights=(up("a"),)), late - 1, N) == ()
    (stale,) = advance(life, News(sights=(up("a"),)), late, N)
    assert stale.life.state is AlertState.STALE and stale.life.level is AlertState.UNVERIFIED
    assert advance(stale.life, News(sights=(up("a"),)), late + 10**7, N) == ()
    (back,) = advance(stale.life, News(sights=(up("a", late + 600),)), late + 700, N)
    assert (back.kind, back.life.state) == (EventKind.RETURNED, AlertState.UNVERIFIED)
    (over,) = advance(stale.life, News(sights=(down("a", late + 600),)), late + 700, N)
    assert (over.kind, over.life.state, over.life.resolved_s) == (EventKind.RESOLVED, AlertState.RESOLVED, late + 700)


def test_one_reading_below_is_not_enough_and_half_of_the_stations_must_say_it():
    life = open_one(member("a"), member("b", 35.1), member("c", 35.2), member("d", 35.3))
    assert (
        advance(
            life, News(sights=(down("a", below=1), down("b", below=1), down("c", below=1), down("d", below=1))), T, N
        )
        == ()
    )
    assert advance(life, News(sights=(down("a"), down("b"), down("c"), up("d"))), T, N) == ()
    (over,) = advance(life, News(sights=(down("a"), down("b"))), T, N)
    assert over.kind is EventKind.RESOLVED


def test_a_resolved_alert_is_resolved_once_and_only_a_correction_moves_it():
    (over,) = advance(open_one(), News(sights=(down("a"),)), T, N)
    assert advance(over.life, News(sights=(up("a"),), joining=(member("b", 35.1),)), T + 1, N) == ()
    (gone,) = advance(over.life, News(corrections=(Correction("s:a:d", None),)), T + 2, N)
    assert gone.life.state is AlertState.CANCELLED
    assert advance(gone.life, News(corrections=(Correction("s:a:d", member("a")),)), T + 3, N) == ()


def test_a_correction_amends_or_cancels():
    life = open_one(member("a"), member("b", 35.1))
    (amended,) = advance(life, News(corrections=(Correction("s:a:d", None),), sights=(up("b"),)), T, N)
    assert (amended.kind, amended.life.state, amended.life.level) == (
        EventKind.AMENDED,
        AlertState.AMENDED,
        AlertState.UNVERIFIED,
    )
    assert [m.series_uid for m in amended.life.members] == ["s:b:d"]
    (again,) = advance(
        amended.life,
        News(corrections=(Correction("s:b:d", member("b", 35.1, trigger=20)),), sights=(up("b"),)),
        T + 1,
        N,
    )
    assert again.kind is EventKind.AMENDED and again.life.members[0].trigger == 20
    (gone,) = advance(again.life, News(corrections=(Correction("s:b:d", None),)), T + 2, N)
    assert gone.kind is EventKind.CANCELLED


def test_a_record_goes_through_its_stored_form():
    life = open_one(member("a"), member("b", 35.1, rain=True))
    record = AlertRecord(
        alert_uid("r", "s:a:d", T, False),
        "departure",
        1,
        Subject("r", "q", "air_over_land", "nSv/h", False),
        "s:a:d",
        ("JP-18",),
        ("f",),
        life,
    )
    assert decoded(encoded(record), AlertRecord) == record
    assert record.uid != alert_uid("r", "s:a:d", T, True)


news = st.fixed_dictionaries(
    {
        "sights": st.lists(
            st.tuples(st.sampled_from("abc"), st.integers(0, 3), st.sampled_from([0, 600, 50_000])),
            max_size=3,
            unique_by=lambda x: x[0],
        ),
        "corrections": st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), max_size=1),
        "joins": st.sampled_from(["", "b", "c"]),
    }
)


@given(st.lists(news, max_size=12))
def test_any_history_keeps_to_the_legal_moves_and_resolves_only_on_readings(history):
    life, at, resolved = open_one(), T, 0
    for step in history:
        at += 600
        sights = tuple(Sight(f"s:{k}:d", at - age, below, below == 0) for k, below, age in step["sights"])
        corrections = tuple(
            Correction(f"s:{k}:d", member(k, trigger=33) if kept else None) for k, kept in step["corrections"]
        )
        joins = (member(step["joins"], 35.1 if step["joins"] == "b" else 35.2),) if step["joins"] else ()
        for move in advance(life, News(corrections, sights, joins), at, N):
            assert move.life.revision == life.revision + 1
            assert move.life.state is life.state or may_move(life.state, move.life.state)
            if move.kind is EventKind.RESOLVED:
                resolved += 1
                uids = {m.series_uid for m in life.members}
                assert 2 * sum(s.below >= 2 for s in sights if s.series_uid in uids) >= len(uids)
            life = move.life
    assert resolved <= 1


@pytest.mark.parametrize("state", [state for state in AlertState if state is not AlertState.PENDING])
def test_no_state_is_left_by_silence_except_towards_stale(state):
    life = open_one().moved(state, T)
    for move in advance(life, News(), T + 10**6, N):
        assert move.life.state is AlertState.STALE
