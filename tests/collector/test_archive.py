"""The raw archive: what goes in comes out, crashes cost one torn line, and nothing foreign is believed."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.archive import ArchiveError, ArchiveReader, RawArchive
from domain.readings import Answer
from domain.reasons import Refusal

AT = 1_786_721_160.5


def answer(url: str = "https://example.org/a", at: float = AT, wire: bytes = b"{}", **more: object) -> Answer:
    import hashlib

    made = Answer(
        feed_id="f",
        method="GET",
        url=url,
        requested_s=at,
        received_s=at + 1.25,
        status=200,
        headers=(("content-type", "application/json"),),
        sha256=hashlib.sha256(wire).hexdigest(),
        size_bytes=len(wire),
    )
    return replace(made, **more)  # type: ignore[arg-type]


def write(folder: Path, *puts: tuple[Answer, bytes]) -> None:
    archive = RawArchive(folder)
    for one, wire in puts:
        archive.put(one, wire)
    archive.close()


def test_what_goes_in_comes_out(tmp_path: Path) -> None:
    put = answer(wire=b'{"x":1}')
    write(tmp_path, (put, b'{"x":1}'))
    (got,) = ArchiveReader([tmp_path])
    assert got.body == b'{"x":1}'
    assert got.answer == replace(put, feed_id="")


def test_a_body_lies_once_on_disk_and_is_gzip(tmp_path: Path) -> None:
    write(tmp_path, (answer(at=AT), b"{}"), (answer(at=AT + 60), b"{}"))
    bodies = [path for path in (tmp_path / "bodies").rglob("*") if path.is_file()]
    assert len(bodies) == 1
    assert gzip.decompress(bodies[0].read_bytes()) == b"{}"
    assert bodies[0].parent.name == bodies[0].name[:2]
    assert len(ArchiveReader([tmp_path])) == 2


def test_several_archives_are_read_as_one_in_order_of_request(tmp_path: Path) -> None:
    write(tmp_path / "a", (answer("https://a/1", AT + 2), b"{}"), (answer("https://a/0", AT), b"{}"))
    write(tmp_path / "b", (answer("https://b/0", AT + 1), b"{}"))
    urls = [one.answer.url for one in ArchiveReader([tmp_path / "a", tmp_path / "b"])]
    assert urls == ["https://a/0", "https://b/0", "https://a/1"]


@pytest.mark.parametrize("cut", [1, 10, 200])
def test_a_line_torn_by_a_crash_is_cut_off_and_the_rest_stays(tmp_path: Path, cut: int) -> None:
    write(tmp_path, (answer(at=AT), b"{}"), (answer(at=AT + 60), b"{}"))
    index = tmp_path / "captures.jsonl"
    index.write_bytes(index.read_bytes()[:-cut])
    write(tmp_path, (answer(at=AT + 120), b"{}"))
    reader = ArchiveReader([tmp_path])
    assert [one.answer.requested_s - AT for one in reader] == [0, 120]
    assert not reader.problems


def test_lines_that_cannot_be_read_cost_themselves_only(tmp_path: Path) -> None:
    write(tmp_path, (answer(), b"{}"))
    with (tmp_path / "captures.jsonl").open("a") as index:
        index.write('not json\n{"method":"GET"}\n{"url":"https://x/","requested_at":"2026-08-15T00:00:00"}\n[]\n')
    reader = ArchiveReader([tmp_path])
    assert len(list(reader)) == 1
    assert len(reader.problems) == 4


@pytest.mark.parametrize("damage", [b"", b"\x1f\x8b", gzip.compress(b"other", mtime=0)])
def test_a_damaged_body_is_a_refusal_not_a_reading(tmp_path: Path, damage: bytes) -> None:
    write(tmp_path, (answer(), b"{}"))
    next(path for path in (tmp_path / "bodies").rglob("*.gz")).write_bytes(damage)
    (got,) = ArchiveReader([tmp_path])
    assert got.answer.failure is Refusal.NO_CAPTURE
    assert got.body == b""


def test_an_index_cannot_lead_out_of_its_archive(tmp_path: Path) -> None:
    (tmp_path / "secret.gz").write_bytes(gzip.compress(b"{}"))
    write(tmp_path / "a", (answer(), b"{}"))
    index = tmp_path / "a" / "captures.jsonl"
    line = json.loads(index.read_text()) | {"body": "../secret.gz"}
    index.write_text(json.dumps(line) + "\n")
    (got,) = ArchiveReader([tmp_path / "a"])
    assert got.answer.failure is Refusal.NO_CAPTURE
    assert "leads out" in got.answer.failure_detail


@pytest.mark.parametrize(
    ("status", "failure"),
    [
        (200, None),
        (304, None),
        (403, Refusal.BLOCKED),
        (429, Refusal.BLOCKED),
        (302, Refusal.REDIRECT),
        (500, Refusal.HTTP_STATUS),
    ],
)
def test_a_status_means_the_same_live_and_replayed(tmp_path: Path, status: int, failure: Refusal | None) -> None:
    write(tmp_path, (answer(status=status), b"{}"))
    (got,) = ArchiveReader([tmp_path])
    assert got.answer.failure is failure
    assert got.answer.not_modified is (status == 304)


def test_a_refusal_in_the_body_is_remembered(tmp_path: Path) -> None:
    write(tmp_path, (answer(failure=Refusal.TOO_LARGE, failure_detail="more than 1 byte", sha256="", wire=b""), b""))
    (got,) = ArchiveReader([tmp_path])
    assert (got.answer.failure, got.answer.failure_detail) == (Refusal.TOO_LARGE, "more than 1 byte")


def test_a_compressed_body_is_kept_as_received_and_unpacked_when_read(tmp_path: Path) -> None:
    wire = gzip.compress(b"[1]")
    write(tmp_path, (answer(wire=wire, headers=(("content-encoding", "gzip"),)), wire))
    (got,) = ArchiveReader([tmp_path])
    assert got.body == b"[1]"


def test_what_was_never_answered_is_not_in_the_archive(tmp_path: Path) -> None:
    write(tmp_path, (answer(status=0, failure=Refusal.TIMEOUT), b""))
    assert len(ArchiveReader([tmp_path])) == 0


def test_a_folder_that_is_no_archive_is_said_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="is no capture archive"):
        ArchiveReader([tmp_path])


@given(st.lists(st.binary(max_size=50), max_size=8))
def test_any_bytes_survive(tmp_path_factory: pytest.TempPathFactory, bodies: list[bytes]) -> None:
    folder = tmp_path_factory.mktemp("archive")
    write(folder, *((answer(at=AT + number, wire=wire), wire) for number, wire in enumerate(bodies)))
    assert [one.body for one in ArchiveReader([folder])] == bodies
