"""Closed lists of reasons: why something was refused, and why something cannot be told.

Logs, metrics, run tallies, the API and the docs all share these codes; none is ever renamed.
"""

from __future__ import annotations

from enum import StrEnum


class Refusal(StrEnum):
    """Why an answer, a payload or one row of it was not taken over."""

    # the answer as a whole
    TIMEOUT = "timeout"
    CONNECTION = "connection"
    TLS = "tls"
    HTTP_STATUS = "http_status"
    BLOCKED = "blocked"
    REDIRECT = "redirect"
    FORBIDDEN_ADDRESS = "forbidden_address"
    TOO_LARGE = "too_large"
    BAD_COMPRESSION = "bad_compression"
    SECRET_MISSING = "secret_missing"  # noqa: S105 - the name of a reason
    NO_CAPTURE = "no_capture"
    # the payload
    EMPTY_BODY = "empty_body"
    WRONG_ENCODING = "wrong_encoding"
    HTML_INSTEAD = "html_instead"
    PUBLISHER_ERROR = "publisher_error"
    BAD_SYNTAX = "bad_syntax"
    ROWS_NOT_FOUND = "rows_not_found"
    MISSING_COLUMN = "missing_column"
    TOO_DEEP = "too_deep"
    TOO_MANY_ROWS = "too_many_rows"
    DECODER_FAILED = "decoder_failed"
    # one row or one cell
    NOT_A_RECORD = "not_a_record"
    NO_KEY = "no_key"
    BAD_NUMBER = "bad_number"
    NOT_FINITE = "not_finite"
    BAD_TIME = "bad_time"
    TIME_IN_FUTURE = "time_in_future"
    TIME_TOO_OLD = "time_too_old"
    UNKNOWN_UNIT = "unknown_unit"
    UNKNOWN_ANALYTE = "unknown_analyte"
    CONTRADICTS_IN_PAYLOAD = "contradicts_in_payload"
    FILTERED_BY_FEED = "filtered_by_feed"


class Ignored(StrEnum):
    """Cells read and understood that hold no value; counted beside the refusals, because they are not errors."""

    NOT_MEASURED = "not_measured"
    NOT_REPORTED = "not_reported"
    PADDING = "padding"
    PUBLISHER_MISSING_MARK = "publisher_missing_mark"
    REPEATED_IN_PAYLOAD = "repeated_in_payload"


class Untold(StrEnum):
    """Why a summary or a status answers `insufficient`, why a station is left out of one, or why there is nothing to answer with."""

    NO_STATIONS = "no_stations"
    NO_FRESH_READING = "no_fresh_reading"
    COVERAGE_LOW = "coverage_low"
    NO_BASELINE = "no_baseline"
    TOO_FEW_STATIONS = "too_few_stations"
    FEED_BLIND = "feed_blind"
    LATE = "late"
    SILENT = "silent"
    NEVER_REPORTED = "never_reported"
    BELOW_RANGE = "below_range"
    QC_FAILED = "qc_failed"
    UNIT_NOT_STATED = "unit_not_stated"
    MIRROR = "mirror"
    DROPPED_BY_RETENTION = "dropped_by_retention"
