"""A function's signature: written as text in the catalogue, read once, matched against arguments.

substring(string, int, int) -> string      types; a narrower number widens by itself
coalesce(T...) -> T                        any types that meet; all become the common one
abs(decimal) -> same                       the argument's own type
date_trunc('unit', timestamp) -> timestamp a quoted parameter is a constant text
round(decimal, #digits) -> decimal         a # parameter is a constant integer; a decimal's
                                           digits come from a rule beside the text
map(K, E, ...) -> map<K, E>                all of them may come again
array_append(array<E>, E) -> array<E>      a capital letter is any type, the same one everywhere;
                                           `T` alone is never nested
transform(array<E>, (E, int) -> R) -> array<R>   a lambda function
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from lakewright.sql import casts, coercion, generics, types
from lakewright.sql.lambdas import ELEMENT, Lambda, Places
from lakewright.sql.term import Term, combine
from lakewright.wording import counted

Argument: TypeAlias = Term | Lambda
Rewrite: TypeAlias = str | Callable[[Sequence[Term]], str]
"""DuckDB's text: `{0}`, `{1}`, ... are the arguments, `{all}` all of them with commas."""
Build: TypeAlias = Callable[[Sequence[Term]], Term]
Attach: TypeAlias = Callable[[str], str]
"""Adds FILTER and OVER to a call of one of DuckDB's aggregates."""
Compose: TypeAlias = Callable[[Sequence[Term], Attach], str]
ResultRule: TypeAlias = Callable[[Sequence[Term]], types.Type]

_SHAPE = re.compile(r"(\w+)\((.*)\) -> (.+)")


class NoMatch(ValueError):
    """The arguments do not fit; the message says why."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Signature:
    """One way to call a function."""

    text: str
    name: str
    parameters: tuple[str, ...]
    repeated: int
    """How many of the last parameters may come again."""
    result: str
    rewrite: Rewrite
    rule: ResultRule | None = None
    build: Build | None = None
    """Makes the whole term, type and all, for what operators define already."""
    compose: Compose | None = None
    """Makes the text of an aggregate that is several of DuckDB's."""
    places: Places = ELEMENT
    """Where a lambda function's parameters are found."""

    def fits_count(self, count: int) -> bool:
        """Whether so many arguments are possible."""
        more = count - len(self.parameters)
        return more == 0 or (more > 0 and self.repeated > 0 and more % self.repeated == 0)

    def bind(self, arguments: Sequence[Argument]) -> tuple[Sequence[Term], types.Type]:
        """The arguments as the parameters' types, and the result's type.

        Raises:
            NoMatch: they do not fit.
        """
        if not self.fits_count(len(arguments)):
            raise NoMatch(counted(len(arguments), "argument"))
        spare = len(arguments) - len(self.parameters)
        more = self.parameters[-self.repeated :] * spare if self.repeated else ()
        wanted = (*self.parameters, *more)[: len(arguments)]
        letters = _letters(wanted, arguments)
        bound = [
            _fit_lambda(argument, parameter, letters, self.places)
            if isinstance(argument, Lambda)
            else _fit(argument, parameter, letters)
            for argument, parameter in zip(arguments, wanted, strict=True)
        ]
        if self.build is not None:
            return bound, self.build(bound).type
        return bound, self._result(bound, letters)

    def term(self, arguments: Sequence[Term], kind: types.Type) -> Term:
        """The call with bound arguments, as a term of the bound type."""
        if self.build is not None:
            return self.build(arguments)
        return combine(kind, self.write(arguments), arguments)

    def write(self, arguments: Sequence[Term], attach: Attach = str) -> str:
        """DuckDB's text of the call with bound arguments."""
        if self.compose is not None:
            return self.compose(arguments, attach)
        if callable(self.rewrite):
            return attach(self.rewrite(arguments))
        texts = [argument.text for argument in arguments]
        return attach(self.rewrite.format(*texts, all=", ".join(texts)))

    def _result(self, bound: Sequence[Term], letters: Mapping[str, types.Type]) -> types.Type:
        if self.rule is not None:
            return self.rule(bound)
        if self.result == "same":
            return bound[0].type
        return generics.filled(generics.read(self.result), letters)


def way(
    text: str,
    rewrite: Rewrite = "",
    rule: ResultRule | None = None,
    *,
    build: Build | None = None,
    compose: Compose | None = None,
    places: Places = ELEMENT,
) -> Signature:
    """The signature that a line of the catalogue describes; `rule` gives the result's type.

    Raises:
        ValueError: the line is not a signature.
    """
    found = _SHAPE.fullmatch(text)
    if not found:
        raise ValueError(f"{text!r} is not a signature")
    name, inner, result = found.groups()
    parameters = generics.split(inner)
    repeated = 0
    if parameters[-1:] == ("...",):
        parameters = parameters[:-1]
        repeated = len(parameters)
    elif parameters and parameters[-1].endswith("..."):
        parameters = (*parameters[:-1], parameters[-1].removesuffix("..."))
        repeated = 1
    return Signature(
        text=text,
        name=name,
        parameters=parameters,
        repeated=repeated,
        result=result,
        rewrite=rewrite,
        rule=rule,
        build=build,
        compose=compose,
        places=places,
    )


def _letters(wanted: Sequence[str], arguments: Sequence[Argument]) -> dict[str, types.Type]:
    """What the letters of the parameters are, as far as plain arguments tell.

    Raises:
        NoMatch: they do not meet, or `T` would be nested.
    """
    found: dict[str, list[types.Type]] = {}
    for argument, parameter in zip(arguments, wanted, strict=True):
        if isinstance(argument, Lambda) or parameter.startswith("("):
            if not (isinstance(argument, Lambda) and parameter.startswith("(")):
                raise NoMatch("a lambda function such as x -> x + 1 stands in its own place only")
        elif _has_letter(parameter) and not generics.learn(
            generics.read(parameter), argument.type, found
        ):
            raise NoMatch(f"{argument.type} is not {parameter}")
    try:
        letters = generics.met(found)
    except coercion.NoCommonType as error:
        raise NoMatch(str(error)) from error
    is_within = any("<T>" in parameter for parameter in wanted)
    if is_within and types.UNKNOWN in found.get("T", ()):
        raise NoMatch("a NULL without a type is looked for nowhere")
    if "T" in letters and coercion.is_nested(letters["T"]):
        raise NoMatch(f"{letters['T']} is nested")
    return letters


def _has_letter(parameter: str) -> bool:
    return bool(re.search(r"\b[A-Z]\b", parameter))


def _fit_lambda(
    argument: Lambda, parameter: str, letters: dict[str, types.Type], places: Places
) -> Term:
    wanted = generics.read_lambda(parameter)
    if len(wanted.parameters) != len(argument.names):
        raise NoMatch(f"the lambda function has {counted(len(argument.names), 'parameter')}")
    term = argument.of([generics.filled(kind, letters) for kind in wanted.parameters], places)
    letter = str(wanted.result)
    if generics.is_letter(wanted.result) and letter not in letters:
        letters[letter] = term.type
    asked = generics.filled(wanted.result, letters)
    if term.type != asked:
        raise NoMatch(f"the lambda function gives {term.type} and not {asked}")
    return term


def _fit(argument: Term, parameter: str, letters: Mapping[str, types.Type]) -> Term:
    if parameter == "any":
        return argument
    if _has_letter(parameter):
        return converted(argument, generics.filled(generics.read(parameter), letters))
    if parameter in _KINDS_OF_CONSTANT or parameter[0] in _KINDS_OF_CONSTANT:
        _check_constant(argument, parameter)
        return argument
    if parameter in _FAMILIES:
        if not _FAMILIES[parameter](argument.type):
            raise NoMatch(f"{argument.type} is not a {parameter}")
        return argument
    wanted = types.parse(parameter)
    if not coercion.widens(argument.type, wanted):
        raise NoMatch(f"{argument.type} is not {wanted}")
    return converted(argument, wanted)


_FAMILIES: Mapping[str, Callable[[types.Type], bool]] = {
    "number": coercion.is_number,
    "decimal": lambda kind: isinstance(kind, types.Decimal),
    "struct": lambda kind: isinstance(kind, types.Struct),
    "INTERVAL": lambda kind: kind == types.INTERVAL,
}
"""Words of signatures that stand for types of one kind."""

_KINDS_OF_CONSTANT = ("UNIT", "share", "'", "#")


def _check_constant(argument: Term, parameter: str) -> None:
    if parameter.startswith("#"):
        if not (argument.is_literal and argument.type == types.INT):
            raise NoMatch(f"{parameter[1:]} must be a constant integer")
    elif parameter == "share":
        if not (argument.is_literal and coercion.is_number(argument.type)):
            raise NoMatch("the share must be a constant from 0 to 1")
    elif not (argument.is_literal and isinstance(argument.value, str)):
        raise NoMatch(f"{parameter} must be a constant text")


def converted(term: Term, kind: types.Type) -> Term:
    """The term as a type that it widens to.

    Raises:
        NoMatch: no cast between the types is known.
    """
    if term.type == kind:
        return term
    found = casts.apply(term, kind)
    if found is None:
        raise NoMatch(f"{term.type} is not {kind}")
    return found
