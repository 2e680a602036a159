"""One way to say where a mistake stands: « and » around the text that the carets must be under."""

import re
from collections.abc import Callable, Mapping
from typing import TypeAlias

import pytest

from lakewright.errors import Problem, ProjectInvalid
from lakewright.project import load

CheckRefusal: TypeAlias = Callable[[Mapping[str, str], str, str], None]

SOUND = {
    "lakewright.yaml": "name: shop\n",
    "sources/orders.yaml": (
        'match: "orders*.csv"\n'
        "columns:\n"
        "  - {name: order_id, type: bigint}\n"
        "  - {name: customer_id, type: bigint}\n"
        "  - {name: ordered_at, type: timestamp_ntz}\n"
        "  - {name: status, type: string}\n"
        "  - {name: price, type: double}\n"
        "  - {name: tags, type: array<string>}\n"
    ),
}
"""Files that hold no mistake, for others to be added to."""


def problems_of(files: Mapping[str, str]) -> tuple[Problem, ...]:
    with pytest.raises(ProjectInvalid) as refused:
        load.load(files)
    return refused.value.problems


def _marked(files: Mapping[str, str]) -> tuple[dict[str, str], str, int, int, int]:
    """The files without marks; the marked file, line, column and length."""
    clean = {path: text.replace("«", "").replace("»", "") for path, text in files.items()}
    ((path, text),) = [(path, text) for path, text in files.items() if "«" in text]
    before, marked, _ = re.split("[«»]", text)
    lines = before.replace("\r\n", "\n").split("\n")
    column = len(lines[-1].removeprefix("\ufeff")) + 1
    return clean, path, len(lines), column, max(1, len(marked))


@pytest.fixture
def check_refusal() -> CheckRefusal:
    """Checks that files beside `SOUND` ones hold one mistake: of this code, at the marked place,
    told with these words.
    """

    def check(files: Mapping[str, str], code: str, words: str) -> None:
        clean, path, line, column, length = _marked({**SOUND, **files})
        (problem,) = problems_of(clean)
        assert problem.where is not None
        assert (problem.code, str(problem.where)) == (code, f"{path}:{line}:{column}")
        assert problem.excerpt.count("^") == length
        assert words in f"{problem.what}\n{problem.why}\n{problem.hint}"
        assert problem.why or problem.hint or problem.code == "sql-refused"

    return check
