"""What one field of a text file looks like, for people who guess: number, date, word, or neither.

Only detection uses this. Whether a column's values fit a type is decided by `inference`, exactly.
"""

import re
from enum import StrEnum


class Kind(StrEnum):
    """What a field looks like."""

    EMPTY = "empty"
    NUMBER = "number"
    MOMENT = "moment"
    """A date, a time of day, or both."""
    TOKEN = "token"  # noqa: S105  (no secret)
    """An address, identifier or truth value: one thing in a well-known form."""
    WORDS = "words"
    OTHER = "other"
    """Text in which a delimiter or quote may be hiding."""


_NUMBER = re.compile(
    r"[-+]?(?:[$€£¥]\s?)?(?:\d+|\d{1,3}(?:[,. ']\d{3})+)?(?:[.,]\d+)?(?:[eE][-+]?\d+)?\s?[%€$£¥]?"
)
_DATE = r"(?:\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.](?:\d{4}|\d{2}))"
_TIME = (
    r"\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?(?:\s?[AaPp][Mm])?(?:\s?(?:Z|UTC|[-+]\d\d:?\d\d))?"
)
_MOMENT = re.compile(rf"{_DATE}(?:[T ]{_TIME})?|{_TIME}")
_TOKEN = re.compile(
    r"(?i:true|false|yes|no|null|none|n/?a|nan)"
    r"|[a-z][a-z0-9+.-]*://\S+|www\.\S+"
    r"|[\w.+-]+@[\w-]+(?:\.[\w-]+)+"
    r"|\d{1,3}(?:\.\d{1,3}){3}"
    r"|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
)
_WORDS = re.compile(r"[\w .\-+/()&%#@*!?°€$£]*")


def kind(text: str) -> Kind:
    """What the field looks like; blanks around it do not count."""
    text = text.strip()
    if not text:
        return Kind.EMPTY
    if len(text) > _LONG:
        return Kind.OTHER
    if any(map(str.isdigit, text)):
        if _NUMBER.fullmatch(text):
            return Kind.NUMBER
        if _MOMENT.fullmatch(text):
            return Kind.MOMENT
    if _TOKEN.fullmatch(text):
        return Kind.TOKEN
    return Kind.WORDS if _WORDS.fullmatch(text) else Kind.OTHER


_LONG = 1000  # Nothing that is one number, date or identifier is longer.
