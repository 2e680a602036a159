import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakewright.project import naming

HEADERS = {
    "Order ID": "order_id",
    "orderId": "order_id",
    "OrderID": "order_id",
    "HTTPServerURL": "http_server_url",
    "order__id ": "order_id",
    "Unit Price ($)": "unit_price",
    "Größe": "grosse",
    "été": "ete",
    "İstanbul": "istanbul",
    "ﬁeld": "field",
    "日本 語": "日本_語",
    "हिन्दी": "हिन्दी",
    "2nd value": "n_2nd_value",
    "²": "n_2",
    "_id": "id",
    "__loaded_at": "loaded_at",
    "": "column",
    "%": "column",
    "x" * 80: "x" * 64,
}

FILES = {
    "orders.csv": "orders",
    "orders_2024-01-31.csv.gz": "orders",
    "orders20240131.csv": "orders",
    "orders-001.json": "orders",
    "orders (1).csv": "orders",
    "Orders Export.csv": "orders_export",
    "in/sales.2024.01.parquet": "sales",
    "C:\\in\\sales_v2.csv": "sales",
    "events_20240131T101500Z.ndjson": "events",
    "customers_2024_01_31_003.tsv.zst": "customers",
    "sales_2024.csv": "sales",
    "orders2.csv": "orders2",
    "iso3166.csv": "iso3166",
    "a.b.csv": "a_b",
    "2024-01-31.csv": "n_2024_01_31",
    "---.csv": "file",
}


@pytest.mark.parametrize(("header", "name"), HEADERS.items())
def test_a_header_becomes_lower_case_words(header: str, name: str) -> None:
    assert naming.standardise(header) == name


@given(st.text(max_size=100))
def test_every_header_has_a_name_that_is_its_own_standard_form(header: str) -> None:
    name = naming.standardise(header)
    assert name
    assert naming.is_standard(name)
    assert len(name) <= naming.NAME_LENGTH_MAX
    assert not name.startswith("_")
    assert not name[0].isdecimal()


@pytest.mark.parametrize(
    ("headers", "names"),
    [
        (["a", "b"], ("a", "b")),
        (["a", "A", " a "], ("a", "a_2", "a_3")),
        (["a", "a", "a_2"], ("a", "a_3", "a_2")),
        (["", ""], ("column", "column_2")),
        (["x" * 70, "x" * 71], ("x" * 64, "x" * 62 + "_2")),
    ],
)
def test_headers_that_collide_are_numbered(headers: list[str], names: tuple[str, ...]) -> None:
    assert naming.unique_names(headers) == names


@given(st.lists(st.sampled_from(["a", "A", "a_2", "b", "", "a_3"]), max_size=12))
def test_the_names_of_one_file_are_unique(headers: list[str]) -> None:
    names = naming.unique_names(headers)
    assert len(set(names)) == len(names) == len(headers)


@pytest.mark.parametrize(("file_name", "name"), FILES.items())
def test_a_file_name_suggests_its_source(file_name: str, name: str) -> None:
    assert naming.source_name_for(file_name) == name


@given(st.text(max_size=40))
def test_every_file_name_suggests_a_standard_name(file_name: str) -> None:
    assert naming.is_standard(naming.source_name_for(file_name))
