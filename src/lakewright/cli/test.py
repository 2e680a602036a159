"""`lakewright test`: run unit tests of models, and show how rows differ from those expected."""

from collections.abc import Mapping, Sequence
from typing import Annotated, TypeAlias, cast

from cyclopts import Parameter

from lakewright import errors, wiring
from lakewright.cli import output
from lakewright.cli.app import Common
from lakewright.plan import codec
from lakewright.wording import counted

_Facts: TypeAlias = Mapping[str, output.Json]

_STYLES = {"passed": "green", "failed": "bold red", "waiting": "yellow"}
_ROW_STYLES = {"missing": "red", "too many": "magenta", "differs": "yellow"}
_ROWS_SHOWN_MAX = 20
"""Of each kind: who has more to read looks at the query."""


def unit_tests(
    names: Annotated[Sequence[str], Parameter(show_default=False)] = (),
    /,
    *,
    common: Common = Common(),
) -> int:
    """Run unit tests of models on given rows. No table is read or changed.

    Parameters
    ----------
    names
        Files, models or single tests, such as `orders`, `silver.orders` or
        `orders::newest_wins`; none: all of them.
    """
    with wiring.open_lakehouse(common.project) as house:
        answer = house.ask("test", {"names": list(names)})
    outcomes = cast("list[_Facts]", answer)
    counts = {
        status: sum(each["status"] == status for each in outcomes)
        for status in ("passed", "failed", "waiting")
    }
    if common.json:
        output.print_json({**counts, "tests": [_plain(each) for each in outcomes]})
    else:
        for each in outcomes:
            _show(each)
        _sum_up(counts)
    return 0 if counts["passed"] == len(outcomes) else 1


def _plain(outcome: _Facts) -> output.Json:
    problem = outcome["problem"]
    told = None if problem is None else output.problem_json(codec.decode(errors.Problem, problem))
    return {**outcome, "problem": told}


def _show(outcome: _Facts) -> None:
    status = str(outcome["status"])
    output.print_line(f"{status:<8}{outcome['name']}", style=_STYLES[status])
    if outcome["problem"] is None:
        return
    problem = codec.decode(errors.Problem, outcome["problem"])
    for line in _words(problem):
        output.print_line(f"        {line}")
    if outcome["difference"] is not None:
        output.print_line()
        _show_difference(cast("_Facts", outcome["difference"]))
        output.print_line()


def _words(problem: errors.Problem) -> list[str]:
    place = f"{problem.where}: " if problem.where else ""
    why = problem.why.split("\n") if problem.why else []
    return [f"{place}{problem.what}", *why, *([f"hint: {problem.hint}"] if problem.hint else [])]


def _show_difference(found: _Facts) -> None:
    """A table of the rows that differ: `expected → actual` where a cell does."""
    columns = cast("list[str]", found["columns"])
    rows: list[tuple[str, ...]] = []
    for pair in cast("list[_Facts]", found["differing"])[:_ROWS_SHOWN_MAX]:
        expected, actual = cast("_Cells", pair["expected"]), cast("_Cells", pair["actual"])
        cells = zip(expected, actual, strict=True)
        rows.append(("differs", *(_cell(one, other) for one, other in cells)))
    for kind, key in (("missing", "missing"), ("too many", "surplus")):
        shown = cast("list[_Cells]", found[key])[:_ROWS_SHOWN_MAX]
        rows += [(kind, *(_text(each) for each in row)) for row in shown]
    output.print_table(("row", *columns), rows, styles=_ROW_STYLES)
    left_out = sum(
        max(0, len(cast("list[output.Json]", found[key])) - _ROWS_SHOWN_MAX)
        for key in ("differing", "missing", "surplus")
    )
    if left_out:
        output.print_note(f"and {counted(left_out, 'row')} more; --json shows all")
    if any(row[0] == "differs" for row in rows):
        output.print_note("expected → actual")


_Cells: TypeAlias = Sequence[str | None]


def _cell(expected: str | None, actual: str | None) -> str:
    text = _text(expected)
    return text if expected == actual else f"{text} → {_text(actual)}"


def _text(value: str | None) -> str:
    """A text that could be taken for null, or for nothing, stands in quotes."""
    if value is None:
        return "null"
    return f"'{value}'" if value in ("", "null") else value


def _sum_up(counts: Mapping[str, int]) -> None:
    if not any(counts.values()):
        output.print_note("the project has no tests; they are files tests/<name>.yaml")
        return
    parts = [f"{counted(counts['passed'], 'test')} passed"]
    parts += [f"{number:,} {status}" for status, number in counts.items()
              if number and status != "passed"]  # fmt: skip
    style = "red" if counts["failed"] else "yellow" if counts["waiting"] else "green"
    output.print_line(", ".join(parts), style=style)
