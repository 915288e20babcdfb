"""How small a rise would have been noticed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from msgspec import Meta

from api.models.common import Instant, Struct

Size = Annotated[float | None, Meta(description="nSv/h; null when not even the largest step that was tried")]


class DetectionPower(Struct, frozen=True, kw_only=True):
    """The smallest step that series answering at `as_of` would have shown within `within_s`, each by itself, in `sure` of the draws.

    By simulation: a step on top of each series' own past noise, through the channels and levels of the rule, rain as it is now.
    Stations that rise together are noticed sooner.
    """

    rule: str
    as_of: Instant
    within_s: int
    sure: float
    answering: int
    judged: Annotated[int, Meta(description="of those answering: the series that have enough of a past")]
    tenth_nsv_h: Size
    half_nsv_h: Annotated[float | None, Meta(description="what half of the judged series would each have shown")]
    nine_tenths_nsv_h: Size
    sentence: Mapping[str, str]
