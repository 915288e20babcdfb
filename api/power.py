"""How small a rise would have been noticed in a region within an hour: told beside "nothing was flagged", so that it has a size."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import dataclass, field

import numpy as np

from analysis.detect_power import SURE, WITHIN_MIN, Power, power
from analysis.detect_state import StateError
from analysis.detect_watch import STATE_VERSION, Watch
from api.clocktext import told
from api.models import power as m
from specs.rule import DetectorRule
from store import detector_states
from store.engine import Store

_AREAS_KEPT = 400

_SENTENCE = {
    "en": "Nothing flagged means: each of {half} of its {n} answering series would by itself have shown a step of {size} nSv/h within an hour.",
    "ja": "「検知なし」の意味：応答中の{n}系列のうち{half}系列は、{size} nSv/hの上昇が1時間続けばそれぞれ単独で検知していた。",
    "ko": "'감지 없음'의 의미: 응답 중인 {n}개 계열 중 {half}개는 {size} nSv/h 상승을 한 시간 안에 각각 단독으로 감지했을 것임.",
    "zh": "“未发现”的含义：正在应答的{n}个序列中有{half}个各自能在一小时内发现{size} nSv/h的升高。",
}
_NONE = {
    "en": "No series here answers that the detector can judge: nothing flagged says nothing.",
    "ja": "検知器が判断できる応答中の系列がない。「検知なし」は何も意味しない。",
    "ko": "감지기가 판단할 수 있는 응답 중인 계열이 없음. '감지 없음'은 아무것도 뜻하지 않음.",
    "zh": "没有检测器能够判断的应答序列，“未发现”不说明任何情况。",
}


@dataclass(slots=True)
class PowerCache:
    """The newest state of each detector, and what was computed from it by region; one computation at a time."""

    _watch: dict[str, tuple[str, Watch]] = field(default_factory=dict)
    _known: dict[tuple[str, str, str], m.DetectionPower] = field(default_factory=dict)
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def of(self, store: Store, rule: DetectorRule, area: str, uids: Collection[str]) -> m.DetectionPower | None:
        """The power of a rule's detector over the series of a region; None when it has kept no state yet."""
        name = f"{rule.id}/{rule.feeds[0]}/real"
        digest = await detector_states.newest_digest(store, name, STATE_VERSION)
        if digest is None:
            return None
        key = (name, digest, area)
        if key not in self._known:
            async with self._turn:
                if key not in self._known:
                    await self._compute(store, rule, key, uids)
        return self._known.get(key)

    async def _compute(
        self, store: Store, rule: DetectorRule, key: tuple[str, str, str], uids: Collection[str]
    ) -> None:
        name, digest, _ = key
        if name not in self._watch or self._watch[name][0] != digest:
            kept = await detector_states.by_digest(store, digest)
            if kept is None:
                return
            try:
                self._watch[name] = (digest, await asyncio.to_thread(Watch.restore, kept.state))
            except StateError:
                return
            self._known = {}
        if len(self._known) >= _AREAS_KEPT:
            self._known.clear()
        found = await asyncio.to_thread(power, self._watch[name][1], uids)
        if np.isfinite(found.at_min):  # a state that was kept before its first poll knows no moment, and so no size
            self._known[key] = told_power(rule.id, found)


def told_power(rule_id: str, found: Power) -> m.DetectionPower:
    """A power in words and numbers."""
    sizes = np.sort(np.array(list(found.smallest.values()), dtype=np.float64))
    count = len(sizes)
    half = -(-count // 2)
    known = [_size(sizes, share) for share in (0.1, 0.5, 0.9)] if count else [None, None, None]
    words = _SENTENCE if count and known[1] is not None else _NONE
    return m.DetectionPower(
        rule=rule_id,
        as_of=told(round(found.at_min * 60)),
        within_s=int(WITHIN_MIN * 60),
        sure=SURE,
        answering=count + len(found.mute),
        judged=count,
        tenth_nsv_h=known[0],
        half_nsv_h=known[1],
        nine_tenths_nsv_h=known[2],
        sentence={language: text.format(half=half, n=count, size=_plain(known[1])) for language, text in words.items()},
    )


def _size(sizes: np.ndarray, share: float) -> float | None:
    found = float(sizes[max(0, -int(-share * len(sizes) // 1) - 1)])
    return found if np.isfinite(found) else None


def _plain(size: float | None) -> str:
    return "" if size is None else f"{size:g}"
