"""Watches of a site as they are told: who has answered since the shock, who has not, and what has been asked of the publishers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from api.clocktext import told, told_or_none
from api.models.sites import SiteWatch, WatchRing
from store.rows import LatestRow
from store.site_watches import WatchRow

_NAMED = 50
_SENTENCES: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "en": (
        "Watch since {shock} ({rule}): {answered} of {stations} stations within {km:g} km have a reading from after the shock. {end}",
        {
            "open": "It is open until fresh readings say that all is usual, and at least until {until}.",
            "evidence": "Closed at {closed}: fresh readings were usual.",
            "cancelled": "Closed at {closed}: the bulletin was cancelled.",
            "lapsed": "Ended at {closed} without evidence: whether all is usual was never known.",
        },
    ),
    "ja": (
        "{shock}の地震（{rule}）による監視：{km:g} km以内の{stations}地点中{answered}地点に地震後の測定がある。{end}",
        {
            "open": "新しい測定が平常を示すまで、少なくとも{until}まで続ける。",
            "evidence": "{closed}に終了：新しい測定は平常の範囲内。",
            "cancelled": "{closed}に終了：地震情報が取り消された。",
            "lapsed": "{closed}に根拠のないまま終了：平常かどうかは分からなかった。",
        },
    ),
    "ko": (
        "{shock} 지진({rule})에 따른 감시: 반경 {km:g} km 안 {stations}개 지점 중 {answered}개 지점에 지진 이후의 측정이 있음. {end}",
        {
            "open": "새 측정이 평상을 보일 때까지, 적어도 {until}까지 계속함.",
            "evidence": "{closed}에 종료: 새 측정이 평소 범위 안에 있음.",
            "cancelled": "{closed}에 종료: 지진 통보가 취소됨.",
            "lapsed": "{closed}에 근거 없이 종료: 평상인지 알 수 없었음.",
        },
    ),
    "zh": (
        "自{shock}地震（{rule}）起监视：{km:g}公里内{stations}个站点中有{answered}个有震后读数。{end}",
        {
            "open": "持续到新读数表明一切平常为止，至少到{until}。",
            "evidence": "{closed}结束：新读数处于平常范围。",
            "cancelled": "{closed}结束：地震通报已取消。",
            "lapsed": "{closed}在没有依据的情况下结束：始终不知道是否平常。",
        },
    ),
}


def tell_watch(
    row: WatchRow, rows: Sequence[LatestRow], away_m: Mapping[str, float], radii: Sequence[int], watch_hours: int
) -> SiteWatch:
    """A watch with who has answered since its shock, reckoned now; `away_m` holds every station around the site."""
    heard = {one.series.series.station_uid for one in rows if one.observation.end_s > row.shock_s}
    rings = tuple(_ring(radius_m, heard, away_m) for radius_m in radii)
    state = _state(row)
    until_s = row.shock_s + watch_hours * 3600
    asked: Mapping[str, int] = msgspec.json.decode(row.asked, type=dict[str, int]) if row.asked else {}
    return SiteWatch(
        event=row.event_uid,
        rule=row.rule,
        state=state,
        shock=told(row.shock_s),
        opened=told(row.opened_s),
        closed=told_or_none(row.closed_s),
        least_until=told(until_s),
        rings=rings,
        asked={feed: told(at_s) for feed, at_s in asked.items()},
        sentence=_sentences(row, rings[-1] if rings else None, state, until_s),
        exercise=row.exercise,
    )


def _state(row: WatchRow) -> str:
    if row.closed_s is None:
        return "open"
    return str(msgspec.json.decode(row.evidence or "{}").get("ended") or "lapsed")


def _ring(radius_m: int, heard: set[str], away_m: Mapping[str, float]) -> WatchRing:
    inside = {uid for uid, away in away_m.items() if away <= radius_m}
    return WatchRing(
        radius_m=radius_m,
        stations=len(inside),
        answered=len(inside & heard),
        unheard=tuple(sorted(inside - heard, key=lambda uid: (away_m[uid], uid))[:_NAMED]),
    )


def _sentences(row: WatchRow, ring: WatchRing | None, state: str, until_s: int) -> dict[str, str]:
    if ring is None:
        return {}
    return {
        language: form.format(
            shock=told(row.shock_s),
            rule=row.rule,
            answered=ring.answered,
            stations=ring.stations,
            km=ring.radius_m / 1000,
            end=ends[state].format(until=told(until_s), closed=told_or_none(row.closed_s)),
        )
        for language, (form, ends) in _SENTENCES.items()
    }
