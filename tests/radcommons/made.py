"""Archives that we make ourselves: invented publishers answer under the addresses of real feed files."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from collector.archive import RawArchive
from domain.readings import Answer
from radcommons.rehearsal.publishers import Publishers
from radcommons.rehearsal.world import World
from specs.loading import Config, load_config
from tests.conftest import ROOT

START_S = 1_786_720_200.0
RAMIS = [f"https://www.ramis.nra.go.jp/api/v1/map/map-means-data-public?data_type={kind}" for kind in (1, 2, 3, 0)]
KHNP = [f"http://data.khnp.co.kr/environ/service/realtime/radiorate?genName={plant}" for plant in ("WS", "KR")]
TAIWAN = ["https://www.nusc.gov.tw/open/gammamonitor_u.csv"]
QUAKES = ["https://www.jma.go.jp/bosai/quake/data/list.json"]
SEA = ["https://www.monitororbs.jp/en/download/Seawater_10_1.csv"]
CONFIG = ROOT / "config"


@cache
def config() -> Config:
    return load_config(CONFIG)


def archive(
    folder: Path, polls: int, step_s: float = 1500.0, urls: Iterable[str] = (*RAMIS, *KHNP, *TAIWAN, *QUAKES, *SEA)
) -> Path:
    """`polls` polls of every address, `step_s` apart, as a production collector would have kept them."""
    publishers = Publishers.of(World(START_S - 86400, START_S + 3 * step_s), config().geography, dies_s=1e12)
    raw = RawArchive(folder)
    for number in range(polls):
        for place, url in enumerate(urls):
            at_s = START_S + number * step_s + place
            parts = urlsplit(url)
            reply = publishers.answer(parts.netloc, parts.path, dict(parse_qsl(parts.query)), at_s)
            digest = hashlib.sha256(reply.body).hexdigest()
            raw.put(
                Answer(
                    "",
                    "GET",
                    url,
                    at_s,
                    at_s + 0.4,
                    reply.status,
                    (("content-type", reply.content_type),),
                    digest,
                    len(reply.body),
                ),
                reply.body,
            )
    raw.close()
    return folder
