"""Read JSON texts strictly, and keep every number as it was written.

orjson decides what is JSON (RFC 8259, to the letter). It makes binary floating-point numbers of
what has a point, and it keeps the last of two equal keys. Neither may pass unseen: a text that
orjson writes as it was given has lost nothing. Of any other text the standard library hands over
the digits, so that 1.10 stays 1.10, and the keys are counted.
"""

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeAlias

import numpy
import orjson

from lakewright.ingest import marks

RECORD_BYTES_MAX = 1 << 27
"""A value is held in memory while it is read."""
RECORD_VALUES_MAX = 1 << 21
"""So are the values within it, in up to 200 bytes each."""
DEPTH_MAX = 250
"""orjson writes 254 levels, and reads more."""

BLANKS = b" \t\r\n"
_BORDER = b"\0"
"""No JSON text has it."""
_BETWEEN = b",%b," % _BORDER
_MARK = orjson.Fragment(_BORDER)
"""Written between values, as if it were one."""
SAFE_DIGITS = 18
"""So many always fit 64 bits."""

Number: TypeAlias = orjson.Fragment
"""A number by its digits, which orjson writes as they are."""

Value: TypeAlias = (
    "bool | int | float | Number | str | Sequence[Value] | Mapping[str, Value] | None"
)
"""A floating-point number stands for the digits that orjson writes of it."""


class InvalidError(Exception):
    """A text is no JSON."""

    def __init__(self, reason: str, byte: int) -> None:
        super().__init__(reason)
        self.reason = reason
        self.byte = byte


class Parsed(NamedTuple):
    """What became of some texts."""

    values: Sequence[Value]
    problems: Mapping[int, str | InvalidError]
    """By the text's place: why it is no JSON, or in words why it can be no record all the same."""


def parse(contents: Sequence[bytes]) -> Parsed:
    """Read texts, none of which has blanks around it."""
    if _are_usually_doubtful(contents):
        values = _proven_to_the_digit(contents)
        if values is not None:
            return Parsed(values, {})
    return _parsed(contents)


def _parsed(contents: Sequence[bytes]) -> Parsed:
    values, problems = _load(contents)
    written = _written(values, problems)
    sound = contents
    if problems:
        sound = [b"null" if place in problems else each for place, each in enumerate(contents)]
    doubtful = _doubtful(sound, written)
    for place in [place for place, has_lost_keys in doubtful if has_lost_keys]:
        problems[place] = _key_that_stands_twice(contents[place])
    places = [place for place, _ in doubtful if place not in problems]
    if places:
        again = _to_the_digit([contents[place] for place in places])
        for place, value in zip(places, again, strict=True):
            values[place] = value
    for place in problems:
        values[place] = None
    return Parsed(values, problems)


def text(value: Value) -> str | None:
    """A value as a field's text: strings as they are, null as null, all else as JSON."""
    if value is None or isinstance(value, str):
        return value
    return orjson.dumps(value).decode()


def texts(values: Sequence[Value]) -> list[bytes]:
    """Some values as JSON."""
    return _apart(values).split(_BETWEEN)


def written(values: list[Value]) -> bytes:
    """Booleans, numbers and nulls as JSON has them, with commas between them."""
    return orjson.dumps(values)[1:-1]


def holds_too_much(content: bytes) -> bool:
    """Whether a text has more values than are held in memory."""
    if len(content) <= RECORD_VALUES_MAX or _marks(content) <= RECORD_VALUES_MAX:
        return False
    return _marks(_STRING.sub(b"", content)) > RECORD_VALUES_MAX


class _UnfitError(Exception):
    """A text is JSON, and still no record."""


def _load(contents: Sequence[bytes]) -> tuple[list[Value], dict[int, str | InvalidError]]:
    """What orjson makes of texts, and why some of them are none; null stands for those."""
    if max(map(len, contents)) <= RECORD_VALUES_MAX:
        try:
            return list(map(orjson.loads, contents)), {}
        except orjson.JSONDecodeError:  # Of which of them, the loop finds.
            pass
    values: list[Value] = []
    problems: dict[int, str | InvalidError] = {}
    for place, content in enumerate(contents):
        try:
            values.append(_loaded(content))
        except (InvalidError, _UnfitError) as error:
            values.append(None)
            problems[place] = error if isinstance(error, InvalidError) else str(error)
    return values, problems


def _loaded(content: bytes) -> Value:
    if holds_too_much(content):
        raise _UnfitError(f"the record holds more than {RECORD_VALUES_MAX:,} values")
    try:
        value: Value = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        if "infinity" not in error.msg:
            raise _invalid(content, error) from error
        return _beyond_doubles(content, error)
    return value


def _beyond_doubles(content: bytes, refusal: orjson.JSONDecodeError) -> Value:
    """A text with a number that no double holds, which is JSON all the same."""
    try:
        value: Value = _ALL_DIGITS.decode(content.decode())
        text(value)  # Raises for half a surrogate pair, which orjson takes for no text.
    except json.JSONDecodeError as error:
        raise InvalidError(error.msg, len(error.doc[: error.pos].encode())) from error
    except (ValueError, TypeError, RecursionError):
        raise _invalid(content, refusal) from refusal
    return value


def _written(values: list[Value], problems: dict[int, str | InvalidError]) -> bytes:
    """What orjson writes of the values; what it cannot write is a problem."""
    try:
        return _apart(values)
    except TypeError:
        pass
    found = []
    for place, value in enumerate(values):
        try:
            found.append(orjson.dumps(value))
        except TypeError:
            found.append(b"null")
            problems[place] = f"values are nested more than {DEPTH_MAX} levels deep"
    return _BETWEEN.join(found)


def _apart(values: Sequence[Value]) -> bytes:
    """Some values as JSON, all at once, as each call costs more than to write a value."""
    apart: list[object] = [_MARK] * (2 * len(values) - 1)
    apart[::2] = values
    return orjson.dumps(apart)[1:-1]


def _doubtful(contents: Sequence[bytes], written: bytes) -> Sequence[tuple[int, bool]]:
    """Which texts are not written as they were given, and whether keys of theirs were lost.

    Blanks do not count, as no number holds one and none ends a string, nor does what stands within
    strings: what is left of both texts has as many keys, and the same numbers.
    """
    given = _BETWEEN.join(contents)
    if given == written:
        return ()
    given, written = given.translate(None, BLANKS), written.translate(None, BLANKS)
    if given != written and b"\\" in given:
        given, written = _without_strings(given), _without_strings(written)
    if given == written:
        return ()
    pairs = enumerate(zip(given.split(_BORDER), written.split(_BORDER), strict=True))
    differing = [(place, one, other) for place, (one, other) in pairs if one != other]
    if given.count(b":") == written.count(b":"):  # No key was lost.
        return [(place, False) for place, _, _ in differing]
    return [(place, one.count(b":") > other.count(b":")) for place, one, other in differing]


def _without_strings(joined: bytes) -> bytes:
    """JSON texts without what stands in quotes."""
    if b"\\" in joined:
        joined = joined.replace(b"\\\\", b"").replace(b'\\"', b"")
    data = numpy.frombuffer(joined, numpy.uint8)
    bare: bytes = data[~marks.are_odd(data == _QUOTE)].tobytes()
    return bare


_QUOTE = ord('"')


def _are_usually_doubtful(contents: Sequence[bytes]) -> bool:
    """Whether most of the first texts would be read twice."""
    sample = contents[:_SAMPLE]
    if len(contents) <= _SAMPLE or max(map(len, contents)) > RECORD_VALUES_MAX:
        return False
    values, problems = _load(sample)
    return not problems and len(_doubtful(sample, _written(values, problems))) * 2 > _SAMPLE


_SAMPLE = 32


def _proven_to_the_digit(contents: Sequence[bytes]) -> list[Value] | None:
    """The values of texts, read once, if they can be proved to be right.

    What the standard library takes for JSON, though orjson does not (`NaN`, half a surrogate pair,
    a text with a comma too many), orjson does not write as it was given.
    """
    try:
        values = _to_the_digit(contents)
        is_proven = not _doubtful(contents, _apart(values))
    except (ValueError, TypeError, RecursionError):
        return None
    return values if is_proven else None


def _to_the_digit(contents: Sequence[bytes]) -> list[Value]:
    """The values of JSON texts with all digits of their numbers."""
    joined = b"[%b]" % b",".join(contents)
    # orjson makes floats of whole numbers as well where they do not fit 64 bits, and 0 of -0.
    is_strange = may_hold_long_wholes(joined) or _MINUS_ZERO.search(joined)
    decoder = _ALL_DIGITS if is_strange else _FRACTIONS
    values: list[Value] = decoder.decode(joined.decode())
    return values


def may_hold_long_wholes(content: bytes) -> bool:
    """Whether more digits may stand in a row, not behind a point, than are sure to fit 64 bits."""
    alike = content.translate(_ALL_ALIKE)
    return _LONG_DIGITS in alike and _LONG_DIGITS in alike.replace(b"." + _LONG_DIGITS, b"")


_LONG_DIGITS = b"0" * (SAFE_DIGITS + 1)
_MINUS_ZERO = re.compile(rb"-0(?![.0-9eE])")
_ALL_ALIKE = bytes.maketrans(b"123456789", b"000000000")


def _invalid(content: bytes, error: orjson.JSONDecodeError) -> InvalidError:
    """The same error with its place in bytes, where orjson counts characters."""
    try:
        content.decode()
    except UnicodeDecodeError as damage:
        return InvalidError(f"byte 0x{content[damage.start]:02x} is not UTF-8", damage.start)
    return InvalidError(error.msg, len(error.doc[: error.pos].encode()))


_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"')


def _marks(content: bytes) -> int:
    return content.count(b",") + content.count(b"[") + content.count(b"{")


def _key_that_stands_twice(content: bytes) -> str:
    """Why an object that has a key twice is refused: which of its values counts, nobody can say."""
    try:
        json.loads(content, object_pairs_hook=_distinct, parse_int=len)
    except _UnfitError as error:
        return str(error)
    return "a key stands twice"


def _distinct(pairs: Sequence[tuple[str, object]]) -> Mapping[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        [(key, _)] = Counter(key for key, _ in pairs).most_common(1)
        raise _UnfitError(f"the key {json.dumps(key, ensure_ascii=False)} stands twice")
    return found


def _whole(digits: str) -> int | Number:
    """A whole number; by its digits where an `int` would not keep them, or not fit 64 bits."""
    is_kept = len(digits) <= SAFE_DIGITS and digits != "-0"
    return int(digits) if is_kept else Number(digits)


def _no_number(word: str) -> None:
    raise ValueError(f"{word} is no number in JSON")


_FRACTIONS = json.JSONDecoder(parse_float=Number)
_ALL_DIGITS = json.JSONDecoder(parse_float=Number, parse_int=_whole, parse_constant=_no_number)
