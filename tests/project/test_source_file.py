import pytest

from lakewright.project import load, source_file
from lakewright.project.contract import (
    Column,
    Contract,
    Evolution,
    PartitionField,
    Policy,
    Transform,
)
from lakewright.project.file import TextFile
from lakewright.project.source import (
    BadRecordLimits,
    Compression,
    Csv,
    Dialect,
    Format,
    Json,
    JsonMode,
    Parquet,
    Source,
)
from lakewright.sql import types

FULL = """\
description: Orders.
match: ["orders*.csv", "*.orders"]
format:
  type: csv
  delimiter: ";"
  quote: ""
  escape: \\
  header: yes
  skip_lines: 2
  comment: "#"
  encoding: windows-1252
  decimal_separator: ","
  trim: true
  compression: gzip
null_words: ["", NA, null]
columns:
  - {name: order_id, type: BIGINT, source_name: "Order ID"}
  - {name: ordered_at, type: timestamp_ntz, format: "dd/MM/yyyy HH:mm"}
  - {name: price, type: decimal(12,2), required: true, default: "1,50", null_words: [none, no]}
  - name: tags
    type: array<struct<a:int,b:string>>
    description: >
      What it is
      about.
key: [order_id]
partitioning: [month(ordered_at), bucket(16, order_id), truncate(100, price), day(_loaded_at)]
evolution: {new_columns: freeze, wider_types: evolve}
bad_records: {share_max: 0.01, count_max: 100}
"""


def source_of(text: str) -> Source:
    found = source_file.read(TextFile.read("sources/orders.yaml", text), "orders")
    assert not found.mistakes.problems
    assert found.source is not None
    return found.source


def test_a_source_says_all_that_its_file_says() -> None:
    tags = types.Array(types.Struct((("a", types.INT), ("b", types.STRING))))
    assert source_of(FULL) == Source(
        name="orders",
        description="Orders.",
        match=("orders*.csv", "*.orders"),
        format=Csv(
            dialect=Dialect(
                delimiter=";",
                quote="",
                escape="\\",
                has_header=True,
                skip_lines=2,
                comment="#",
                encoding="windows-1252",
                decimal_separator=",",
                is_trimmed=True,
            ),
            compression=Compression.GZIP,
        ),
        contract=Contract(
            columns=(
                Column(
                    name="order_id",
                    type=types.BIGINT,
                    is_required=True,  # It is in the key.
                    source_name="Order ID",
                ),
                Column(name="ordered_at", type=types.TIMESTAMP_NTZ, format="dd/MM/yyyy HH:mm"),
                Column(
                    name="price",
                    type=types.Decimal(12, 2),
                    is_required=True,
                    default="1,50",
                    null_words=("none", "no"),
                ),
                Column(name="tags", type=tags, description="What it is about.\n"),
            ),
            key=("order_id",),
            partitioning=(
                PartitionField(column="ordered_at", transform=Transform.MONTH),
                PartitionField(column="order_id", transform=Transform.BUCKET, width=16),
                PartitionField(column="price", transform=Transform.TRUNCATE, width=100),
                PartitionField(column="_loaded_at", transform=Transform.DAY),
            ),
            evolution=Evolution(new_columns=Policy.FREEZE, wider_types=Policy.EVOLVE),
            null_words=("", "NA", "null"),
        ),
        limits=BadRecordLimits(share_max=0.01, count_max=100),
        file="sources/orders.yaml",
    )


def test_an_empty_file_declares_a_source_that_is_inferred() -> None:
    assert source_of("") == Source(name="orders", file="sources/orders.yaml")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("csv", Csv()),
        ("json", Json()),
        ("parquet", Parquet()),
        ("{type: json, mode: array}", Json(mode=JsonMode.ARRAY)),
        ("{type: parquet, compression: zstd}", Parquet(compression=Compression.ZSTD)),
        ('{type: csv, delimiter: "\\t"}', Csv(dialect=Dialect(delimiter="\t"))),
    ],
)
def test_a_format_may_be_one_word(text: str, expected: Format) -> None:
    assert source_of(f"format: {text}").format == expected


def test_short_forms_mean_the_long_ones() -> None:
    columns = "columns: [{name: id, type: int}, {name: at, type: date}]\n"
    short = columns + "match: a.csv\nkey: id\npartitioning: month(at)\nevolution: freeze\n"
    full = columns + (
        "match: [a.csv]\nkey: [id]\npartitioning: [month(at)]\n"
        "evolution: {new_columns: freeze, missing_columns: freeze, reordered_columns: freeze,"
        " wider_types: freeze}\n"
    )
    assert source_of(short) == source_of(full)


COLUMNS = "columns:\n  - {name: id, type: bigint}\n  - {name: at, type: date}\n"

REFUSED = [
    ("«colums»: []\n", "unknown-key", "did you mean `columns`?"),
    ("«xyz»: 1\n", "unknown-key", "a source takes `columns`"),
    ("«match»:\n", "wrong-value", "has no value"),
    ("match: «a/b.csv»\n", "wrong-value", "without its folder"),
    ("match: ['*.a', «{»x: y}]\n", "wrong-type", "item 2 of `match`"),
    ("match: «[»]\n", "wrong-value", "must not be empty"),
    ("format: «cvs»\n", "wrong-value", "did you mean `csv`?"),
    ("format: «{»delimiter: ';'}\n", "missing-key", "`type` is missing"),
    ("format: {type: «cvs»}\n", "wrong-value", "`parquet`, `excel` and `fixed_width`"),
    ("format: {type: «fixed»}\n", "wrong-value", "did you mean `fixed_width`?"),
    ("format: {type: excel, «sheets»: A}\n", "unknown-key", "did you mean `sheet`?"),
    ("format: {type: excel, skip_lines: «-1»}\n", "wrong-value", "at least 0"),
    ("format: {type: fixed_width, widths: [4, «0»]}\n", "wrong-value", "at least 1"),
    ("format: {type: csv, «delimeter»: ';'}\n", "unknown-key", "did you mean `delimiter`?"),
    ("format: {type: json, «delimiter»: ';'}\n", "unknown-key", "the format `json` takes"),
    ("format: {type: csv, delimiter: «''»}\n", "wrong-value", "one or more characters"),
    ("format: {type: csv, header_rows: «0»}\n", "wrong-value", ""),
    ("format: {type: csv, quote: «'||'»}\n", "wrong-value", "one character"),
    ("format: «{»type: csv, delimiter: '|', quote: '|'}\n", "wrong-value", "something else too"),
    ("format: {type: csv, header: «maybe»}\n", "wrong-value", "`true` or `false`"),
    ("format: {type: csv, skip_lines: «two»}\n", "wrong-value", "a whole number"),
    ("format: {type: csv, skip_lines: «-1»}\n", "wrong-value", "at least 0"),
    ("format: {type: csv, encoding: «utf-88»}\n", "wrong-value", "windows-1252"),
    ("format: {type: csv, encoding: «base64»}\n", "wrong-value", "no encoding"),
    ("format: {type: csv, decimal_separator: «;»}\n", "wrong-value", "it takes"),
    ("format: {type: csv, compression: «gz»}\n", "wrong-value", "did you mean `gzip`?"),
    ("bad_records: {share_max: «2»}\n", "wrong-value", "at most 1"),
    ("bad_records: {share_max: «much»}\n", "wrong-value", "a number"),
    ("bad_records: «5»\n", "wrong-type", "keys and values"),
    ("columns: «[»]\n", "wrong-value", "must not be empty"),
    ("columns: «id»\n", "wrong-type", "list"),
    ("columns: [«id»]\n", "wrong-type", "keys and values"),
    ("columns: [«{»name: id}]\n", "missing-key", "`type` is missing"),
    ("columns: [«{»type: int}]\n", "missing-key", "`name` is missing"),
    ("columns: [{name: id, type: int, «nam»: x}]\n", "unknown-key", "did you mean `name`?"),
    ("columns: [{name: id, type: «bigit»}]\n", "bad-type", "did you mean `bigint`?"),
    ("columns: [{name: id, type: «decimal(40,2)»}]\n", "bad-type", "the precision is 1 to 38"),
    ("columns: [{name: id, type: «decimal(x)»}]\n", "bad-type", "'x' is no number"),
    ("columns: [{name: id, type: «array<»}]\n", "bad-type", "ends too soon"),
    ("columns: [{name: id, type: «struct<a:int,a:int>»}]\n", "bad-type", "two fields 'a'"),
    ("columns: [{name: «Order ID», type: int}]\n", "bad-name", 'order_id, source_name: "Order ID"'),
    ("columns: [{name: «_id», type: int}]\n", "reserved-name", "name: id, source_name: _id"),
    (
        "columns: [{name: id, type: int}, {name: «id», type: date}]\n",
        "duplicate-column",
        "already on line 1",
    ),
    (
        "columns: [{name: a, type: int, source_name: X}, {name: b, type: int, source_name: «X»}]\n",
        "duplicate-column",
        "the file's column `X`",
    ),
    ("columns: [{name: a, type: string, «format»: yyyy-MM-dd}]\n", "unfit-type", "`timestamp_ntz`"),
    ("columns: [{name: a, type: int, format: «yyyy-MM-dd»}]\n", "wrong-value", "#,##0.00"),
    ("columns: [{name: a, type: date, format: «dd/mm/yyyy»}]\n", "wrong-value", "the month"),
    ("columns: [{name: a, type: int, default: «none»}]\n", "wrong-value", "no value of type int"),
    ("columns: [{name: a, type: date, default: «today»}]\n", "wrong-value", "as the file would"),
    ("columns: [{name: a, type: boolean, default: «2»}]\n", "wrong-value", "of type boolean"),
    ("columns: [{name: a, type: decimal(4,1), default: «x»}]\n", "wrong-value", "decimal(4,1)"),
    ("columns: [{name: a, type: int, required: «perhaps»}]\n", "wrong-value", "`true` or `false`"),
    (COLUMNS + "key: «ide»\n", "unknown-column", "did you mean `id`?"),
    (COLUMNS + "key: [id, «_record»]\n", "unknown-column", "`id` and `at`"),
    (COLUMNS + "key: [id, at, «id»]\n", "duplicate-column", "twice"),
    ("columns: [{name: a, type: map<int,int>}]\nkey: «a»\n", "unfit-type", "map<int,int>"),
    ("columns: [{name: a, type: unknown}]\nkey: «a»\n", "unfit-type", "unknown"),
    ("«key»: id\n", "conflicting-keys", "needs `columns`"),
    ("«evolution»: freeze\n", "conflicting-keys", "sources infer FILE --save"),
    (COLUMNS + "evolution: «freez»\n", "wrong-value", "did you mean `freeze`?"),
    (COLUMNS + "evolution: {«new_column»: freeze}\n", "unknown-key", "did you mean `new_columns`?"),
    (COLUMNS + "partitioning: «when»\n", "unknown-column", "`_loaded_at`"),
    (COLUMNS + "partitioning: [«month(id)»]\n", "unfit-type", "`month` takes `date`"),
    (COLUMNS + "partitioning: [«hour(at)»]\n", "unfit-type", "`hour` takes `timestamp`"),
    (COLUMNS + "partitioning: [«months(at)»]\n", "wrong-value", "did you mean `month`?"),
    (COLUMNS + "partitioning: [«bucket(id)»]\n", "wrong-value", "needs a width"),
    (COLUMNS + "partitioning: [«bucket(0, id)»]\n", "wrong-value", "above 0"),
    (COLUMNS + "partitioning: [«month(3, at)»]\n", "wrong-value", "takes only a column"),
    (COLUMNS + "partitioning: [«'x y'»]\n", "wrong-value", "is no partition"),
    (COLUMNS + "partitioning: [year(at), «month(at)»]\n", "conflicting-keys", "the finer one"),
    (COLUMNS + "partitioning: [id, «id»]\n", "conflicting-keys", "cuts already"),
    (
        "columns: [{name: a, type: double}]\npartitioning: «'bucket(4, a)'»\n",
        "unfit-type",
        "double",
    ),
]


@pytest.mark.parametrize(("text", "code", "words"), REFUSED)
def test_a_mistake_is_told_at_its_place(
    check_refusal: object, text: str, code: str, words: str
) -> None:
    assert callable(check_refusal)
    check_refusal({"sources/other.yaml": text}, code, words)


def test_a_type_of_endless_depth_is_refused_unread() -> None:
    text = f"columns: [{{name: id, type: {'array<' * 500}int{'>' * 500}}}]\n"
    found = source_file.read(TextFile.read("sources/a.yaml", text), "a")
    (problem,) = found.mistakes.problems
    assert (problem.code, str(problem.where)) == ("bad-type", "sources/a.yaml:1:28")
    assert problem.why == "it has more than 2000 characters"
    assert len(problem.what) < 100
    assert len(problem.excerpt) < 400


def test_one_mistake_does_not_hide_the_others() -> None:
    text = (
        "colums: 1\n"
        "match: a/b\n"
        "columns:\n"
        "  - {name: id, type: bigit, requird: true}\n"
        "  - {type: int}\n"
        "  - {name: at, type: date, format: x}\n"
        "key: [id, ide]\n"
        "partitioning: [month(at), month(id), hour(at), nope]\n"
        "evolution: freez\n"
    )
    found = source_file.read(TextFile.read("sources/a.yaml", text), "a")
    places = sorted(str(problem.where) for problem in found.mistakes.problems)
    assert places == [
        f"sources/a.yaml:{place}"
        for place in ("1:1", "2:8", "4:22", "4:29", "5:5", "6:36", "7:11", "8:38", "8:48", "9:12")
    ]


def test_the_metadata_and_quarantine_tables_of_a_source_can_be_read() -> None:
    project = load.load(
        {
            "lakewright.yaml": "name: x",
            "sources/a.yaml": "columns: [{name: id, type: int}]",
            "models/silver/b.sql": "SELECT id, _record FROM bronze.a",
            "models/silver/c.sql": "SELECT raw, byte_position FROM quarantine.a",
        }
    )
    assert project.resolved["silver.b"].schema.names == ("id", "_record")
