import base64
import datetime as dt
import json
import random

import pytest
import standardwebhooks
from hypothesis import given
from hypothesis import strategies as st

from alerting.webhooks import sign
from alerting.webhooks.resolve import policy, refusal
from alerting.webhooks.retry import TABLE_S, Answered, Verdict, decide, retry_after_s

NOW = 1_790_000_000
PUBLIC = policy(frozenset({443}), ())


@given(st.dictionaries(st.text(max_size=8), st.text(max_size=30), max_size=5))
def test_the_reference_library_verifies_what_we_sign_and_we_verify_what_it_signs(data):
    secret = sign.new_secret()
    body = json.dumps(data, ensure_ascii=False).encode()
    now = dt.datetime.now(dt.UTC)
    ours = sign.headers([sign.signing_key(secret)], "msg_1", int(now.timestamp()), body)
    reference = standardwebhooks.Webhook(secret)
    assert reference.verify(body, ours) == data
    theirs = {
        "webhook-id": "m2",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": reference.sign("m2", now, body.decode()),
    }
    sign.verify([sign.verifying_key(secret)], theirs, body, int(now.timestamp()))


def test_rotation_signs_with_old_and_new_and_with_both_kinds():
    old, new = sign.new_secret(), sign.new_secret()
    private, public = sign.new_ed25519()
    keys = [sign.signing_key(text) for text in (new, old, private)]
    headers = sign.headers(keys, "m", NOW, b"{}")
    assert [part.split(",")[0] for part in headers["webhook-signature"].split(" ")] == ["v1", "v1", "v1a"]
    for known in (old, new, public):
        sign.verify([sign.verifying_key(known)], headers, b"{}", NOW)
    with pytest.raises(sign.BadSignature):
        sign.verify([sign.verifying_key(sign.new_secret())], headers, b"{}", NOW)
    with pytest.raises(sign.BadSignature):
        sign.verify([sign.verifying_key(public)], headers, b"{ }", NOW)


@pytest.mark.parametrize(
    "change",
    [
        {"webhook-id": "other"},
        {"webhook-timestamp": str(NOW - 400)},
        {"webhook-timestamp": "x"},
        {"webhook-signature": "v1,AAAA"},
        {"webhook-signature": ""},
    ],
)
def test_a_changed_message_is_refused(change):
    secret = sign.new_secret()
    headers = sign.headers([sign.signing_key(secret)], "m", NOW, b"{}") | change
    with pytest.raises(sign.BadSignature):
        sign.verify([sign.verifying_key(secret)], headers, b"{}", NOW)


@pytest.mark.parametrize(
    "text",
    ["", "whsec_", "whsec_????", "whsec_" + base64.b64encode(b"short").decode(), "whpk_AAAA", "whsk_AAAA", "sk_x"],
)
def test_a_key_that_is_none_is_refused_without_being_repeated(text):
    with pytest.raises(sign.BadKey) as error:
        sign.signing_key(text)
    assert len(text) < 8 or text not in str(error.value)


def test_an_id_with_a_dot_is_never_signed():
    with pytest.raises(ValueError):
        sign.headers([sign.signing_key(sign.new_secret())], "a.b", NOW, b"")


@pytest.mark.parametrize("status", [0, 200, 204, 299, 301, 302, 400, 404, 410, 429, 500, 503])
@pytest.mark.parametrize("attempt", [1, 3, 10])
def test_verdicts(status, attempt):
    found = decide(Answered(status), attempt, NOW, random.Random(1))
    if 200 <= status < 300:
        assert found.verdict is Verdict.DELIVERED
    elif status == 410:
        assert found.verdict is Verdict.GONE
    elif attempt == 10:
        assert found.verdict is Verdict.EXHAUSTED
    else:
        assert found.verdict is Verdict.AGAIN
        assert abs(found.due_s - NOW - TABLE_S[attempt]) <= 0.2 * TABLE_S[attempt]


def test_the_table_lasts_75_hours_35_minutes():
    assert sum(TABLE_S) == 75 * 3600 + 35 * 60 + 5


def test_retry_after_is_obeyed_but_not_for_ever():
    assert decide(Answered(429, "120"), 1, NOW, random.Random(1)).due_s == NOW + 120
    assert decide(Answered(429, "999999"), 1, NOW, random.Random(1)).due_s == NOW + 86_400
    assert retry_after_s("Wed, 21 Oct 2015 07:28:00 GMT", NOW) == 0
    assert retry_after_s("soon", NOW) is None


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://localhost/",
        "https://x.localhost/",
        "https://user@example.org/",
        "https://user:pw@example.org/",
        "https://example.org:22/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0177.0.0.1/",
        "https://127.1/",
        "https://10.0.0.1/",
        "https://169.254.169.254/latest",
        "https://[::ffff:127.0.0.1]/",
        "https://[64:ff9b::7f00:1]/",
        "https://[fe80::1]/",
        "ftp://example.org/",
        "file:///etc/passwd",
        "https:///x",
        "https://example.org\\@127.0.0.1/",
        "gopher://example.org/",
        "https://metadata.google.internal/",
        "https://0/",
        "//example.org/x",
    ],
)
def test_targets_refused_by_their_text(url):
    assert refusal(url, PUBLIC)


@pytest.mark.parametrize(
    "url", ["https://example.org/hook?x=1", "https://例え.jp/", "https://8.8.8.8/hook", "https://[2606:4700::1111]/"]
)
def test_targets_that_text_does_not_refuse(url):
    assert refusal(url, PUBLIC) == ""


def test_an_operator_may_open_a_network():
    own = policy(frozenset({443}), ("127.0.0.0/8",))
    assert refusal("http://127.0.0.1:8201/hook", own) == ""
    assert refusal("http://10.0.0.1/", own)
