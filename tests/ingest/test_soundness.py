from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakewright.ingest.soundness import Soundness, of_file

NASTY = [
    b"\xc3\xa9",
    b"\xf0\x9f\x98\x80",
    b"\xed\xa0\x80",
    b"\xc0\x80",
    b"\x80",
    b"\xf5\x80\x80\x80",
    b"a",
    b"\0",
]


def expected(data: bytes) -> Soundness:
    try:
        data.decode()
    except UnicodeDecodeError:
        return Soundness.BROKEN
    return Soundness.ASCII if data.isascii() else Soundness.UTF8


@given(
    data=st.one_of(
        st.text(max_size=40).map(lambda text: text.encode("utf-8", "surrogatepass")),
        st.lists(st.sampled_from(NASTY), max_size=20).map(b"".join),
        st.binary(max_size=40),
    ),
    block_bytes=st.integers(1, 12),
)
def test_a_file_is_as_sound_as_python_finds_it(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, block_bytes: int
) -> None:
    path: Path = tmp_path_factory.mktemp("sound") / "data"
    path.write_bytes(data)
    assert of_file(path, block_bytes) is expected(data)
