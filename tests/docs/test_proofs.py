"""`tests/README.md` names the tests that show what the product promises: they are there."""

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
ROWS = re.findall(r"^\| \d+ \|.*$", (TESTS / "README.md").read_text("utf-8"), re.MULTILINE)
NAMED = sorted(set(re.findall(r"`([\w/]+\.py)(?:::(\w+))?`", "\n".join(ROWS))))


@pytest.mark.parametrize(("path", "name"), NAMED, ids=lambda part: part.rpartition("/")[2])
def test_every_test_that_is_named_is_there(path: str, name: str) -> None:
    text = (TESTS / path).read_text("utf-8")
    assert not name or f"\ndef {name}(" in text


def test_each_of_the_twelve_has_a_test() -> None:
    numbers = [int(row.split()[1]) for row in ROWS if ".py" in row]
    assert numbers == list(range(1, 13))
