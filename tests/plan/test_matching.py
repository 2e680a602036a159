import pytest

from lakewright.plan import matching
from lakewright.plan.landed import ArrivedColumn, Landed
from lakewright.project.contract import Column
from lakewright.project.source import Csv, Dialect
from lakewright.sql import types


def landed(*headers: str, has_header: bool = True) -> Landed:
    return Landed(
        upload_id="u1",
        file_name="f.csv",
        format=Csv(dialect=Dialect(has_header=has_header)),
        columns=tuple(ArrivedColumn(name=header, type=types.STRING) for header in headers),
        parts=(),
        records=1,
        size_bytes=1,
    )


def column(name: str, source_name: str | None = None) -> Column:
    return Column(name=name, type=types.STRING, source_name=source_name)


@pytest.mark.parametrize(
    ("columns", "headers", "expected", "unexpected"),
    [
        ([column("order_id")], ["order_id"], {"order_id": "order_id"}, []),
        ([column("order_id")], ["Order ID", "x"], {"order_id": "Order ID"}, ["x"]),
        ([column("id", "Order ID")], ["id", "Order ID"], {"id": "Order ID"}, ["id"]),
        ([column("id", "Order ID")], ["order id"], {"id": "order id"}, []),
        ([column("id", "Order ID")], ["ID"], {"id": "ID"}, []),
        (
            [column("a"), column("a_2", "A")],
            ["A", "a"],
            {"a": "a", "a_2": "A"},
            [],
        ),
        ([column("a"), column("b")], ["b"], {"b": "b"}, []),
        ([column("a")], [], {}, []),
    ],
)
def test_headers_are_matched_by_source_name_then_by_standard_name(
    columns: list[Column], headers: list[str], expected: dict[str, str], unexpected: list[str]
) -> None:
    match = matching.match(columns, landed(*headers))
    assert {name: arrived.name for name, arrived in match.columns.items()} == expected
    assert [arrived.name for arrived in match.unexpected] == unexpected


def test_columns_keep_the_order_of_the_contract_whatever_the_file_has() -> None:
    match = matching.match([column("a"), column("b")], landed("b", "a"))
    assert list(match.columns) == ["a", "b"]


def test_a_file_without_headers_is_matched_by_position() -> None:
    columns = [column("a"), column("b"), column("c")]
    match = matching.match(columns, landed("column_1", "column_2", has_header=False))
    assert {name: arrived.name for name, arrived in match.columns.items()} == {
        "a": "column_1",
        "b": "column_2",
    }
    assert [each.name for each in match.missing(columns)] == ["c"]


def test_what_a_file_without_headers_has_beyond_the_contract_is_unexpected() -> None:
    match = matching.match([column("a")], landed("column_1", "column_2", has_header=False))
    assert [arrived.name for arrived in match.unexpected] == ["column_2"]
