"""The log over HTTP: heads, proofs that a stranger checks with the documented script, and what is refused."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from api.clocktext import told
from domain.states import Audience
from store import heads, merkle
from store.engine import Store
from tests.api import made
from tests.api.conftest import Client, body
from tests.conftest import ROOT

END = made.NOW - 1800
OF_FUKUSHIMA = "/v1/log/proof?" + urlencode({"series": made.DOSE_F.uid, "end": told(END)})


@pytest.fixture
async def signed(store: Store, tmp_path: Path) -> heads.Head:
    head = await heads.sign(store, heads.signing_key(tmp_path / "log.key"), made.NOW)
    assert head is not None
    return head


async def checked_by_the_guide(url: str) -> tuple[int, str]:
    """Exit status and output of the script in docs/proofs.md."""
    script = re.search(r"```python\n(.*?)```", (ROOT / "docs" / "proofs.md").read_text(encoding="utf-8"), re.DOTALL)
    assert script is not None
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script[1], url, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    said, _ = await process.communicate()
    return process.returncode or 0, said.decode()


async def test_the_guide_checks_a_proof_and_refuses_a_forged_one(api: Client, store: Store, signed: heads.Head) -> None:
    status, said = await checked_by_the_guide(str(api.make_url(OF_FUKUSHIMA)))
    assert status == 0, said
    assert "0.055 uSv/h, revision 2" in said
    async with store.writing() as connection:  # a head over another root, signed by somebody
        await connection.exec_driver_sql("UPDATE log_heads SET root = zeroblob(32)")
    status, said = await checked_by_the_guide(str(api.make_url(OF_FUKUSHIMA)))
    assert status == 1
    assert "AssertionError" in said


async def test_heads(api: Client, store: Store, signed: heads.Head) -> None:
    newest = await body(api, "/v1/log/head")
    assert newest["head"]["root"] == signed.root.hex()
    assert newest["head"]["text"].encode() == signed.text
    assert newest["size_now"] == signed.size
    listed = await body(api, "/v1/log/heads?limit=1")
    assert listed["heads"] == [newest["head"]]


async def test_nothing_is_signed_yet(api: Client) -> None:
    problem = await body(api, "/v1/log/head", 404)
    assert problem["code"] == "not_found"
    assert (await body(api, "/v1/log/heads"))["heads"] == []
    assert (await body(api, OF_FUKUSHIMA))["head"] is None


async def test_every_version_has_its_proof(api: Client, signed: heads.Head) -> None:
    found = {number: await body(api, f"{OF_FUKUSHIMA}&revision={number}") for number in (1, 2)}
    assert found[1]["leaf"] < found[2]["leaf"]
    assert found[1]["root"] == found[2]["root"] == signed.root.hex()
    for one in found.values():
        path = [bytes.fromhex(text) for text in one["path"]]
        merkle.verify_inclusion(bytes.fromhex(one["leaf_hash"]), one["leaf"], one["size"], path, signed.root)
    received_s = json.loads(found[1]["entry"])["received_s"]
    assert (await body(api, f"{OF_FUKUSHIMA}&as_of={told(received_s)}"))["revision"] == 1
    await body(api, f"{OF_FUKUSHIMA}&as_of={told(received_s - 1)}", 404)
    await body(api, f"{OF_FUKUSHIMA}&revision=9", 404)


async def test_consistency(api: Client, signed: heads.Head) -> None:
    told_of = await body(api, "/v1/log/consistency?old=3")
    assert told_of["new"] == signed.size
    old, new = bytes.fromhex(told_of["old_root"]), bytes.fromhex(told_of["new_root"])
    merkle.verify_consistency(3, signed.size, old, new, [bytes.fromhex(text) for text in told_of["path"]])
    assert new == signed.root
    for query in ("old=5&new=3", "old=1&new=100000"):
        assert (await body(api, f"/v1/log/consistency?{query}", 422))["code"] == "not_meaningful"


REFUSED: dict[str, tuple[str, int, str]] = {
    "no such series": ("series=nothing&end=2026-08-15T00:00:00Z", 404, "not_found"),
    "no such reading": (urlencode({"series": made.DOSE_F.uid, "end": told(END + 1)}), 404, "not_found"),
    "no end": (urlencode({"series": made.DOSE_F.uid}), 400, "missing_parameter"),
    "naive": (urlencode({"series": made.DOSE_F.uid, "end": "2026-08-15T00:00:00"}), 400, "naive_time"),
    "a tree without it": (
        urlencode({"series": made.DOSE_F.uid, "end": told(END), "size": 1}),
        422,
        "not_meaningful",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
async def test_refused(api: Client, case: str) -> None:
    query, status, code = REFUSED[case]
    assert (await body(api, f"/v1/log/proof?{query}", status))["code"] == code


async def test_what_may_not_be_shown_has_no_public_proof(
    api: Client, public: Client, store: Store, signed: heads.Head
) -> None:
    shown = await body(public, "/v1/latest")
    hidden = [row for row in (await body(api, "/v1/latest"))["latest"] if row["rights"] != "yes"]
    assert shown["audience"] == Audience.PUBLIC
    assert hidden
    for row in hidden:
        query = urlencode({"series": row["series"], "end": row["phenomenon_end"]})
        assert (await body(api, f"/v1/log/proof?{query}"))["series"] == row["series"]
        problem: Any = await body(public, f"/v1/log/proof?{query}", 404)
        assert problem["code"] == "not_found"


async def test_changed_rows_get_no_proof(api: Client, store: Store, signed: heads.Head) -> None:
    async with store.writing() as connection:
        await connection.exec_driver_sql(f"UPDATE readings SET value = 0.05 WHERE end_s = {END}")
    problem = await body(api, OF_FUKUSHIMA, 503)
    assert problem["code"] == "not_available"
    assert "db verify" in problem["detail"]
