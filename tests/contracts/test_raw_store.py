"""What every raw store keeps, on each adapter."""

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lakewright import errors
from lakewright.lake.raw import LocalRawStore, RawStore, read_chunks

CONTENT = b"id,name\n1,ada\n"
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture(params=[LocalRawStore])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> RawStore:
    make: Callable[[Path], RawStore] = request.param
    return make(tmp_path)


def test_what_was_received_can_be_read_back_byte_for_byte(store: RawStore) -> None:
    received = store.receive([CONTENT[:3], b"", CONTENT[3:]], "orders")
    assert (received.sha256, received.size_bytes) == (SHA256, len(CONTENT))
    assert received.is_new
    assert store.exists("orders", SHA256)
    assert not store.exists("returns", SHA256)
    assert store.is_known(SHA256)
    assert not store.is_known("0" * 64)
    assert store.path("orders", SHA256).read_bytes() == CONTENT
    with store.open("orders", SHA256) as file:
        assert b"".join(read_chunks(file)) == CONTENT


def test_an_empty_file_is_a_file(store: RawStore) -> None:
    received = store.receive([], "orders")
    assert received.size_bytes == 0
    assert store.path("orders", received.sha256).read_bytes() == b""


def test_the_same_content_twice_is_stored_once(store: RawStore) -> None:
    assert store.receive([CONTENT], "orders").is_new
    again = store.receive([CONTENT], "orders")
    assert not again.is_new
    assert again.sha256 == SHA256


def test_the_same_content_for_another_source_is_another_upload(store: RawStore) -> None:
    store.receive([CONTENT], "orders")
    assert not store.exists("customers", SHA256)
    assert store.receive([CONTENT], "customers").is_new


def test_progress_tells_the_bytes_received_so_far(store: RawStore) -> None:
    seen: list[int] = []
    store.receive([b"ab", b"cde"], "orders", seen.append)
    assert seen == [2, 5]


def test_a_sender_that_fails_leaves_nothing(store: RawStore) -> None:
    def broken() -> Iterator[bytes]:
        yield CONTENT
        raise ConnectionError("the line is dead")

    with pytest.raises(ConnectionError):
        store.receive(broken(), "orders")
    assert not store.exists("orders", SHA256)


def test_what_was_never_received_is_not_found(store: RawStore) -> None:
    for read in (store.path, store.open):
        with pytest.raises(errors.NotFound, match=SHA256):
            read("orders", SHA256)


@pytest.mark.parametrize("source", ["", "..", "a/b", "Orders", "a b", "x" * 129])
def test_a_source_that_is_no_plain_word_is_refused(store: RawStore, source: str) -> None:
    with pytest.raises(errors.UsageError, match="cannot name a source"):
        store.receive([CONTENT], source)
    with pytest.raises(errors.UsageError, match="cannot name a source"):
        store.exists(source, SHA256)


@pytest.mark.parametrize("sha256", ["", "../../etc/passwd", SHA256.upper(), SHA256 + "0"])
def test_a_hash_that_is_none_is_refused(store: RawStore, sha256: str) -> None:
    with pytest.raises(errors.UsageError, match="no SHA-256"):
        store.exists("orders", sha256)


def test_cleaning_keeps_what_was_received(store: RawStore) -> None:
    store.receive([CONTENT], "orders")
    assert store.clean() == 0
    assert store.exists("orders", SHA256)
