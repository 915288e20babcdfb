"""What the service says to a subscriber about the subscription itself, in en, ja, ko and zh."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from analysis.sentences import LANGUAGES

Words = tuple[str, str, str, str]


class OwnSubject(StrEnum):
    """What is said."""

    CHALLENGE = "challenge"
    TEST = "test"
    NOTICE = "notice"


@dataclass(frozen=True, slots=True)
class OwnWords:
    """A title and a text, one language."""

    title: str
    text: str


_TITLES: dict[OwnSubject, Words] = {
    OwnSubject.CHALLENGE: (
        "Please confirm: radiation notices to this address",
        "確認のお願い：このアドレスへの放射線通知",
        "확인 요청: 이 주소로 보내는 방사선 통지",
        "请确认：向此地址发送辐射通知",
    ),
    OwnSubject.TEST: (
        "[EXERCISE] Test of a subscription",
        "【訓練】配信登録のテスト",
        "[훈련] 구독 시험",
        "【演练】订阅测试",
    ),
    OwnSubject.NOTICE: (
        "Notices are no longer delivered",
        "通知の配信が停止されました",
        "통지 전달이 중지되었습니다",
        "通知已停止送达",
    ),
}
_TEXTS: dict[OwnSubject, Words] = {
    OwnSubject.CHALLENGE: (
        "Somebody asked for notices to this address. Nothing is sent before it is confirmed: {link}\nIf that was not you, do nothing.",
        "このアドレスへの通知が申し込まれました。確認されるまで何も送られません：{link}\n心当たりがなければ何もしないでください。",
        "이 주소로 통지가 신청되었습니다. 확인 전에는 아무것도 보내지 않습니다: {link}\n신청하지 않았다면 아무것도 하지 마십시오.",
        "有人为此地址申请了通知。确认之前不会发送任何内容：{link}\n如果不是您本人，请勿操作。",
    ),
    OwnSubject.TEST: (
        "This is a test of a subscription. Nothing has happened.",
        "これは配信登録のテストです。何も起きていません。",
        "구독 시험입니다. 아무 일도 일어나지 않았습니다.",
        "这是订阅测试。没有发生任何事情。",
    ),
    OwnSubject.NOTICE: (
        "The subscription {subscription} is disabled: {reason}. Events are kept; silence from now on says nothing about radiation.",
        "配信登録 {subscription} は無効になりました：{reason}。通知は保存されています。今後届かないことは放射線の状況を示しません。",
        "구독 {subscription}이(가) 비활성화되었습니다: {reason}. 통지는 보관됩니다. 앞으로의 침묵은 방사선 상황을 뜻하지 않습니다.",
        "订阅 {subscription} 已停用：{reason}。通知会保留；此后没有通知并不说明辐射情况。",
    ),
}


def own_words(subject: OwnSubject, language: str, **facts: str) -> OwnWords:
    """What is said in a language, with the facts that the text names."""
    at = LANGUAGES.index(language) if language in LANGUAGES else 0
    return OwnWords(_TITLES[subject][at], _TEXTS[subject][at].format(**facts))
