import pytest

from lakewright.errors import Place
from lakewright.project import load, model
from lakewright.project.contract import PartitionField, Transform
from lakewright.project.project import Project

SOURCE = (
    "columns: [{name: id, type: bigint}, {name: at, type: timestamp}, {name: word, type: string},"
    " {name: size, type: double}]\n"
)
OTHER = "SELECT id FROM bronze.a"


def project_of(text: str) -> Project:
    return load.load(
        {
            "lakewright.yaml": "name: x",
            "sources/a.yaml": SOURCE,
            "models/silver/other.sql": OTHER,
            "models/silver/m.sql": text,
        }
    )


FULL = """\
/*
description: One row for each id.
write: merge
key: id
latest_by: [at, size]
partitioning: month(at)
checks:
  - not_null: [id, at]
  - unique: id
  - unique: {columns: [id, at], severity: warn}
  - accepted_values: {column: word, values: [no, 1.0, null]}
  - range: {column: size, min: 0, max: 1e3}
  - range: {column: at, min: 2024-01-01}
  - expression: size > 0
  - expression: {sql: "word LIKE 'a%'", severity: warn}
  - row_count: {min: 1, max: 10}
  - freshness: {column: at, within: 36h}
  - referential: {column: id, to: silver.other.id}
columns:
  id: The number.
*/
-- An ordinary comment.
SELECT id, at, word, size
FROM bronze.a
"""


def test_a_model_says_all_that_its_file_says() -> None:
    found = project_of(FULL).models["silver.m"]
    assert found == model.Model(
        name="silver.m",
        query=found.query,
        where=Place(file="models/silver/m.sql", line=22, column=1),
        write=model.Write.MERGE,
        key=("id",),
        latest_by=("at", "size"),
        partitioning=(PartitionField(column="at", transform=Transform.MONTH),),
        checks=(
            model.NotNull(columns=("id", "at")),
            model.Unique(columns=("id",)),
            model.Unique(columns=("id", "at"), severity=model.Severity.WARN),
            model.AcceptedValues(column="word", values=("no", "1.0", "null")),
            model.Range(column="size", minimum="0", maximum="1e3"),
            model.Range(column="at", minimum="2024-01-01"),
            model.Expression(sql="size > 0"),
            model.Expression(sql="word LIKE 'a%'", severity=model.Severity.WARN),
            model.RowCount(minimum=1, maximum=10),
            model.Freshness(column="at", age_max_seconds=36 * 3600),
            model.Referential(column="id", to_table="silver.other", to_column="id"),
        ),
        description="One row for each id.",
        column_descriptions=(("id", "The number."),),
    )
    assert found.query.tables == ("bronze.a",)
    assert found.query.text.startswith("-- An ordinary comment.")


@pytest.mark.parametrize(
    "text",
    [
        "/* description: x */ SELECT id FROM bronze.a",
        "/*\ndescription: x\n*/\nSELECT id FROM bronze.a",
        "\n\n  /*\n  description: x\n  */\nSELECT id FROM bronze.a",
        "-- description: x\nSELECT id FROM bronze.a",
        "--description: x\n\n-- A comment of its own.\nSELECT id FROM bronze.a",
        "  -- description: x\n  -- checks:\n  --   - unique: id\nSELECT id FROM bronze.a",
        "/*\r\ndescription: x\r\n*/\r\nSELECT id FROM bronze.a\r\n",
        "\ufeff/*\ndescription: x\n*/\nSELECT id FROM bronze.a",
    ],
)
def test_settings_stand_in_the_first_comment(text: str) -> None:
    assert project_of(text).models["silver.m"].description == "x"


def test_a_model_needs_no_settings() -> None:
    found = project_of("SELECT id FROM bronze.a").models["silver.m"]
    assert (found.write, found.checks, found.description) == (model.Write.REPLACE, (), "")


def test_a_query_is_the_same_whatever_its_line_ends_and_comments() -> None:
    unix = project_of("SELECT id,\n  word\nFROM bronze.a\n").models["silver.m"].query
    windows = project_of("\ufeff-- write: replace\r\nSELECT id,\r\n  word FROM bronze.a\r\n")
    assert windows.models["silver.m"].query.fingerprint == unix.fingerprint


BODY = "\nSELECT order_id, ordered_at FROM bronze.orders\n"

REFUSED = [
    ("/*\n«wrte»: merge\n*/", "unknown-key", "did you mean `write`?"),
    ("/*\nwrite: «merg»\n*/", "wrong-value", "did you mean `merge`?"),
    ("/*\nwrite: «merge»\n*/", "conflicting-keys", "`write: merge` needs `key`"),
    ("/*\n«key»: order_id\n*/", "conflicting-keys", "- unique: ..."),
    ("/*\n«latest_by»: order_id\n*/", "conflicting-keys", "chooses the newest row"),
    ("/*\nwrite: append\n«key»: order_id\n*/", "conflicting-keys", "`write: append`"),
    ("/*\nchecks: [«{»}]\n*/", "wrong-value", "exactly one key"),
    (
        "/*\nchecks: [«{»unique: order_id, not_null: order_id}]\n*/",
        "wrong-value",
        "it has not_null",
    ),
    ("/*\nchecks: [«unique»]\n*/", "wrong-type", "keys and values"),
    ("/*\nchecks: [{«uniq»: order_id}]\n*/", "unknown-key", "did you mean `unique`?"),
    ("/*\nchecks: [{unique: {«colums»: x}}]\n*/", "unknown-key", "did you mean `columns`?"),
    ("/*\nchecks: [{range: «{»column: order_id}}]\n*/", "wrong-value", "`min`, `max` or both"),
    ("/*\nchecks: [{row_count: «{»}}]\n*/", "wrong-value", "`min`, `max` or both"),
    ("/*\nchecks: [{row_count: «{»min: 3, max: 2}}]\n*/", "wrong-value", "is above"),
    ("/*\nchecks: [{row_count: {min: «few»}}]\n*/", "wrong-value", "a whole number"),
    ("/*\nchecks: [{freshness: {column: ordered_at, within: «7»}}]\n*/", "wrong-value", "as in 7d"),
    (
        "/*\nchecks: [{unique: {columns: order_id, severity: «warning»}}]\n*/",
        "wrong-value",
        "did you mean `warn`?",
    ),
    ("/*\n«This model is nice.»\n*/", "wrong-type", "other comments go below it"),
    ("-- «This model is nice.»", "wrong-type", "other comments go below it"),
    ("/*\nwrite: a«:» b\n*/", "yaml-syntax", "in quotes"),
    ("--  write: replace\n--  «k»: 1", "unknown-key", "a model takes"),
    ("«/*»\nwrite: merge\n", "yaml-syntax", "never ends"),
]


@pytest.mark.parametrize(("settings", "code", "words"), REFUSED)
def test_a_mistake_in_settings_is_told_at_its_place_in_the_file(
    check_refusal: object, settings: str, code: str, words: str
) -> None:
    assert callable(check_refusal)
    check_refusal({"models/silver/m.sql": settings + BODY}, code, words)


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_places_in_sql_do_not_depend_on_line_ends(
    check_refusal: object, line_end: str, mark: str
) -> None:
    assert callable(check_refusal)
    text = mark + "/*\ndescription: é\n*/\nSELECT order_id,\n  «ordr_id»\nFROM bronze.orders\n"
    files = {"models/silver/m.sql": text.replace("\n", line_end)}
    check_refusal(files, "sql-refused", "did you mean order_id?")


def test_a_silver_model_cannot_read_gold(check_refusal: object) -> None:
    assert callable(check_refusal)
    files = {
        "models/gold/g.sql": "SELECT order_id FROM bronze.orders",
        "models/silver/m.sql": "SELECT 'gold.g' AS x FROM /* gold.g */ «gold.g»",
    }
    check_refusal(files, "layer-rule", "models/gold/")


def test_a_gold_model_may_read_every_layer() -> None:
    project = load.load(
        {
            "lakewright.yaml": "name: x",
            "sources/a.yaml": SOURCE,
            "models/silver/s.sql": "SELECT id FROM bronze.a",
            "models/gold/g.sql": "SELECT id FROM silver.s",
            "models/gold/a.sql": (
                "SELECT g.id, q.raw FROM gold.g AS g JOIN bronze.a AS b ON b.id = g.id"
                " JOIN silver.s AS s ON s.id = g.id JOIN quarantine.a AS q ON q._record = g.id"
            ),
        }
    )
    assert tuple(project.models) == ("silver.s", "gold.g", "gold.a")
