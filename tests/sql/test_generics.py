import pytest

from lakewright.sql import generics, types

E = types.Primitive("E")


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("E", E),
        ("array<E>", types.Array(E)),
        ("map<K, array<E>>", types.Map(types.Primitive("K"), types.Array(E))),
        ("decimal(10,2)", types.Decimal(10, 2)),
    ],
)
def test_a_signature_names_types_with_letters(text: str, kind: types.Type) -> None:
    assert generics.read(text) == kind


def test_commas_within_brackets_and_lambda_functions_separate_nothing() -> None:
    parts = generics.split("map<K, E>, (K, E) -> R, int")
    assert parts == ("map<K, E>", "(K, E) -> R", "int")


def test_a_letter_is_the_type_in_which_its_arguments_meet() -> None:
    found: dict[str, list[types.Type]] = {}
    assert generics.learn(types.Array(E), types.Array(types.INT), found)
    assert generics.learn(E, types.BIGINT, found)
    letters = generics.met(found)
    assert generics.filled(types.Array(E), letters) == types.Array(types.BIGINT)


def test_what_is_no_array_teaches_nothing_of_its_elements() -> None:
    assert not generics.learn(types.Array(E), types.INT, {})


def test_what_is_no_lambda_function_is_named() -> None:
    with pytest.raises(ValueError, match="no lambda"):
        generics.read_lambda("E -> R")
