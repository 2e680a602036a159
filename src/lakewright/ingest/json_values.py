"""Read JSON values strictly, and keep every number as it was written.

orjson decides what is JSON (RFC 8259, to the letter). It makes binary floating-point numbers of
what has a point, so values with such numbers, or with very long ones, are decoded a second time by
the standard library, which hands over the digits: 1.10 stays 1.10.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple, TypeAlias

import orjson

from lakewright import errors

RECORD_BYTES_MAX = 1 << 27
"""A value is held in memory while it is read."""
_BLOCK_BYTES = 1 << 20
_BLANKS = " \t\r\n"
_BLANKS_RE = re.compile(f"[{_BLANKS}]*")
_SAFE_DIGITS = 18  # So many always fit 64 bits.
_DEPTH_MAX = 250
_NEAR_END = 32  # A value that the block cuts is found wrong at most this far before its end.

Value: TypeAlias = "bool | int | str | Sequence[Value] | Mapping[str, Value] | None"


class Number(str):
    """A number by its digits."""

    __slots__ = ()


class Found(NamedTuple):
    """One value of a file, or a place where there is none."""

    byte: int
    """Position of its first byte."""
    raw: str
    value: Value
    problem: str | None = None


def lines(path: Path, start: int, file_name: str) -> Iterator[Found]:
    """The value on each line that is not blank; a line that is no JSON has a problem.

    Raises:
        FileUnreadable: a line is longer than `RECORD_BYTES_MAX`.
    """
    with path.open("rb") as file:
        file.seek(start)
        position = start
        while line := file.readline(RECORD_BYTES_MAX + 1):
            if len(line) > RECORD_BYTES_MAX:
                raise _too_long(file_name, position, "line")
            content = line.strip(_BLANKS.encode())
            if content:
                byte = position + len(line) - len(line.lstrip(_BLANKS.encode()))
                try:
                    value = parse(content)
                except _InvalidError as error:
                    raw = content.decode(errors="replace")
                    yield Found(byte, raw, None, f"no JSON at byte {error.byte:,}: {error}")
                else:
                    yield Found(byte, content.decode(), value)
            position += len(line)


def document(path: Path, start: int, file_name: str) -> Iterator[Found]:
    """The one value that the whole file is.

    Raises:
        FileUnreadable: it is no JSON, with the byte where it goes wrong.
    """
    with path.open("rb") as file:
        file.seek(start)
        data = file.read(RECORD_BYTES_MAX + 1)
    if len(data) > RECORD_BYTES_MAX:
        raise _too_long(file_name, start, "document")
    content = data.strip(_BLANKS.encode())
    lead = start + len(data) - len(data.lstrip(_BLANKS.encode()))
    try:
        yield Found(lead, content.decode(errors="replace"), parse(content))
    except _InvalidError as error:
        raise unreadable(file_name, str(error), lead + error.byte) from error


def array(path: Path, start: int, file_name: str) -> Iterator[Found]:
    """The elements of the array that the whole file is, one at a time.

    Raises:
        FileUnreadable: it is no JSON array, with the byte where it goes wrong.
    """
    with path.open("rb") as file:
        file.seek(start)
        yield from _Array(file, start, file_name).elements()


def parse(content: bytes) -> Value:
    """One JSON text.

    Raises:
        _InvalidError: it is none.
    """
    try:
        value: Value = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise _invalid(content, error) from error
    decoded = content.decode()
    _check_depth(decoded, value)
    return _exact(decoded, value)


def text(value: Value) -> str | None:
    """A value as a field's text: strings as they are, null as null, all else as JSON."""
    if value is None or isinstance(value, str):
        return value
    return orjson.dumps(value, _fragment, orjson.OPT_PASSTHROUGH_SUBCLASS).decode()


def unreadable(file_name: str, reason: str, byte: int) -> errors.FileUnreadable:
    """The refusal of a file that is not the JSON that it should be."""
    return errors.FileUnreadable(
        f"{file_name} is no valid JSON",
        where=errors.Place(file=file_name),
        why=f"{reason}, at byte {byte:,}",
        hint="repair the file at that place and upload it again",
    )


def _too_long(file_name: str, byte: int, what: str) -> errors.FileUnreadable:
    return errors.FileUnreadable(
        f"{file_name} has a {what} of more than {RECORD_BYTES_MAX:,} bytes",
        where=errors.Place(file=file_name),
        why=f"it starts at byte {byte:,}, and one record must fit that",
        hint="deliver many records as JSON lines or as one array",
    )


class _InvalidError(Exception):
    """A text is no JSON."""

    def __init__(self, reason: str, byte: int) -> None:
        super().__init__(reason)
        self.byte = byte


def _invalid(content: bytes, error: orjson.JSONDecodeError) -> _InvalidError:
    """The same error with its place in bytes, where orjson counts characters."""
    try:
        content.decode()
    except UnicodeDecodeError as damage:
        return _InvalidError(f"byte 0x{content[damage.start]:02x} is not UTF-8", damage.start)
    return _InvalidError(error.msg, len(error.doc[: error.pos].encode()))


def _check_depth(content: str, value: Value) -> None:
    """Refuse what could not be written down again: orjson stops at 254 levels."""
    if content.count("[") + content.count("{") > _DEPTH_MAX:
        try:
            text(value)
        except TypeError as error:
            reason = f"values are nested more than {_DEPTH_MAX} levels deep"
            raise _InvalidError(reason, 0) from error


def _fragment(value: object) -> orjson.Fragment:
    return orjson.Fragment(str(value))


def _long_integer(digits: str) -> int | Number:
    return int(digits) if len(digits) <= _SAFE_DIGITS else Number(digits)


_FRACTIONS = json.JSONDecoder(parse_float=Number)
_ALL_DIGITS = json.JSONDecoder(parse_float=Number, parse_int=_long_integer)


def _exact(content: str, value: Value) -> Value:
    """The value again with its numbers' digits, if some of them could have been lost."""
    largest = _largest_float(value)
    if largest is None:
        return value
    # orjson makes floats of whole numbers as well where they do not fit 64 bits.
    decoder = _ALL_DIGITS if largest >= _WHOLE_FLOAT else _FRACTIONS
    try:
        exact: Value = decoder.raw_decode(content)[0]
    except RecursionError as error:
        raise _InvalidError("values are nested too deeply", 0) from error
    return exact


_WHOLE_FLOAT = 9e18


def _largest_float(value: object) -> float | None:
    """The largest floating-point number anywhere in a value; None: there is none."""
    if type(value) is float:
        return abs(value)
    if not isinstance(value, dict | list):
        return None
    inner = list(value.values()) if isinstance(value, dict) else value
    kinds = set(map(type, inner))
    if not kinds & {float, dict, list}:
        return None
    found = [largest for largest in map(_largest_float, inner) if largest is not None]
    return max(found, default=None)


class _Array:
    """Reads one array from a file, block by block."""

    def __init__(self, file: BinaryIO, start: int, file_name: str) -> None:
        self._blocks = _decoded(file, start, file_name)
        self._file_name = file_name
        self._buffer = ""
        self._at = 0
        self._byte = start  # Of what stands at `_at`.
        self._is_over = False

    def elements(self) -> Iterator[Found]:
        self._expect("[", "a JSON array starts with [")
        if self._peek() == "]":
            self._advance(self._at + 1)
        else:
            while True:
                yield self._value()
                if self._peek() != ",":
                    break
                self._advance(self._at + 1)
                self._peek()
            self._expect("]", "an element is followed by , or ]")
        if self._peek():
            raise unreadable(self._file_name, "something follows the array", self._byte)

    def _expect(self, mark: str, reason: str) -> None:
        if self._peek() != mark:
            raise unreadable(self._file_name, reason, self._byte)
        self._advance(self._at + 1)

    def _peek(self) -> str:
        """The next character that is not blank; empty at the end."""
        while True:
            found = _BLANKS_RE.match(self._buffer, self._at)
            self._advance(found.end() if found else self._at)
            if self._at < len(self._buffer):
                return self._buffer[self._at]
            if not self._more():
                return ""

    def _value(self) -> Found:
        while True:
            try:
                value, end = _ALL_DIGITS.raw_decode(self._buffer, self._at)
            except json.JSONDecodeError as error:
                is_cut = error.msg.startswith("Unterminated") or (
                    error.pos >= len(self._buffer) - _NEAR_END
                )
                within = self._buffer[self._at : error.pos]
                if is_cut and self._more():
                    continue
                raise self._refusal(error.msg, within) from error
            except RecursionError as error:
                raise self._refusal("values are nested too deeply", "") from error
            if end < len(self._buffer) or not self._more():
                break
        raw = self._buffer[self._at : end]
        try:
            orjson.loads(raw)
        except orjson.JSONDecodeError as error:
            raise self._refusal(error.msg, raw[: error.pos]) from error
        try:
            _check_depth(raw, value)
        except _InvalidError as error:
            raise self._refusal(str(error), "") from error
        found = Found(self._byte, raw, value)
        self._advance(end)
        return found

    def _advance(self, end: int) -> None:
        if end > self._at:
            passed = self._buffer[self._at : end]
            self._byte += len(passed) if passed.isascii() else len(passed.encode())
            self._at = end

    def _more(self) -> bool:
        """Append to the buffer what comes next, as much again as an unfinished value has."""
        rest = self._buffer[self._at :]
        if len(rest) > RECORD_BYTES_MAX:
            raise _too_long(self._file_name, self._byte, "record")
        pieces = [rest]
        size = 0
        while size <= len(rest):
            block = next(self._blocks, None)
            if block is None:
                break
            pieces.append(block)
            size += len(block)
        self._buffer, self._at = "".join(pieces), 0
        return size > 0

    def _refusal(self, reason: str, passed: str) -> errors.FileUnreadable:
        """The refusal of a value that goes wrong after this much of it."""
        return unreadable(self._file_name, reason, self._byte + len(passed.encode()))


def _decoded(file: BinaryIO, start: int, file_name: str) -> Iterator[str]:
    """The text in blocks of whole characters."""
    rest = b""
    position = start
    while True:
        block = file.read(_BLOCK_BYTES)
        data = rest + block
        try:
            decoded, rest = data.decode(), b""
        except UnicodeDecodeError as error:
            if not block or error.start < len(data) - 3:
                reason = f"byte 0x{data[error.start]:02x} is not UTF-8"
                raise unreadable(file_name, reason, position + error.start) from error
            decoded, rest = data[: error.start].decode(), data[error.start :]
        position += len(data) - len(rest)
        if decoded:
            yield decoded
        if not block:
            return
