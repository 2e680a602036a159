"""Reading tables: as they are, as they were, and what planning and people see of them."""

import subprocess
import sys
import textwrap
from datetime import timedelta
from pathlib import Path

import pytest

from lakewright import errors
from lakewright.lake.tables import Lake
from lakewright.plan import codec, observed
from lakewright.project.contract import Column, Contract, PartitionField, Transform
from lakewright.sql import types
from tests.lake.conftest import NOW, Workshop, read_files

ORDERS = "bronze.orders"
SCHEMA = types.Schema(
    (
        types.Field(name="id", type=types.BIGINT, is_required=True),
        types.Field(name="v", type=types.STRING),
    )
)


def ids(workshop: Workshop, at: int | None = None) -> list[int]:
    return sorted(row["id"] for row in workshop.rows(ORDERS, at))


def publish_three(workshop: Workshop) -> list[int]:
    """Three appends, an hour apart; their snapshots."""
    made = []
    for number in range(3):
        run = f"run{number}"
        staged = workshop.stage(ORDERS, SCHEMA, [{"id": number}], run=run)
        now = NOW + timedelta(hours=number)
        made.append(workshop.publish(staged, run=run, now=now)[0].snapshot_id)
    return made


def test_a_lake_that_nobody_has_published_to_is_empty_and_stays_unmade(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "project" / ".lakewright")
    assert lake.tables() == ()
    assert lake.observe() == {}
    assert not (tmp_path / "project").exists()


def test_tables_are_listed_by_name(workshop: Workshop) -> None:
    for table in ("silver.orders", ORDERS, "quarantine.orders"):
        workshop.append(table, SCHEMA, [], "run")
    assert workshop.lake.tables() == (ORDERS, "quarantine.orders", "silver.orders")


def test_a_table_can_be_read_as_of_each_snapshot(workshop: Workshop) -> None:
    made = publish_three(workshop)
    assert [ids(workshop, at) for at in made] == [[0], [0, 1], [0, 1, 2]]
    assert ids(workshop) == [0, 1, 2]


def test_an_earlier_snapshot_has_the_columns_that_it_had(workshop: Workshop) -> None:
    first = workshop.append(ORDERS, SCHEMA, [{"id": 1, "v": "a"}], "run1").snapshot_id
    narrow = types.Schema(SCHEMA.fields[:1])
    workshop.append(ORDERS, narrow, [{"id": 2}], "run2")
    assert workshop.lake.file_set(ORDERS).schema.names == ("id",)
    assert workshop.lake.file_set(ORDERS, first).schema.names == ("id", "v")
    assert workshop.rows(ORDERS, first) == [{"id": 1, "v": "a"}]


@pytest.mark.parametrize(("hours", "expected"), [(0, 0), (0.5, 0), (1, 1), (99, 2)])
def test_a_moment_names_the_snapshot_that_was_current_then(
    workshop: Workshop, hours: float, expected: int
) -> None:
    made = publish_three(workshop)
    moment = NOW + timedelta(hours=hours)
    assert workshop.lake.snapshot_at(ORDERS, moment) == made[expected]


def test_before_its_first_snapshot_nothing_is_known_of_a_table(workshop: Workshop) -> None:
    publish_three(workshop)
    with pytest.raises(errors.NotFound, match="nothing is known"):
        workshop.lake.snapshot_at(ORDERS, NOW - timedelta(seconds=1))


def test_a_moment_after_a_rollback_names_what_was_rolled_back_to(workshop: Workshop) -> None:
    made = publish_three(workshop)
    workshop.rollback(ORDERS, made[0], "back", NOW + timedelta(hours=5))
    assert workshop.lake.snapshot_at(ORDERS, NOW + timedelta(hours=4)) == made[2]
    assert workshop.lake.snapshot_at(ORDERS, NOW + timedelta(hours=6)) == made[0]


def test_a_rollback_brings_back_rows_columns_and_what_is_known_of_them(
    workshop: Workshop,
) -> None:
    retyped = types.Schema((SCHEMA.fields[0], types.Field(name="v", type=types.BIGINT)))
    before = workshop.stage(
        ORDERS, SCHEMA, [{"id": 1, "v": "a"}], run="run1",
        table_properties={"fingerprint": "old"}, consumed={"bronze.x": 1},
    )  # fmt: skip
    [first] = workshop.publish(before, run="run1")
    seen = workshop.lake.observe()[ORDERS]
    after = workshop.stage(
        ORDERS, retyped, [{"id": 1, "v": 7}], run="run2", is_replaced=True,
        table_properties={"fingerprint": "new"}, consumed={"bronze.x": 2},
    )  # fmt: skip
    workshop.publish(after, run="run2")
    assert workshop.lake.observe()[ORDERS].fingerprint == "new"
    published = workshop.rollback(ORDERS, first.snapshot_id, "back")
    assert (published.snapshot_id, published.rows) == (first.snapshot_id, 1)
    assert workshop.rows(ORDERS) == [{"id": 1, "v": "a"}]
    assert workshop.lake.observe()[ORDERS] == seen


def test_a_rollback_can_be_rolled_back(workshop: Workshop) -> None:
    made = publish_three(workshop)
    workshop.rollback(ORDERS, made[0], "back")
    workshop.rollback(ORDERS, made[2], "forth")
    assert ids(workshop) == [0, 1, 2]


def test_publishing_goes_on_from_where_a_rollback_went(workshop: Workshop) -> None:
    made = publish_three(workshop)
    workshop.rollback(ORDERS, made[0], "back")
    workshop.append(ORDERS, SCHEMA, [{"id": 9}], "run9")
    assert ids(workshop) == [0, 9]
    assert [one.is_ancestor for one in workshop.lake.history(ORDERS)] == [True, False, False, True]


def test_repeating_a_rollback_does_not_undo_what_came_after_it(workshop: Workshop) -> None:
    made = publish_three(workshop)
    assert not workshop.rollback(ORDERS, made[0], "back").is_repeat
    workshop.append(ORDERS, SCHEMA, [{"id": 9}], "run9")
    assert workshop.rollback(ORDERS, made[0], "back").is_repeat
    assert ids(workshop) == [0, 9]


def test_added_since_gives_the_files_of_later_appends(workshop: Workshop) -> None:
    made = publish_three(workshop)
    for since, expected in zip(made, ([1, 2], [2], []), strict=True):
        found = read_files(workshop.lake.added_since(ORDERS, since))
        assert sorted(row["id"] for row in found) == expected


def test_added_since_is_the_same_after_manifests_were_merged(workshop: Workshop) -> None:
    made = [workshop.append(ORDERS, SCHEMA, [{"id": n}], f"run{n}") for n in range(40)]
    found = read_files(workshop.lake.added_since(ORDERS, made[9].snapshot_id))
    assert sorted(row["id"] for row in found) == list(range(10, 40))


def test_added_since_is_refused_where_rows_were_changed(workshop: Workshop) -> None:
    made = publish_three(workshop)
    staged = workshop.stage(ORDERS, SCHEMA, [{"id": 7}], run="run7", is_replaced=True)
    workshop.publish(staged, run="run7")
    with pytest.raises(errors.Conflict, match="not only grown"):
        workshop.lake.added_since(ORDERS, made[0])


def test_added_since_is_refused_for_a_snapshot_that_was_rolled_back(workshop: Workshop) -> None:
    made = publish_three(workshop)
    workshop.rollback(ORDERS, made[0], "back")
    with pytest.raises(errors.NotFound, match=str(made[2])):
        workshop.lake.added_since(ORDERS, made[2])


def test_a_target_of_a_new_table_has_field_ids_and_makes_no_table(workshop: Workshop) -> None:
    target = workshop.lake.target(ORDERS, SCHEMA, (), "run", "bronze:orders")
    assert target.field_ids == {"id": 1, "v": 2}
    assert target.base is None
    assert Path(target.folder).is_dir()
    assert workshop.lake.tables() == ()


def test_a_target_keeps_the_ids_of_the_table_and_gives_new_ones(workshop: Workshop) -> None:
    workshop.append(ORDERS, SCHEMA, [{"id": 1}], "run")
    wanted = types.Schema((types.Field(name="new", type=types.INT), *SCHEMA.fields))
    target = workshop.lake.target(ORDERS, wanted, (), "run2", "bronze:orders")
    assert target.field_ids == {"new": 3, "id": 1, "v": 2}
    assert target.base == workshop.lake.file_set(ORDERS)


def test_a_column_of_unknown_type_is_not_in_the_table(workshop: Workshop) -> None:
    wanted = types.Schema((*SCHEMA.fields, types.Field(name="empty", type=types.UNKNOWN)))
    target = workshop.lake.target(ORDERS, wanted, (), "run", "bronze:orders")
    assert target.schema.names == ("id", "v")
    workshop.append(ORDERS, wanted, [{"id": 1}], "run")
    assert workshop.lake.file_set(ORDERS).schema.names == ("id", "v")


def test_the_files_of_different_runs_and_steps_have_different_names(workshop: Workshop) -> None:
    prefixes = {
        workshop.lake.target(ORDERS, SCHEMA, (), run, step).file_prefix
        for run in ("run1", "run2")
        for step in ("bronze:orders", "model:silver.orders", "model:silver.orders_x")
    }
    assert len(prefixes) == 6
    assert not any(a != b and a.startswith(b) for a in prefixes for b in prefixes)


def test_planning_sees_each_table_with_cursor_contract_and_query(workshop: Workshop) -> None:
    contract = Contract(columns=(Column(name="id", type=types.BIGINT, is_required=True),))
    staged = workshop.stage(
        ORDERS, SCHEMA, [{"id": 1}], run="run1", consumed={"bronze.x": 5, "bronze.y": 6},
        properties={"fingerprint": "abc"},
        table_properties={"contract": codec.to_json(contract)},
    )  # fmt: skip
    [first] = workshop.publish(staged, run="run1")
    later = workshop.stage(ORDERS, SCHEMA, run="run2", is_replaced=True, consumed={"bronze.x": 8})
    [second] = workshop.publish(later, run="run2")
    assert workshop.lake.observe() == {
        ORDERS: observed.Table(
            name=ORDERS,
            schema=SCHEMA,
            snapshot_id=second.snapshot_id,
            ancestors=(
                observed.Snapshot(
                    snapshot_id=second.snapshot_id, parent_id=first.snapshot_id, is_append=False
                ),
                observed.Snapshot(snapshot_id=first.snapshot_id, parent_id=None, is_append=True),
            ),
            consumed={"bronze.x": 8},
            fingerprint="",
            contract=contract,
            rows=0,
        )
    }


def test_history_tells_what_each_snapshot_did_newest_first(workshop: Workshop) -> None:
    made = publish_three(workshop)
    staged = workshop.stage(ORDERS, SCHEMA, [{"id": 7}], run="run7", is_replaced=True)
    workshop.publish(staged, run="run7")
    found = workshop.lake.history(ORDERS)
    assert [one.snapshot_id for one in found[1:]] == made[::-1]
    newest = found[0]
    assert (newest.operation, newest.run_id, newest.rows) == ("overwrite", "run7", 1)
    assert (newest.rows_added, newest.rows_removed, newest.files) == (1, 3, 1)
    assert newest.parent_id == made[2]
    assert [one.is_current for one in found] == [True, False, False, False]
    assert found[-1].made_at == NOW


def test_a_description_tells_all_that_people_ask_for(workshop: Workshop) -> None:
    parts = (
        PartitionField(column="v", transform=Transform.TRUNCATE, width=2),
        PartitionField(column="id", transform=Transform.BUCKET, width=4),
    )
    files = [(("ab", "1"), [{"id": 1, "v": "abc"}])]
    workshop.publish(workshop.stage(ORDERS, SCHEMA, files=files, partitioning=parts))
    found = workshop.lake.describe(ORDERS)
    assert (found.rows, found.files, found.snapshots) == (1, 1, 1)
    assert found.partitioning == ("truncate[2](v)", "bucket[4](id)")
    [file] = workshop.lake.file_set(ORDERS).files
    assert found.size_bytes == Path(file.path).stat().st_size == file.size_bytes
    assert file.partition == ("ab", "1")
    assert Path(found.metadata_location).is_relative_to(found.location)


def test_what_does_not_exist_is_not_found_and_what_does_is_named(workshop: Workshop) -> None:
    workshop.append("gold.sums", SCHEMA, [], "run1")
    for ask in (
        lambda: workshop.lake.file_set(ORDERS),
        lambda: workshop.lake.describe(ORDERS),
        lambda: workshop.lake.history(ORDERS),
        lambda: workshop.rollback(ORDERS, 1, "back", base=1),
    ):
        with pytest.raises(errors.NotFound, match=r"no table bronze\.orders") as caught:
            ask()
        assert "gold.sums" in caught.value.hint
    with pytest.raises(errors.NotFound, match="snapshot 12345"):
        workshop.lake.file_set("gold.sums", 12345)


def test_a_damaged_manifest_is_an_error_with_a_hint(workshop: Workshop) -> None:
    workshop.append(ORDERS, SCHEMA, [{"id": 1}], "run1")
    folder = Path(workshop.lake.describe(ORDERS).location) / "metadata"
    for manifest in folder.glob("*.avro"):
        sound = manifest.read_bytes()
        for damaged in (b"", sound[: len(sound) // 2], b"Obj\x01" + b"\xff" * 50):
            manifest.write_bytes(damaged)
            with pytest.raises(errors.LakewrightError, match="cannot be read"):
                Lake(workshop.lake.storage.root).file_set(ORDERS)
        manifest.write_bytes(sound)


def test_a_contract_of_a_newer_version_is_an_error_with_a_hint(workshop: Workshop) -> None:
    staged = workshop.stage(ORDERS, SCHEMA, table_properties={"contract": "{}"})
    workshop.publish(staged)
    with pytest.raises(errors.LakewrightError, match="contract") as caught:
        workshop.lake.observe()
    assert "upgrade" in caught.value.hint


def test_seeing_the_state_of_the_tables_loads_no_heavy_library(workshop: Workshop) -> None:
    workshop.append(ORDERS, SCHEMA, [{"id": 1}], "run1")
    program = """
        import sys
        from pathlib import Path
        from lakewright.lake.tables import Lake
        lake = Lake(Path(sys.argv[1]))
        lake.observe(), lake.history("bronze.orders")
        print(sorted({"pyarrow", "pyiceberg", "sqlalchemy", "duckdb"} & set(sys.modules)))
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program), str(workshop.lake.storage.root)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout.strip() == "[]"


def test_a_metadata_file_that_is_gone_or_damaged_is_an_error_with_a_hint(
    workshop: Workshop,
) -> None:
    workshop.append(ORDERS, SCHEMA, [], "run1")
    location = Path(workshop.lake.describe(ORDERS).metadata_location)
    location.write_bytes(b'{"format-version": 1}')
    with pytest.raises(errors.LakewrightError, match="cannot be read"):
        workshop.lake.observe()
    location.unlink()
    with pytest.raises(errors.NotFound, match="does not exist"):
        workshop.lake.observe()
