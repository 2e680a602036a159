"""Types with letters in them: how a signature says that an array's elements may be anything.

A letter stands for one type wherever it occurs in a signature, `array<E>` for an array of it. What
the letters are follows from the arguments; where several say it, from the type that they meet in.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lakewright.sql import coercion, types

_LETTER = re.compile("[A-Z]")
_LAMBDA = re.compile(r"\((.*)\) -> (.+)")
_OPENING, _CLOSING = "<(", ">)"


@dataclass(frozen=True, kw_only=True, slots=True)
class LambdaType:
    """What a lambda function takes and gives, in a signature."""

    parameters: tuple[types.Type, ...]
    result: types.Type


def is_letter(kind: types.Type) -> bool:
    """Whether a type is only a letter."""
    return isinstance(kind, types.Primitive) and bool(_LETTER.fullmatch(kind.name))


def split(text: str) -> tuple[str, ...]:
    """The parts of a text between the commas that stand in no brackets."""
    parts, depth = [""], 0
    for position, character in enumerate(text):
        is_arrow = character == ">" and text[position - 1 : position] == "-"
        depth += (character in _OPENING) - (character in _CLOSING and not is_arrow)
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return tuple(part.strip() for part in parts if part.strip())


def read(text: str) -> types.Type:
    """A type, with letters or without.

    Raises:
        ValueError: it is none.
    """
    if _LETTER.fullmatch(text):
        return types.Primitive(text)
    word, _, rest = text.partition("<")
    if word == "array" and rest:
        return types.Array(read(rest[:-1]))
    if word == "map" and rest:
        key, value = split(rest[:-1])
        return types.Map(read(key), read(value))
    return types.parse(text)


def read_lambda(text: str) -> LambdaType:
    """A lambda function's type, such as `(E, int) -> R`.

    Raises:
        ValueError: it is none.
    """
    found = _LAMBDA.fullmatch(text)
    if not found:
        raise ValueError(f"{text!r} is no lambda function's type")
    return LambdaType(
        parameters=tuple(read(part) for part in split(found[1])), result=read(found[2])
    )


def learn(wanted: types.Type, given: types.Type, found: dict[str, list[types.Type]]) -> bool:
    """Note what the letters are if a value of type `given` is to be `wanted`; false: it cannot."""
    if is_letter(wanted):
        found.setdefault(str(wanted), []).append(given)
        return True
    if isinstance(wanted, types.Array):
        return isinstance(given, types.Array) and learn(wanted.element, given.element, found)
    if isinstance(wanted, types.Map):
        return (
            isinstance(given, types.Map)
            and learn(wanted.key, given.key, found)
            and learn(wanted.value, given.value, found)
        )
    return True


def met(found: Mapping[str, Sequence[types.Type]]) -> dict[str, types.Type]:
    """What each letter is: the type in which all that was noted for it meet.

    Raises:
        NoCommonType: they do not meet.
    """
    return {letter: coercion.common(kinds) for letter, kinds in found.items()}


def filled(wanted: types.Type, letters: Mapping[str, types.Type]) -> types.Type:
    """A type with what its letters are in their place."""
    if is_letter(wanted):
        return letters.get(str(wanted), types.UNKNOWN)
    if isinstance(wanted, types.Array):
        return types.Array(filled(wanted.element, letters))
    if isinstance(wanted, types.Map):
        return types.Map(filled(wanted.key, letters), filled(wanted.value, letters))
    return wanted
