import pytest

from tools import reference


@pytest.mark.parametrize("path", reference.PAGES)
def test_the_committed_page_is_what_the_code_says(path: str) -> None:
    committed = (reference.ROOT / path).read_text(encoding="utf-8")
    assert committed == reference.PAGES[path](), "run `python tools/reference.py`"
