"""An append-only hash tree (RFC 6962 section 2.1): roots, inclusion proofs and consistency proofs.

Only the hashes of complete subtrees are ever kept, `node(level, index)` covering leaves [index << level, (index + 1) << level); each is
written once and never changes, so a root or a proof over n leaves costs O(log n) look-ups, and an append O(1) on average.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence

Node = Callable[[int, int], bytes]

EMPTY_ROOT = hashlib.sha256(b"").digest()


class BadProof(ValueError):
    """The proof does not lead to the root."""


def leaf_hash(entry: bytes) -> bytes:
    """Hash of one log entry; the 0x00 prefix keeps a leaf from passing as an inner node."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of an inner node."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def completed(leaf: bytes, index: int, node: Node) -> Iterator[tuple[int, int, bytes]]:
    """The complete subtrees (level, index, hash) that appending leaf number `index` brings into being, the leaf first."""
    level, found = 0, leaf
    yield level, index, found
    while index & 1:
        found = node_hash(node(level, index - 1), found)
        level, index = level + 1, index >> 1
        yield level, index, found


def root(size: int, node: Node) -> bytes:
    """Root of the tree over the first `size` leaves."""
    return _range(0, size, node) if size else EMPTY_ROOT


def inclusion_proof(index: int, size: int, node: Node) -> list[bytes]:
    """Audit path of leaf `index` in the tree of `size` leaves, from the leaf upwards; raises IndexError outside it."""
    if not 0 <= index < size:
        raise IndexError(f"leaf {index} is not in a tree of {size}")
    return _path(index, 0, size, node)


def consistency_proof(old: int, new: int, node: Node) -> list[bytes]:
    """Proof that the tree of `new` leaves only appends to the tree of `old`; raises IndexError unless 0 < old <= new."""
    if not 0 < old <= new:
        raise IndexError(f"no consistency proof from {old} to {new}")
    return _subproof(old, 0, new, True, node)


def root_of_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes]) -> bytes:
    """The root to which an audit path leads; raises BadProof when its length does not fit."""
    if not 0 <= index < size:
        raise BadProof(f"leaf {index} is not in a tree of {size}")
    found, at, last = leaf, index, size - 1
    for sibling in proof:
        if last == 0:
            raise BadProof("the path is too long")
        if at & 1 or at == last:
            found = node_hash(sibling, found)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            found = node_hash(found, sibling)
        at, last = at >> 1, last >> 1
    if last:
        raise BadProof("the path is too short")
    return found


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], expected: bytes) -> None:
    """Raises BadProof unless the leaf stands at `index` under the root `expected`."""
    if root_of_inclusion(leaf, index, size, proof) != expected:
        raise BadProof("the path leads to another root")


def verify_consistency(old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> None:
    """Raises BadProof unless the tree of `new` leaves contains the tree of `old` leaves as it was (RFC 9162 section 2.1.4.2)."""
    if not 0 < old <= new:
        raise BadProof(f"no consistency from {old} to {new}")
    if old == new:
        if proof or old_root != new_root:
            raise BadProof("two roots for one size")
        return
    path = list(proof)
    if old & (old - 1) == 0:
        path.insert(0, old_root)
    if not path:
        raise BadProof("the proof is empty")
    found_old, found_new = _fold(old - 1, new - 1, path)
    if found_old != old_root or found_new != new_root:
        raise BadProof("the proof leads to other roots")


def _fold(at: int, last: int, path: list[bytes]) -> tuple[bytes, bytes]:
    while at & 1:
        at, last = at >> 1, last >> 1
    found_old = found_new = path[0]
    for sibling in path[1:]:
        if last == 0:
            raise BadProof("the proof is too long")
        if at & 1 or at == last:
            found_old, found_new = node_hash(sibling, found_old), node_hash(sibling, found_new)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            found_new = node_hash(found_new, sibling)
        at, last = at >> 1, last >> 1
    if last:
        raise BadProof("the proof is too short")
    return found_old, found_new


def _split(count: int) -> int:
    """Largest power of two below `count` (count > 1)."""
    return 1 << (count - 1).bit_length() - 1


def _range(low: int, high: int, node: Node) -> bytes:
    count = high - low
    if count & (count - 1) == 0:
        level = count.bit_length() - 1
        return node(level, low >> level)
    middle = low + _split(count)
    return node_hash(_range(low, middle, node), _range(middle, high, node))


def _path(index: int, low: int, high: int, node: Node) -> list[bytes]:
    if high - low == 1:
        return []
    middle = low + _split(high - low)
    if index < middle:
        return [*_path(index, low, middle, node), _range(middle, high, node)]
    return [*_path(index, middle, high, node), _range(low, middle, node)]


def _subproof(old: int, low: int, high: int, whole: bool, node: Node) -> list[bytes]:
    if old == high:
        return [] if whole else [_range(low, high, node)]
    middle = low + _split(high - low)
    if old <= middle:
        return [*_subproof(old, low, middle, whole, node), _range(middle, high, node)]
    return [*_subproof(old, middle, high, False, node), _range(low, middle, node)]
