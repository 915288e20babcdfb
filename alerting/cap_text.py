"""What an alert says to people in en, ja, ko and zh. No sentence declares anything free of danger; none speaks for an authority."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from alerting.cap_alert import CapAlert, Topic
from alerting.life import EventKind
from analysis.sentences import age_words
from domain.quantities import BY_ID as QUANTITIES
from domain.states import AlertState

LANGUAGES = ("en", "ja", "ko", "zh")
HEADLINE_CHARACTERS = 160
_NOT_XML = re.compile(r"[^\t\n\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

Words = tuple[str, str, str, str]


class Situation(StrEnum):
    """Which sentence an event asks for."""

    UNVERIFIED = "unverified"
    CONFIRMED = "confirmed"
    LEVEL_UNVERIFIED = "level_unverified"
    LEVEL_CONFIRMED = "level_confirmed"
    STALE = "stale"
    RESOLVED = "resolved"
    AMENDED = "amended"
    CANCELLED = "cancelled"
    BLIND = "blind"
    SEEING_AGAIN = "seeing_again"
    SAMPLE = "sample"
    SAMPLE_LEVEL = "sample_level"


_HEADLINES: dict[Situation, Words] = {
    Situation.UNVERIFIED: (
        "{area}: radiation readings above their usual range, unverified",
        "{area}：放射線の測定値が平常の範囲を上回る、未確認",
        "{area}: 방사선 측정값이 평상 범위를 웃돎, 미확인",
        "{area}：辐射读数高于平常范围，未经证实",
    ),
    Situation.CONFIRMED: (
        "{area}: radiation readings above their usual range, stations confirm one another",
        "{area}：放射線の測定値が平常の範囲を上回る、複数地点で一致",
        "{area}: 방사선 측정값이 평상 범위를 웃돎, 여러 지점이 일치",
        "{area}：辐射读数高于平常范围，多个站点相互印证",
    ),
    Situation.LEVEL_UNVERIFIED: (
        "{area}: reported value above {level}, unverified",
        "{area}：公表値が{level}を超過、未確認",
        "{area}: 발표값이 {level} 초과, 미확인",
        "{area}：公布值超过{level}，未经证实",
    ),
    Situation.LEVEL_CONFIRMED: (
        "{area}: reported values above {level}, stations confirm one another",
        "{area}：公表値が{level}を超過、複数地点で一致",
        "{area}: 발표값이 {level} 초과, 여러 지점이 일치",
        "{area}：公布值超过{level}，多个站点相互印证",
    ),
    Situation.STALE: (
        "{area}: data stopped while an alert was open; this is not an all-clear",
        "{area}：警報の継続中に測定データが途絶。解除ではない",
        "{area}: 경보 중 측정 자료가 끊김. 해제가 아님",
        "{area}：警报持续期间数据中断，并非解除警报",
    ),
    Situation.RESOLVED: (
        "{area}: newer readings have come down again at the stations of this alert",
        "{area}：この警報の対象地点で新しい測定値が低下",
        "{area}: 이 경보의 대상 지점에서 새 측정값이 내려감",
        "{area}：本警报所涉站点的新读数已回落",
    ),
    Situation.AMENDED: (
        "{area}: alert amended, the data that it stands on were corrected",
        "{area}：根拠となるデータの訂正により警報を修正",
        "{area}: 근거 자료의 정정에 따라 경보를 수정",
        "{area}：所依据的数据已更正，警报随之修改",
    ),
    Situation.CANCELLED: (
        "{area}: alert withdrawn, the data that it stood on no longer hold",
        "{area}：根拠となったデータが成り立たなくなったため警報を取消し",
        "{area}: 근거 자료가 더 이상 성립하지 않아 경보를 취소",
        "{area}：所依据的数据不再成立，警报撤回",
    ),
    Situation.BLIND: (
        "{area}: no measurements arrive, nothing can be told there",
        "{area}：測定データが届かず、状況は判断できない",
        "{area}: 측정 자료가 들어오지 않아 상황을 판단할 수 없음",
        "{area}：收不到测量数据，无法判断当地情况",
    ),
    Situation.SEEING_AGAIN: (
        "{area}: measurements arrive again",
        "{area}：測定データの受信が再開",
        "{area}: 측정 자료 수신이 재개됨",
        "{area}：测量数据恢复接收",
    ),
    Situation.SAMPLE: (
        "{area}: laboratory result above the usual",
        "{area}：試料の分析結果が平常を上回る",
        "{area}: 시료 분석 결과가 평상시를 웃돎",
        "{area}：样品分析结果高于平常",
    ),
    Situation.SAMPLE_LEVEL: (
        "{area}: laboratory result above {level}",
        "{area}：試料の分析結果が{level}を超過",
        "{area}: 시료 분석 결과가 {level} 초과",
        "{area}：样品分析结果超过{level}",
    ),
}  # fmt: skip

#: How many places are concerned, when that is known and worth saying: stations, and sampling points of samples.
_COUNTED: Words = (" (stations: {n})", "（地点数：{n}）", " (지점 수: {n})", "（站点数：{n}）")
_COUNTED_POINTS: Words = (" (sampling points: {n})", "（採取地点数：{n}）", " (채취 지점 수: {n})", "（采样点数：{n}）")
_UNCOUNTED = frozenset({Situation.CANCELLED, Situation.SEEING_AGAIN})

_EVENTS: dict[Topic, Words] = {
    Topic.DEPARTURE: ("Rise of radiation readings", "放射線測定値の上昇", "방사선 측정값 상승", "辐射读数升高"),
    Topic.SAMPLE: ("Radioactivity in a sample", "試料中の放射能", "시료 중 방사능", "样品中的放射性"),
    Topic.BLINDNESS: ("Measurements missing", "測定データの途絶", "측정 자료 중단", "测量数据缺失"),
}
_HIGHEST: Words = (
    "Highest value {value} {unit} ({quantity}).", "最高値 {value} {unit}（{quantity}）。",
    "최고값 {value} {unit} ({quantity}).", "最高值 {value} {unit}（{quantity}）。",
)  # fmt: skip
_USUAL: Words = (
    "Usual there: {value} {unit}.", "その地点の平常値：{value} {unit}。", "해당 지점의 평소 값: {value} {unit}.", "该站点平常值：{value} {unit}。",
)  # fmt: skip
_NEWEST: Words = (
    "Newest reading {age} old.", "最新の測定は{age}前。", "최신 측정은 {age} 전.", "最新读数为{age}前。",
)  # fmt: skip
_LEVEL: Words = (
    "{name}: {value} {unit} ({issuer}). A reported value above it is not a declaration by {issuer}.",
    "{name}：{value} {unit}（{issuer}）。公表値の超過は{issuer}による宣言ではない。",
    "{name}: {value} {unit} ({issuer}). 발표값의 초과는 {issuer}의 선언이 아님.",
    "{name}：{value} {unit}（{issuer}）。公布值超过该水平并不等于{issuer}作出宣布。",
)  # fmt: skip
_SAMPLED: Words = (
    "Sampled {sampled}; it says nothing about now.", "採取 {sampled}。現在の状況を示すものではない。",
    "채취 {sampled}. 현재 상황을 나타내지 않음.", "采样时间 {sampled}；不代表当前情况。",
)  # fmt: skip
_RESULT: Words = (
    "Result published {published}.",
    "結果の公表 {published}。",
    "결과 발표 {published}.",
    "结果公布时间 {published}。",
)
_STALE: Words = (
    "No newer readings have come from enough of these stations. The alert stays open; silence is not calm.",
    "対象地点の多くから新しい測定が届いていない。警報は継続中であり、データがないことは平常を意味しない。",
    "대상 지점 다수에서 새 측정이 들어오지 않음. 경보는 계속되며, 자료가 없다는 것은 평상을 뜻하지 않음.",
    "多数相关站点没有新读数。警报仍然有效；没有数据不代表情况正常。",
)
_RESOLVED: Words = (
    "This is said of the stations of this alert only, on newer readings of theirs.",
    "この警報の対象地点について、その新しい測定に基づいてのみ述べる。",
    "이 경보의 대상 지점에 대해 그 새 측정에 근거해서만 말함.",
    "仅就本警报所涉站点而言，依据其新读数。",
)
_AUTOMATIC: Words = (
    "Automatic notice from published data, not an official declaration. The end or absence of this message is not an all-clear.",
    "公表データに基づく自動通知であり、公的な宣言ではない。本通知の期限切れや不在は解除を意味しない。",
    "발표된 자료에 따른 자동 통지이며 공식 선언이 아님. 이 통지의 만료나 부재는 해제를 뜻하지 않음.",
    "依据公布数据自动发出，并非官方宣布。本消息到期或缺失不代表警报解除。",
)
_INSTRUCTIONS: Words = (
    "Follow your local authorities.", "お住まいの地域の行政機関の指示に従ってください。", "지역 당국의 안내를 따르십시오.", "请遵循当地主管部门的指示。",
)  # fmt: skip
_EXERCISE: Words = ("[EXERCISE] ", "【訓練】", "[훈련] ", "【演练】")
_TEST: Words = ("[TEST] ", "【テスト】", "[시험] ", "【测试】")
_EXERCISE_NOTE: Words = (
    "EXERCISE. Made of simulated data; nothing has happened.", "訓練。模擬データによるもので、実際には何も起きていない。",
    "훈련. 모의 자료에 의한 것이며 실제로 일어난 일이 아님.", "演练。使用模拟数据，并未发生真实事件。",
)  # fmt: skip
_TEST_NOTE: Words = (
    "TEST of the delivery path; nothing has happened.", "配信経路のテスト。実際には何も起きていない。",
    "전달 경로 시험. 실제로 일어난 일이 아님.", "投递路径测试，并未发生真实事件。",
)  # fmt: skip
_UNNAMED: Words = ("Area not known", "地域不明", "지역 미상", "区域不明")


@dataclass(frozen=True, slots=True)
class Told:
    """An alert in one language. `headline` has at most 160 characters, with the mark of an exercise or a test in front."""

    language: str
    event: str
    headline: str
    description: str
    instruction: str


def situation_of(alert: CapAlert) -> Situation:
    """Which sentence the alert's event asks for."""
    if alert.state is AlertState.CANCELLED:
        return Situation.CANCELLED
    if alert.topic is Topic.BLINDNESS:
        return Situation.SEEING_AGAIN if alert.state is AlertState.RESOLVED else Situation.BLIND
    if alert.event is EventKind.AMENDED or alert.state is AlertState.AMENDED:
        return Situation.AMENDED
    if alert.state is AlertState.STALE:
        return Situation.STALE
    if alert.state is AlertState.RESOLVED:
        return Situation.RESOLVED
    if alert.topic is Topic.SAMPLE:
        return Situation.SAMPLE if alert.named_level is None else Situation.SAMPLE_LEVEL
    if alert.named_level is None:
        return Situation.CONFIRMED if alert.confirmed else Situation.UNVERIFIED
    return Situation.LEVEL_CONFIRMED if alert.confirmed else Situation.LEVEL_UNVERIFIED


def told(alert: CapAlert, language: str, at_s: int) -> Told:
    """The alert in words of en, ja, ko or zh, ages as of `at_s`."""
    at = LANGUAGES.index(language)
    mark = mark_of(alert, language)
    event = mark + _EVENTS[alert.topic][at]
    description = "\n".join(_lines(alert, language, at_s))
    return Told(language, event, clean(_headline(alert, language, mark)), clean(description), _INSTRUCTIONS[at])


def mark_of(alert: CapAlert, language: str) -> str:
    """What stands before everything said of an exercise or a test; "" for what is meant."""
    at = LANGUAGES.index(language)
    if alert.is_exercise:
        return _EXERCISE[at]
    return _TEST[at] if alert.test else ""


def note_of(alert: CapAlert, language: str) -> str:
    """A sentence that says that nothing has happened; "" for what is meant."""
    at = LANGUAGES.index(language)
    if alert.is_exercise:
        return _EXERCISE_NOTE[at]
    return _TEST_NOTE[at] if alert.test else ""


def clean(text: str) -> str:
    """Text with a space for each character that XML cannot hold: a publisher's stray byte must not stop an alert."""
    return _NOT_XML.sub(" ", text)


def area_words(alert: CapAlert, language: str) -> str:
    """Names of the areas, at most three; without areas what it is about, or its stations."""
    about = alert.about.get(language) or alert.about.get("en")
    names = [area.name(language) for area in alert.areas] or (
        [about] if about else [s.name or s.uid for s in alert.stations]
    )
    if not names:
        return _UNNAMED[LANGUAGES.index(language)]
    shown = ", ".join(names[:3])
    return shown if len(names) <= 3 else f"{shown} +{len(names) - 3}"


def unit_words(unit: str) -> str:
    """A UCUM unit as people write it."""
    return "µ" + unit[1:] if unit.startswith("u") else unit


def _headline(alert: CapAlert, language: str, mark: str) -> str:
    """The area gives way when the line is too long: what happened matters more than the fourth name of a sea."""
    level = _shortened(_level_words(alert, language), 60)
    rest = mark + _sentence(alert, language, "", level)
    area = _shortened(" ".join(area_words(alert, language).split()), HEADLINE_CHARACTERS - len(rest))
    return mark + _sentence(alert, language, area, level)


def _sentence(alert: CapAlert, language: str, area: str, level: str) -> str:
    at = LANGUAGES.index(language)
    situation = situation_of(alert)
    counted = (_COUNTED_POINTS if alert.topic is Topic.SAMPLE else _COUNTED)[at].format(n=alert.count)
    return _HEADLINES[situation][at].format(area=area, level=level) + (
        counted if alert.count and situation not in _UNCOUNTED else ""
    )


def _level_words(alert: CapAlert, language: str) -> str:
    return "" if alert.named_level is None else f"{alert.named_level.name(language)} ({alert.named_level.issuer})"


def _shortened(text: str, most: int) -> str:
    return text if len(text) <= most else text[: max(0, most - 1)].rstrip() + "…"


def _lines(alert: CapAlert, language: str, at_s: int) -> list[str]:
    at = LANGUAGES.index(language)
    first = _sentence(alert, language, area_words(alert, language), _level_words(alert, language))
    middle = {AlertState.STALE: _STALE[at], AlertState.RESOLVED: _RESOLVED[at]}
    lines = [note_of(alert, language), first, middle.get(alert.state, "") if alert.topic is not Topic.BLINDNESS else ""]
    if alert.state is not AlertState.CANCELLED:
        lines += [_facts(alert, language, at_s), _of_level(alert, language), _of_sample(alert, at)]
    return [line for line in (*lines, alert.reasons.get(language, "").strip(), _AUTOMATIC[at]) if line]


def _facts(alert: CapAlert, language: str, at_s: int) -> str:
    at = LANGUAGES.index(language)
    unit = unit_words(alert.unit)
    parts = []
    if alert.highest is not None and math.isfinite(alert.highest):
        known = QUANTITIES.get(alert.quantity)
        quantity = known.name(language) if known else alert.quantity
        parts.append(_HIGHEST[at].format(value=f"{alert.highest:g}", unit=unit, quantity=quantity))
    if alert.baseline is not None and math.isfinite(alert.baseline):
        parts.append(_USUAL[at].format(value=f"{alert.baseline:g}", unit=unit))
    if alert.newest_reading_s is not None:
        parts.append(_NEWEST[at].format(age=age_words(at_s - alert.newest_reading_s, language)))
    return ("" if language in ("ja", "zh") else " ").join(parts)


def _of_level(alert: CapAlert, language: str) -> str:
    level = alert.named_level
    if level is None:
        return ""
    at = LANGUAGES.index(language)
    return _LEVEL[at].format(
        name=level.name(language), value=f"{level.value:g}", unit=unit_words(level.unit), issuer=level.issuer
    )


def _of_sample(alert: CapAlert, at: int) -> str:
    parts = []
    if alert.sampled_s is not None:
        parts.append(_SAMPLED[at].format(sampled=_moment(alert.sampled_s)))
    if alert.result_published_s is not None:
        parts.append(_RESULT[at].format(published=_moment(alert.result_published_s)))
    return " ".join(parts)


def _moment(s: int) -> str:
    return datetime.fromtimestamp(s, UTC).strftime("%Y-%m-%d %H:%M UTC")
