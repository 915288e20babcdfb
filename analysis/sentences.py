"""The summary's sentence in en, ja, ko and zh: area, stations counted, age of the newest reading; it never declares anything free of danger."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from analysis.summary import AreaName, Finding, Kind
from domain.media import BY_ID as MEDIA
from domain.quantities import BY_ID as QUANTITIES
from domain.reasons import Untold
from domain.states import RegionState

LANGUAGES = ("en", "ja", "ko", "zh")

_EXERCISE = {"en": "[EXERCISE] ", "ja": "【訓練】", "ko": "[훈련] ", "zh": "【演练】"}

_TEMPLATES: dict[RegionState, dict[str, str]] = {
    RegionState.NORMAL: {
        "en": "{area}, {medium}: {judged} of {expected} stations read within their own usual range of {quantity}{why}; newest reading {age} old.",
        "ja": "{area}・{medium}：{quantity}は{expected}地点中{judged}地点がそれぞれの平常の範囲内{why}。最新の測定は{age}前。",
        "ko": "{area}, {medium}: {quantity}은(는) {expected}개 지점 중 {judged}개 지점이 각자의 평상 범위 안{why}. 최신 측정은 {age} 전.",
        "zh": "{area}，{medium}：{quantity}在{expected}个站点中有{judged}个处于各自的平常范围内{why}。最新读数为{age}前。",
    },
    RegionState.ELEVATED: {
        "en": "{area}, {medium}: {above} of {judged} stations judged ({expected} expected) read {quantity} above their own usual range{why}; newest reading {age} old.",
        "ja": "{area}・{medium}：{quantity}は判定できた{judged}地点（対象{expected}地点）のうち{above}地点で平常の範囲を上回る{why}。最新の測定は{age}前。",
        "ko": "{area}, {medium}: {quantity}은(는) 판정 가능한 {judged}개 지점(대상 {expected}개) 중 {above}개 지점에서 평상 범위를 웃돎{why}. 최신 측정은 {age} 전.",
        "zh": "{area}，{medium}：{quantity}在可判断的{judged}个站点（应有{expected}个）中有{above}个高于各自的平常范围{why}。最新读数为{age}前。",
    },
    RegionState.HIGH: {
        "en": "{area}, {medium}: {above} of {judged} stations judged ({expected} expected) read {quantity} above their own usual range, several far above{why}; newest reading {age} old.",
        "ja": "{area}・{medium}：{quantity}は判定できた{judged}地点（対象{expected}地点）のうち{above}地点で平常の範囲を上回り、複数地点で大きく上回る{why}。最新の測定は{age}前。",
        "ko": "{area}, {medium}: {quantity}은(는) 판정 가능한 {judged}개 지점(대상 {expected}개) 중 {above}개 지점에서 평상 범위를 웃돌고 여러 지점에서 크게 웃돎{why}. 최신 측정은 {age} 전.",
        "zh": "{area}，{medium}：{quantity}在可判断的{judged}个站点（应有{expected}个）中有{above}个高于各自的平常范围，其中多个远高于平常{why}。最新读数为{age}前。",
    },
    RegionState.INSUFFICIENT: {
        "en": "{area}, {medium}: it cannot be told whether {quantity} is usual{why}; {fresh} of {expected} stations have a fresh reading, newest reading {age} old.",
        "ja": "{area}・{medium}：{quantity}が平常かどうかは判断できない{why}。新しい測定があるのは{expected}地点中{fresh}地点、最新の測定は{age}前。",
        "ko": "{area}, {medium}: {quantity}이(가) 평상인지 판단할 수 없음{why}. {expected}개 지점 중 {fresh}개 지점에 새 측정이 있으며 최신 측정은 {age} 전.",
        "zh": "{area}，{medium}：无法判断{quantity}是否处于平常水平{why}。{expected}个站点中有{fresh}个有新读数，最新读数为{age}前。",
    },
}

#: Reason code -> a few words in en, ja, ko, zh.
REASONS: dict[str, tuple[str, str, str, str]] = {
    Finding.WITHIN_OWN_RANGE: ("", "", "", ""),
    Finding.ABOVE_OWN_BASELINE: ("", "", "", ""),
    Finding.FAR_ABOVE_OWN_BASELINE: ("", "", "", ""),
    Finding.ONE_STATION_ONLY: (
        "one station alone, not confirmed by another",
        "1地点のみで、他の地点では確認されていない",
        "한 지점뿐이며 다른 지점에서 확인되지 않음",
        "仅一个站点，未得到其他站点证实",
    ),
    Finding.RISE_EXPLAINED_BY_RAIN: (
        "rises agree with rain in the last two hours",
        "上昇は直近2時間の降雨と整合",
        "상승은 최근 2시간의 강수와 부합",
        "升高与近两小时的降雨相符",
    ),
    Finding.RAIN_UNKNOWN: ("rain is not known", "降雨は不明", "강수 정보 없음", "降雨情况未知"),
    Finding.ABOVE_DETECTOR_RANGE: (
        "a detector is beyond its range",
        "検出器の測定範囲を超過",
        "검출기 측정 범위 초과",
        "有探测器超出量程",
    ),
    Finding.LAST_SEEN_ABOVE: (
        "a station that read above its usual range has gone silent",
        "平常を上回っていた地点が途絶",
        "평상 범위를 웃돌던 지점이 침묵",
        "曾高于平常的站点已无读数",
    ),
    Untold.NO_STATIONS: ("no station is known", "対象の地点がない", "알려진 지점 없음", "没有已知站点"),
    Untold.NO_FRESH_READING: ("no fresh reading", "新しい測定がない", "새 측정 없음", "没有新读数"),
    Untold.COVERAGE_LOW: (
        "too few of the stations expected can be judged",
        "判定できる地点の割合が不足",
        "판정 가능한 지점의 비율 부족",
        "可判断的站点比例过低",
    ),
    Untold.NO_BASELINE: ("no baseline yet", "平常値の蓄積がまだない", "아직 기준값 없음", "尚无基线"),
    Untold.TOO_FEW_STATIONS: ("too few stations", "地点数が不足", "지점 수 부족", "站点过少"),
    Untold.FEED_BLIND: (
        "the publisher's feed is late or unreadable",
        "提供元のデータが遅延または取得不能",
        "제공 기관의 자료가 지연되거나 읽을 수 없음",
        "发布方数据延迟或无法读取",
    ),
    Untold.LATE: ("stations late", "遅れている地点がある", "지연된 지점 있음", "有站点延迟"),
    Untold.SILENT: ("stations silent", "途絶している地点がある", "침묵한 지점 있음", "有站点无数据"),
    Untold.NEVER_REPORTED: (
        "stations that never reported",
        "一度も報告のない地点がある",
        "보고한 적 없는 지점 있음",
        "有站点从未报告",
    ),
    Untold.BELOW_RANGE: (
        "{low} more read below their detector's floor",
        "ほかに検出下限未満{low}地点",
        "그 밖에 검출 하한 미만 {low}개 지점",
        "另有{low}个站点低于探测下限",
    ),
    Untold.QC_FAILED: (
        "readings failed quality checks",
        "品質検査で除外された測定",
        "품질 검사에서 제외된 측정",
        "读数未通过质量检查",
    ),
    Untold.UNIT_NOT_STATED: (
        "the unit is not published",
        "単位が公表されていない",
        "단위가 공개되지 않음",
        "单位未公布",
    ),
    Untold.MIRROR: ("", "", "", ""),
    Untold.DROPPED_BY_RETENTION: (
        "readings of that time are no longer kept",
        "その時期の測定は保存期間を過ぎた",
        "해당 시기의 측정은 보존 기간이 지남",
        "该时段的读数已超过保存期限",
    ),
}

_UNITS = {
    "en": ("{n} s", "{n} min", "{n} h", "{n} d"),
    "ja": ("{n}秒", "{n}分", "{n}時間", "{n}日"),
    "ko": ("{n}초", "{n}분", "{n}시간", "{n}일"),
    "zh": ("{n}秒", "{n}分钟", "{n}小时", "{n}天"),
}


@dataclass(frozen=True, slots=True)
class Counts:
    """The numbers that a sentence tells."""

    expected: int
    fresh: int
    judged: int
    above: int
    age_s: int | None
    low: int = 0


def age_words(age_s: int, language: str) -> str:
    """An age in words of a language, in the largest unit of which there are at least two."""
    seconds, minutes, hours, days = _UNITS[language]
    age_s = max(age_s, 0)
    if age_s < 120:
        return seconds.format(n=age_s)
    if age_s < 7200:
        return minutes.format(n=age_s // 60)
    return hours.format(n=age_s // 3600) if age_s < 172800 else days.format(n=age_s // 86400)


def reason_words(reasons: tuple[str, ...], language: str, low: int = 0) -> str:
    """The reasons in words of a language, in brackets; "" when none needs words. `low`: stations below their detector's floor."""
    at = LANGUAGES.index(language)
    words = [REASONS[code][at].format(low=low) for code in reasons if code in REASONS and REASONS[code][at]]
    if not words:
        return ""
    return f" ({'; '.join(words)})" if language in ("en", "ko") else f"（{'；'.join(words)}）"


def sentences(
    area: AreaName, kind: Kind, state: RegionState, reasons: tuple[str, ...], counts: Counts
) -> Mapping[str, str]:
    """The sentence per language."""
    return {language: _sentence(area, kind, state, reasons, counts, language) for language in LANGUAGES}


def _sentence(
    area: AreaName, kind: Kind, state: RegionState, reasons: tuple[str, ...], counts: Counts, language: str
) -> str:
    at = LANGUAGES.index(language)
    text = _TEMPLATES[state][language]
    why = reason_words(reasons, language, counts.low)
    if counts.age_s is None:
        text = text.replace("{age}", "\0")
        text = _without_age(text, language)
    quantity = QUANTITIES[kind.quantity].names[at] if kind.quantity in QUANTITIES else kind.quantity
    if kind.analyte != "gamma-total":
        quantity = f"{quantity} ({kind.analyte})"
    body = text.format(
        area=area.name(language),
        medium=MEDIA[kind.medium].names[at],
        quantity=quantity,
        why=why,
        expected=counts.expected,
        fresh=counts.fresh,
        judged=counts.judged,
        above=counts.above,
        age=age_words(counts.age_s, language) if counts.age_s is not None else "",
    )
    return (_EXERCISE[language] if kind.exercise else "") + body


def _without_age(text: str, language: str) -> str:
    endings = {
        "en": (", newest reading \0 old.", ", no reading in the span looked at."),
        "ja": ("、最新の測定は\0前。", "、対象期間に測定は一つもない。"),
        "ko": (" 있으며 최신 측정은 \0 전.", " 있으며 조회 기간에 측정이 전혀 없음."),
        "zh": ("，最新读数为\0前。", "，所查时段内没有任何读数。"),
    }
    old, new = endings[language]
    return text.replace(old, new)
