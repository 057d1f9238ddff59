"""A dataset is its names, sizes and contents together."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runaudit.errors import RecordError
from runaudit.records.digest import Digest, FileEntry, digest_bytes, digest_file, digest_tree


def entry(path: str, content: bytes) -> FileEntry:
    return FileEntry(path=path, size=len(content), digest=digest_bytes(content))


def test_the_digest_of_abc_is_the_published_one():
    """FIPS 180-2, appendix B.1."""
    expected = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert str(digest_bytes(b"abc")) == expected


def test_a_file_and_its_bytes_have_one_digest(tmp_path):
    data = b"x" * (3 << 20) + b"tail"
    (tmp_path / "f").write_bytes(data)
    assert digest_file(tmp_path / "f").hex == hashlib.sha256(data).hexdigest()


def test_renaming_a_file_changes_the_tree():
    """Contents alone do not identify a dataset; names are part of it."""
    assert digest_tree([entry("b.npy", b"1")]) != digest_tree([entry("c.npy", b"1")])


def test_swapping_the_contents_of_two_files_changes_the_tree():
    one = digest_tree([entry("a", b"1"), entry("b", b"2")])
    assert digest_tree([entry("a", b"2"), entry("b", b"1")]) != one


@given(st.permutations([entry("a", b"1"), entry("b/c", b"2"), entry("b", b"3")]))
def test_the_order_of_listing_does_not_matter(entries):
    assert digest_tree(entries) == digest_tree([entry("a", b"1"), entry("b", b"3"), entry("b/c", b"2")])


def test_fields_are_framed_so_that_no_two_trees_collide():
    """Without framing, the name `a1` with size `2…` would read as the name `a` with size `12…`."""
    one = FileEntry(path="a1", size=2, digest=digest_bytes(b"z"))
    other = FileEntry(path="a", size=12, digest=digest_bytes(b"z"))
    assert digest_tree([one]) != digest_tree([other])


@pytest.mark.parametrize("text", ["", "sha256:", "md5:" + "0" * 32, "sha256:" + "A" * 64, "sha256:../../etc", "0" * 64])
def test_what_is_not_a_digest_is_refused(text):
    """Digests become paths in the store, so nothing else may pass."""
    with pytest.raises(RecordError):
        Digest.parse(text)
