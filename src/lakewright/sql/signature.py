"""A function's signature: written as text in the catalogue, read once, matched against arguments.

substring(string, int, int) -> string      types; a narrower number widens by itself
coalesce(T...) -> T                        any types that meet; all become the common one
abs(decimal) -> same                       the argument's own type
date_trunc('unit', timestamp) -> timestamp a quoted parameter is a constant text
round(decimal, #digits) -> decimal         a # parameter is a constant integer; a decimal's
                                           digits come from a rule beside the text
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from lakewright.sql import casts, coercion, types
from lakewright.sql.term import Term, combine
from lakewright.wording import counted

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
    is_variadic: bool
    """Whether the last parameter may repeat."""
    result: str
    rewrite: Rewrite
    rule: ResultRule | None = None
    build: Build | None = None
    """Makes the whole term, type and all, for what operators define already."""
    compose: Compose | None = None
    """Makes the text of an aggregate that is several of DuckDB's."""

    def fits_count(self, count: int) -> bool:
        """Whether so many arguments are possible."""
        if self.is_variadic:
            return count >= len(self.parameters)
        return count == len(self.parameters)

    def bind(self, arguments: Sequence[Term]) -> tuple[Sequence[Term], types.Type]:
        """The arguments as the parameters' types, and the result's type.

        Raises:
            NoMatch: they do not fit.
        """
        if not self.fits_count(len(arguments)):
            raise NoMatch(counted(len(arguments), "argument"))
        spare = len(arguments) - len(self.parameters)
        wanted = (*self.parameters, *(self.parameters[-1:] * spare))
        shared = self._shared(wanted, arguments)
        bound = [
            _fit(argument, parameter, shared)
            for argument, parameter in zip(arguments, wanted, strict=True)
        ]
        if self.build is not None:
            return bound, self.build(bound).type
        return bound, self._result(bound, shared)

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

    def _shared(self, wanted: Sequence[str], arguments: Sequence[Term]) -> types.Type:
        kinds = [
            argument.type for argument, name in zip(arguments, wanted, strict=True) if name == "T"
        ]
        try:
            shared = coercion.common(kinds)
        except coercion.NoCommonType as error:
            raise NoMatch(str(error)) from error
        if kinds and coercion.is_nested(shared):
            raise NoMatch(f"{shared} is nested")
        return shared

    def _result(self, bound: Sequence[Term], shared: types.Type) -> types.Type:
        if self.rule is not None:
            return self.rule(bound)
        if self.result == "T":
            return shared
        if self.result == "same":
            return bound[0].type
        return types.parse(self.result)


def way(
    text: str,
    rewrite: Rewrite = "",
    rule: ResultRule | None = None,
    *,
    build: Build | None = None,
    compose: Compose | None = None,
) -> Signature:
    """The signature that a line of the catalogue describes; `rule` gives the result's type.

    Raises:
        ValueError: the line is not a signature.
    """
    found = _SHAPE.fullmatch(text)
    if not found:
        raise ValueError(f"{text!r} is not a signature")
    name, inner, result = found.groups()
    parameters = tuple(part.strip() for part in inner.split(",") if part.strip())
    is_variadic = bool(parameters) and parameters[-1].endswith("...")
    if is_variadic:
        parameters = (*parameters[:-1], parameters[-1].removesuffix("..."))
    return Signature(
        text=text,
        name=name,
        parameters=parameters,
        is_variadic=is_variadic,
        result=result,
        rewrite=rewrite,
        rule=rule,
        build=build,
        compose=compose,
    )


def _fit(argument: Term, parameter: str, shared: types.Type) -> Term:
    if parameter == "any":
        return argument
    if parameter == "T":
        return converted(argument, shared)
    if parameter in _KINDS_OF_CONSTANT or parameter[0] in _KINDS_OF_CONSTANT:
        _check_constant(argument, parameter)
        return argument
    if parameter in ("number", "decimal"):
        is_fit = (
            coercion.is_number(argument.type)
            if parameter == "number"
            else isinstance(argument.type, types.Decimal)
        )
        if not is_fit:
            raise NoMatch(f"{argument.type} is not a {parameter}")
        return argument
    wanted = types.parse(parameter)
    if not coercion.widens(argument.type, wanted):
        raise NoMatch(f"{argument.type} is not {wanted}")
    return converted(argument, wanted)


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
