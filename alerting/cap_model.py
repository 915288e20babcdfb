"""A message of the Common Alerting Protocol 1.2 as frozen values, in the order of the schema; what a writer writes and a reader reads.

Source: OASIS CAP 1.2 (schema and section 3.2). Text that may be absent is None when absent and "" when present and empty.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

NAMESPACE = "urn:oasis:names:tc:emergency:cap:1.2"
#: CAP asks for a numeric offset, of which -00:00 says "UTC, no local zone meant"; `Z` is refused.
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}[-+][0-9]{2}:[0-9]{2}")
_LONGEST_OFFSET_S = 14 * 3600


class Status(StrEnum):
    ACTUAL = "Actual"
    EXERCISE = "Exercise"
    SYSTEM = "System"
    TEST = "Test"
    DRAFT = "Draft"


class MsgType(StrEnum):
    ALERT = "Alert"
    UPDATE = "Update"
    CANCEL = "Cancel"
    ACK = "Ack"
    ERROR = "Error"


class Scope(StrEnum):
    PUBLIC = "Public"
    RESTRICTED = "Restricted"
    PRIVATE = "Private"


class Category(StrEnum):
    GEO = "Geo"
    MET = "Met"
    SAFETY = "Safety"
    SECURITY = "Security"
    RESCUE = "Rescue"
    FIRE = "Fire"
    HEALTH = "Health"
    ENV = "Env"
    TRANSPORT = "Transport"
    INFRA = "Infra"
    CBRNE = "CBRNE"
    OTHER = "Other"


class ResponseType(StrEnum):
    SHELTER = "Shelter"
    EVACUATE = "Evacuate"
    PREPARE = "Prepare"
    EXECUTE = "Execute"
    AVOID = "Avoid"
    MONITOR = "Monitor"
    ASSESS = "Assess"
    ALL_CLEAR = "AllClear"
    NONE = "None"


class Urgency(StrEnum):
    IMMEDIATE = "Immediate"
    EXPECTED = "Expected"
    FUTURE = "Future"
    PAST = "Past"
    UNKNOWN = "Unknown"


class Severity(StrEnum):
    EXTREME = "Extreme"
    SEVERE = "Severe"
    MODERATE = "Moderate"
    MINOR = "Minor"
    UNKNOWN = "Unknown"


class Certainty(StrEnum):
    OBSERVED = "Observed"
    LIKELY = "Likely"
    POSSIBLE = "Possible"
    UNLIKELY = "Unlikely"
    UNKNOWN = "Unknown"


class CapRefusal(StrEnum):
    """Why a document was not taken as a CAP message; closed, for logs, metrics and answers."""

    TOO_LARGE = "too_large"
    BAD_SYNTAX = "bad_syntax"
    DOCTYPE = "doctype"
    WRONG_NAMESPACE = "wrong_namespace"
    WRONG_ROOT = "wrong_root"
    UNKNOWN_ELEMENT = "unknown_element"
    UNKNOWN_ATTRIBUTE = "unknown_attribute"
    STRAY_TEXT = "stray_text"
    OUT_OF_ORDER = "out_of_order"
    MISSING_ELEMENT = "missing_element"
    REPEATED_ELEMENT = "repeated_element"
    EMPTY_ELEMENT = "empty_element"
    BAD_ENUMERATION = "bad_enumeration"
    BAD_TIME = "bad_time"
    BAD_NUMBER = "bad_number"
    BAD_LANGUAGE = "bad_language"
    BAD_IDENTIFIER = "bad_identifier"
    BAD_REFERENCES = "bad_references"
    MISSING_REFERENCES = "missing_references"
    MISSING_RESTRICTION = "missing_restriction"
    MISSING_ADDRESSES = "missing_addresses"
    BAD_POLYGON = "bad_polygon"
    BAD_CIRCLE = "bad_circle"
    NOT_ACTUAL = "not_actual"
    EXERCISE_MARK = "exercise_mark"


@dataclass(frozen=True, slots=True)
class CapRefused:
    """A document that was refused: the reason, the path of the element (`alert/info[2]/area[1]/polygon`) and what stood there."""

    reason: CapRefusal
    where: str
    detail: str


@dataclass(frozen=True, slots=True)
class CapTime:
    """A moment: whole seconds since 1970 (UTC), and its spelling, which is part of the identity of a message."""

    text: str
    s: int

    @classmethod
    def of(cls, s: int) -> CapTime:
        """Spelled the way we spell it: in UTC, with the offset -00:00."""
        return cls(datetime.fromtimestamp(s, UTC).strftime("%Y-%m-%dT%H:%M:%S").zfill(19) + "-00:00", s)

    @classmethod
    def read(cls, text: str) -> CapTime | None:
        """The moment that a CAP spelling means; None when it is not a CAP time (`Z`, no offset, no such day)."""
        if not _TIME.fullmatch(text):
            return None
        try:
            moment = datetime.fromisoformat(text)
            s = int(moment.timestamp())
        except (ValueError, OverflowError):
            return None
        offset = moment.utcoffset()
        return None if offset is None or abs(offset.total_seconds()) > _LONGEST_OFFSET_S else cls(text, s)


@dataclass(frozen=True, slots=True)
class CapReference:
    """The extended identifier of an earlier message."""

    sender: str
    identifier: str
    sent: CapTime

    def __str__(self) -> str:
        return f"{self.sender},{self.identifier},{self.sent.text}"


@dataclass(frozen=True, slots=True)
class CapPair:
    """A valueName and its value (eventCode, parameter, geocode); a unit stands in the name."""

    name: str
    value: str


#: (latitude, longitude) in degrees, WGS 84.
LatLon = tuple[float, float]


@dataclass(frozen=True, slots=True)
class CapCircle:
    """Centre in degrees and radius in kilometres."""

    latitude_deg: float
    longitude_deg: float
    radius_km: float


@dataclass(frozen=True, slots=True)
class CapArea:
    """A place: the union of its polygons (closed rings, first point = last) and circles. Altitudes are feet, as CAP has them."""

    description: str
    polygons: tuple[tuple[LatLon, ...], ...] = ()
    circles: tuple[CapCircle, ...] = ()
    geocodes: tuple[CapPair, ...] = ()
    altitude_ft: float | None = None
    ceiling_ft: float | None = None


@dataclass(frozen=True, slots=True)
class CapResource:
    description: str
    mime_type: str
    size_bytes: int | None = None
    uri: str | None = None
    embedded: str | None = None
    digest: str | None = None


@dataclass(frozen=True, slots=True)
class CapInfo:
    """What is said in one language. `language` None means en-US, as the schema has it."""

    event: str
    urgency: Urgency
    severity: Severity
    certainty: Certainty
    categories: tuple[Category, ...]
    language: str | None = None
    responses: tuple[ResponseType, ...] = ()
    audience: str | None = None
    event_codes: tuple[CapPair, ...] = ()
    effective: CapTime | None = None
    onset: CapTime | None = None
    expires: CapTime | None = None
    sender_name: str | None = None
    headline: str | None = None
    description: str | None = None
    instruction: str | None = None
    web: str | None = None
    contact: str | None = None
    parameters: tuple[CapPair, ...] = ()
    resources: tuple[CapResource, ...] = ()
    areas: tuple[CapArea, ...] = ()


@dataclass(frozen=True, slots=True)
class CapMessage:
    """One CAP message. `signatures` counts the enveloped XML signatures that came with it; none of them is verified here."""

    identifier: str
    sender: str
    sent: CapTime
    status: Status
    msg_type: MsgType
    scope: Scope
    source: str | None = None
    restriction: str | None = None
    addresses: str | None = None
    codes: tuple[str, ...] = ()
    note: str | None = None
    references: tuple[CapReference, ...] | None = None
    incidents: str | None = None
    infos: tuple[CapInfo, ...] = ()
    signatures: int = 0

    @property
    def reference(self) -> CapReference:
        """How a later message names this one."""
        return CapReference(self.sender, self.identifier, self.sent)
