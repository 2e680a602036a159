"""The option `--format KEY=VALUE`, the same in every command that reads a file."""

from collections.abc import Sequence
from typing import Annotated, TypeAlias

from cyclopts import Parameter

from lakewright.project.source import FormatOverride

FormatWords: TypeAlias = Annotated[
    Sequence[str],
    Parameter(
        name="--format",
        negative=(),
        show_default=False,
        help="A key of a source's `format` section and its value, such as 'delimiter=;', over what"
        " the source declares; may be given for each key.",
    ),
]


def parse(words: Sequence[str]) -> FormatOverride | None:
    """What the option says; None: it is not given.

    Raises:
        UsageError: a key is unknown, or its value is wrong.
    """
    if not words:
        return None
    from lakewright.project import format_override

    return format_override.parse(words)
