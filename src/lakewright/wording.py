"""Numbers with their nouns, and hints for wrong names, as people read them in every message."""

from collections.abc import Collection
from difflib import get_close_matches

_NAMES_SHOWN_MAX = 6
"""So many names a hint lists; more of them are a wall of text."""


def count(number: int) -> str:
    """A number with thousands separated."""
    return f"{number:,}"


def counted(number: int, noun: str, plural: str = "") -> str:
    """So many of something: `1 row`, `2,000 rows`; `plural` where adding an s will not do."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def suggestion(name: str, known: Collection[str], plural: str) -> str:
    """The hint for a name that nothing has: the nearest ones, or else the first few there are.

    Of names with dots the last parts are compared: that two tables share a layer says nothing.
    """
    lasts = {each.rpartition(".")[2] for each in known}
    close = get_close_matches(name.rpartition(".")[2], lasts, n=3)
    near = [each for each in known if each.rpartition(".")[2] in close]
    near = get_close_matches(name, near, n=3, cutoff=0)
    if near:
        return f"did you mean {' or '.join(near)}?"
    shown = sorted(known)[:_NAMES_SHOWN_MAX]
    more = f" and {count(len(known) - len(shown))} more" if len(known) > len(shown) else ""
    return f"the {plural} are {', '.join(shown)}{more}" if shown else f"there are no {plural} yet"
