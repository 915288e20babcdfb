"""Wiring of what speaks: the voice for the API, mails and posts, and the sender that delivers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from alerting.ears import target_refusal
from alerting.voicing import Spoken
from alerting.webhooks.deliver import Deliverer
from alerting.webhooks.resolve import TargetPolicy, policy
from alerting.webhooks.send import HttpSender
from api.targets import TargetCheck
from radcommons.dead_man import STEP_ALIVE_S, Beats, DeadMan, poll_alive_s, since, since_newest_poll
from radcommons.drilling import Driller
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


@asynccontextmanager
async def dead_man(ground: Ground, beats: Beats, deliverer: Deliverer) -> AsyncIterator[DeadMan | None]:
    """What posts to the outside address that is configured, its own connections opened; None without one."""
    if not ground.speech.dead_man_url:
        yield None
        return
    sender = HttpSender(allowed_targets(ground), "radcommons-alive/1")
    sender.open()
    links = {
        "collector": (since_newest_poll(ground.store, ground.clock), poll_alive_s(ground.config)),
        "watcher": (since(lambda: beats.at.get("watch")), STEP_ALIVE_S),
        "deliverer": (since(lambda: deliverer.stepped_s), STEP_ALIVE_S),
    }
    try:
        yield DeadMan(ground.speech.dead_man_url, sender, links, ground.registry)
    finally:
        await sender.close()


def driller(ground: Ground) -> Driller:
    """What goes through drills in the collector's process; it follows the configuration."""
    made = Driller(
        ground.store, ground.config, ground.clock, ground.speech.drill_region, ground.speech.drill_every_days
    )
    if ground.live is not None:
        made.config = ground.live.config
        ground.live.on_change(made.follow)
    return made


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
