import codecs
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakewright import errors
from lakewright.ingest import encoding

TEXT = "name,city\nZoë,Łódź\nAda,Köln €\n" * 50
WESTERN = "name,city\nZoë,Köln €\n" * 50


def check(folder: Path, data: bytes, declared: str | None = None) -> tuple[str, encoding.Text]:
    path = folder / "delivered"
    path.write_bytes(data)
    text = encoding.as_utf8(path, declared, folder, "names.csv")
    return text.path.read_bytes()[text.start :].decode(), text


@pytest.mark.parametrize(
    ("data", "name", "expected"),
    [
        (TEXT.encode(), "utf-8", TEXT),
        (codecs.BOM_UTF8 + TEXT.encode(), "utf-8", TEXT),
        (TEXT.encode("utf-16"), "utf-16-le", TEXT),
        (codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"), "utf-16-be", TEXT),
        (codecs.BOM_UTF32_LE + TEXT.encode("utf-32-le"), "utf-32-le", TEXT),
        (TEXT.encode("utf-16-le"), "utf-16-le", TEXT),
        (TEXT.encode("utf-32-be"), "utf-32-be", TEXT),
        (WESTERN.encode("cp1252"), "windows-1252", WESTERN),
    ],
)
def test_an_encoding_is_found_and_the_text_is_the_same(
    tmp_path: Path, data: bytes, name: str, expected: str
) -> None:
    found, text = check(tmp_path, data)
    assert (found, text.encoding) == (expected, name)
    assert text.is_sound
    assert text.suspicion is None


def test_the_last_byte_of_a_large_file_can_decide(tmp_path: Path) -> None:
    data = b"plain,text\n" * 500_000 + b"Z\xfcrich,1\n"
    _, text = check(tmp_path, data)
    assert text.encoding == "windows-1252"


def test_a_few_damaged_places_do_not_make_utf8_another_encoding(tmp_path: Path) -> None:
    data = TEXT.encode() + b"broken\xff,1\n"
    path = tmp_path / "delivered"
    path.write_bytes(data)
    text = encoding.as_utf8(path, None, tmp_path, "names.csv")
    assert (text.encoding, text.is_sound, text.path) == ("utf-8", False, path)


def test_characters_of_two_encodings_are_suspicious(tmp_path: Path) -> None:
    path = tmp_path / "delivered"
    path.write_bytes("id,name\n1,Müller\n".encode() + b"2,Caf\xe9\n")
    text = encoding.as_utf8(path, None, tmp_path, "names.csv")
    assert text.suspicion is not None
    assert text.confidence < 0.5


def test_a_word_in_another_script_is_suspicious(tmp_path: Path) -> None:
    _, text = check(tmp_path, "n,a\n1,Уфа\n".encode("cp1251"))
    assert text.suspicion is not None
    assert text.confidence < 0.5


def test_a_declared_encoding_is_obeyed(tmp_path: Path) -> None:
    cyrillic = "имя,город\nИван,Москва\n"
    found, text = check(tmp_path, cyrillic.encode("cp1251"), "windows-1251")
    assert (found, text.encoding) == (cyrillic, "cp1251")


@pytest.mark.parametrize(
    ("data", "declared", "why"),
    [
        (b"a\0b", "utf-16", "truncated data"),
        (b"a,b\n\x81\n", "cp1250", "undefined"),
    ],
)
def test_bytes_that_are_not_in_the_declared_encoding_are_refused(
    tmp_path: Path, data: bytes, declared: str, why: str
) -> None:
    with pytest.raises(errors.FileUnreadable) as caught:
        check(tmp_path, data, declared)
    assert why in caught.value.why


@pytest.mark.parametrize("declared", ["klingon", "rot13", "hex"])
def test_an_unknown_encoding_is_refused(tmp_path: Path, declared: str) -> None:
    with pytest.raises(errors.FileUnreadable, match="no encoding"):
        check(tmp_path, b"a", declared)


@given(data=st.binary(max_size=200))
def test_any_bytes_end_as_utf8_or_are_known_to_be_unsound(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    folder = tmp_path_factory.mktemp("text")
    path = folder / "delivered"
    path.write_bytes(data)
    try:
        text = encoding.as_utf8(path, None, folder, "names.csv")
    except errors.FileUnreadable:
        return
    if text.is_sound:
        text.path.read_bytes()[text.start :].decode()
