"""Numbers and their nouns as people read them, the same in every message."""


def count(number: int) -> str:
    """A number with thousands separated."""
    return f"{number:,}"


def counted(number: int, noun: str, plural: str = "") -> str:
    """So many of something: `1 row`, `2,000 rows`; `plural` where adding an s will not do."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"
