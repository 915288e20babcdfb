import asyncio
import contextlib
import datetime as dt
import email
import ipaddress
import ssl
from dataclasses import dataclass, field
from email.policy import SMTP

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from alerting import plainpost
from alerting.cap import read, read_actual
from alerting.cap_alert import Topic
from alerting.cap_model import CapMessage, CapRefusal
from alerting.mail import BadAddress, MailRelay, MailSecurity, build, send
from alerting.webhooks.retry import Answered
from domain.states import AlertState
from tests.alerting.cap_made import AT_S, OIL2, SEA, VOICE, made

FROM, TO = "alerts@radcommons.example.org", "someone@example.net"


def parsed(alert, language="en", **more):
    return email.message_from_bytes(build(alert, VOICE, FROM, TO, language, **more).as_bytes(), policy=SMTP)


def test_a_mail_says_what_happened_and_carries_the_cap_document():
    message = parsed(made())
    assert message["Subject"].startswith("Fukushima: radiation readings above their usual range")
    assert message["From"] == "Radcommons <alerts@radcommons.example.org>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Date"].datetime.timestamp() == AT_S
    text, attached = message.iter_parts()
    assert "Follow your local authorities." in text.get_content()
    assert attached.get_content_type() == "application/cap+xml"
    assert isinstance(read_actual(attached.get_payload(decode=True)), CapMessage)


@pytest.mark.parametrize(
    ("language", "mark"), [("en", "[EXERCISE] "), ("ja", "【訓練】"), ("ko", "[훈련] "), ("zh", "【演练】")]
)
def test_an_exercise_stands_first_in_the_subject(language, mark):
    message = parsed(made(exercise=True), language)
    assert message["Subject"].startswith(mark)
    assert message["X-Radcommons-Exercise"] == "true"
    attached = list(message.iter_parts())[1].get_payload(decode=True)
    assert read_actual(attached).reason is CapRefusal.NOT_ACTUAL
    assert isinstance(read(attached), CapMessage)


def test_all_mails_of_one_alert_are_one_conversation():
    first = parsed(made(AlertState.UNVERIFIED, revision=1, earlier=()))
    later = parsed(made())
    assert first["In-Reply-To"] is None
    assert later["In-Reply-To"] == later["References"] == first["Message-ID"]
    assert parsed(made())["Message-ID"] == later["Message-ID"]
    other = email.message_from_bytes(build(made(), VOICE, FROM, "other@example.net").as_bytes(), policy=SMTP)
    assert other["Message-ID"] != later["Message-ID"]


def test_line_breaks_in_names_make_no_headers():
    hostile = made(areas=(), about={"en": "X\r\nBcc: all@example.org"}, stations=())
    message = parsed(hostile, unsubscribe_url="https://x.example/u\r\nBcc: y@example.org")
    assert message["Bcc"] is None
    assert "Bcc: all@example.org" in message["Subject"]


@pytest.mark.parametrize(
    "address",
    ["", "x", "a@b@c", "a@b, c@d", "a@b\r\nBcc: c@d", "<a@b>", "a b@c", "a@", "@b", "a@b..c", 'x"y"@z', "é@b"],
)
def test_what_is_no_single_address_is_refused(address):
    with pytest.raises(BadAddress):
        build(made(), VOICE, FROM, address)


@dataclass
class Relay:
    """A small SMTP server on loopback. `answers`: command word -> what is answered instead of the usual."""

    answers: dict = field(default_factory=dict)
    tls: ssl.SSLContext | None = None
    taken: list = field(default_factory=list)
    seen: list = field(default_factory=list)

    async def serve(self, reader, writer):
        writer.write(self.answers.get("hello", b"220 here\r\n"))
        while line := await reader.readline():
            word = line.split()[0].upper().decode() if line.split() else ""
            self.seen.append(line)
            if word in self.answers:
                if self.answers[word] is None:
                    break
                writer.write(self.answers[word])
            elif word == "EHLO":
                writer.write(
                    b"250-here\r\n250-STARTTLS\r\n250 AUTH PLAIN\r\n"
                    if self.tls and not writer.get_extra_info("ssl_object")
                    else b"250-here\r\n250 AUTH PLAIN\r\n"
                )
            elif word == "STARTTLS":
                writer.write(b"220 go\r\n")
                await writer.drain()
                await writer.start_tls(self.tls)
            elif word == "AUTH":
                writer.write(b"235 ok\r\n")
            elif word == "DATA":
                writer.write(b"354 go\r\n")
                self.taken.append(await reader.readuntil(b"\r\n.\r\n"))
                writer.write(b"250 taken\r\n")
            elif word == "QUIT":
                writer.write(b"221 bye\r\n")
                break
            else:
                writer.write(b"250 ok\r\n")
        writer.close()

    @contextlib.asynccontextmanager
    async def running(self, **relay):
        async def guarded(reader, writer):
            with contextlib.suppress(OSError, asyncio.IncompleteReadError, ssl.SSLError):
                await self.serve(reader, writer)

        server = await asyncio.start_server(guarded, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        try:
            yield MailRelay("127.0.0.1", port, **({"security": MailSecurity.NONE, "timeout_s": 5.0} | relay))
        finally:
            server.close()


async def test_a_mail_is_handed_over_whole():
    relay = Relay()
    message = build(made(), VOICE, FROM, TO, "ja")
    async with relay.running() as where:
        outcome = await send(message, where)
    assert outcome.delivered
    got = email.message_from_bytes(relay.taken[0], policy=SMTP)
    assert got["Subject"] == message["Subject"]
    assert "行政機関の指示" in next(got.iter_parts()).get_content()
    assert any(line.startswith(b"rcpt TO:<someone@example.net>") for line in relay.seen)


@pytest.mark.parametrize(
    ("answers", "code", "again"),
    [
        ({"RCPT": b"550 no such person\r\n"}, 550, False),
        ({"RCPT": b"450 later\r\n"}, 450, True),
        ({"MAIL": b"451 busy\r\n"}, 451, True),
        ({"MAIL": b"552 full\r\n"}, 552, False),
        ({"hello": b"421 not now\r\n"}, 421, True),
        ({"DATA": None}, 0, True),
        ({"EHLO": None}, 0, True),
    ],
)
async def test_what_a_server_refuses_comes_back_as_an_outcome(answers, code, again):
    relay = Relay(answers)
    async with relay.running() as where:
        outcome = await send(build(made(), VOICE, FROM, TO), where)
    assert not outcome.delivered
    assert (outcome.code, outcome.again) == (code, again) or (
        code == 0 and outcome.code <= 0 and outcome.again == again
    )
    assert relay.taken == []


async def test_nobody_listening_is_an_outcome_too():
    async with Relay().running() as where:
        pass
    outcome = await send(build(made(), VOICE, FROM, TO), where)
    assert (outcome.delivered, outcome.again) == (False, True)


async def test_a_password_never_travels_unprotected():
    relay = Relay()
    async with relay.running(user="u", password="secret") as where:
        assert not (await send(build(made(), VOICE, FROM, TO), where)).delivered
    assert relay.seen == []
    assert "secret" not in repr(where)


async def test_without_starttls_at_the_server_nothing_is_sent():
    relay = Relay()
    async with relay.running(security=MailSecurity.STARTTLS) as where:
        outcome = await send(build(made(), VOICE, FROM, TO), where)
    assert (outcome.delivered, outcome.again) == (False, False)
    assert relay.taken == []


@pytest.fixture
def certificate(tmp_path):
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    made_of = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1)).not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    path = tmp_path / "own.pem"
    path.write_bytes(
        made_of.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return path


async def test_starttls_with_a_certificate_that_verifies_and_with_one_that_does_not(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    message = build(made(), VOICE, FROM, TO)
    relay = Relay(tls=context)
    async with relay.running(security=MailSecurity.STARTTLS, ca_file=str(certificate), user="u", password="p") as where:
        assert (await send(message, where)).delivered
    assert len(relay.taken) == 1
    stranger = Relay(tls=context)
    async with stranger.running(security=MailSecurity.STARTTLS, user="u", password="p") as where:
        outcome = await send(message, where)
    assert (outcome.delivered, outcome.again) == (False, False)
    assert "CERTIFICATE_VERIFY_FAILED" in outcome.detail
    assert stranger.taken == []


class Catcher:
    def __init__(self):
        self.got = []

    async def post(self, url, headers, body):
        self.got.append((url, headers, body))
        return Answered(200)


async def test_a_plain_post_in_the_manner_of_ntfy():
    catcher = Catcher()
    ready = plainpost.build(made(), VOICE, "https://ntfy.example.org/topic", authorization="Bearer tk\r\nX: y")
    assert (await plainpost.post(catcher, ready)).status == 200
    url, headers, body = catcher.got[0]
    assert url == "https://ntfy.example.org/topic"
    assert headers["title"].startswith("Fukushima: radiation readings above")
    assert headers["priority"] == "4"
    assert headers["tags"] == "radioactive,firing,JP-07"
    assert headers["click"] == "https://radcommons.example.org/v1/alerts/al-0123456789abcdef01234567"
    assert "\r" not in headers["authorization"]
    assert body.decode().endswith("Follow your local authorities.")


def test_titles_beyond_ascii_travel_as_encoded_words():
    title = plainpost.build(made(), VOICE, "https://x.example", "ja").headers["title"]
    assert title.isascii()
    assert str(email.header.make_header(email.header.decode_header(title))).startswith("福島県：")
    assert title.count("=?utf-8?") == 1


@pytest.mark.parametrize(
    ("changes", "priority"),
    [
        ({"named_level": OIL2}, 5), ({}, 4), ({"state": AlertState.UNVERIFIED}, 3), ({"state": AlertState.RESOLVED}, 2),
        ({"state": AlertState.STALE}, 4), ({"topic": Topic.BLINDNESS}, 3), ({"exercise": True, "named_level": OIL2}, 2), ({"test": True}, 2),
    ],
)  # fmt: skip
def test_priorities(changes, priority):
    assert plainpost.priority(made(changes.pop("state", AlertState.FIRING), **changes)) == priority


def test_a_drill_says_so_in_title_tags_and_text():
    ready = plainpost.build(made(exercise=True), VOICE, "https://x.example")
    assert ready.headers["title"].startswith("[EXERCISE] ")
    assert ready.headers["tags"].startswith("exercise,")
    assert ready.body.startswith(b"EXERCISE.")


def test_a_long_text_is_cut_between_letters():
    body = plainpost.build(made(reasons={"ja": "測" * 5000}, areas=(SEA,)), VOICE, "https://x.example", "ja").body
    assert len(body) <= plainpost.MOST_BYTES
    assert body.decode().endswith("…")
