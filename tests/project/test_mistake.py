from lakewright.project import mistake


def test_a_wrong_name_is_answered_with_the_nearest_right_one() -> None:
    assert mistake.suggestion("colums", ["columns", "key"]) == "did you mean `columns`?"
    assert mistake.suggestion("Key", ["columns", "key"]) == "did you mean `key`?"
    assert mistake.suggestion("zzz", ["columns"], otherwise="take it out") == "take it out"


def test_names_are_listed_as_a_sentence_has_them() -> None:
    assert mistake.listing([]) == ""
    assert mistake.listing(["a"]) == "`a`"
    assert mistake.listing(["a", "b", "c"]) == "`a`, `b` and `c`"
    assert mistake.listing(map(str, range(30))).endswith("`19` and 10 more")
