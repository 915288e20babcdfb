"""QC flags: a judgement beside a value, never instead of it. One bit each; bits are never reused.

Names follow the meaning of the QARTOD and IOOS flag families where one exists (gross range, spike, flat line).
"""

from __future__ import annotations

from enum import IntFlag


class Qc(IntFlag):
    """What quality control saw; `NONE` means that every check that could be made passed."""

    NONE = 0
    BELOW_RANGE = 1 << 0
    ABOVE_RANGE = 1 << 1
    GROSS_RANGE = 1 << 2
    NEGATIVE = 1 << 3
    ZERO = 1 << 4
    SPIKE = 1 << 5
    STUCK = 1 << 6
    FUTURE_STAMP = 1 << 7
    STALE_AT_RECEIPT = 1 << 8
    POSITION_MISSING = 1 << 9
    POSITION_REFUSED = 1 << 10
    UNIT_NOT_STATED = 1 << 11
    UNIT_ASSUMED = 1 << 12
    ZONE_ASSUMED = 1 << 13
    ENCODING_GUESSED = 1 << 14
    LISTED_MISSING = 1 << 15
    NO_RELIABLE_UNIT = 1 << 16


#: Flags with which a value takes no part in summaries, baselines or levels; a detector of changes also sees what is out of range.
UNFIT = (
    Qc.BELOW_RANGE | Qc.ABOVE_RANGE | Qc.GROSS_RANGE | Qc.NEGATIVE | Qc.STUCK | Qc.FUTURE_STAMP | Qc.NO_RELIABLE_UNIT
)

#: Flags that say how a whole feed is read (no unit, zone or position is in its payload); true of every value of it, news about none.
STANDING = Qc.UNIT_ASSUMED | Qc.UNIT_NOT_STATED | Qc.ZONE_ASSUMED | Qc.ENCODING_GUESSED | Qc.POSITION_MISSING

MEANINGS: dict[Qc, str] = {
    Qc.BELOW_RANGE: "the value lies below the detector's own stated floor; the number is the publisher's, not a measurement",
    Qc.ABOVE_RANGE: "the value lies above the detector's own stated ceiling",
    Qc.GROSS_RANGE: "the value lies outside what the feed declares as possible",
    Qc.NEGATIVE: "a negative value of a quantity that cannot be negative",
    Qc.ZERO: "exactly zero where a natural background exists",
    Qc.SPIKE: "one reading far from both its neighbours in time",
    Qc.STUCK: "the same value for longer than the instrument's noise allows",
    Qc.FUTURE_STAMP: "stamped later than it was received",
    Qc.STALE_AT_RECEIPT: "already older than the feed's declared lag when it was first received",
    Qc.POSITION_MISSING: "the publisher gave no position for the station",
    Qc.POSITION_REFUSED: "the position given is impossible (0,0, swapped or outside the feed's area) and was not used",
    Qc.UNIT_NOT_STATED: "no unit is published and none is assumed",
    Qc.UNIT_ASSUMED: "no unit is in the payload; the one used stands in the feed file with its reason",
    Qc.ZONE_ASSUMED: "no time zone is in the payload; the one used stands in the feed file",
    Qc.ENCODING_GUESSED: "the text encoding was guessed, not declared",
    Qc.LISTED_MISSING: "the publisher lists the station as missing although it sends values",
    Qc.NO_RELIABLE_UNIT: "the field mixes units at the source; the raw number is kept, nothing is computed from it",
}


def codes(value: int) -> list[str]:
    """The lower-case codes of the bits set, in bit order."""
    return [flag.name.lower() for flag in Qc if flag.name and value & flag and flag is not Qc.NONE]
