"""Regular expressions of Java: those that DuckDB's RE2 matches alike, rewritten where need be."""

import re
from dataclasses import dataclass

_ENDS = r"\n\r\x{85}\x{2028}\x{2029}"
_ESCAPED = {"d": "[0-9]", "D": "[^0-9]", "w": "[0-9A-Za-z_]", "W": "[^0-9A-Za-z_]",
            "s": r"[ \t\n\x0B\f\r]", "S": r"[^ \t\n\x0B\f\r]"}  # fmt: skip
_IN_CLASS = {"d": "0-9", "w": "0-9A-Za-z_", "s": r" \t\n\x0B\f\r"}
_CONTROLS = "tnrf"
_TOKEN = re.compile(
    r"(?P<class>\[\^?(?:\\.|[^\\\[\]&])+\])|(?P<escape>\\.)|(?P<group>\((?:\?:|(?!\?)))"
    r"|(?P<times>(?:[*+?]|\{[0-9]{1,3}(?:,(?:[0-9]{1,3})?)?\})\??(?![*+?{]))"
    r"|(?P<plain>[^\\\[\](){}*+?])",
    re.DOTALL,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Expression:
    """A regular expression for DuckDB."""

    text: str
    groups: int
    has_end: bool
    """Whether it has `$`, which Java also matches before a line's end at the text's end."""
    may_be_empty: bool
    """Whether it may match where there is nothing."""


def read(pattern: str) -> Expression:
    """The expression that a pattern of Java means.

    Raises:
        ValueError: the engines could match it otherwise; the message says what.
    """
    parts, position, depth, groups = [], 0, 0, 0
    while position < len(pattern):
        if pattern[position] == ")" and depth:
            depth -= 1
            parts.append(")")
            position += 1
            continue
        found = _TOKEN.match(pattern, position)
        if not found:
            raise ValueError(f"{pattern[position:]!r} in a regular expression is not portable")
        if found.lastgroup == "group":
            depth += 1
            groups += found[0] == "("
        parts.append(_written(found))
        position = found.end()
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise ValueError(f"{pattern!r} is no regular expression: {error}") from error
    return Expression(
        text="".join(parts),
        groups=groups,
        has_end=any(part == "$" for part in parts),
        may_be_empty=compiled.search("") is not None,
    )


def _written(found: re.Match[str]) -> str:
    part = found[0]
    if part == ".":
        return f"[^{_ENDS}]"
    if found.lastgroup == "escape":
        return _escaped(part[1], _ESCAPED)
    if found.lastgroup == "class":
        inner = re.sub(r"\\(.)", lambda one: _escaped(one[1], _IN_CLASS), part[1:-1])
        return f"[{inner}]"
    return part


def _escaped(letter: str, classes: dict[str, str]) -> str:
    if letter in classes:
        return classes[letter]
    if letter in _CONTROLS or not letter.isalnum():
        return f"\\{letter}"
    raise ValueError(f"'\\{letter}' in a regular expression is not portable")
