"""A source that nobody declared: whatever order its files come in, they end as the same table."""

from collections.abc import Sequence
from itertools import permutations
from pathlib import Path

import pytest

from tests.system.conftest import House

HEADER = "id;price;day;flag;code;note\n"
FILES = {
    "whole.csv": HEADER + "a;1;03/04/2024;yes;NA;-\nb;2;05/06/2024;yes;7;-\n",
    "fractions.csv": HEADER + "c;1,5;25/04/2024;no;8;x\nd;NA;01/02/2024;yes;;y\n",
    "texts.csv": HEADER + "e;many;01/01/2024;NO;9007199254740993;\n",
}
VALUES = ("price", "day", "flag", "code", "note")


def table(folder: Path, deliveries: Sequence[Sequence[str]]) -> tuple[dict[str, str], object]:
    """The types and rows that files give, delivered one batch after another."""
    house = House(folder).write({"lakewright.yaml": "name: feed\n"})
    try:
        for names in deliveries:
            house.load(*(house.file(name, FILES[name]) for name in names), source="feed")
        fields = house.warm.lake.describe("bronze.feed").schema.fields
        kinds = {each.name: str(each.type) for each in fields if not each.name.startswith("_")}
    finally:
        house.close()
    assert house.count("quarantine.feed") == 0
    found = house.table("bronze.feed").to_pylist()
    rows = {row["id"]: tuple(str(row[name]) for name in VALUES) for row in found}
    return kinds, rows


@pytest.mark.parametrize("order", list(permutations(FILES)), ids="-".join)
def test_files_in_any_order_widen_a_table_to_the_same_types_and_values(
    tmp_path: Path, order: Sequence[str]
) -> None:
    kinds, rows = table(tmp_path / "feed", [[name] for name in order])
    assert kinds == {
        "id": "string", "price": "string", "day": "date", "flag": "boolean",
        "code": "bigint", "note": "string",
    }  # fmt: skip
    assert rows == {
        "a": ("1", "2024-04-03", "True", "None", "-"),
        "b": ("2", "2024-06-05", "True", "7", "-"),
        "c": ("1,5", "2024-04-25", "False", "8", "x"),
        "d": ("NA", "2024-02-01", "True", "None", "y"),
        "e": ("many", "2024-01-01", "False", "9007199254740993", "None"),
    }


def test_two_files_widen_whole_numbers_to_fractions_with_a_comma(tmp_path: Path) -> None:
    names = ("whole.csv", "fractions.csv")
    deliveries = ([[names[0]], [names[1]]], [[names[1]], [names[0]]], [list(names)])
    found = [table(tmp_path / f"feed-{n}", each) for n, each in enumerate(deliveries)]
    assert found[0] == found[1] == found[2]
    kinds, rows = found[0]
    assert kinds["price"] == "double"
    assert isinstance(rows, dict)
    assert [rows[key][0] for key in "abcd"] == ["1.0", "2.0", "1.5", "None"]
