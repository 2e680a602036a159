import pytest

from lakewright.errors import ProjectInvalid
from lakewright.project import load

SETTINGS = (
    "/*\n{}\n*/\nSELECT order_id, customer_id, ordered_at, status, price, tags FROM bronze.orders\n"
)
MERGE = "write: merge\nkey: order_id\n"

REFUSED = [
    ("write: merge\nkey: [order_id, «custmer_id»]", "unknown-column", "`customer_id`?"),
    ("write: merge\nkey: [order_id, «order_id»]", "duplicate-column", "twice"),
    ("write: merge\nkey: «tags»", "unfit-type", "array<string>"),
    (MERGE + "latest_by: «updated_at»", "unknown-column", "`ordered_at`"),
    (MERGE + "latest_by: «tags»", "unfit-type", "cannot be compared"),
    ("partitioning: [«month(status)»]", "unfit-type", "`month` takes `date`"),
    ("partitioning: [«month(no)»]", "unknown-column", "`no`"),
    ("columns: {«order»: The number.}", "unknown-column", "did you mean `order_id`?"),
    ("checks: [{not_null: [order_id, «x_id»]}]", "unknown-column", "`x_id`"),
    ("checks:\n  - unique: «statu»", "unknown-column", "did you mean `status`?"),
    ("checks: [{unique: {columns: [status, «x_id»]}}]", "unknown-column", "`x_id`"),
    ("checks: [{accepted_values: {column: «stat», values: [a]}}]", "unknown-column", "`status`"),
    ("checks: [{range: {column: «prize», min: 0}}]", "unknown-column", "did you mean `price`?"),
    ("checks: [{range: {column: «tags», min: 0}}]", "unfit-type", "cannot be compared"),
    ("checks: [{range: {column: price, min: «low»}}]", "wrong-value", "no value of type double"),
    ("checks: [{range: {column: ordered_at, max: «9»}}]", "wrong-value", "timestamp_ntz"),
    ("checks: [{freshness: {column: «at», within: 1d}}]", "unknown-column", "`ordered_at`"),
    ("checks: [{freshness: {column: «price», within: 1d}}]", "unfit-type", "says no time"),
    ("checks: [{expression: «prize» > 0}]", "sql-refused", "did you mean price?"),
    ("checks: [{expression: 'price > 0 AND «prize» > 0'}]", "sql-refused", "did you mean price?"),
    ('checks: [{expression: {sql: "price > «prize»"}}]', "sql-refused", "did you mean price?"),
    ("checks: [{expression: «price»}]", "sql-refused", "no condition"),
    ("checks: [{expression: «'»prize\n    > 0'}]", "sql-refused", "did you mean price?"),
    ("checks: [{expression: «sum»(price) > 0}]", "sql-refused", "an aggregate"),
    (
        "checks: [{referential: {column: customer_id, to: «silver.custs.id»}}]",
        "unknown-table",
        "did you mean `silver.customers`?",
    ),
    (
        "checks: [{referential: {column: customer_id, to: «customers»}}]",
        "unknown-table",
        "`layer.table.column`",
    ),
    (
        "checks: [{referential: {column: customer_id, to: «silver.customers.idd»}}]",
        "unknown-column",
        "did you mean `id`?",
    ),
    (
        "checks: [{referential: {column: «customer», to: silver.customers.id}}]",
        "unknown-column",
        "`customer_id`",
    ),
    (
        "checks: [{referential: {column: status, to: «silver.customers.id»}}]",
        "unfit-type",
        "can never equal",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("settings", "code", "words"), REFUSED)
def test_settings_must_fit_the_table(
    check_refusal: object, settings: str, code: str, words: str
) -> None:
    assert callable(check_refusal)
    files = {
        "models/silver/m.sql": SETTINGS.format(settings),
        "models/silver/customers.sql": "SELECT customer_id AS id FROM bronze.orders",
    }
    check_refusal(files, code, words)


APPENDS = [
    (
        "SELECT o.order_id FROM bronze.orders AS o LEFT JOIN silver.s AS s ON s.id = o.order_id",
        "it reads `bronze.orders` and `silver.s`",
    ),
    ("SELECT DISTINCT order_id FROM bronze.orders", "DISTINCT"),
    ("SELECT status, count(*) AS n FROM bronze.orders GROUP BY status", "a group's row changes"),
]


@pytest.mark.parametrize(("query", "why"), APPENDS)
def test_only_rows_that_stand_alone_can_be_appended(
    check_refusal: object, query: str, why: str
) -> None:
    assert callable(check_refusal)
    files = {
        "models/silver/m.sql": f"/*\nwrite: «append»\n*/\n{query}",
        "models/silver/s.sql": "SELECT order_id AS id FROM bronze.orders",
    }
    check_refusal(files, "conflicting-keys", why)


SOUND = [
    "write: append",
    "checks: [{referential: {column: order_id, to: silver.m.customer_id}}]",
    "checks: [{range: {column: ordered_at, min: 2024-01-01}}, {range: {column: status, min: a}}]",
    "checks: [{freshness: {column: ordered_at, within: 1w}}]",
]


@pytest.mark.parametrize("settings", SOUND)
def test_settings_that_fit_are_taken(settings: str) -> None:
    files = {
        "lakewright.yaml": "name: x",
        "sources/orders.yaml": (
            "columns: [{name: order_id, type: int}, {name: customer_id, type: bigint},"
            " {name: ordered_at, type: timestamp}, {name: status, type: string},"
            " {name: price, type: double}, {name: tags, type: array<string>}]"
        ),
        "models/silver/m.sql": SETTINGS.format(settings),
    }
    assert tuple(load.load(files).models) == ("silver.m",)


def test_one_mistake_in_a_check_does_not_hide_the_others() -> None:
    checks = "checks: [{uniqe: x}, {unique: nope}, 5, {range: {column: nope}}, {not_null: nada}]"
    files = {
        "lakewright.yaml": "name: x",
        "sources/orders.yaml": "columns: [{name: order_id, type: int}]",
        "models/silver/m.sql": f"/*\n{checks}\n*/\nSELECT order_id FROM bronze.orders",
    }
    with pytest.raises(ProjectInvalid) as refused:
        load.load(files)
    found = [(each.where.column if each.where else 0, each.code) for each in refused.value.problems]
    assert found == [
        (11, "unknown-key"),
        (31, "unknown-column"),
        (38, "wrong-type"),
        (49, "wrong-value"),
        (77, "unknown-column"),
    ]
