"""The examples of docs/webhooks.md verify what we sign, and refuse what we did not."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from alerting.webhooks import sign
from tests.conftest import ROOT

PAGE = (ROOT / "docs" / "webhooks.md").read_text(encoding="utf-8")
BODY = '{"type":"alert.firing","data":{"note":"福島 ☢"}}'.encode()


def example(language: str) -> str:
    (text,) = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    return text


def messages():
    """(secret, headers, body, good): signed, rotated, signed by others, changed, old."""
    old, new = sign.new_secret(), sign.new_secret()
    now_s = int(time.time())

    def signed(*secrets, at_s=now_s):
        return sign.headers([sign.signing_key(one) for one in secrets], "msg_1", at_s, BODY)

    return [
        (new, signed(new), BODY, True),
        (old, signed(new, old), BODY, True),
        (new, signed(new, old), BODY, True),
        (new, signed(old), BODY, False),
        (new, signed(new), BODY + b" ", False),
        (new, signed(new, at_s=now_s - 1000), BODY, False),
        (new, signed(new) | {"webhook-id": "msg_2"}, BODY, False),
    ]


def test_python() -> None:
    room: dict[str, object] = {}
    exec(compile(example("python"), "webhooks.md", "exec"), room)
    for secret, headers, body, good in messages():
        if good:
            room["verify"](secret, headers, body)
        else:
            with pytest.raises(ValueError):
                room["verify"](secret, headers, body)


if shutil.which("node"):

    def test_node(tmp_path: Path) -> None:
        told = [[secret, headers, body.decode(), good] for secret, headers, body, good in messages()]
        script = tmp_path / "verify.cjs"
        script.write_text(
            example("js")
            + f"""
for (const [secret, headers, body, good] of {json.dumps(told)}) {{
  let fits = true;
  try {{ verify(secret, headers, Buffer.from(body)); }} catch {{ fits = false; }}
  if (fits !== good) {{ console.error(headers, body, fits, good); process.exit(1); }}
}}
console.log("all as it should be");
""",
            encoding="utf-8",
        )
        done = subprocess.run(["node", str(script)], capture_output=True, text=True, check=False)
        assert done.stdout == "all as it should be\n", done.stderr


def test_variables_and_paths_of_the_page_are_those_of_the_code() -> None:
    from api.app import OPERATIONS
    from radcommons import speaking

    source = Path(speaking.__file__).read_text(encoding="utf-8")
    for name in re.findall(r"RADCOMMONS_([A-Z_]+)", PAGE):
        assert f'"{name}"' in source or name.startswith("SMTP"), name
    paths = {operation.path for operation in OPERATIONS}
    for path in re.findall(r"(/v1/[a-z/{}-]+[a-z}])", PAGE):
        assert path in paths, path
