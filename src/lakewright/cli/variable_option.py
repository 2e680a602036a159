"""The option `--var NAME=VALUE`, the same in every command that builds models."""

from collections.abc import Sequence
from typing import Annotated, TypeAlias

from cyclopts import Parameter

VariableWords: TypeAlias = Annotated[
    Sequence[str],
    Parameter(
        name="--var",
        negative=(),
        show_default=False,
        help="A variable of the project and its value for this run alone, such as"
        " 'minimum=10'; may be given for each variable.",
    ),
]
