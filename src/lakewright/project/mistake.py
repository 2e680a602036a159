"""Every kind of mistake that a project's files can hold, and the words that say how to mend it."""

from collections.abc import Iterable
from difflib import get_close_matches
from enum import StrEnum


class Mistake(StrEnum):
    """The code of a mistake, as messages and `--json` show it."""

    MISSING_FILE = "missing-file"
    """A file that every project has is not there."""
    MISPLACED_FILE = "misplaced-file"
    """A file stands where none of its kind belongs, so nothing would ever read it."""
    FILE_TOO_LONG = "file-too-long"
    """A file is longer than any that a person writes."""
    YAML_SYNTAX = "yaml-syntax"
    """A text is not YAML."""
    YAML_UNSUPPORTED = "yaml-unsupported"
    """Valid YAML that project files do without: anchors, tags, several documents, deep nesting."""
    DUPLICATE_KEY = "duplicate-key"
    """A mapping has the same key twice."""
    UNKNOWN_KEY = "unknown-key"
    """A key that nothing reads; most often a slip of the pen."""
    MISSING_KEY = "missing-key"
    """A key without which the rest makes no sense is not there."""
    WRONG_TYPE = "wrong-type"
    """A value of another kind than the key takes: a text for a list, for example."""
    WRONG_VALUE = "wrong-value"
    """A value of the right kind that the key does not take."""
    BAD_TYPE = "bad-type"
    """A text that names no column type."""
    BAD_NAME = "bad-name"
    """A name of a source, model or column that tables cannot have."""
    RESERVED_NAME = "reserved-name"
    """A column name that starts with `_`, as only metadata columns' names do."""
    DUPLICATE_COLUMN = "duplicate-column"
    """Two columns of one table have the same name, or one column is named twice in a list."""
    UNKNOWN_COLUMN = "unknown-column"
    """A key, partition, check or description names a column that the table does not have."""
    UNKNOWN_TABLE = "unknown-table"
    """A check names a table that does not exist."""
    UNFIT_TYPE = "unfit-type"
    """A column's type does not allow what is asked of it."""
    CONFLICTING_KEYS = "conflicting-keys"
    """Two settings that do not go together, or one without the other that it needs."""
    AMBIGUOUS_MATCH = "ambiguous-match"
    """Two sources claim the same files."""
    PYTHON_SYNTAX = "python-syntax"
    """The file of a Python model is not Python."""
    PYTHON_FUNCTION = "python-function"
    """The file of a Python model lacks its function, or that takes something else."""
    LAYER_RULE = "layer-rule"
    """A model reads a table of a layer above its own."""
    MODEL_CYCLE = "model-cycle"
    """Models need each other in a circle, so none of them can be built first."""


LISTED_MAX = 20
"""More names than this tell a reader nothing."""


SHOWN_LENGTH_MAX = 80

_SLIP_LENGTH_MIN = 4


def shown(text: str) -> str:
    """A text as a message shows it: cut where it is long."""
    return text if len(text) <= SHOWN_LENGTH_MAX else f"{text[: SHOWN_LENGTH_MAX - 1]}…"


def listing(names: Iterable[str]) -> str:
    """Names as a sentence has them: `a`, `b` and `c`."""
    quoted = [f"`{name}`" for name in names]
    if len(quoted) > LISTED_MAX:
        left_out = len(quoted) - LISTED_MAX
        return f"{', '.join(quoted[:LISTED_MAX])} and {left_out} more"
    if len(quoted) < 2:
        return "".join(quoted)
    return f"{', '.join(quoted[:-1])} and {quoted[-1]}"


def nearest(name: str, names: Iterable[str]) -> str | None:
    """The name that was probably meant."""
    by_lower = {each.lower(): each for each in names}
    found = get_close_matches(name.lower(), by_lower, n=1, cutoff=0.6)
    return by_lower[found[0]] if found else None


def slip(name: str, names: Iterable[str]) -> str | None:
    """The name from which this one differs by a slip of the pen: one letter too many, missing,
    wrong, or swapped with the next. Other digits, and other short words, are meant as they are."""
    return next(
        (each for each in names if _is_slip(name, each) and not _is_meant(name, each)), None
    )


def _is_meant(name: str, other: str) -> bool:
    """Whether two names differ as those of different things do: `sales_a` and `sales_b`, `y2023`
    and `y2024`."""
    if _without_digits(name) == _without_digits(other):
        return True
    words, others = name.split("_"), other.split("_")
    differing = [pair for pair in zip(words, others, strict=False) if pair[0] != pair[1]]
    is_short = all(max(map(len, pair)) < _SLIP_LENGTH_MIN for pair in differing)
    return len(words) == len(others) and is_short


def _without_digits(name: str) -> str:
    return "".join(letter for letter in name if not letter.isdigit())


def _is_slip(name: str, other: str) -> bool:
    """Whether the optimal string alignment distance of the two is 1."""
    same = next((at for at, pair in enumerate(zip(name, other, strict=False))
                 if pair[0] != pair[1]), min(len(name), len(other)))  # fmt: skip
    mine, theirs = name[same:], other[same:]
    return (
        mine[1:] == theirs[1:]
        or mine[1:] == theirs
        or mine == theirs[1:]
        or (mine[:2] == theirs[1::-1] and mine[2:] == theirs[2:])
    )


def suggestion(name: str, names: Iterable[str], otherwise: str = "") -> str:
    """The hint for a wrong name: the nearest right one, or else what is given."""
    known = tuple(names)
    found = nearest(name, known)
    return f"did you mean `{found}`?" if found else otherwise
