"""Names in one style: lower-case words joined by underscores, whatever the file called them.

Refuses nothing: every header has a name, and equal headers always have equal names.
"""

import re
import unicodedata
from collections.abc import Iterable

NAME_LENGTH_MAX = 64
"""In characters. PostgreSQL cuts at 63 bytes and Hive at 128 characters; 64 is easy to read."""

_CASE_BORDER = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_PACKINGS = ("gz", "gzip", "zst", "zstd", "zip", "bz2", "xz")
_FORMATS = (
    "csv", "tsv", "psv", "txt", "dat", "tab", "json", "jsonl", "ndjson", "parquet", "pq", "xlsx",
    "xlsm", "fwf", "prn", "tar", "tgz",
)  # fmt: skip
_DATE = r"(?:19|20)\d\d[-_.]?(?:0[1-9]|1[0-2])(?:[-_.]?(?:0[1-9]|[12]\d|3[01]))?"
_TIME = r"(?:[-_.T ]?[0-2]\d[-_.:]?[0-5]\d(?:[-_.:]?[0-5]\d)?(?:[.,]\d+)?Z?)?"
_TRAILING_STAMP = re.compile(rf"[-_. ]*(?:(?<!\d){_DATE}{_TIME}|(?<=[-_. ])v?\d+|\(\d+\))$")


def standardise(header: str) -> str:
    """The column name of a header: `Order ID` and `orderId` are `order_id`, `Größe` is `grosse`.

    Accents are folded, letters of other scripts are kept. A name never starts with a digit (`n_`
    is put before it) nor with an underscore, which only metadata columns' names do.
    """
    text = unicodedata.normalize("NFKC", header)
    text = _CASE_BORDER.sub("_", text)
    text = _without_accents(text.casefold()).casefold()
    words = "".join(letter if _is_of_word(letter) else " " for letter in text).split()
    text = "_".join(words)
    if text[:1].isdecimal():
        text = f"n_{text}"
    return text[:NAME_LENGTH_MAX].rstrip("_") or "column"


def is_standard(name: str) -> bool:
    """Whether a name can be a column's as it stands."""
    return standardise(name) == name


def unique_names(headers: Iterable[str]) -> tuple[str, ...]:
    """The column names of a file's headers, in order; a second `name` becomes `name_2`.

    Names that some header has by itself are given to the first such header, so that `a, a, a_2`
    becomes `a, a_3, a_2`.
    """
    wanted = [standardise(header) for header in headers]
    taken = set(wanted)
    seen: set[str] = set()
    names: list[str] = []
    for name in wanted:
        own = _numbered(name, taken) if name in seen else name
        taken.add(own)
        seen.add(own)
        names.append(own)
    return tuple(names)


def source_name_for(file_name: str) -> str:
    """The source that a file's name suggests: `orders_2024-01-31.csv.gz` belongs to `orders`.

    Endings, then dates, times and numbers at the end are dropped, as long as something remains.
    """
    stem = file_name.replace("\\", "/").rpartition("/")[2]
    for endings in (_PACKINGS, _FORMATS):
        head, _, ending = stem.rpartition(".")
        if head and ending.lower() in endings:
            stem = head
    while (shorter := _TRAILING_STAMP.sub("", stem)) != stem and shorter.strip("-_. "):
        stem = shorter
    name = standardise(stem)
    return "file" if name == "column" else name


def _is_of_word(letter: str) -> bool:
    # Marks are vowels in the scripts of India and South-East Asia.
    return letter.isalnum() or unicodedata.category(letter)[0] == "M"


def _without_accents(text: str) -> str:
    """Letters without their marks, where a mark is an accent: in Latin, Greek and Cyrillic."""
    kept: list[str] = []
    for character in unicodedata.normalize("NFKD", text):
        is_mark = unicodedata.combining(character) != 0
        if is_mark and kept and _is_accented_script(kept[-1]):
            continue
        kept.append(character)
    return unicodedata.normalize("NFKC", "".join(kept))


def _is_accented_script(letter: str) -> bool:
    # Latin, Greek and Cyrillic end at U+052F; extended Latin and Greek are at U+1E00 to U+1FFF.
    return letter.isalpha() and (letter <= "\u052f" or "\u1e00" <= letter <= "\u1fff")


def _numbered(name: str, taken: set[str]) -> str:
    number = 2
    while True:
        ending = f"_{number}"
        candidate = name[: NAME_LENGTH_MAX - len(ending)].rstrip("_") + ending
        if candidate not in taken:
            return candidate
        number += 1
