"""The Merkle tree, against the vectors of Certificate Transparency and against the RFC's own recursion."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.transparency.merkle_tree import (
    EMPTY_ROOT,
    MAX_SIZE,
    Frontier,
    NotAFrontier,
    ProofRefused,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    node_hash,
    root_of_inclusion,
    verify_consistency,
    verify_inclusion,
)
from tests.service.transparency.recursive_tree import RecursiveTree

# Source: the reference implementation of Certificate Transparency; also transparency-dev/merkle, proof/verify_test.go.
CT_LEAVES = [
    bytes.fromhex(each)
    for each in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
CT_ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
CT_INCLUSION = {  # by index and size
    (0, 1): [],
    (0, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (5, 8): [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 3): ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"],
    (1, 5): [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}
CT_CONSISTENCY = {  # by the two sizes
    (1, 1): [],
    (1, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (6, 8): [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 5): [
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
    (6, 7): [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
}
LARGEST = 300
TREE = RecursiveTree([b"entry %d" % number for number in range(LARGEST)])
HASHES = [leaf_hash(each) for each in TREE.entries]
SOME_HASH = leaf_hash(b"of no tree")


def flipped(data: bytes, bit: int) -> bytes:
    """The bytes with one bit turned."""
    return (int.from_bytes(data, "big") ^ 1 << bit).to_bytes(len(data), "big")


@pytest.mark.parametrize("size", range(9))
def test_the_roots_of_certificate_transparency(size):
    """The roots over the first of eight entries are those that everybody publishes."""
    tree = Frontier().appended([leaf_hash(each) for each in CT_LEAVES[:size]])
    assert (tree.size, tree.root().hex()) == (size, CT_ROOTS[size])


@pytest.mark.parametrize(("place", "proof"), CT_INCLUSION.items())
def test_the_inclusion_proofs_of_certificate_transparency(place, proof):
    """They are made as published, and lead to the published roots."""
    index, size = place
    expected = tuple(map(bytes.fromhex, proof))
    assert inclusion_proof(index, size, RecursiveTree(CT_LEAVES).node) == expected
    verify_inclusion(index, size, leaf_hash(CT_LEAVES[index]), expected, bytes.fromhex(CT_ROOTS[size]))


@pytest.mark.parametrize(("sizes", "proof"), CT_CONSISTENCY.items())
def test_the_consistency_proofs_of_certificate_transparency(sizes, proof):
    """They are made as published, and lead to the published roots."""
    first, second = sizes
    expected = tuple(map(bytes.fromhex, proof))
    assert consistency_proof(first, second, RecursiveTree(CT_LEAVES).node) == expected
    verify_consistency(first, second, bytes.fromhex(CT_ROOTS[first]), bytes.fromhex(CT_ROOTS[second]), expected)


def test_a_tree_grows_to_every_size_as_the_rfc_defines_it():
    """Leaf by leaf, at once, and written and read in between, the roots are those of the recursion."""
    tree = Frontier()
    for size in range(LARGEST):
        root = TREE.root(size)
        assert tree.root() == root
        assert Frontier().appended(HASHES[:size]) == tree
        assert Frontier.from_bytes(tree.to_bytes()) == tree == Frontier.of_tree(size, TREE.node)
        tree = tree.appended([HASHES[size]])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 80), max_size=6))
def test_leaves_may_be_appended_in_any_portions(portions):
    """A tree does not depend on how its leaves came."""
    tree, taken = Frontier(), 0
    for portion in portions:
        tree = tree.appended(HASHES[taken : taken + portion])
        taken = min(taken + portion, LARGEST)
    assert (tree.size, tree.root()) == (taken, TREE.root(taken))


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_every_inclusion_proof_is_that_of_the_rfc_and_no_changed_one_holds(data):
    """A wrong leaf, root, bit, hash too many or too few: each is refused."""
    size = data.draw(st.integers(1, LARGEST))
    index = data.draw(st.integers(0, size - 1))
    proof, root, leaf = inclusion_proof(index, size, TREE.node), TREE.root(size), HASHES[index]
    assert proof == TREE.inclusion(index, size)
    verify_inclusion(index, size, leaf, proof, root)
    bit = data.draw(st.integers(0, 255))
    at = data.draw(st.integers(0, len(proof)))
    wrong = [
        (index, flipped(leaf, bit), proof, root),
        (index, leaf, proof, flipped(root, bit)),
        (index, leaf, (*proof[:at], SOME_HASH, *proof[at:]), root),
        (index, leaf, (*proof, root), root),
        (index ^ 1, leaf, proof, root),
        *((index, leaf, (*proof[:n], flipped(each, bit), *proof[n + 1 :]), root) for n, each in enumerate(proof)),
        *((index, leaf, (*proof[:n], *proof[n + 1 :]), root) for n in range(len(proof))),
        *((index, leaf, (*proof[:n], each[:31], *proof[n + 1 :]), root) for n, each in enumerate(proof)),
    ]
    for index, leaf, proof, root in wrong:
        with pytest.raises(ProofRefused):
            verify_inclusion(index, size, leaf, proof, root)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_every_consistency_proof_is_that_of_the_rfc_and_no_changed_one_holds(data):
    """A wrong root, bit, size, hash too many or too few: each is refused."""
    second = data.draw(st.integers(1, LARGEST))
    first = data.draw(st.integers(1, second))
    proof, old, new = consistency_proof(first, second, TREE.node), TREE.root(first), TREE.root(second)
    assert proof == TREE.consistency(first, second)
    verify_consistency(first, second, old, new, proof)
    bit = data.draw(st.integers(0, 255))
    at = data.draw(st.integers(0, len(proof)))
    wrong = [
        (first, second, flipped(old, bit), new, proof),
        (first, second, old, flipped(new, bit), proof),
        (first, second, old, new, (*proof[:at], SOME_HASH, *proof[at:])),
        (first, second, old, new, (*proof, new)),
        (second + 1, second, old, new, proof),
        (0, second, old, new, proof),
        *((first, second, old, new, (*proof[:n], flipped(each, bit), *proof[n + 1 :])) for n, each in enumerate(proof)),
        *((first, second, old, new, (*proof[:n], *proof[n + 1 :])) for n in range(len(proof))),
        *((first, second, old, new, (*proof[:n], b"", *proof[n + 1 :])) for n in range(len(proof))),
    ]
    if first != second:
        wrong += [(first, second, new, old, proof), (second, first, new, old, proof), (first, second, old, new, ())]
    for before, after, old, new, proof in wrong:
        with pytest.raises(ProofRefused):
            verify_consistency(before, after, old, new, proof)


def test_a_tree_begins_with_the_empty_tree_and_with_itself():
    """Nothing has to be shown for these, and nothing may be; the root of an empty tree is known."""
    one = HASHES[0]
    assert consistency_proof(0, 7, TREE.node) == consistency_proof(7, 7, TREE.node) == ()
    verify_consistency(0, 0, EMPTY_ROOT, EMPTY_ROOT, ())
    verify_consistency(0, 1, EMPTY_ROOT, one, ())
    verify_consistency(1, 1, one, one, ())
    for first, second, old, new, proof in (
        (0, 0, EMPTY_ROOT, one, ()),
        (0, 1, one, one, ()),
        (0, 1, EMPTY_ROOT, one, (one,)),
        (1, 1, one, one, (one,)),
        (1, 1, one, SOME_HASH, ()),
        (1, 0, one, EMPTY_ROOT, ()),
        (-1, 1, EMPTY_ROOT, one, ()),
        (0, MAX_SIZE + 1, EMPTY_ROOT, one, ()),
    ):
        with pytest.raises(ProofRefused):
            verify_consistency(first, second, old, new, proof)


@pytest.mark.parametrize(("index", "size"), [(0, 0), (1, 1), (-1, 1), (2, 1), (0, MAX_SIZE + 1)])
def test_a_leaf_that_a_tree_does_not_have_has_no_proof(index, size):
    """Neither is one made nor does one hold."""
    with pytest.raises(ProofRefused):
        inclusion_proof(index, size, TREE.node)
    with pytest.raises(ProofRefused):
        root_of_inclusion(index, size, SOME_HASH, ())


def test_a_path_that_ends_too_early_or_too_late_leads_to_no_root():
    """Also where no root is known to compare it with."""
    proof = inclusion_proof(5, 9, TREE.node)
    assert root_of_inclusion(5, 9, HASHES[5], proof) == TREE.root(9)
    for wrong in (proof[:-1], (), (*proof, SOME_HASH)):
        with pytest.raises(ProofRefused):
            root_of_inclusion(5, 9, HASHES[5], wrong)


def test_a_log_cannot_choose_a_root_that_makes_a_proof_of_another_length_lead_to_it():
    """Sizes say how many hashes a proof has: the root to which fewer or more of them lead is no root of that size."""
    four, eight = TREE.root(4), TREE.root(8)
    (right,) = consistency_proof(4, 8, TREE.node)
    verify_consistency(4, 8, four, eight, (right,))
    # The tree of six divides into four and two leaves; a seventh under the sixth would need one hash more.
    deeper = node_hash(four, node_hash(HASHES[4], node_hash(HASHES[5], SOME_HASH)))
    for first, second, old, new, proof in (
        (4, 8, four, four, ()),
        (4, 16, four, eight, (right,)),
        (4, 8, four, node_hash(eight, SOME_HASH), (right, SOME_HASH)),
        (6, 7, TREE.root(6), deeper, (HASHES[5], SOME_HASH, HASHES[4], four)),
    ):
        with pytest.raises(ProofRefused):
            verify_consistency(first, second, old, new, proof)


def test_a_log_cannot_choose_a_root_over_hashes_of_another_length():
    """Two hashes of other lengths have the same bytes one after the other, and so the same hash above them."""
    one, two = HASHES[:2]
    root = node_hash(one, two)
    for leaf, sibling in ((one[:-1], one[-1:] + two), (one + two, b""), (b"", one + two)):
        with pytest.raises(ProofRefused, match="32 bytes"):
            verify_inclusion(0, 2, leaf, [sibling], root)
    with pytest.raises(ProofRefused, match="32 bytes"):
        verify_consistency(1, 2, one + two, root, [b""])


def test_the_largest_tree_has_proofs():
    """All its leaves are the same, so that each node of a level has one hash."""
    level_hashes = [SOME_HASH]
    for _ in range(63):
        level_hashes.append(node_hash(level_hashes[-1], level_hashes[-1]))
    root = Frontier.of_tree(MAX_SIZE, lambda level, _: level_hashes[level]).root()
    for index in (0, 2**62, MAX_SIZE - 1):
        proof = inclusion_proof(index, MAX_SIZE, lambda level, _: level_hashes[level])
        assert len(proof) in (62, 63)
        verify_inclusion(index, MAX_SIZE, SOME_HASH, proof, root)
    old = Frontier.of_tree(2**62 + 1, lambda level, _: level_hashes[level]).root()
    proof = consistency_proof(2**62 + 1, MAX_SIZE, lambda level, _: level_hashes[level])
    verify_consistency(2**62 + 1, MAX_SIZE, old, root, proof)
    assert MAX_SIZE == 2**63 - 1


@pytest.mark.parametrize(("first", "second"), [(2, 1), (-1, 1), (1, MAX_SIZE + 1)])
def test_no_tree_begins_with_a_larger_one(first, second):
    """Nor is there a proof for trees that there cannot be."""
    with pytest.raises(ProofRefused):
        consistency_proof(first, second, TREE.node)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        bytes(7),
        bytes(9),
        bytes(8) + bytes(32),
        (3).to_bytes(8, "big") + bytes(32),
        (3).to_bytes(8, "big") + bytes(63),
        (3).to_bytes(8, "big") + bytes(96),
        (2**63).to_bytes(8, "big") + bytes(32),
    ],
)
def test_bytes_that_are_no_frontier_are_refused(data):
    """A frontier has exactly one hash for each bit of its size."""
    with pytest.raises(NotAFrontier):
        Frontier.from_bytes(data)


def test_a_frontier_takes_only_hashes_and_only_so_many():
    """A leaf in place of its hash would make another tree."""
    for entries in ([b"an entry"], [b"an entry", b"another"]):
        with pytest.raises(NotAFrontier, match="32 bytes"):
            Frontier().appended(entries)
    with pytest.raises(NotAFrontier, match="32 bytes"):
        Frontier(2, (b"short",))
    with pytest.raises(NotAFrontier):
        Frontier(MAX_SIZE, (SOME_HASH,) * 63).appended([SOME_HASH])
