"""The hash tree against the definition of RFC 6962, and proofs that must not pass."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store import merkle

ENTRIES = st.lists(st.binary(max_size=8), min_size=1, max_size=70)


def by_definition(entries: list[bytes]) -> bytes:
    """MTH of RFC 6962, written down as the text has it."""
    if not entries:
        return hashlib.sha256(b"").digest()
    if len(entries) == 1:
        return hashlib.sha256(b"\x00" + entries[0]).digest()
    k = 1
    while k * 2 < len(entries):
        k *= 2
    return hashlib.sha256(b"\x01" + by_definition(entries[:k]) + by_definition(entries[k:])).digest()


def grown(entries: list[bytes]) -> merkle.Node:
    nodes: dict[tuple[int, int], bytes] = {}
    for index, entry in enumerate(entries):
        for level, place, found in merkle.completed(merkle.leaf_hash(entry), index, lambda *key: nodes[key]):
            assert (level, place) not in nodes
            nodes[level, place] = found
    return lambda level, index: nodes[level, index]


def test_known_answers() -> None:
    # Roots of the test inputs used by the Certificate Transparency reference implementation.
    inputs = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
    node = grown([bytes.fromhex(text) for text in inputs])
    assert merkle.root(1, node).hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert merkle.root(8, node).hex() == "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"


@given(ENTRIES)
def test_every_root_and_inclusion(entries: list[bytes]) -> None:
    node = grown(entries)
    size = len(entries)
    assert merkle.root(size, node) == by_definition(entries)
    for index, entry in enumerate(entries):
        proof = merkle.inclusion_proof(index, size, node)
        merkle.verify_inclusion(merkle.leaf_hash(entry), index, size, proof, by_definition(entries))


@given(ENTRIES, st.data())
def test_every_consistency(entries: list[bytes], data: st.DataObject) -> None:
    node = grown(entries)
    old = data.draw(st.integers(1, len(entries)))
    proof = merkle.consistency_proof(old, len(entries), node)
    merkle.verify_consistency(old, len(entries), by_definition(entries[:old]), by_definition(entries), proof)


@given(st.lists(st.binary(max_size=8), min_size=2, max_size=40, unique=True), st.data())
def test_an_edit_is_found(entries: list[bytes], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(entries) - 1))
    forged = [*entries[:index], entries[index] + b"!", *entries[index + 1 :]]
    node, other = grown(entries), grown(forged)
    size = len(entries)
    with pytest.raises(merkle.BadProof):
        merkle.verify_inclusion(
            merkle.leaf_hash(forged[index]),
            index,
            size,
            merkle.inclusion_proof(index, size, node),
            merkle.root(size, node),
        )
    old = data.draw(st.integers(index + 1, size))
    with pytest.raises(merkle.BadProof):
        merkle.verify_consistency(
            old, size, merkle.root(old, node), merkle.root(size, other), merkle.consistency_proof(old, size, other)
        )


@given(ENTRIES, st.data())
def test_a_shortened_or_padded_proof_does_not_pass(entries: list[bytes], data: st.DataObject) -> None:
    node, size = grown(entries), len(entries)
    index = data.draw(st.integers(0, size - 1))
    proof = merkle.inclusion_proof(index, size, node)
    for wrong in ([*proof, b"\x00" * 32], proof[:-1]):
        if wrong != proof:
            with pytest.raises(merkle.BadProof):
                merkle.verify_inclusion(merkle.leaf_hash(entries[index]), index, size, wrong, merkle.root(size, node))
