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

RECORD_BYTES_MAX = 1 << 27
"""A value is held in memory while it is read."""
RECORD_VALUES_MAX = 1 << 21
"""So are the values within it, in up to 200 bytes each."""
DEPTH_MAX = 250
"""orjson writes 254 levels, and reads more."""

BLANKS = b" \t\r\n"
_SAFE_DIGITS = 18  # So many always fit 64 bits.

Value: TypeAlias = "bool | int | float | str | Sequence[Value] | Mapping[str, Value] | None"
"""A floating-point number stands for the digits that orjson writes of it."""


class Number(str):
    """A number by its digits."""

    __slots__ = ()


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
    values, problems = _load(contents)
    if not problems and _are_written_so(contents, values):
        return Parsed(values, {})
    sound = [b"null" if place in problems else each for place, each in enumerate(contents)]
    written = _written(values, problems)
    doubtful = _doubtful(sound, written)
    for place in [place for place, has_lost_keys in doubtful if has_lost_keys]:
        problems[place] = _key_that_stands_twice(contents[place])
    places = [place for place, _ in doubtful if place not in problems]
    for place, value in zip(places, _to_the_digit([contents[i] for i in places]), strict=True):
        values[place] = value
    for place in problems:
        values[place] = None
    return Parsed(values, problems)


def text(value: Value) -> str | None:
    """A value as a field's text: strings as they are, null as null, all else as JSON."""
    if value is None or isinstance(value, str):
        return value
    return orjson.dumps(value, _fragment, orjson.OPT_PASSTHROUGH_SUBCLASS).decode()


def written(values: list[Value]) -> bytes:
    """Booleans, numbers and nulls as JSON has them, with commas between them."""
    return orjson.dumps(values, _fragment, orjson.OPT_PASSTHROUGH_SUBCLASS)[1:-1]


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


def _are_written_so(contents: Sequence[bytes], values: list[Value]) -> bool:
    """Whether orjson writes all values to the byte as they were written."""
    try:
        return orjson.dumps(values) == b"[%b]" % b",".join(contents)
    except TypeError:  # One is nested too deeply.
        return False


def _written(values: list[Value], problems: dict[int, str | InvalidError]) -> list[bytes]:
    """What orjson writes of each value; what it cannot write is a problem."""
    try:
        return list(map(orjson.dumps, values))
    except TypeError:
        pass
    found = []
    for place, value in enumerate(values):
        try:
            found.append(orjson.dumps(value))
        except TypeError:
            found.append(b"null")
            problems[place] = f"values are nested more than {DEPTH_MAX} levels deep"
    return found


def _doubtful(contents: Sequence[bytes], written: Sequence[bytes]) -> Sequence[tuple[int, bool]]:
    """Which texts are not written as they were given, and whether keys of theirs were lost.

    Blanks do not count, as no number holds one and none ends a string, nor does what stands within
    strings: what is left of both texts has as many keys, and the same numbers.
    """
    pairs = enumerate(zip(_without_blanks(contents), _without_blanks(written), strict=True))
    differing = [(place, given, again) for place, (given, again) in pairs if given != again]
    escaped = [each for each in differing if b"\\" in each[1]]
    if escaped:
        given_bare = _without_strings([given for _, given, _ in escaped])
        again_bare = _without_strings([again for _, _, again in escaped])
        bare = zip((place for place, _, _ in escaped), given_bare, again_bare, strict=True)
        differing = [each for each in differing if b"\\" not in each[1]]
        differing += [(place, given, again) for place, given, again in bare if given != again]
    all_given = b"".join(given for _, given, _ in differing)
    all_again = b"".join(again for _, _, again in differing)
    if all_given.count(b":") == all_again.count(b":"):  # No key was lost.
        return [(place, False) for place, _, _ in differing]
    return [(place, given.count(b":") > again.count(b":")) for place, given, again in differing]


_BORDER = b"\0"
"""No JSON text has it."""


def _without_blanks(contents: Sequence[bytes]) -> Sequence[bytes]:
    return _BORDER.join(contents).translate(None, BLANKS).split(_BORDER)


def _without_strings(contents: Sequence[bytes]) -> Sequence[bytes]:
    """JSON texts without what stands in quotes."""
    joined = _BORDER.join(contents)
    if b"\\" in joined:
        joined = joined.replace(b"\\\\", b"").replace(b'\\"', b"")
    data = numpy.frombuffer(joined, numpy.uint8)
    is_inside = numpy.cumsum(data == _QUOTE, dtype=numpy.uint8) & 1
    bare: bytes = data[is_inside == 0].tobytes()
    return bare.split(_BORDER)


_QUOTE = ord('"')


def _to_the_digit(contents: Sequence[bytes]) -> Sequence[Value]:
    """The values of JSON texts with all digits of their numbers."""
    joined = b"[%b]" % b",".join(contents)
    # orjson makes floats of whole numbers as well where they do not fit 64 bits.
    decoder = _ALL_DIGITS if _LONG_DIGITS in joined.translate(_ALL_ALIKE) else _FRACTIONS
    values: Sequence[Value] = decoder.decode(joined.decode())
    return values


_LONG_DIGITS = b"0" * (_SAFE_DIGITS + 1)
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


def _fragment(value: object) -> orjson.Fragment:
    return orjson.Fragment(str(value))


def _long_integer(digits: str) -> int | Number:
    return int(digits) if len(digits) <= _SAFE_DIGITS else Number(digits)


def _no_number(word: str) -> None:
    raise ValueError(f"{word} is no number in JSON")


_FRACTIONS = json.JSONDecoder(parse_float=Number)
_ALL_DIGITS = json.JSONDecoder(
    parse_float=Number, parse_int=_long_integer, parse_constant=_no_number
)
