import pytest

from lakewright.project import mistake


def test_a_wrong_name_is_answered_with_the_nearest_right_one() -> None:
    assert mistake.suggestion("colums", ["columns", "key"]) == "did you mean `columns`?"
    assert mistake.suggestion("Key", ["columns", "key"]) == "did you mean `key`?"
    assert mistake.suggestion("zzz", ["columns"], otherwise="take it out") == "take it out"


@pytest.mark.parametrize("name", ["order", "orderss", "ordezs", "ordres", "rders", "xorders"])
def test_one_letter_too_many_missing_wrong_or_swapped_is_a_slip_of_the_pen(name: str) -> None:
    assert mistake.slip(name, ["customers", "orders"]) == "orders"


@pytest.mark.parametrize("name", ["orders2", "order_items", "sales_b", "or", "srdero"])
def test_names_that_may_be_meant_are_no_slip_of_the_pen(name: str) -> None:
    assert mistake.slip(name, ["customers", "orders", "ox", "sales_a"]) is None


def test_a_slip_of_the_pen_may_be_between_words() -> None:
    assert mistake.slip("orderlines", ["order_lines"]) == "order_lines"
    assert mistake.slip("order_lnes", ["order_lines"]) == "order_lines"


def test_names_are_listed_as_a_sentence_has_them() -> None:
    assert mistake.listing([]) == ""
    assert mistake.listing(["a"]) == "`a`"
    assert mistake.listing(["a", "b", "c"]) == "`a`, `b` and `c`"
    assert mistake.listing(map(str, range(30))).endswith("`19` and 10 more")
