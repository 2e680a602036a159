import pytest

from lakewright import wording


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0 rows"), (1, "1 row"), (2, "2 rows"), (12345, "12,345 rows")]
)
def test_one_of_a_thing_is_said_as_one(number: int, text: str) -> None:
    assert wording.counted(number, "row") == text


def test_a_noun_may_have_a_plural_of_its_own() -> None:
    assert wording.counted(2, "query", "queries") == "2 queries"


def test_a_wrong_name_is_answered_with_the_nearest_or_a_few() -> None:
    known = [f"gold.table_{number}" for number in range(40)]
    assert wording.suggestion("gold.tabel_7", known, "tables").startswith("did you mean gold.table")
    assert wording.suggestion("zzz", known, "tables").endswith(" and 34 more")
    assert wording.suggestion("zzz", ["a"], "tables") == "the tables are a"
    assert wording.suggestion("zzz", [], "tables") == "there are no tables yet"
