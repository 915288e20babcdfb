"""Alerts made for tests of what people are told, and the shared CAP documents where they are present."""

from functools import cache

from hypothesis import strategies as st
from lxml import etree
from shapely.geometry import Point, box

from alerting.cap_alert import AlertStation, CapAlert, Gravity, NamedLevel, PastEvent, Topic, Voice
from alerting.life import EventKind
from domain.states import ALERT_MOVES, AlertState
from specs.region import Area, load_geography
from tests.conftest import ROOT, SHARED

SAMPLES = SHARED / "data" / "cap12"
VOICE = Voice(
    "radcommons.example.org",
    "https://radcommons.example.org",
    {"en": "Radcommons", "ja": "ラドコモンズ"},
    "ops@example.org",
)
AT_S = 1_790_000_000
FUKUSHIMA = Area(
    "JP-07",
    "region",
    "JP",
    {"en": ("Fukushima",), "ja": ("福島県",), "ko": ("후쿠시마현",), "zh-hans": ("福岛县",)},
    box(139.2, 36.8, 141.0, 37.9),
    140.1,
    37.4,
)
SEA = Area(
    "SEA-01",
    "sea_area",
    "",
    {"en": ("East Sea", "Sea of Japan"), "ja": ("日本海",), "ko": ("동해",)},
    Point(135, 40).buffer(4),
    135,
    40,
)
SEOUL = box(126.8, 37.4, 127.2, 37.7)
GYEONGGI = Area(
    "KR-41", "region", "KR", {"en": ("Gyeonggi",)}, box(126.5, 36.9, 127.8, 38.2).difference(SEOUL), 127.2, 37.2
)
OIL2 = NamedLevel({"en": "OIL2", "ja": "OIL2"}, "Japan NRA", 20.0, "uSv/h", Gravity.RESTRICTION)
OIL1 = NamedLevel({"en": "OIL1"}, "Japan NRA", 500.0, "uSv/h", Gravity.EVACUATION)
#: Events that may follow each other, with the state they lead to.
KINDS = {
    AlertState.UNVERIFIED: (EventKind.UNVERIFIED, EventKind.GREW, EventKind.RETURNED),
    AlertState.FIRING: (EventKind.FIRING, EventKind.GREW, EventKind.RETURNED),
    AlertState.STALE: (EventKind.STALE,),
    AlertState.RESOLVED: (EventKind.RESOLVED,),
    AlertState.AMENDED: (EventKind.AMENDED,),
    AlertState.CANCELLED: (EventKind.CANCELLED,),
}


@cache
def geography():
    return load_geography(ROOT / "config")


def made(state=AlertState.FIRING, **changes):
    level = AlertState.UNVERIFIED if state is AlertState.UNVERIFIED else AlertState.FIRING
    values = {
        "alert_id": "al-0123456789abcdef01234567",
        "topic": Topic.DEPARTURE,
        "event": KINDS[state][0],
        "state": state,
        "level": level,
        "revision": 3,
        "at_s": AT_S,
        "onset_s": AT_S - 9000,
        "rule_id": "departure-two-readings",
        "rule_version": 1,
        "detector": "departure 1",
        "areas": (FUKUSHIMA,),
        "stations": tuple(AlertStation(f"jp-nra:{i}", f"post {i}", 37.0 + i / 50, 140.0) for i in range(4)),
        "quantity": "ambient_dose_equivalent_rate",
        "unit": "nSv/h",
        "highest": 183.5,
        "baseline": 41.0,
        "newest_reading_s": AT_S - 1200,
        "reasons": {"en": "Two readings.", "ja": "二回の測定。", "ko": "두 번의 측정.", "zh": "两次读数。"},
        "earlier": (PastEvent(1, AlertState.UNVERIFIED, AT_S - 7200), PastEvent(2, AlertState.FIRING, AT_S - 3600)),
    }
    return CapAlert(**(values | changes))


@cache
def schema():
    return etree.XMLSchema(etree.parse(SAMPLES / "cap12.xsd"))


def schema_errors(document):
    """What the OASIS schema says against a document; nothing when it is valid (or when the schema is not at hand)."""
    if not SAMPLES.is_dir():
        return ""
    return "" if schema().validate(etree.fromstring(document)) else str(schema().error_log.last_error)


TEXT = st.text(max_size=60)
LEVELS = st.none() | st.builds(
    NamedLevel,
    st.fixed_dictionaries({"en": TEXT}),
    TEXT,
    st.floats(0, 1e9),
    st.sampled_from(["uSv/h", "Bq/L"]),
    st.sampled_from(Gravity),
)
STATIONS = st.builds(
    AlertStation,
    TEXT,
    TEXT,
    st.none() | st.floats(-90, 90),
    st.none() | st.floats(-180, 180),
    st.sampled_from([False] * 9 + [True]),
)


@st.composite
def lives(draw):
    """A whole legal life of one alert, as the message of each of its events."""
    at_s, revision, state = draw(st.integers(1_400_000_000, 1_900_000_000)), 0, AlertState.PENDING
    past, events = [], []
    same = {
        "alert_id": draw(st.text(max_size=20)),
        "topic": draw(st.sampled_from(Topic)),
        "onset_s": at_s - draw(st.integers(0, 90_000)),
        "rule_id": draw(TEXT),
        "detector": draw(TEXT),
        "exercise": draw(st.booleans()),
        "test": draw(st.booleans()),
        "areas": tuple(
            draw(st.lists(st.sampled_from([FUKUSHIMA, SEA, GYEONGGI]), max_size=3, unique_by=lambda a: a.id))
        ),
        "quantity": draw(st.sampled_from(["ambient_dose_equivalent_rate", ""])),
        "unit": draw(st.sampled_from(["nSv/h", ""])),
    }
    for _ in range(draw(st.integers(1, 8))):
        moves = sorted(
            ALERT_MOVES[state]
            | ({state} if state in KINDS and state not in (AlertState.CANCELLED, AlertState.RESOLVED) else set())
        )
        if not moves:
            break
        state = draw(st.sampled_from(moves))
        at_s, revision = at_s + draw(st.integers(0, 200_000)), revision + draw(st.integers(1, 3))
        events.append(CapAlert(
            **same, event=draw(st.sampled_from(KINDS[state])), state=state, level=draw(st.sampled_from([AlertState.UNVERIFIED, AlertState.FIRING])),
            revision=revision, at_s=at_s, stations=tuple(draw(st.lists(STATIONS, max_size=5))), reasons=draw(st.dictionaries(st.sampled_from(["en", "ja", "ko", "zh"]), TEXT)),
            highest=draw(st.none() | st.floats()), baseline=draw(st.none() | st.floats(0, 1e6)), newest_reading_s=draw(st.none() | st.integers(at_s - 10**6, at_s + 10**4)),
            named_level=draw(LEVELS), earlier=tuple(past),
        ))  # fmt: skip
        past.append(PastEvent(revision, state, at_s))
    return events
