"""Why, in one or two sentences in en, ja, ko and zh. Numbers with unit, stations counted, never a word of comfort."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from alerting.life import EventKind, Life, Member
from analysis.sentences import LANGUAGES, age_words
from domain.quantities import BY_ID
from specs.rule import LevelRule, SampleRule
from store.rows import SampleRow

_EXERCISE = {"en": "[EXERCISE] ", "ja": "【訓練】", "ko": "[훈련] ", "zh": "【演练】"}

_HEAD: dict[EventKind, tuple[str, str, str, str]] = {
    EventKind.UNVERIFIED: (
        "Above its own past, not verified",
        "平常値を上回る（未確認）",
        "평소 값을 웃돎(미확인)",
        "高于自身历史水平（未证实）",
    ),
    EventKind.FIRING: (
        "Above their own past at stations that confirm one another",
        "互いに裏付ける複数地点で平常値を上回る",
        "서로 뒷받침하는 여러 지점에서 평소 값을 웃돎",
        "多个相互印证的站点高于自身历史水平",
    ),
    EventKind.GREW: ("More stations have joined", "上昇地点が増加", "상승 지점 증가", "升高站点增加"),
    EventKind.STALE: (
        "The stations have gone silent; this is not an end",
        "地点からの測定が途絶。終息ではない",
        "지점의 측정이 끊김. 종료가 아님",
        "站点已无读数，并非结束",
    ),
    EventKind.RETURNED: (
        "Readings have come back; the alert goes on until enough of them have come down",
        "測定が再開。十分な数の測定が下がるまで警報は継続",
        "측정이 재개됨. 충분한 측정이 내려갈 때까지 경보는 계속됨",
        "读数恢复，在足够多的读数下降之前告警继续",
    ),
    EventKind.RESOLVED: (
        "Newer readings are back near their own past",
        "新しい測定が平常値の近くに戻った",
        "새 측정이 평소 값 근처로 돌아옴",
        "新读数已回到自身历史水平附近",
    ),
    EventKind.AMENDED: (
        "The publisher corrected readings; the evidence has changed",
        "提供元の訂正により根拠が変更",
        "제공 기관의 정정으로 근거가 변경됨",
        "发布方更正了读数，证据已改变",
    ),
    EventKind.CANCELLED: (
        "The publisher withdrew or corrected the readings; nothing departs any more",
        "提供元の撤回・訂正により取り消し",
        "제공 기관의 철회·정정으로 취소됨",
        "发布方撤回或更正了读数，告警取消",
    ),
}
_BODY = (
    "{n} station(s); largest: {station} read {values} {unit} ({quantity}), {rise} {unit} above the median {median} of its own past; newest reading {age} old.",
    "{n}地点。最大は{station}：{quantity} {values} {unit}、自地点の中央値{median}を{rise} {unit}上回る。最新の測定は{age}前。",
    "{n}개 지점. 최대는 {station}: {quantity} {values} {unit}, 해당 지점 중앙값 {median}보다 {rise} {unit} 높음. 최신 측정은 {age} 전.",
    "{n}个站点。最大为{station}：{quantity} {values} {unit}，比该站中位数{median}高{rise} {unit}。最新读数为{age}前。",
)
_RAIN: dict[bool | None, tuple[str, str, str, str]] = {
    True: (
        " Rain fell nearby within two hours.",
        "近くで2時間以内に降雨あり。",
        " 최근 2시간 이내 인근에 강수 있음.",
        "附近两小时内有降雨。",
    ),
    False: (
        " No rain was measured nearby.",
        "近くで降雨は観測されていない。",
        " 인근에 강수 관측 없음.",
        "附近未测到降雨。",
    ),
    None: (" Rain nearby is not known.", "近くの降雨は不明。", " 인근 강수 정보 없음.", "附近降雨情况未知。"),
}
_ALLOWED: dict[bool | None, tuple[str, str, str, str]] = {
    True: (
        " More than the rain there explains.",
        "現地の降雨で説明できる量を超える。",
        " 그곳의 강수로 설명되는 양을 넘음.",
        "超过当地降雨所能解释的幅度。",
    ),
    False: (
        " No rain was measured there.",
        "現地で降雨は観測されていない。",
        " 그곳에 강수 관측 없음.",
        "当地未测到降雨。",
    ),
    None: (
        " Rain there is not known; a shower was allowed for.",
        "現地の降雨は不明で、にわか雨を見込んで判断。",
        " 그곳의 강수 정보가 없어 소나기를 감안해 판단.",
        "当地降雨情况未知，判断时已计入阵雨的可能。",
    ),
}
_LEVEL_HEAD: dict[EventKind, tuple[str, str, str, str]] = {
    EventKind.UNVERIFIED: (
        "Reported value at or above a level, not verified",
        "公表値が基準値以上（未確認）",
        "발표값이 기준값 이상(미확인)",
        "公布值达到或超过水平（未证实）",
    ),
    EventKind.FIRING: (
        "Reported values at or above a level at stations that confirm one another",
        "互いに裏付ける複数地点で公表値が基準値以上",
        "서로 뒷받침하는 여러 지점에서 발표값이 기준값 이상",
        "多个相互印证的站点公布值达到或超过水平",
    ),
    EventKind.RESOLVED: (
        "Newer readings are well below the level",
        "新しい測定が基準値を十分に下回った",
        "새 측정이 기준값보다 충분히 낮음",
        "新读数已明显低于该水平",
    ),
}
_SAMPLE_HEAD: dict[EventKind, tuple[str, str, str, str]] = {
    EventKind.UNVERIFIED: (
        "One sample at or above a level",
        "1試料が基準値以上",
        "시료 1건이 기준값 이상",
        "一个样品达到或超过水平",
    ),
    EventKind.RESOLVED: (
        "Later samples from the same place are well below the level",
        "同じ地点の後の試料は基準値を十分に下回る",
        "같은 지점의 이후 시료는 기준값보다 충분히 낮음",
        "同一地点后来的样品明显低于该水平",
    ),
}
_SAMPLE_BODY = (
    "{title} ({issuer}): {level} {unit}. Taken {when} at {station}: {value} {unit} ({analytes}). One sample, not the state now; a report, not a declaration.",
    "{title}（{issuer}）：{level} {unit}。{when}に{station}で採取：{value} {unit}（{analytes}）。1試料の結果で、現在の状態ではない。公式の宣言ではない。",
    "{title}({issuer}): {level} {unit}. {when} {station}에서 채취: {value} {unit}({analytes}). 시료 1건의 결과이며 현재 상태가 아님. 공식 선언이 아님.",
    "{title}（{issuer}）：{level} {unit}。{when}采自{station}：{value} {unit}（{analytes}）。仅为一个样品的结果，不代表当前状态，并非官方宣布。",
)
_LEVEL_BODY = (
    "{title} ({issuer}): {level} {unit}. {n} station(s); largest: {station} read {values} {unit} ({quantity}); newest {age} old. A report, not a declaration.",
    "{title}（{issuer}）：{level} {unit}。{n}地点。最大は{station}：{quantity} {values} {unit}。最新の測定は{age}前。地点の公表値であり、公式の宣言ではない。",
    "{title}({issuer}): {level} {unit}. {n}개 지점. 최대는 {station}: {quantity} {values} {unit}. 최신 측정은 {age} 전. 지점의 발표값이며 공식 선언이 아님.",
    "{title}（{issuer}）：{level} {unit}。{n}个站点。最大为{station}：{quantity} {values} {unit}。最新读数为{age}前。此为站点公布值，并非官方宣布。",
)
_FEED_BLIND = (
    "{polls} polls of {about} in a row were not on time ({states}); what its {active} stations heard within the last day would say is not known. Newest reading {age} old.",
    "{about}の取得が{polls}回連続で時刻どおりでない（{states}）。過去1日に報告のあった{active}地点の状況は不明。最新の測定は{age}前。",
    "{about}의 수집이 {polls}회 연속 제때 이루어지지 않음({states}). 지난 하루 동안 보고한 {active}개 지점의 상황은 알 수 없음. 최신 측정은 {age} 전.",
    "{about}连续{polls}次采集未按时（{states}）。过去一天内有读数的{active}个站点情况不明。最新读数为{age}前。",
)
_UNHEARD = (
    "No poll of {about} has ended for too long; what its {active} stations heard within the last day would say is not known. Newest reading {age} old.",
    "{about}の取得が長時間行われていない。過去1日に報告のあった{active}地点の状況は不明。最新の測定は{age}前。",
    "{about}의 수집이 오랫동안 이루어지지 않음. 지난 하루 동안 보고한 {active}개 지점의 상황은 알 수 없음. 최신 측정은 {age} 전.",
    "{about}长时间没有完成采集。过去一天内有读数的{active}个站点情况不明。最新读数为{age}前。",
)
_AREA_BLIND = (
    "{quiet} of {active} stations of {about} heard within the last day stay quiet while their feeds are on time; what they would say is not known. Newest reading {age} old.",
    "{about}の、過去1日に報告のあった{active}地点中{quiet}地点が、配信は正常なのに途絶。状況は不明。最新の測定は{age}前。",
    "{about}에서 지난 하루 동안 보고한 {active}개 지점 중 {quiet}개 지점이 자료원은 정상인데도 침묵. 상황은 알 수 없음. 최신 측정은 {age} 전.",
    "{about}过去一天内有读数的{active}个站点中有{quiet}个在数据源正常时没有新读数，情况不明。最新读数为{age}前。",
)
_BACK = (
    "New readings have come back from {about}: {active} stations heard within the last day, {quiet} of them quiet. Newest reading {age} old.",
    "{about}の測定が再開：過去1日に報告のあった{active}地点、うち途絶{quiet}地点。最新の測定は{age}前。",
    "{about}의 측정이 재개됨: 지난 하루 동안 보고한 {active}개 지점, 그중 침묵 {quiet}개. 최신 측정은 {age} 전.",
    "{about}的读数已恢复：过去一天内有读数的站点{active}个，其中{quiet}个无新读数。最新读数为{age}前。",
)


@dataclass(frozen=True, slots=True)
class Blind:
    """What a blindness sentence tells; `about` per language, `states` of the polls that were missed (a feed's alert only)."""

    about: Mapping[str, str]
    quiet: int
    active: int
    age_s: int
    states: tuple[str, ...] = ()
    is_feed: bool = False


def number(value: float) -> str:
    """A number for people: at most two decimals, none that says nothing."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def largest(life: Life) -> Member:
    """The member with the largest peak (the first by uid among equals)."""
    return max(life.members, key=lambda member: (member.peak, member.series_uid))


def _rise_words(
    kind: EventKind,
    life: Life,
    quantity: str,
    exercise: bool,
    names: Mapping[str, str],
    age_s: int,
    *,
    rise: float,
    rain_words: Mapping[bool | None, tuple[str, ...]],
) -> dict[str, str]:
    """The sentences of an alert about a rise of `rise`; `names` are station names per language of its largest member."""
    top = largest(life)
    rain = True if any(member.rain for member in life.members) else top.rain
    told = {}
    for at, language in enumerate(LANGUAGES):
        body = _BODY[at].format(
            n=len({member.station_uid for member in life.members}),
            station=names.get(language) or top.station_uid,
            values=", ".join(number(value) for value in top.pair),
            unit=BY_ID[quantity].unit,
            quantity=BY_ID[quantity].names[at],
            rise=number(rise),
            median=number(top.median),
            age=age_words(age_s, language),
        )
        dot = ". " if language in ("en", "ko") else "。"
        told[language] = (_EXERCISE[language] if exercise else "") + _HEAD[kind][at] + dot + body + rain_words[rain][at]
    return told


def departure_words(
    kind: EventKind, life: Life, quantity: str, exercise: bool, names: Mapping[str, str], age_s: int
) -> dict[str, str]:
    """The sentences of an event of a departure alert; `names` are station names per language of its largest member."""
    rise = largest(life).trigger
    return _rise_words(kind, life, quantity, exercise, names, age_s, rise=rise, rain_words=_RAIN)


def level_words(
    rule: LevelRule, kind: EventKind, life: Life, quantity: str, exercise: bool, names: Mapping[str, str], age_s: int
) -> dict[str, str]:
    """The sentences of an event of a level: what stations reported, whose level it is, and that nobody has declared anything."""
    top, told = largest(life), {}
    for at, language in enumerate(LANGUAGES):
        head = _LEVEL_HEAD.get(kind, _HEAD[kind])[at]
        body = _LEVEL_BODY[at].format(
            n=len({member.station_uid for member in life.members}),
            station=names.get(language) or top.station_uid,
            values=", ".join(number(value) for value in top.pair),
            unit=BY_ID[quantity].unit,
            quantity=BY_ID[quantity].names[at],
            title=_in(rule.title, language),
            issuer=_in(rule.issuer, language),
            level=number(rule.parameters.level),
            age=age_words(age_s, language),
        )
        dot = ". " if language in ("en", "ko") else "。"
        told[language] = (_EXERCISE[language] if exercise else "") + head + dot + body
    return told


@dataclass(frozen=True, slots=True)
class Taken:
    """What a sentence about a sample tells: the sample (None: not on record any more), its member, the names of its place."""

    row: SampleRow | None
    member: Member
    names: Mapping[str, str]


def sample_words(rule: SampleRule, kind: EventKind, taken: Taken, exercise: bool) -> dict[str, str]:
    """The sentences of an event about one sample: what was found, when it was taken, whose level it is."""
    row, told = taken.row, {}
    when = "" if row is None else row.sample.time_text or _day(row.sample.end_s)
    for at, language in enumerate(LANGUAGES):
        body = _SAMPLE_BODY[at].format(
            title=_in(rule.title, language),
            issuer=_in(rule.issuer, language),
            level=number(rule.parameters.level),
            unit=rule.parameters.unit,
            station=taken.names.get(language) or next(iter(taken.names.values()), "") or taken.member.station_uid,
            value=number(taken.member.peak),
            analytes=", ".join(rule.analytes),
            when=when or _day(taken.member.pair_s[-1]),
        )
        dot = ". " if language in ("en", "ko") else "。"
        told[language] = (
            (_EXERCISE[language] if exercise else "") + _SAMPLE_HEAD.get(kind, _HEAD[kind])[at] + dot + body
        )
    return told


def _day(at_s: int) -> str:
    return dt.datetime.fromtimestamp(at_s, dt.UTC).strftime("%Y-%m-%d")


def _in(names: Mapping[Any, str], language: str) -> str:
    known = {str(key): text for key, text in names.items()}
    return known.get(language) or known.get("en") or next(iter(known.values()), "")


def detector_words(
    kind: EventKind, life: Life, quantity: str, exercise: bool, names: Mapping[str, str], age_s: int
) -> dict[str, str]:
    """The sentences of an event of a detector's alert; `names` are station names per language of its largest member."""
    rise = largest(life).peak
    return _rise_words(kind, life, quantity, exercise, names, age_s, rise=rise, rain_words=_ALLOWED)


def blind_words(kind: EventKind, blind: Blind, exercise: bool) -> dict[str, str]:
    """The sentences of an event of a blindness alert."""
    if kind is EventKind.RESOLVED:
        chosen = _BACK
    elif not blind.is_feed:
        chosen = _AREA_BLIND
    else:
        chosen = _FEED_BLIND if blind.states else _UNHEARD
    return {
        language: (_EXERCISE[language] if exercise else "")
        + chosen[at].format(
            about=blind.about.get(language, ""),
            quiet=blind.quiet,
            active=blind.active,
            age=age_words(blind.age_s, language),
            polls=len(blind.states),
            states=", ".join(dict.fromkeys(blind.states)),
        )
        for at, language in enumerate(LANGUAGES)
    }
