from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from lakewright.project import load
from lakewright.project.project import Project
from lakewright.sql import types
from tests.project.conftest import SOUND, CheckRefusal

MODEL = {
    "models/silver/orders.sql": (
        "/*\n"
        "checks:\n"
        "  - unique: order_id\n"
        "  - referential: {column: customer_id, to: silver.customers.customer_id}\n"
        "*/\n"
        "SELECT order_id, customer_id, upper(status) AS status FROM bronze.orders\n"
    ),
    "models/silver/customers.sql": "SELECT DISTINCT customer_id FROM bronze.orders\n",
}


def project_with(text: str, more: Mapping[str, str] | None = None) -> Project:
    return load.load({**SOUND, **MODEL, **(more or {}), "tests/orders.yaml": text})


def test_rows_are_typed_by_the_columns_of_their_tables() -> None:
    project = project_with(
        "model: silver.orders\n"
        "tests:\n"
        "  statuses_are_in_capitals:\n"
        "    description: Always.\n"
        "    given:\n"
        "      bronze.orders:\n"
        "        - {order_id: 1, status: new, tags: [a, ~]}\n"
        "    expect:\n"
        "      - {status: NEW, order_id: 1}\n"
        "      - {order_id: ~}\n"
    )
    found = project.tests["orders::statuses_are_in_capitals"]
    given = found.given["bronze.orders"]
    row = dict(zip(given.schema.names, given.rows[0], strict=True))
    assert row["order_id"] == 1
    assert row["tags"] == ["a", None]
    assert row["price"] is None
    assert row["_upload_id"] is None
    assert found.expect.rows is not None
    assert found.expect.rows.schema.names == ("order_id", "status")
    assert found.expect.rows.rows == ((1, "NEW"), (None, None))
    assert (found.model, found.description) == ("silver.orders", "Always.")
    assert str(found.where) == "tests/orders.yaml:3:3"


def test_columns_that_no_row_names_are_compared_where_they_are_asked_for() -> None:
    project = project_with(
        "model: silver.orders\ntests:\n  a:\n    given: {bronze.orders: []}\n"
        "    expect: {rows: [], columns: status}\n"
    )
    rows = project.tests["orders::a"].expect.rows
    assert rows is not None
    assert rows.schema.names == ("status",)


def test_parameters_are_typed_values() -> None:
    model = {
        "models/silver/orders.sql": "SELECT order_id FROM bronze.orders\n"
        "WHERE ordered_at < CAST(:logical_time AS TIMESTAMP_NTZ)\n"
    }
    project = project_with(
        "model: silver.orders\ntests:\n  a:\n    given: {bronze.orders: []}\n"
        "    parameters: {logical_time: 2026-01-31T08:00:00+01:00}\n    expect: []\n",
        model,
    )
    assert project.tests["orders::a"].parameters == {
        "logical_time": datetime(2026, 1, 31, 7, tzinfo=UTC)
    }


def test_a_test_of_a_model_that_waits_for_a_file_waits_too() -> None:
    text = "model: silver.parcels\ntests:\n  a:\n    given: {bronze.parcels: []}\n    expect: []\n"
    more = {"models/silver/parcels.sql": "SELECT weight FROM bronze.parcels\n"}
    project = project_with(text, more)
    assert list(project.tests) == []
    assert "waits for the first file" in project.waiting_tests["orders::a"]


def test_what_only_deliveries_make_unfit_is_no_mistake_of_the_test() -> None:
    files = {
        **SOUND,
        "models/silver/parcels.sql": "SELECT weight FROM bronze.parcels\n",
        "tests/parcels.yaml": "model: silver.parcels\ntests:\n  a:\n"
        "    given: {bronze.parcels: [{weight: 2.5}]}\n    expect: []\n",
    }
    weight = types.Schema((types.Field(name="weight", type=types.Decimal(4, 1)),))
    project = load.load(files, {"bronze.parcels": weight})
    assert project.tests["parcels::a"].given["bronze.parcels"].rows == ((Decimal("2.5"),),)
    whole = types.Schema((types.Field(name="weight", type=types.INT),))
    project = load.load(files, {"bronze.parcels": whole})
    assert "no value of type int" in project.waiting_tests["parcels::a"]


def test_tests_are_chosen_by_file_model_or_name() -> None:
    project = project_with(
        "model: silver.orders\ntests:\n"
        "  a: {given: {bronze.orders: []}, expect: []}\n"
        "  b: {given: {bronze.orders: []}, expect: []}\n"
    )
    both = ("orders::a", "orders::b")
    assert project.select_tests(()) == both
    assert project.select_tests(["orders"]) == both
    assert project.select_tests(["silver.orders", "orders::a"]) == both
    assert project.select_tests(["orders::b"]) == ("orders::b",)


BOTH = "    given: {bronze.orders: [], silver.customers: []}\n"
GIVEN = "    given: {bronze.orders: []}\n"


@pytest.mark.parametrize(
    ("body", "code", "words"),
    [
        ("    given: {bronze.orders: [{order_id: «x»}]}\n    expect: []\n",
         "wrong-value", "no value of type bigint"),
        ("    given: {bronze.orders: [{«statsu»: x}]}\n    expect: []\n",
         "unknown-column", "did you mean `status`?"),
        ("    given: {bronze.orders: [«5»]}\n    expect: []\n", "wrong-type", "this is no row"),
        ("    «given»: {}\n    expect: []\n", "missing-key", "says nothing of `bronze.orders`"),
        ("    given: {bronze.orders: [], «silver.customers»: []}\n    expect: []\n",
         "unknown-table", "does not read `silver.customers`"),
        (GIVEN + "    expect: [{order_id: 1, status: «[»]}]\n", "wrong-value", "one word"),
        (GIVEN + "    expect: [{«tags»: []}]\n", "unknown-column", "there is no column `tags`"),
        (GIVEN + "    expect: {rows: [], columns: [«x»]}\n", "unknown-column", "`x`"),
        (BOTH + "    expect: {failed_checks: [«uniqe»]}\n", "wrong-value", "mean `unique`?"),
        (GIVEN + "    expect: «{error: x, rows: []}»\n", "wrong-value", "with `error`"),
        (GIVEN + "    parameters: {«logical_time»: x}\n    expect: []\n",
         "unknown-key", "does not read :logical_time"),
        (GIVEN + "    expects: []\n    expect: []\n", "unknown-key", "expects"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_test_is_told_with_its_place(
    check_refusal: CheckRefusal, body: str, code: str, words: str
) -> None:
    if "with `error`" in words:
        body = body.replace("«{", "«{»").replace("}»", "}")
    if "expects" in body:
        body = body.replace("expects", "«expects»")
    text = f"model: silver.orders\ntests:\n  a:\n{body}"
    check_refusal({**MODEL, "tests/orders.yaml": text}, code, words)


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("model: «silver.order»\ntests: {a: {expect: []}}\n", "unknown-table", "silver.orders"),
        ("model: silver.orders\ntests:\n  «Big T»: {given: {bronze.orders: []}, expect: []}\n",
         "bad-name", "big_t"),
        ("model: silver.orders\ntests: «{»}\n", "wrong-value", "must not be empty"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_file_of_tests_is_told_with_its_place(
    check_refusal: CheckRefusal, text: str, code: str, words: str
) -> None:
    check_refusal({**MODEL, "tests/orders.yaml": text}, code, words)


def test_a_parameter_that_the_query_reads_needs_a_value(check_refusal: CheckRefusal) -> None:
    model = {
        "models/silver/orders.sql": "SELECT order_id FROM bronze.orders\n"
        "WHERE ordered_at < CAST(:logical_time AS TIMESTAMP_NTZ)\n"
    }
    text = "model: silver.orders\ntests:\n  «a»:\n    given: {bronze.orders: []}\n    expect: []\n"
    check_refusal({**model, "tests/orders.yaml": text}, "missing-key", "reads :logical_time")
