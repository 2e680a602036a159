"""The section `variables` of `lakewright.yaml` as values, with every mistake of meaning in it."""

from collections.abc import Collection, Iterable, Mapping

from lakewright.errors import UsageError
from lakewright.project import cell, naming
from lakewright.project.file import Mistakes
from lakewright.project.mistake import Mistake, listing, shown, suggestion
from lakewright.project.variable import Variable
from lakewright.project.variable_documents import VariableDocument
from lakewright.project.yaml import Parsed, Path
from lakewright.sql import run_values, types


def read(
    documents: Mapping[str, VariableDocument],
    parsed: Parsed,
    environments: Collection[str],
    mistakes: Mistakes,
) -> dict[str, Variable]:
    """The variables that are sound, by name."""
    found: dict[str, Variable] = {}
    for name, document in documents.items():
        kind = _type(name, document, parsed, mistakes)
        _check_name(name, parsed, mistakes)
        if kind is None:
            continue
        at: Path = ("variables", name)
        others: dict[str, cell.Cell] = {}
        for environment, text in document.environments.items():
            path = (*at, "environments", environment)
            if environment not in environments:
                mistakes.add(
                    Mistake.WRONG_VALUE,
                    parsed.key_span(path),
                    f"there is no environment `{shown(environment)}`",
                    why=f"the environments are {listing(environments)}",
                    hint=suggestion(environment, environments),
                )
            others[environment] = _value(name, text, kind, (parsed, path, mistakes))
        found[name] = Variable(
            name=name,
            type=kind,
            value=_value(name, document.value, kind, (parsed, (*at, "value"), mistakes)),
            environments=others,
            description=document.description,
        )
    return found


def overrides(variables: Mapping[str, Variable], words: Iterable[str]) -> dict[str, str]:
    """What `NAME=VALUE` words say, seen to be values of the variables' types.

    Raises:
        UsageError: a word is none of that form, or names no variable, or no value of its type.
    """
    found: dict[str, str] = {}
    for word in words:
        name, is_given, text = word.partition("=")
        if not is_given or name not in variables:
            raise UsageError(
                f"`--var {word}` sets no variable of the project",
                why=f"its variables are {listing(variables)}"
                if variables
                else "lakewright.yaml declares no `variables`",
                hint=suggestion(name, variables, "write --var NAME=VALUE"),
            )
        try:
            cell.read(text, variables[name].type)
        except cell.NoValueError as wrong:
            raise UsageError(
                f"`{text}` is no value of type {variables[name].type}",
                why=f":{name} has that type; {wrong}",
            ) from wrong
        found[name] = text
    return found


def _check_name(name: str, parsed: Parsed, mistakes: Mistakes) -> None:
    span = parsed.key_span(("variables", name))
    if not naming.is_standard(name):
        mistakes.add(
            Mistake.BAD_NAME,
            span,
            f"`{shown(name)}` is no name of a variable",
            why="names are lower-case words joined by underscores",
            hint=f"write `{naming.standardise(name)}`",
        )
    elif name in run_values.TYPES:
        mistakes.add(
            Mistake.RESERVED_NAME,
            span,
            f"`{name}` is what a run gives its models",
            why=f":{name} would mean two things",
            hint="choose another name",
        )


def _type(
    name: str, document: VariableDocument, parsed: Parsed, mistakes: Mistakes
) -> types.Type | None:
    try:
        found = types.parse(document.type)
    except ValueError as error:
        why = str(error)
    else:
        if isinstance(found, types.Primitive | types.Decimal) and found != types.UNKNOWN:
            return found
        why = "a variable is one value: a number, a text, a date, a time or a truth value"
    mistakes.add(
        Mistake.BAD_TYPE,
        parsed.span(("variables", name, "type")),
        f"`{shown(document.type)}` is no type of a variable",
        why=why,
    )
    return None


def _value(
    name: str, text: str, kind: types.Type, place: tuple[Parsed, Path, Mistakes]
) -> cell.Cell:
    parsed, path, mistakes = place
    try:
        return cell.read(text, kind)
    except cell.NoValueError as wrong:
        mistakes.add(
            Mistake.WRONG_VALUE,
            parsed.span(path),
            f"`{shown(text)}` is no value of type {kind}",
            why=f"`{name}` has that type; {wrong}",
        )
        return None
