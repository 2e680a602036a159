"""Decide how a text file's characters are encoded, and make UTF-8 of whatever it is.

The whole file is looked at, because one byte at its end may be the evidence. A byte order mark
decides; then strict UTF-8; then the pattern of zero bytes that UTF-16 and UTF-32 leave; then the
language that the words beyond ASCII look like (`charset`), if all of the file can be decoded so;
else Windows-1252, the most common of all others. A file that is UTF-8 apart from a few damaged
places stays UTF-8: its damaged records are refused one by one, rather than the whole text misread.
"""

import codecs
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from lakewright import errors
from lakewright.ingest import charset, signature, soundness
from lakewright.ingest.soundness import Soundness

UTF8 = "utf-8"
FALLBACK = "windows-1252"

_BLOCK_BYTES = 1 << 22
_MARKS = (  # UTF-32 first: its little-endian mark starts with the one of UTF-16.
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, UTF8),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# Western text has an accented letter now and then; text in another script has little else.
_FOREIGN_SHARE = 0.3
_CONFIDENCE_MIN = 0.5
_CONFIDENCE_WITHOUT_PROOF = 0.4


@dataclass(frozen=True, kw_only=True, slots=True)
class Text:
    """A text file as UTF-8."""

    path: Path
    encoding: str
    """The codec of the file as delivered."""
    start: int
    """Where the text starts in `path`: behind the byte order mark."""
    is_sound: bool
    """Whether every byte is sound UTF-8."""
    evidence: str
    suspicion: str | None = None
    confidence: float = 1.0
    """How sure the encoding is, from 0 to 1."""


def as_utf8(path: Path, declared: str | None, work_folder: Path, file_name: str) -> Text:
    """The file as UTF-8 text: itself, or a copy named `utf8` in the work folder.

    Raises:
        FileUnreadable: the bytes are not text in the encoding that was declared or marked.
    """
    with path.open("rb") as file:
        head = file.read(_BLOCK_BYTES)
    mark, marked = _marked(head)
    if declared is not None:
        name, evidence = _codec(declared, marked), "declared"
    elif marked:
        name, evidence = marked, "the file starts with its byte order mark"
    elif wide := signature.looks_like_wide_text(head):
        name, evidence = wide, "zero bytes stand where its letters have them"
    else:
        return _unmarked(path, work_folder, file_name)
    mark = mark if marked == name else b""
    evidence = f"encoding {name}: {evidence}"
    if name != UTF8:
        target = _transcode(path, name, len(mark), work_folder, file_name)
        return Text(path=target, encoding=name, start=0, is_sound=True, evidence=evidence)
    is_sound = not _find_faults(path).count
    return Text(path=path, encoding=UTF8, start=len(mark), is_sound=is_sound, evidence=evidence)


def as_json_text(path: Path, work_folder: Path, file_name: str) -> Text:
    """The same for JSON, which is UTF-8 unless it is marked; damage is the JSON reader's to find.

    Raises:
        FileUnreadable: the text is not in the encoding that it is marked with.
    """
    with path.open("rb") as file:
        head = file.read(_BLOCK_BYTES)
    mark, marked = _marked(head)
    name = marked or signature.looks_like_wide_text(head) or UTF8
    evidence = f"encoding {name}: {'marked' if marked else 'the rule for JSON'}"
    if name == UTF8:
        return Text(path=path, encoding=UTF8, start=len(mark), is_sound=False, evidence=evidence)
    target = _transcode(path, name, len(mark), work_folder, file_name)
    return Text(path=target, encoding=name, start=0, is_sound=True, evidence=evidence)


def marked_codec(head: bytes) -> str | None:
    """The codec whose byte order mark a file starts with."""
    return _marked(head)[1]


def _unmarked(path: Path, work_folder: Path, file_name: str) -> Text:
    faults = _find_faults(path)
    if not faults.count:
        why = "only ASCII characters" if faults.is_ascii else "every byte is sound UTF-8"
        evidence = f"encoding utf-8: {why}"
        return Text(path=path, encoding=UTF8, start=0, is_sound=True, evidence=evidence)
    if faults.sequences > faults.count:  # By chance, other text hardly ever has one.
        evidence = (
            f"encoding utf-8: most characters beyond ASCII are sound, {faults.count:,} are damaged"
        )
        return Text(path=path, encoding=UTF8, start=0, is_sound=False, evidence=evidence)
    guess = charset.guess(bytes(faults.lines))
    name = FALLBACK if guess.name == charset.WESTERN else guess.name
    reason = f"byte {faults.first:,} is not UTF-8, and its words look most like it"
    try:
        target = _transcode(path, name, 0, work_folder, file_name)
    except errors.FileUnreadable:
        guess = charset.Guess(name=charset.WESTERN, confidence=_CONFIDENCE_WITHOUT_PROOF)
        reason = f"byte {faults.first:,} is not UTF-8, and not all of the file is {name}"
        name, target = FALLBACK, _transcode(path, FALLBACK, 0, work_folder, file_name)
    is_mixed = name == FALLBACK and _holds_utf8(path)
    is_doubtful = (
        is_mixed
        or guess.confidence < _CONFIDENCE_MIN
        or (name == FALLBACK and faults.foreign_share > _FOREIGN_SHARE)
    )
    suspicion = (
        "some of its characters are UTF-8 and others are not, so some are read wrong: declare its"
        " encoding, or have it exported again"
        if is_mixed
        else f"its encoding is a guess, {name}: declare it if letters beyond ASCII are wrong"
    )
    return Text(
        path=target,
        encoding=name,
        start=0,
        is_sound=True,
        evidence=f"encoding {name}: {reason}",
        suspicion=suspicion if is_doubtful else None,
        confidence=min(guess.confidence, _CONFIDENCE_WITHOUT_PROOF)
        if is_doubtful
        else guess.confidence,
    )


def _marked(head: bytes) -> tuple[bytes, str | None]:
    for mark, name in _MARKS:
        if head.startswith(mark):
            return mark, name
    return b"", None


def _codec(declared: str, marked: str | None) -> str:
    """The declared codec by one name; `utf-16` and `utf-32` take their byte order from the mark."""
    try:
        name = codecs.lookup(declared).name
        "".encode(name)  # Some codecs turn bytes to bytes and are no encoding of text.
    except LookupError as error:
        raise errors.FileUnreadable(
            f"{declared!r} is no encoding that is known",
            hint="use a name such as utf-8, utf-16, windows-1252 or iso-8859-15",
        ) from error
    if name in ("utf-16", "utf-32"):
        return marked if marked and marked.startswith(name) else f"{name}-le"
    if name in ("utf-8-sig", "ascii"):
        return UTF8  # ASCII is the part of UTF-8 that such a file keeps to.
    return FALLBACK if name == "cp1252" else name


class _Decode(Protocol):
    """A decoder that keeps what one block leaves over for the next."""

    def __call__(self, block: bytes, /, *, final: bool = False) -> str: ...


def _transcode(path: Path, name: str, start: int, work_folder: Path, file_name: str) -> Path:
    decode: _Decode = (
        _decode_western if name == FALLBACK else codecs.getincrementaldecoder(name)().decode
    )
    target = work_folder / "utf8"
    position = start
    with path.open("rb") as file, target.open("wb") as output:
        file.seek(start)
        try:
            while block := file.read(_BLOCK_BYTES):
                output.write(decode(block).encode())
                position += len(block)
            output.write(decode(b"", final=True).encode())
        except UnicodeError as error:
            reason = getattr(error, "reason", str(error))
            raise errors.FileUnreadable(
                f"{file_name} is not text in the encoding {name}",
                why=f"{reason} between bytes {position:,} and {position + _BLOCK_BYTES:,}",
                hint="declare the file's real encoding as `encoding` in the source's format",
            ) from error
    return target


# Five bytes have no character in Windows-1252; they become the control of that number, as in
# browsers (WHATWG Encoding Standard, "index windows-1252").
_WESTERN = "".join(bytes([byte]).decode("cp1252", "ignore") or chr(byte) for byte in range(256))


def _decode_western(block: bytes, /, *, final: bool = False) -> str:  # noqa: ARG001
    return codecs.charmap_decode(block, "strict", _WESTERN)[0]


@dataclass(kw_only=True, slots=True)
class _Faults:
    """How far a file is from UTF-8."""

    is_ascii: bool = False
    """Whether there is not even a character that could be at fault."""
    count: int = 0
    first: int = 0
    sequences: int = 0
    """Bytes that follow the first one of sound characters beyond ASCII."""
    foreign_share: float = 0.0
    """Of the letters, how many are beyond ASCII."""
    lines: bytearray = field(default_factory=bytearray)
    """Some of those that hold bytes beyond ASCII."""


_FAULTS_ENOUGH = 1000  # So many decide what the text is; more would decide nothing else.
_BEYOND_ASCII = bytes(range(0x80, 0x100))
_FOLLOWERS = bytes(range(0x80, 0xC0))
_LETTERS = bytes([*range(65, 91), *range(97, 123)])


def _find_faults(path: Path) -> _Faults:
    sound = soundness.of_file(path)
    if sound is not Soundness.BROKEN:
        return _Faults(is_ascii=sound is Soundness.ASCII)
    found = _Faults()
    foreign = letters = 0
    for position, block in _blocks(path):
        if block.isascii():
            continue
        if found.count < _FAULTS_ENOUGH:
            _look_into(block, position, found)
        if found.count:
            foreign += _count(block, _BEYOND_ASCII)
            letters += _count(block, _LETTERS)
            _keep_lines(block, found.lines)
    found.foreign_share = foreign / max(foreign + letters, 1)
    return found


def _holds_utf8(path: Path) -> bool:
    """Whether some characters of a Western text are UTF-8, wherever they stand.

    Of two bytes, a character of UTF-8 would be a capital letter before a symbol in Windows-1252, as
    in `Ã©`; of three, a letter before two, which French writes (`été »`), but not twice in a row.
    """
    for _, block in _blocks(path):
        kinds = b"" if block.isascii() else block.translate(_KINDS)
        if b"CS" in kinds or b"LSSLSS" in kinds or b"\xe2\x80" in block:
            return True
    return False


_KINDS = bytes(
    ord("S") if 0x80 <= byte < 0xC0
    else ord("C") if 0xC2 <= byte < 0xDF  # A sharp s is no capital: `„Spaß“`.
    else ord("L") if 0xE0 <= byte < 0xF0
    else 0
    for byte in range(256)
)  # fmt: skip


def _keep_lines(block: bytes, lines: bytearray) -> None:
    if len(lines) < _LINES_BYTES:
        for line in block.splitlines(keepends=True):
            if not line.isascii():
                lines += line[:_WINDOW_BYTES]
                if len(lines) >= _LINES_BYTES:
                    return


def _look_into(block: bytes, position: int, found: _Faults) -> None:
    start = 0
    while found.count < _FAULTS_ENOUGH:
        # A window keeps the work linear where many bytes are at fault.
        window = block[start : start + _WINDOW_BYTES] if found.count else block[start:]
        window = window[: _whole_characters(window)] or window
        if not window:
            return
        try:
            text = window.decode()
        except UnicodeDecodeError as error:
            found.sequences += _count(window[: error.start], _FOLLOWERS)
            found.first = found.first if found.count else position + start + error.start
            found.count += 1
            start += error.end
        else:
            found.sequences += len(window) - len(text)
            start += len(window)


_WINDOW_BYTES = 1 << 12
_LINES_BYTES = 1 << 14


def _count(block: bytes, wanted: bytes) -> int:
    return len(block) - len(block.translate(None, wanted))


def _blocks(path: Path) -> Iterator[tuple[int, bytes]]:
    """The file in blocks that end between characters, each with its position."""
    with path.open("rb") as file:
        position = 0
        rest = b""
        while block := file.read(_BLOCK_BYTES):
            block = rest + block
            end = _whole_characters(block)
            yield position, block[:end]
            position += end
            rest = block[end:]
        if rest:
            yield position, rest


def _whole_characters(block: bytes) -> int:
    """How many bytes stand before a character that the block's end may have cut."""
    for back in range(1, min(4, len(block)) + 1):
        byte = block[-back]
        if byte < 0x80:
            break
        if byte >= 0xC0:
            length = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
            return len(block) - back if length > back else len(block)
    return len(block)
