"""What an operator may set for the API; read from the command line and the environment in the top room."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from domain.states import Audience

WEB_FOLDER = Path(__file__).parent / "web"


@dataclass(frozen=True, slots=True)
class ApiSettings:
    """Settings of one API process. A rate of 0 sets no limit, as on loopback; without a token operator calls are refused."""

    audience: Audience = Audience.INTERNAL
    version: str = "0.1.0"
    title: str = "Radcommons"
    contact: str = ""
    operator_token: str = ""
    requests_per_minute: int = 0
    channels: tuple[str, ...] = ("webhook", "plain")  # how subscribers can be told; `email` where there is a relay
    check_s: float = 0.25  # how long the store's word on what is new may be relied on
    warm_up: bool = True  # make the baselines of all series when the service starts, not when somebody asks
    operator_wait_s: float = 25.0  # how long an operator's call waits for the collector
    keep_every_s: float = 60.0  # how often to look whether an hour has passed whose summaries are to be kept
    stream_every_s: float = 1.0
    most_streams: int = 200
    body_limit_bytes: int = 64 * 1024
    export_folder: Path | None = None  # where exports are written; None: a folder of its own that goes with the process
    web_folder: Path = WEB_FOLDER
