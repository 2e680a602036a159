"""Questions to many texts at once."""

import pyarrow
import pyarrow.compute


def is_all(values: pyarrow.Array, pattern: str) -> bool:
    """Whether every text as a whole matches a regular expression."""
    found = pyarrow.compute.match_substring_regex(values, f"^(?:{pattern})$")
    return bool(pyarrow.compute.all(found).as_py())


def is_any(values: pyarrow.Array, pattern: str) -> bool:
    """Whether some text as a whole matches a regular expression."""
    found = pyarrow.compute.match_substring_regex(values, f"^(?:{pattern})$")
    return bool(pyarrow.compute.any(found).as_py())


def cast(values: pyarrow.Array, kind: pyarrow.DataType) -> pyarrow.Array | None:
    """The texts as values; None: one of them is none."""
    try:
        return values.cast(kind)
    except pyarrow.ArrowInvalid:
        return None
