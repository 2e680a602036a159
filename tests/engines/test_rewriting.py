"""An upload's rows leave a table without touching files that hold none of them."""

from typing import TYPE_CHECKING

from lakewright.engines.duckdb import rewriting

if TYPE_CHECKING:
    from tests.engines.conftest import Bench

COLUMNS = "id bigint, _upload_id string"


def test_files_of_an_upload_go_and_others_rows_stay(bench: "Bench") -> None:
    table = bench.table(
        "bronze.one",
        COLUMNS,
        [(1, "a"), (2, "a")],
        [(3, "b")],
        [(4, "a"), (5, "c"), (6, "b")],
    )
    target = bench.target("bronze.one", table.schema, base=table)
    remainder = rewriting.remove_uploads(bench.connection, table, ["a", "b'"], target)
    assert remainder.removed == (table.files[0].path, table.files[2].path)
    assert bench.rows(bench.files(target, remainder.rewritten)) == [(5, "c"), (6, "b")]


def test_no_rows_to_take_out_change_nothing(bench: "Bench") -> None:
    table = bench.table("bronze.one", COLUMNS, [(1, "a")])
    target = bench.target("bronze.one", table.schema, base=table)
    for upload_ids in ([], ["z"]):
        remainder = rewriting.remove_uploads(bench.connection, table, upload_ids, target)
        assert (remainder.removed, remainder.rewritten) == ((), ())
