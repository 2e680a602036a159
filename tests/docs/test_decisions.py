import re
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "decisions"
PAGES = sorted(path for path in FOLDER.glob("*.md") if path.name != "README.md")


def test_the_index_lists_every_page_and_nothing_else() -> None:
    links = re.findall(r"\]\(([\w-]+\.md)\)", (FOLDER / "README.md").read_text())
    assert sorted(links) == [path.name for path in PAGES]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_page_names_the_check_that_holds_it(page: Path) -> None:
    text = page.read_text()
    held_by = text.partition("**Held by**")[2]
    named = re.findall(r"`((?:src|tests|tools)/[\w/.-]+|pyproject\.toml)`", held_by)
    assert named, "its last part names no file that holds the decision"
    assert [path for path in named if not (FOLDER.parents[1] / path).exists()] == []
