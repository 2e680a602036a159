from collections.abc import Mapping

import pytest

from lakewright.errors import ProjectInvalid
from lakewright.project import load
from lakewright.project.memory import Memory
from lakewright.sql import types
from tests.project.conftest import SOUND

FILES = {
    **SOUND,
    "models/silver/orders.sql": (
        "/*\nwrite: merge\nkey: order_id\nchecks:\n"
        "  - referential: {column: customer_id, to: silver.customers.customer_id}\n*/\n"
        "SELECT order_id, customer_id, price FROM bronze.orders\n"
    ),
    "models/silver/customers.sql": "SELECT DISTINCT customer_id FROM bronze.orders\n",
    "models/gold/spent.sql": (
        "SELECT customer_id, sum(price) AS spent FROM silver.orders GROUP BY customer_id\n"
    ),
    "models/gold/scored.py": (
        '"""\nreads: gold.spent\ncolumns: [{name: score, type: int}]\n"""\n'
        "def model(inputs):\n    return inputs\n"
    ),
}


def test_a_project_that_is_remembered_is_the_same_project() -> None:
    memory = Memory()
    first = load.load(FILES, None, memory)
    assert memory.is_changed
    assert first == load.load(FILES)
    assert load.load(FILES, None, memory) == first
    assert not memory.is_changed


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        ("models/silver/orders.sql", "price FROM", "price * 2 AS price FROM"),
        ("models/silver/orders.sql", "key: order_id", "key: customer_id"),
        ("models/silver/orders.sql", "SELECT", "-- Why.\nSELECT"),
        ("models/gold/scored.py", "int", "bigint"),
        ("sources/orders.yaml", "price, type: double", 'price, type: "decimal(12,2)"'),
        ("lakewright.yaml", "shop", "store"),
    ],
)
def test_an_edit_gives_what_loading_everything_anew_gives(path: str, old: str, new: str) -> None:
    memory = Memory()
    load.load(FILES, None, memory)
    edited = {**FILES, path: FILES[path].replace(old, new)}
    assert edited != FILES
    assert load.load(edited, None, memory) == load.load(edited)
    assert load.load(FILES, None, memory) == load.load(FILES)


def test_only_what_an_edit_reaches_is_read_and_typed_again() -> None:
    memory = Memory()
    load.load(FILES, None, memory)
    known = set(memory.found)
    path = "models/gold/spent.sql"
    load.load({**FILES, path: FILES[path].replace("spent", "paid")}, None, memory)
    assert len(set(memory.found) - known) == 3  # Its model, its columns, and those of scored.


@pytest.mark.parametrize(
    "edit",
    [
        {"sources/orders.yaml": SOUND["sources/orders.yaml"].replace("price", "cost")},
        {"sources/orders.yaml": SOUND["sources/orders.yaml"].replace("double", "string")},
        {"models/silver/customers.sql": "SELECT customer_id AS id FROM bronze.orders\n"},
        {"models/gold/spent.sql": "SELECT x FROM silver.orders\n"},
        {"models/silver/orders.sql": "SELECT customer_id FROM gold.spent\n"},
        {"models/gold/scored.py": FILES["models/gold/scored.py"].replace("gold.spent", "gold.sp")},
    ],
)  # fmt: skip
def test_mistakes_are_told_as_if_nothing_were_remembered(edit: Mapping[str, str]) -> None:
    memory = Memory()
    load.load(FILES, None, memory)
    edited = {**FILES, **edit}
    with pytest.raises(ProjectInvalid) as expected:
        load.load(edited)
    for _ in range(2):
        with pytest.raises(ProjectInvalid) as refused:
            load.load(edited, None, memory)
        assert refused.value.problems == expected.value.problems
    assert load.load(FILES, None, memory) == load.load(FILES)


def test_what_tables_add_makes_another_project_with_a_memory_too() -> None:
    memory = Memory()
    load.load(FILES, None, memory)
    declared = load.load(FILES).sources["orders"].contract
    assert declared is not None
    wide = types.Schema((*declared.schema().fields, types.Field(name="new", type=types.INT)))
    tables = {"bronze.orders": wide}
    assert load.load(FILES, tables, memory) == load.load(FILES, tables)
