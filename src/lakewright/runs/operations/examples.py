"""Rows that fail a check, as a message shows them: few, short, and first what the check is about.

A wide table's rows would bury what is wrong with them, and a log is no place for a table's content.
"""

import re
from collections.abc import Iterable, Mapping, Sequence

from lakewright.runs.records import Json

ROWS_MAX = 3
"""So many rows are shown."""

_LETTERS_MAX = 60
"""Further columns follow while a row stays within this."""

_VALUE_LETTERS_MAX = 2 * _LETTERS_MAX
"""A row that is longer than this, for what the check itself is about, is cut."""


def rows(
    check: Mapping[str, Json], samples: Iterable[Mapping[str, Json]], key: Sequence[str] = ()
) -> list[str]:
    """Some rows that fail a check, no two alike in the columns that it is about. Those stand first,
    then the key, and as many others follow as fit on a line.

    Args:
        check: its facts, as the journal keeps them.
        samples: rows that fail it, their values as text.
        key: the columns that tell the table's rows apart.
    """
    about = _columns(check)
    found: dict[tuple[Json, ...], str] = {}
    for sample in samples:
        first = [name for name in about if name in sample]
        names = dict.fromkeys([*first, *(name for name in key if name in sample), *sample])
        alike = tuple(sample[name] for name in first or names)
        found.setdefault(alike, "such as " + _row([(name, sample[name]) for name in names]))
    return list(found.values())[:ROWS_MAX]


def _columns(check: Mapping[str, Json]) -> list[str]:
    """The columns that a check is about; of a condition, all of its words, whatever they are."""
    condition = check.get("sql")
    if isinstance(condition, str):
        return list(dict.fromkeys(re.findall(r"\w+", condition)))
    asked = check.get("columns", [check.get("column")])
    return [str(each) for each in asked] if isinstance(asked, list | tuple) else []


def _row(values: Sequence[tuple[str, Json]]) -> str:
    text = ""
    for name, value in values:
        part = f"{name} = {'null' if value is None else value}"
        if text and len(text) + len(part) > _LETTERS_MAX:
            return f"{text}, …"
        text += f", {part}" if text else part
    return text if len(text) <= _VALUE_LETTERS_MAX else text[: _VALUE_LETTERS_MAX - 1] + "…"
