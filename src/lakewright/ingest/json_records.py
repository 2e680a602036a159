"""Find the records of a JSON file: lines, elements of an array, values one after another, or one.

Where a line's value is no JSON, that record alone is refused. In the other modes nobody knows where
the next record would start, so the file is refused with the record and the byte. A record that is
JSON, and still none that could be loaded, is refused alone in all modes.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from json import JSONDecodeError, JSONDecoder
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy

from lakewright import errors
from lakewright.ingest import blanks, json_values, marks
from lakewright.ingest.json_values import BLANKS, RECORD_BYTES_MAX, InvalidError, Value
from lakewright.ingest.marks import Places
from lakewright.project.source import JsonMode

_BLOCK_BYTES = 1 << 20


class Records(NamedTuple):
    """Some records of a file, in columns of one length."""

    places: Sequence[int]
    """Position of each one's first byte."""
    raws: Sequence[bytes]
    values: Sequence[Value]
    problems: Mapping[int, str]
    """Why records cannot be loaded, by their place in these columns."""


def read(path: Path, start: int, mode: JsonMode, file_name: str) -> Iterator[Records]:
    """The records of a file whose text starts at that byte.

    Raises:
        FileUnreadable: it is no JSON in this mode, with the byte where it goes wrong; or a record
            is longer than `RECORD_BYTES_MAX`.
    """
    readers: Mapping[JsonMode, Callable[[BinaryIO, int, str], Iterator[Records]]] = {
        JsonMode.LINES: _lines,
        JsonMode.ARRAY: _array,
        JsonMode.CONCATENATED: _concatenated,
        JsonMode.DOCUMENT: _document,
    }
    with path.open("rb") as file:
        file.seek(start)
        yield from readers[mode](file, start, file_name)


def _lines(file: BinaryIO, start: int, file_name: str) -> Iterator[Records]:
    rest = b""
    position = start
    while True:
        block = _next_block(file, rest)
        data = rest + block
        end = data.rfind(b"\n") + 1 if block else len(data)
        lines = data[:end].split(b"\n")
        rest = data[end:]
        if len(data) > RECORD_BYTES_MAX and max(map(len, (rest, *lines))) > RECORD_BYTES_MAX:
            raise _too_long(file_name, position, "line")
        places, contents = _stripped(data[:end], lines)
        if contents:
            parsed = json_values.parse(contents)
            problems = {place: _words(problem) for place, problem in parsed.problems.items()}
            yield Records((places + position).tolist(), contents, parsed.values, problems)
        position += end
        if not block:
            return


def _stripped(data: bytes, lines: Sequence[bytes]) -> tuple[Places, Sequence[bytes]]:
    """Where the content of lines starts, and that content, without those that are blank."""
    ends = numpy.cumsum(numpy.fromiter(map(len, lines), numpy.int64, len(lines)) + 1) - 1
    starts = numpy.concatenate((ends[:0], [0], ends[:-1] + 1))
    content_starts, content_ends = _without_blanks(data, starts, ends)
    is_there = content_starts < content_ends
    is_as_it_was = is_there & (content_starts == starts) & (content_ends == ends)
    if is_as_it_was[:-1].all() and (is_as_it_was[-1] or not is_there[-1]):
        count = len(lines) - (not is_there[-1])
        return starts[:count], lines[:count]
    return content_starts[is_there], _cut(data, content_starts[is_there], content_ends[is_there])


def _without_blanks(data: bytes, starts: Places, ends: Places) -> tuple[Places, Places]:
    """Where texts start and end without the blanks around them."""
    values = numpy.frombuffer(data, numpy.uint8)
    starts, has_more = blanks.without_leading(values, starts, ends, _IS_BLANK)
    for place in numpy.flatnonzero(has_more).tolist():
        text = data[starts[place] : ends[place]]
        starts[place] += len(text) - len(text.lstrip(BLANKS))
    ends, has_more = blanks.without_trailing(values, starts, ends, _IS_BLANK)
    for place in numpy.flatnonzero(has_more).tolist():
        ends[place] = starts[place] + len(data[starts[place] : ends[place]].rstrip(BLANKS))
    return starts, ends


def _cut(data: bytes, starts: Places, ends: Places) -> list[bytes]:
    return [data[start:end] for start, end in zip(starts.tolist(), ends.tolist(), strict=True)]


_IS_BLANK = blanks.flags(BLANKS)


def _next_block(file: BinaryIO, rest: bytes) -> bytes:
    """What comes next: as much again as what is unfinished, so that long values are read in linear
    time, but no more of a value than one may have.
    """
    allowed = RECORD_BYTES_MAX + 1 - len(rest)
    return file.read(max(_BLOCK_BYTES, min(len(rest), allowed)))


def _words(problem: str | InvalidError) -> str:
    if isinstance(problem, str):
        return problem
    return f"no JSON at byte {problem.byte:,}: {problem.reason}"


def _document(file: BinaryIO, start: int, file_name: str) -> Iterator[Records]:
    data = file.read(RECORD_BYTES_MAX + 1)
    if len(data) > RECORD_BYTES_MAX:
        raise _too_long(file_name, start, "document")
    lead = start + len(data) - len(data.lstrip(BLANKS))
    yield _sound([lead], [data.strip(BLANKS)], 1, file_name)


def _sound(places: Sequence[int], contents: Sequence[bytes], first: int, file_name: str) -> Records:
    """Records that must be JSON, for the file to be read at all."""
    parsed = json_values.parse(contents)
    problems: dict[int, str] = {}
    for place, problem in parsed.problems.items():
        if isinstance(problem, InvalidError):
            byte = places[place] + problem.byte
            raise _unreadable(file_name, problem.reason, first + place, byte)
        problems[place] = problem
    return Records(places, contents, parsed.values, problems)


def _array(file: BinaryIO, start: int, file_name: str) -> Iterator[Records]:
    values = _Values(file, start, file_name, ",")
    values.expect(b"[", "a JSON array starts with [")
    if values.peek() != b"]":
        yield from values.read()
    values.expect(b"]", "an element is followed by , or ]")
    if values.peek():
        raise values.refusal("something follows the array")


def _concatenated(file: BinaryIO, start: int, file_name: str) -> Iterator[Records]:
    values = _Values(file, start, file_name, "")
    if values.peek():
        yield from values.read()


_BLANKS_RE = re.compile(rb"[ \t\r\n]*")
_DECODER = JSONDecoder(parse_int=len)  # Python refuses to make numbers of very many digits.
_NEAR_END = 32  # A value that the block cuts is found wrong at most this far before its end.
_CUT_BYTES_MAX = _BLOCK_BYTES << 2
"""Up to so many bytes are cut at their brackets: to know them all takes eight bytes for each."""


class _Values:
    """Reads values that follow each other in a file, block by block.

    They are cut at the brackets and commas that stand outside strings. If every piece is JSON the
    cuts were right, as there is no other way to read them. If one is not, or a value is very long,
    the standard library finds where each value ends, and what is wrong there.
    """

    def __init__(self, file: BinaryIO, start: int, file_name: str, mark: str) -> None:
        self._file = file
        self._file_name = file_name
        self._mark = mark.encode()  # Between values; empty: only blanks, if anything.
        self._between = re.compile(rf"[ \t\r\n]*{mark}[ \t\r\n]*")
        self._buffer = b""
        self._at = 0
        self._start = start  # Of the buffer, in the file.
        self._records = 0
        self._may_be_cut = True

    def peek(self) -> bytes:
        """The next byte that is not blank; empty at the end."""
        while True:
            found = _BLANKS_RE.match(self._buffer, self._at)
            self._at = found.end() if found else self._at
            if self._at < len(self._buffer):
                return self._buffer[self._at : self._at + 1]
            if not self._more():
                return b""

    def expect(self, mark: bytes, reason: str) -> None:
        """Pass over what must come next."""
        if self.peek() != mark:
            raise self.refusal(reason)
        self._at += 1

    def refusal(self, reason: str, passed: int = 0) -> errors.FileUnreadable:
        """The refusal of what comes after so many more bytes."""
        byte = self._start + self._at + passed
        return _unreadable(self._file_name, reason, self._records + 1, byte)

    def read(self) -> Iterator[Records]:
        """The values from here on, as long as the mark (if it is empty, any value) follows."""
        while True:
            found = self._cut() or self._scanned()
            self._records += len(found.places)
            yield found
            following = self.peek()
            if not following or (self._mark and following != self._mark):
                return
            self._at += len(self._mark)
            self.peek()

    def _cut(self) -> Records | None:
        """The values that end within the buffer, if cutting it gives values."""
        ends = _NOWHERE
        while self._may_be_cut and not len(ends):
            data = self._buffer[self._at :]
            ends = _ends(data, self._mark) if len(data) <= _CUT_BYTES_MAX else _NOWHERE
            if not len(ends) and (len(data) > _CUT_BYTES_MAX or not self._more()):
                return None
        if not len(ends):
            return None
        starts = numpy.concatenate((ends[:0], [0], ends[:-1] + len(self._mark)))
        starts, content_ends = _without_blanks(data, starts, ends)
        contents = _cut(data, starts, content_ends)
        parsed = json_values.parse(contents)
        if any(isinstance(problem, InvalidError) for problem in parsed.problems.values()):
            self._may_be_cut = False
            return None
        places: list[int] = (starts + self._start + self._at).tolist()
        self._at += int(ends[-1])
        problems = {place: str(problem) for place, problem in parsed.problems.items()}
        return Records(places, contents, parsed.values, problems)

    def _scanned(self) -> Records:
        """The values that the buffer holds as a whole, at least one."""
        while True:
            text, damage = self._decoded()
            spans, failure = _scan(text, self._between)
            if spans and _may_go_on(text, spans[-1][1]):
                if len(spans) > 1:
                    spans.pop()
                elif damage is None and self._more():
                    continue
            if spans:
                return self._taken(text, spans)
            if failure is None or (failure.is_cut and damage is None and self._may_grow()):
                continue
            if damage is not None and failure.is_cut:
                raise self.refusal(damage.reason, damage.byte)
            raise self.refusal(failure.reason, len(text[: failure.place].encode()))

    def _taken(self, text: str, spans: Sequence[tuple[int, int]]) -> Records:
        """The values at these places of the text that the buffer holds."""
        contents = [text[start:end].encode() for start, end in spans]
        places = []
        byte, passed = self._start + self._at, 0
        for content, (start, end) in zip(contents, spans, strict=True):
            byte += start - passed  # Between values everything is ASCII.
            places.append(byte)
            byte += len(content)
            passed = end
        found = _sound(places, contents, self._records + 1, self._file_name)
        self._at = byte - self._start
        return found

    def _decoded(self) -> tuple[str, InvalidError | None]:
        """The buffer's text up to where it is no UTF-8, and what is wrong there."""
        data = self._buffer[self._at :]
        try:
            return data.decode(), None
        except UnicodeDecodeError as error:
            text = data[: error.start].decode()
            # The block may end within a character.
            if error.start >= len(data) - 3 and error.reason == "unexpected end of data":
                return text, None
            reason = f"byte 0x{data[error.start]:02x} is not UTF-8"
            return text, InvalidError(reason, error.start)

    def _may_grow(self) -> bool:
        """Whether there is more of a value that the buffer starts with, and it may be read."""
        if json_values.holds_too_much(self._buffer[self._at :]):
            most = json_values.RECORD_VALUES_MAX
            raise self.refusal(f"the record that starts here holds more than {most:,} values")
        return self._more()

    def _more(self) -> bool:
        rest = self._buffer[self._at :]
        if len(rest) > RECORD_BYTES_MAX:
            raise _too_long(self._file_name, self._start + self._at, "record")
        block = _next_block(self._file, rest)
        self._start += self._at
        self._buffer, self._at = rest + block, 0
        return bool(block)


_NOWHERE = numpy.zeros(0, dtype=numpy.int64)
_QUOTE, _OPEN, _CLOSE, _COMMA = 1, 2, 3, 4
_MARKS = {
    ord(mark): kind
    for kind, characters in ((_QUOTE, '"'), (_OPEN, "[{"), (_CLOSE, "]}"), (_COMMA, ","))
    for mark in characters
}
_KINDS = bytes(_MARKS.get(byte, 0) for byte in range(256))
_STEPS = numpy.array([0, 0, 1, -1, 0], numpy.int32)
"""How much deeper each of these kinds leads."""


def _ends(data: bytes, mark: bytes) -> Places:
    """Where values end in bytes that start with one, as far as brackets and quotes tell.

    Args:
        data: values, the last of which may be cut.
        mark: stands between them, a comma; a bracket that none has opened ends the last one. Empty:
            values end with a bracket.
    """
    if b"\\" in data:
        data = data.replace(b"\\\\", b"__").replace(b'\\"', b"__")
    kinds = numpy.frombuffer(data.translate(_KINDS), numpy.uint8)
    places = numpy.flatnonzero(kinds != 0)
    kinds = kinds[places]
    is_quote = kinds == _QUOTE
    is_bare = ~(is_quote | marks.are_odd(is_quote))
    places, kinds = places[is_bare], kinds[is_bare]
    depths = numpy.cumsum(_STEPS[kinds])
    beyond = numpy.flatnonzero(depths < 0)[:1]
    if len(beyond):
        depths = depths[: beyond[0]]
    last = kinds[: len(depths)]
    found = places[: len(depths)][(depths == 0) & (last == (_COMMA if mark else _CLOSE))]
    return numpy.append(found, places[beyond]) if mark else found + 1


class _Failure(NamedTuple):
    """Where the standard library finds no value."""

    place: int
    """In characters."""
    reason: str
    is_cut: bool
    """Whether what would follow might mend it."""


def _scan(text: str, between: re.Pattern[str]) -> tuple[list[tuple[int, int]], _Failure | None]:
    """Where values start and end, up to the first that is none."""
    spans: list[tuple[int, int]] = []
    start = 0
    while start < len(text) or not spans:
        try:
            _, end = _DECODER.raw_decode(text, start)
        except JSONDecodeError as error:
            is_near = error.pos >= len(text) - _NEAR_END
            is_cut = is_near or error.msg.startswith("Unterminated")
            return spans, _Failure(error.pos, error.msg, is_cut)
        except RecursionError:
            return spans, _Failure(start, "values are nested too deeply", is_cut=False)
        passed = between.match(text, end)
        if passed is not None and passed.end() == end and _are_one_word(text[end - 1 : end + 1]):
            is_cut = _may_go_on(text, end)
            return spans, _Failure(end, "nothing separates two values", is_cut)
        spans.append((start, end))
        if passed is None:
            break
        start = passed.end()
    return spans, None


def _are_one_word(pair: str) -> bool:
    """Whether two neighbouring characters, of two values, look like one value: `01` or `1true`."""
    return len(pair) > 1 and not set(pair) & set('{}[]"')


def _may_go_on(text: str, end: int) -> bool:
    """Whether a value that ends there may be the start of a number that the text's end cuts.

    What is left of `1.5e-7` may end with a digit, or behind one with `.`, `e` or `e-`.
    """
    return text[end - 1] not in '}]"' and not text[end : end + 3].strip(".eE+-")


def _unreadable(file_name: str, reason: str, record: int, byte: int) -> errors.FileUnreadable:
    return errors.FileUnreadable(
        f"{file_name} is no valid JSON",
        where=errors.Place(file=file_name),
        why=f"record {record:,}: {reason}, at byte {byte:,}",
        hint="repair the file at that place and upload it again",
    )


def _too_long(file_name: str, byte: int, what: str) -> errors.FileUnreadable:
    return errors.FileUnreadable(
        f"{file_name} has a {what} of more than {RECORD_BYTES_MAX:,} bytes",
        where=errors.Place(file=file_name),
        why=f"it starts at byte {byte:,}, and one record must fit that",
        hint="deliver many records as JSON lines or as one array",
    )
