"""Read JSON texts strictly, and keep every number as it was written.

orjson decides what is JSON (RFC 8259, to the letter). It makes binary floating-point numbers of
what has a point, and it keeps the last of two equal keys. Neither may pass unseen: a text that
orjson writes as it was given has lost nothing. Of any other text the standard library hands over
the digits, so that 1.10 stays 1.10, and the keys are counted.
"""

import json
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple, TypeAlias

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
    values: Sequence[Value] = ()
    if max(map(len, contents)) <= RECORD_VALUES_MAX:
        try:
            values = list(map(orjson.loads, contents))
            if _is_written_so(b"[%b]" % b",".join(contents), values):
                return Parsed(values, {})
        except (orjson.JSONDecodeError, TypeError):  # Which of them it is, the loop finds.
            pass
    found: list[Value] = []
    problems: dict[int, str | InvalidError] = {}
    for place, content in enumerate(contents):
        try:
            found.append(_exact(content, values[place] if values else _loaded(content)))
        except (InvalidError, _UnfitError) as error:
            found.append(None)
            problems[place] = error if isinstance(error, InvalidError) else str(error)
    return Parsed(found, problems)


def text(value: Value) -> str | None:
    """A value as a field's text: strings as they are, null as null, all else as JSON."""
    if value is None or isinstance(value, str):
        return value
    return orjson.dumps(value, _fragment, orjson.OPT_PASSTHROUGH_SUBCLASS).decode()


def texts(values: list[Value]) -> list[str | None]:
    """Booleans and numbers as JSON has them."""
    found = orjson.dumps(values)[1:-1].decode().split(",")
    return [None if each == "null" else each for each in found]


def holds_too_much(content: bytes) -> bool:
    """Whether a text has more values than are held in memory."""
    if len(content) <= RECORD_VALUES_MAX or _marks(content) <= RECORD_VALUES_MAX:
        return False
    return _marks(_STRING.sub(b"", content)) > RECORD_VALUES_MAX


class _UnfitError(Exception):
    """A text is JSON, and still no record."""


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


def _exact(content: bytes, value: Value) -> Value:
    """The value as it was loaded, or with all digits, if some of them could have been lost."""
    try:
        if _is_written_so(content, value):
            return value
        _check_keys(content, value)
        largest = _largest_float((value,))
        if largest < 0:
            return value
        # orjson makes floats of whole numbers as well where they do not fit 64 bits.
        decoder = _ALL_DIGITS if largest >= _WHOLE_FLOAT else _FRACTIONS
        exact: Value = decoder.raw_decode(content.decode())[0]
    except (TypeError, RecursionError) as error:
        raise _UnfitError(f"values are nested more than {DEPTH_MAX} levels deep") from error
    return exact


_WHOLE_FLOAT = 9e18


def _largest_float(values: Collection[Value]) -> float:
    """The largest floating-point number anywhere in these values; below 0: there is none."""
    kinds = set(map(type, values))
    found = [-1.0]
    if float in kinds:
        found += [abs(value) for value in values if type(value) is float]
    if dict in kinds:
        found += [_largest_float(value.values()) for value in values if isinstance(value, dict)]
    if list in kinds:
        found += [_largest_float(value) for value in values if isinstance(value, list)]
    return max(found)


def _is_written_so(content: bytes, value: Value) -> bool:
    """Whether orjson writes the value as it was written, blanks aside.

    No number holds a blank, and no blank ends a string: so without them both texts have as many
    keys, and the same numbers.
    """
    written = orjson.dumps(value)
    return written == content or written.translate(None, BLANKS) == content.translate(None, BLANKS)


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


def _check_keys(content: bytes, value: Value) -> None:
    """Refuse an object that has a key twice: which of its values counts, nobody can say.

    Every key ends with a quote and a colon, so no more of them than keys means that none was lost.
    """
    keys = _count_keys(value)
    if content.count(b":") == keys:
        return
    has_blanks = any(content.count(blank) for blank in (b" :", b"\n:", b"\t:", b"\r:"))
    if has_blanks or content.count(b'":') > keys:
        json.loads(content, object_pairs_hook=_distinct, parse_int=len)


def _count_keys(value: Value) -> int:
    if isinstance(value, dict):
        return len(value) + _count_keys_within(value.values())
    return _count_keys_within(value) if isinstance(value, list) else 0


def _count_keys_within(values: Collection[Value]) -> int:
    kinds = set(map(type, values))
    return sum(map(_count_keys, values)) if dict in kinds or list in kinds else 0


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
