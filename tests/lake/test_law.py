"""Whatever is done to a table, in whatever order, its rows are those of a list in plain Python."""

import tempfile
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from hypothesis.strategies import data, integers, lists, sampled_from

from lakewright.lake.tables import Lake
from lakewright.sql import types
from tests.lake.conftest import Row, Workshop

ORDERS = "bronze.orders"
ID = types.Field(name="id", type=types.BIGINT, is_required=True)
SCHEMAS = (
    types.Schema((ID, types.Field(name="v", type=types.INT))),
    types.Schema((ID, types.Field(name="v", type=types.BIGINT))),
    types.Schema((types.Field(name="w", type=types.STRING), ID)),
)
VALUES: dict[str, Any] = {"v": 7, "w": "x"}


class Table(RuleBasedStateMachine):
    """One table, and what it should be: files of ids, and the same for every snapshot."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.workshop = Workshop(Path(self.folder.name))
        self.files: dict[str, list[int]] = {}
        self.snapshots: dict[int, dict[str, list[int]]] = {}
        self.run = 0

    def teardown(self) -> None:
        self.workshop.lake.close()
        self.folder.cleanup()

    @rule(data=data(), ids=lists(integers(0, 99), max_size=3), is_twice=sampled_from([0, 1]))
    def append(self, data: Any, ids: list[int], is_twice: int) -> None:
        self.publish(data, ids, removed=[], is_twice=is_twice)

    @precondition(lambda self: self.files)
    @rule(data=data(), ids=lists(integers(0, 99), max_size=3))
    def overwrite(self, data: Any, ids: list[int]) -> None:
        removed = data.draw(lists(sampled_from(sorted(self.files)), unique=True))
        self.publish(data, ids, removed=removed)

    @rule(data=data(), ids=lists(integers(0, 99), max_size=3))
    def replace_all(self, data: Any, ids: list[int]) -> None:
        self.publish(data, ids, removed=list(self.files), is_replaced=True)

    @precondition(lambda self: self.snapshots)
    @rule(data=data())
    def roll_back(self, data: Any) -> None:
        self.run += 1
        snapshot_id = data.draw(sampled_from(sorted(self.snapshots)))
        self.workshop.rollback(ORDERS, snapshot_id, f"run{self.run}")
        self.files = self.snapshots[snapshot_id]

    @rule()
    def start_again(self) -> None:
        self.workshop.lake.close()
        self.workshop.lake = Lake(Path(self.folder.name))

    @invariant()
    def rows_are_those_of_the_model(self) -> None:
        if not self.snapshots:
            return
        assert self.ids(None) == sorted(chain.from_iterable(self.files.values()))
        rows = self.workshop.lake.describe(ORDERS).rows
        assert rows == self.workshop.lake.observe()[ORDERS].rows == len(self.ids(None))

    @invariant()
    def no_snapshot_ever_changes(self) -> None:
        for snapshot_id, files in list(self.snapshots.items())[-3:]:
            assert self.ids(snapshot_id) == sorted(chain.from_iterable(files.values()))

    def ids(self, at: int | None) -> list[int]:
        return sorted(row["id"] for row in self.workshop.rows(ORDERS, at))

    def publish(
        self, data: Any, ids: list[int], *, removed: list[str], is_twice: int = 0,
        is_replaced: bool = False,
    ) -> None:  # fmt: skip
        self.run += 1
        schema = data.draw(sampled_from(SCHEMAS)) if is_replaced else self.present_schema()
        rows: list[Row] = [
            {"id": one, **{name: VALUES.get(name) for name in schema.names if name != "id"}}
            for one in ids
        ]
        staged = self.workshop.stage(ORDERS, schema, rows, run=f"run{self.run}")
        staged = replace(staged, removed=tuple(removed), is_replaced=is_replaced)
        [published] = self.workshop.publish(staged, run=f"run{self.run}")
        for _ in range(is_twice):
            [again] = self.workshop.publish(staged, run=f"run{self.run}")
            assert again == replace(published, is_repeat=True)
        kept = {path: held for path, held in self.files.items() if path not in removed}
        self.files = kept | {file.path: ids for file in staged.added}
        self.snapshots[published.snapshot_id] = self.files

    def present_schema(self) -> types.Schema:
        tables = self.workshop.lake.observe()
        return tables[ORDERS].schema if ORDERS in tables else SCHEMAS[0]


TestTable = Table.TestCase
TestTable.settings = settings(max_examples=15, stateful_step_count=15)
