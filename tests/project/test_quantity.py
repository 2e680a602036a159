import pytest

from lakewright.project import quantity


@pytest.mark.parametrize(
    ("text", "expected"),
    [("2GB", 2_000_000_000), ("512 MiB", 2**29), ("1.5kb", 1500), ("3 tib", 3 * 2**40)],
)
def test_memory_is_a_number_and_a_unit(text: str, expected: int) -> None:
    assert quantity.bytes_of(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"), [("7d", 604_800), ("12 h", 43_200), ("1.5m", 90), ("2w", 1_209_600)]
)
def test_time_is_a_number_and_a_unit(text: str, expected: int) -> None:
    assert quantity.seconds_of(text) == expected


@pytest.mark.parametrize("text", ["", "2", "GB", "-1GB", "2XB", "7 days"])
def test_anything_else_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="as in 2GB"):
        quantity.bytes_of(text)
    with pytest.raises(ValueError, match="as in 7d"):
        quantity.seconds_of(text)
