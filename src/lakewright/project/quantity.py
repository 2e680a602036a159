"""Amounts as people write them in project files: `2GB` of memory, `7d` of time."""

import re

_BYTES = {
    "b": 1,
    "kb": 1000,
    "mb": 1000**2,
    "gb": 1000**3,
    "tb": 1000**4,
    "kib": 1024,
    "mib": 1024**2,
    "gib": 1024**3,
    "tib": 1024**4,
}
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400}

_AMOUNT = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]+)\s*")


def bytes_of(text: str) -> int:
    """The number of bytes that a text such as `2GB` or `512 MiB` means.

    Raises:
        ValueError: the text is no amount of memory; the message says how to write one.
    """
    found = _AMOUNT.fullmatch(text)
    unit = _BYTES.get(found.group(2).lower()) if found else None
    if not found or unit is None:
        raise ValueError(f"{text!r} is no amount of memory; write a number and a unit, as in 2GB")
    return int(float(found.group(1)) * unit)


def seconds_of(text: str) -> int:
    """The number of seconds that a text such as `7d` or `12h` means.

    Raises:
        ValueError: the text is no length of time; the message says how to write one.
    """
    found = _AMOUNT.fullmatch(text)
    unit = _SECONDS.get(found.group(2).lower()) if found else None
    if not found or unit is None:
        raise ValueError(
            f"{text!r} is no length of time; write a number and one of s, m, h, d and w, as in 7d"
        )
    return int(float(found.group(1)) * unit)
