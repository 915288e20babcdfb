"""Wiring of what speaks: the voice for the API, mails and posts, and the sender that delivers."""

from __future__ import annotations

from functools import partial

from alerting.ears import target_refusal
from alerting.voicing import Spoken
from alerting.webhooks.deliver import Deliverer
from alerting.webhooks.resolve import TargetPolicy, policy
from api.targets import TargetCheck
from radcommons.ground import Ground

WEBHOOK_PORTS = frozenset({443})


def allowed_targets(ground: Ground) -> TargetPolicy:
    """Where this service may post to."""
    return policy(WEBHOOK_PORTS, ground.settings.webhook_networks)


def target_check(ground: Ground) -> TargetCheck:
    """Why an address may not be told anything."""
    return partial(target_refusal, allowed=allowed_targets(ground))


def channels(ground: Ground) -> tuple[str, ...]:
    """How this service can tell people of alerts."""
    return ("webhook", "plain", "email") if ground.speech.relay is not None else ("webhook", "plain")


def spoken(ground: Ground) -> Spoken:
    """The voice of this service; it follows the configuration."""
    settings = ground.settings
    voice = Spoken(ground.speech.voice(f"http://{settings.host}:{settings.port}"), ground.config)
    if ground.live is not None:
        voice.config = ground.live.config
        ground.live.on_change(voice.follow)
    return voice


def delivering(ground: Ground) -> Deliverer:
    """The sender, to be entered."""
    speech = ground.speech
    return Deliverer(
        ground.store,
        ground.clock,
        allowed_targets(ground),
        spoken=spoken(ground),
        relay=speech.relay,
        mail_from=speech.mail_from,
    )
