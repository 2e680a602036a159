import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakewright import errors
from lakewright.plan import codec, describe, planner, steps
from lakewright.plan.landed import ArrivedColumn, Landed
from lakewright.plan.observed import Observed, RawUpload, Snapshot, Table
from lakewright.project.contract import (
    QUARANTINE_SCHEMA,
    Column,
    Contract,
    Evolution,
    PartitionField,
    Policy,
    Transform,
)
from lakewright.project.model import (
    Model,
    Referential,
    Severity,
    Unique,
    Write,
)
from lakewright.project.project import Project
from lakewright.project.source import Csv, Dialect, Source
from lakewright.sql import parse, types
from lakewright.sql.types import BIGINT, DATE, STRING

WHEN = datetime(2024, 1, 31, 12, tzinfo=UTC)
EMPTY = Observed(tables={}, loaded={})
QUERY_CHANGED = "the query, its settings or a type that it reads has changed"
LOOKUP_CHANGED = (
    "bronze.customers has changed since it was last read, and the query looks values up there"
)
Golden = Callable[[str, str], None]


def model(name: str, sql: str, /, **settings: object) -> Model:
    where = errors.Place(file=f"models/{name.replace('.', '/')}.sql", line=1, column=1)
    return replace(
        Model(name=name, query=parse.parse(sql, where), where=where),
        **settings,  # type: ignore[arg-type]
    )


ORDERS = Contract(
    columns=(
        Column(name="order_id", type=BIGINT, is_required=True),
        Column(name="customer_id", type=BIGINT),
        Column(name="amount", type=BIGINT),
        Column(name="ordered_on", type=DATE),
    ),
    key=("order_id",),
)
MODELS = (
    model(
        "silver.orders",
        "SELECT order_id, customer_id, amount, ordered_on FROM bronze.orders",
        write=Write.MERGE,
        key=("order_id",),
        latest_by=("ordered_on",),
        partitioning=(PartitionField(column="ordered_on", transform=Transform.MONTH),),
        checks=(Unique(columns=("order_id",)),),
    ),
    model(
        "silver.events",
        "SELECT order_id, amount * 2 AS doubled FROM bronze.orders",
        write=Write.APPEND,
    ),
    model(
        "silver.named_orders",
        "SELECT o.order_id, c.name FROM bronze.orders AS o"
        " LEFT JOIN bronze.customers AS c ON o.customer_id = c.customer_id",
    ),
    model(
        "gold.customers",
        "SELECT customer_id, count(*) AS orders FROM silver.orders GROUP BY customer_id",
        column_descriptions=(("orders", "How many."),),
    ),
    model("gold.total", "SELECT max(amount) AS amount FROM silver.orders"),
)
SOURCES = (Source(name="orders", contract=ORDERS, file="sources/orders.yaml"),)


def project(*models: Model, sources: tuple[Source, ...] = SOURCES) -> Project:
    return Project(
        name="shop",
        sources={source.name: source for source in sources},
        models={each.name: each for each in models or MODELS},
    )


def landed(upload_id: str, /, **columns: types.Type) -> Landed:
    given_columns = columns or {column.name: column.type for column in ORDERS.columns}
    return Landed(
        upload_id=upload_id,
        file_name=f"{upload_id}.csv",
        format=Csv(dialect=Dialect(has_header=True)),
        columns=tuple(ArrivedColumn(name=name, type=kind) for name, kind in given_columns.items()),
        parts=(),
        records=1,
        size_bytes=1,
    )


def published(state: Observed, plan: steps.Plan) -> Observed:
    """The state once a plan has been carried out."""
    tables, loaded = dict(state.tables), dict(state.loaded)
    ids = {
        name: 10 * (1 + len(tables[name].ancestors) if name in tables else 1) + place
        for step in plan.steps
        if isinstance(step, steps.Publish)
        for place, name in enumerate(step.tables)
    }

    def put(name: str, schema: types.Schema, is_append: bool, **rest: object) -> None:
        old = tables.get(name)
        snapshot = Snapshot(
            snapshot_id=ids[name],
            parent_id=old.snapshot_id if old else None,
            is_append=is_append or old is None,
        )
        table = Table(
            name=name,
            schema=schema,
            snapshot_id=ids[name],
            ancestors=(snapshot, *(old.ancestors if old else ())),
            consumed={},
        )
        tables[name] = replace(table, **rest)  # type: ignore[arg-type]

    for step in plan.steps:
        if isinstance(step, steps.Bronze):
            is_append = not (step.is_rebuild or step.replaced_upload_ids)
            put(step.table, step.contract.schema(), is_append, contract=step.contract)
            put(step.quarantine, QUARANTINE_SCHEMA, is_append)
            stays = () if step.is_rebuild else loaded.get(step.source, ())
            loaded[step.source] = (
                *(each for each in stays if each.upload_id not in step.replaced_upload_ids),
                *(raw(upload_id) for upload_id in step.upload_ids),
            )
        elif isinstance(step, steps.BuildModel):
            put(
                step.table,
                step.schema,
                isinstance(step.build, steps.RowWise) and step.write is not Write.MERGE,
                consumed={read: tables[read].snapshot_id for read in step.reads},
                fingerprint=step.fingerprint,
            )
    return Observed(tables=tables, loaded=loaded)


def raw(upload_id: str) -> RawUpload:
    return RawUpload(upload_id=upload_id, file_name=f"{upload_id}.csv", sha256=f"hash-{upload_id}")


def upload(
    state: Observed, *arrivals: Landed, source: str = "orders", of: Project | None = None
) -> steps.Plan:
    batch = planner.Batch(source=source, landed=arrivals)
    return planner.plan_uploads(of or project(), state, batch, WHEN)


def loaded_state() -> Observed:
    """The shop after a file of customers and one of orders."""
    customers = landed("c1", customer_id=BIGINT, name=STRING, points=BIGINT)
    state = published(EMPTY, upload(EMPTY, customers, source="customers"))
    return published(state, upload(state, landed("o1")))


def builds(plan: steps.Plan) -> dict[str, str]:
    return {
        step.table: step.build.reason if isinstance(step.build, steps.Full) else step.build.kind
        for step in plan.steps
        if isinstance(step, steps.BuildModel)
    }


def bronze(plan: steps.Plan) -> steps.Bronze:
    (step,) = (step for step in plan.steps if isinstance(step, steps.Bronze))
    return step


def edited(name: str, sql: str) -> Project:
    kept = [each for each in MODELS if each.name != name]
    before = next(each for each in MODELS if each.name == name)
    return project(*kept, replace(before, query=model(name, sql).query))


def with_contract(contract: Contract) -> Project:
    return project(sources=(replace(SOURCES[0], contract=contract),))


SCENARIOS: Mapping[str, Callable[[], steps.Plan]] = {
    "landing": lambda: planner.plan_landing(project(), EMPTY, "orders", [raw("o1"), raw("o2")]),
    "first_upload": lambda: upload(EMPTY, landed("o1"), landed("o2")),
    "next_upload": lambda: upload(loaded_state(), landed("o2")),
    "upload_of_a_lookup": lambda: upload(
        loaded_state(), landed("c2", customer_id=BIGINT, name=STRING), source="customers"
    ),
    "upload_again": lambda: planner.plan_uploads(
        project(),
        loaded_state(),
        planner.Batch(source="orders", landed=(landed("o1"),), replaced_upload_ids=("o1",)),
        WHEN,
    ),
    "removal": lambda: planner.plan_removal(project(), loaded_state(), "orders", ["o1"], WHEN),
    "rebuild_of_an_inferred_source": lambda: upload(
        loaded_state(),
        landed("c2", customer_id=BIGINT, points=STRING, country=STRING),
        source="customers",
    ),
    "refused_upload": lambda: upload(
        loaded_state(),
        landed("o2", order_id=BIGINT, extra=BIGINT),
        landed("o3"),
        of=with_contract(replace(ORDERS, evolution=Evolution(new_columns=Policy.FREEZE))),
    ),
    "nothing_to_do": lambda: planner.plan_models(project(), loaded_state(), None, WHEN),
    "full": lambda: planner.plan_models(project(), loaded_state(), None, WHEN, is_full=True),
    "edited_model": lambda: planner.plan_models(
        edited("silver.orders", "SELECT order_id, customer_id, 1 AS amount, ordered_on"
               " FROM bronze.orders"),
        loaded_state(), None, WHEN,
    ),
    "edited_contract": lambda: planner.plan_models(
        with_contract(replace(ORDERS, null_words=("", "NA"))), loaded_state(), None, WHEN
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SCENARIOS)
def test_plans_are_what_the_golden_files_say(name: str, golden: Golden) -> None:
    plan = SCENARIOS[name]()
    golden(f"{name}.txt", "\n".join(describe.lines(plan)) + "\n")
    golden(f"{name}.json", json.dumps(codec.encode(plan), indent=1, sort_keys=True) + "\n")
    assert codec.from_json(steps.Plan, codec.to_json(plan)) == plan


@given(data=st.data())
def test_equal_project_and_state_give_an_equal_plan_byte_for_byte(data: st.DataObject) -> None:
    state = loaded_state()
    models = data.draw(st.permutations(MODELS))
    tables = data.draw(st.permutations(sorted(state.tables.items())))
    shuffled = Observed(tables=dict(tables), loaded=dict(reversed(list(state.loaded.items()))))
    plan = upload(shuffled, landed("o2"), of=project(*models))
    assert repr(plan) == repr(upload(state, landed("o2")))
    assert codec.to_json(plan) == codec.to_json(upload(state, landed("o2")))


def test_a_published_plan_leaves_nothing_to_do() -> None:
    for scenario in ("next_upload", "removal", "rebuild_of_an_inferred_source", "full"):
        state = published(loaded_state(), SCENARIOS[scenario]())
        plan = planner.plan_models(project(), state, None, WHEN)
        assert (plan.steps, set(plan.skipped.values())) == ((), {"up to date"})


def test_files_one_by_one_are_built_in_part_wherever_that_is_provable() -> None:
    state = loaded_state()
    for number in range(2, 5):
        plan = upload(state, landed(f"o{number}"))
        state = published(state, plan)
    assert builds(plan) == {
        "silver.events": "row_wise",
        "silver.named_orders": "row_wise",
        "silver.orders": "row_wise",
        "gold.customers": "affected_keys",
        "gold.total": builds(plan)["gold.total"],
    }
    assert isinstance(_step(plan, "gold.total").build, steps.Full)


def _step(plan: steps.Plan, table: str) -> steps.BuildModel:
    return next(
        step for step in plan.steps if isinstance(step, steps.BuildModel) and step.table == table
    )


def test_a_partial_build_starts_where_the_table_ended() -> None:
    state = loaded_state()
    build = _step(upload(state, landed("o2")), "silver.orders").build
    assert build == steps.RowWise(
        driving="bronze.orders", since_snapshot_id=state.tables["bronze.orders"].snapshot_id
    )


def changed(table: str, **changes: object) -> Observed:
    state = loaded_state()
    there = replace(state.tables[table], **changes)  # type: ignore[arg-type]
    return replace(state, tables={**state.tables, table: there})


def later(table: str, is_append: bool, keeps: int = 9) -> Observed:
    """The shop after someone else's commit to a table, with the newest snapshots kept."""
    there = loaded_state().tables[table]
    snapshot = Snapshot(snapshot_id=99, parent_id=there.snapshot_id, is_append=is_append)
    ancestors = (snapshot, *there.ancestors)[:keeps]
    return changed(table, snapshot_id=99, ancestors=ancestors)


@pytest.mark.parametrize(
    ("state", "table", "expected"),
    [
        (later("bronze.orders", True), "silver.orders", "row_wise"),
        (
            later("bronze.orders", False),
            "silver.orders",
            "bronze.orders lost or changed rows in snapshot 99",
        ),
        (
            later("bronze.orders", True, keeps=1),
            "silver.orders",
            "snapshot 10 of bronze.orders, up to which it was read, expired or was rolled back",
        ),
        (
            later("bronze.customers", True),
            "silver.named_orders",
            LOOKUP_CHANGED,
        ),
        (
            later("silver.orders", True),
            "gold.customers",
            "silver.orders changes in this run, and had changed before without being read",
        ),
        (
            changed("silver.orders", fingerprint="another"),
            "silver.orders",
            QUERY_CHANGED,
        ),
        (
            changed("silver.orders", fingerprint="another"),
            "gold.customers",
            "silver.orders is made anew in this run",
        ),
        (
            changed("silver.orders", consumed={}),
            "silver.orders",
            "bronze.orders was not read before",
        ),
    ],
)
def test_a_part_that_may_differ_from_the_whole_is_built_in_full_with_the_reason(
    state: Observed, table: str, expected: str
) -> None:
    assert builds(upload(state, landed("o2")))[table] == expected


def test_groups_are_recomputed_where_all_that_came_since_the_cursor_are_rows() -> None:
    grouped = model(
        "gold.daily", "SELECT ordered_on, count(*) AS n FROM bronze.orders GROUP BY ordered_on"
    )
    shop = project(*MODELS, grouped)
    state = loaded_state()
    state = published(state, upload(state, landed("o2"), of=shop))
    bronze_before = state.tables["bronze.orders"].snapshot_id
    failed = upload(state, landed("o3"), of=shop)
    kept = {name: state.tables[name] for name in ("gold.daily",)}
    state = published(state, failed)
    state = replace(state, tables={**state.tables, **kept})
    assert _step(upload(state, landed("o4"), of=shop), "gold.daily").build == steps.AffectedKeys(
        driving="bronze.orders",
        since_snapshot_id=bronze_before,
        keys=(("ordered_on", "ordered_on"),),
    )


def test_merged_groups_are_built_in_part_only_if_the_key_is_what_they_are_grouped_by() -> None:
    sql = "SELECT customer_id, ordered_on, count(*) AS n FROM bronze.orders GROUP BY 1, 2"
    sql = sql.replace("GROUP BY 1, 2", "GROUP BY customer_id, ordered_on")
    by_groups = model(
        "gold.a", sql, write=Write.MERGE, key=("ordered_on", "customer_id"), latest_by=("n",)
    )
    competing = model("gold.b", sql, write=Write.MERGE, key=("customer_id",), latest_by=("n",))
    shop = project(*MODELS, by_groups, competing)
    state = published(loaded_state(), planner.plan_models(shop, loaded_state(), None, WHEN))
    found = builds(upload(state, landed("o2"), of=shop))
    assert found["gold.a"] == "affected_keys"
    assert found["gold.b"] == "the key is not what the query groups by, so groups may compete"


def test_a_replaced_upload_leaves_no_row_wise_build() -> None:
    found = builds(SCENARIOS["upload_again"]())
    assert found["silver.orders"] == "bronze.orders loses or changes rows in this run"
    assert found["gold.customers"] == "silver.orders is made anew in this run"


def test_an_upload_whose_rows_are_there_replaces_them_even_if_nobody_said_so() -> None:
    step = bronze(upload(loaded_state(), landed("o1")))
    assert (step.upload_ids, step.replaced_upload_ids) == (("o1",), ("o1",))


def test_a_refused_upload_keeps_the_rows_that_it_has() -> None:
    frozen = with_contract(replace(ORDERS, evolution=Evolution(new_columns=Policy.FREEZE)))
    batch = planner.Batch(
        source="orders",
        landed=(landed("o1", order_id=BIGINT, extra=BIGINT),),
        replaced_upload_ids=("o1",),
    )
    plan = planner.plan_uploads(frozen, loaded_state(), batch, WHEN)
    assert (plan.steps, list(plan.refused)) == ((), ["o1"])


def test_a_rebuild_lands_every_earlier_upload_anew() -> None:
    plan = SCENARIOS["rebuild_of_an_inferred_source"]()
    lands = [step for step in plan.steps if isinstance(step, steps.Land)]
    step = bronze(plan)
    assert [(land.upload_id, land.sha256, land.contract) for land in lands] == [
        ("c1", "hash-c1", step.contract)
    ]
    assert (step.upload_ids, step.is_rebuild) == (("c1", "c2"), True)


def test_a_rebuild_that_is_asked_for_forgets_what_is_not_declared_any_more() -> None:
    state = published(
        loaded_state(),
        upload(loaded_state(), landed("c2", customer_id=BIGINT, points=STRING), source="customers"),
    )
    batch = planner.Batch(
        source="customers",
        landed=(
            landed("c1", customer_id=BIGINT, points=BIGINT),
            landed("c2", customer_id=BIGINT, city=STRING),
        ),
        rebuild_reason="asked for",
    )
    step = bronze(planner.plan_uploads(project(), state, batch, WHEN))
    assert [str(column.type) for column in step.contract.columns] == ["bigint", "bigint", "string"]
    assert (step.upload_ids, step.reason) == (("c1", "c2"), "asked for")


def test_a_rebuild_without_landed_files_lands_them_all() -> None:
    batch = planner.Batch(source="orders", rebuild_reason="asked for")
    plan = planner.plan_uploads(project(), loaded_state(), batch, WHEN)
    assert [step.name for step in plan.steps[:2]] == ["land:o1", "bronze:orders"]


def test_removing_what_is_not_there_is_nothing_to_do() -> None:
    assert planner.plan_removal(project(), loaded_state(), "orders", ["x"], WHEN).steps == ()


def test_a_model_is_named_with_all_that_depends_on_it_and_all_that_it_needs() -> None:
    state = later("bronze.orders", True)
    plan = planner.plan_models(project(), state, ["gold.total"], WHEN)
    assert list(builds(plan)) == ["silver.orders", "gold.total"]
    assert plan.skipped["gold.customers"] == "nothing that it reads changes"
    plan = planner.plan_models(project(), state, ["silver.orders"], WHEN)
    assert list(builds(plan)) == ["silver.orders", "gold.customers", "gold.total"]


def test_a_full_build_is_for_the_named_models_and_what_depends_on_them() -> None:
    plan = planner.plan_models(project(), loaded_state(), ["gold.total"], WHEN, is_full=True)
    assert builds(plan) == {"gold.total": "a full build was asked for"}
    assert plan.skipped["silver.orders"] == "up to date"


def test_a_model_that_does_not_exist_is_not_found() -> None:
    with pytest.raises(errors.NotFound, match=r"silver\.order"):
        planner.plan_models(project(), EMPTY, ["silver.order"], WHEN)


def test_a_model_that_cannot_be_built_says_what_is_missing_all_the_way_down() -> None:
    lacking = model("gold.countries", "SELECT country FROM bronze.countries")
    after = model("gold.first_country", "SELECT min(country) AS country FROM gold.countries")
    shop = project(*MODELS, lacking, after)
    skipped = planner.plan_models(shop, loaded_state(), None, WHEN).skipped
    assert skipped["gold.countries"] == (
        "waits for the first file of source countries; upload one or declare it"
    )
    assert skipped["gold.first_country"].startswith("gold.countries, which it reads, is not built")


def test_a_column_that_a_query_does_not_read_forces_no_full_build() -> None:
    columns = {column.name: column.type for column in ORDERS.columns}
    plan = upload(loaded_state(), landed("o2", **columns, note=STRING))
    assert bronze(plan).schema_changes == ("column note is new: string",)
    assert builds(plan)["silver.orders"] == "row_wise"


def test_another_type_of_a_column_that_a_query_reads_forces_a_full_build() -> None:
    narrow = replace(ORDERS, columns=(*ORDERS.columns[:2], Column(name="amount", type=types.INT)))
    state = published(EMPTY, upload(EMPTY, landed("o1"), of=with_contract(narrow)))
    plan = upload(
        state, landed("o2"), of=with_contract(replace(ORDERS, columns=ORDERS.columns[:3]))
    )
    assert not bronze(plan).is_rebuild
    assert builds(plan)["silver.events"] == QUERY_CHANGED


def test_a_table_that_a_check_asks_about_is_built_before_the_one_that_asks() -> None:
    asking = model(
        "silver.a",
        "SELECT order_id, customer_id FROM bronze.orders",
        checks=(Referential(column="order_id", to_table="silver.orders", to_column="order_id"),),
    )
    plan = upload(EMPTY, landed("o1"), of=project(*MODELS, asking))
    order = list(builds(plan))
    assert order.index("silver.orders") < order.index("silver.a")


def test_a_model_waits_for_the_table_that_a_check_asks_about_unless_it_only_warns() -> None:
    check = Referential(column="customer_id", to_table="silver.people", to_column="customer_id")
    people = model("silver.people", "SELECT customer_id, name FROM bronze.customers")
    sql = "SELECT order_id, customer_id FROM bronze.orders"
    shop = project(
        people,
        model("silver.asking", sql, checks=(check,)),
        model("silver.warning", sql, checks=(replace(check, severity=Severity.WARN),)),
    )
    first = upload(EMPTY, landed("o1"), of=shop)
    assert list(builds(first)) == ["silver.warning"]
    assert first.skipped["silver.asking"].startswith(
        "silver.people, which a check of it asks about, is not built: waits for"
    )
    state = published(EMPTY, first)
    people_came = landed("c1", customer_id=BIGINT, name=STRING)
    batch = planner.Batch(source="customers", landed=(people_came,))
    second = planner.plan_uploads(shop, state, batch, WHEN)
    assert list(builds(second)) == ["silver.people", "silver.asking"]


def test_what_an_upload_builds_for_another_models_sake_reaches_further_models() -> None:
    joined = model(
        "gold.names",
        "SELECT o.order_id, c.name FROM silver.orders AS o"
        " JOIN bronze.customers AS c ON o.customer_id = c.customer_id",
    )
    shop = project(*MODELS, joined)
    state = published(EMPTY, upload(EMPTY, landed("o1"), of=shop))
    tables = {
        name: table for name, table in state.tables.items() if name[:4] not in ("silv", "gold")
    }
    batch = planner.Batch(
        source="customers", landed=(landed("c1", customer_id=BIGINT, name=STRING),)
    )
    plan = planner.plan_uploads(shop, replace(state, tables=tables), batch, WHEN)
    assert {"silver.orders", "gold.names", "gold.customers", "gold.total"} <= set(builds(plan))


def test_an_upload_brings_the_other_tables_in_line_that_its_models_read() -> None:
    state = published(EMPTY, upload(EMPTY, landed("o1")))
    texts = tuple(
        replace(column, type=STRING) if column.name == "customer_id" else column
        for column in ORDERS.columns
    )
    edited = project(
        model(
            "silver.named_orders",
            "SELECT o.order_id, c.name FROM bronze.orders AS o"
            " LEFT JOIN bronze.customers AS c ON o.customer_id = c.customer_id",
        ),
        sources=(replace(SOURCES[0], contract=replace(ORDERS, columns=texts)),),
    )
    batch = planner.Batch(
        source="customers", landed=(landed("c1", customer_id=STRING, name=STRING),)
    )
    plan = planner.plan_uploads(edited, state, batch, WHEN)
    assert {"bronze:customers", "bronze:orders"} <= {step.name for step in plan.steps}


def test_all_uploads_of_a_source_must_be_known_only_where_some_are_read_again() -> None:
    state = replace(loaded_state(), listed=())
    assert builds(upload(state, landed("o9")))
    tighter = tuple(replace(column, is_required=True) for column in ORDERS.columns)
    edited = with_contract(replace(ORDERS, columns=tighter))
    with pytest.raises(planner.UploadsNeeded) as needed:
        upload(state, landed("o9"), of=edited)
    assert needed.value.source == "orders"
    assert bronze(upload(replace(state, listed=("orders",)), landed("o9"), of=edited)).is_rebuild
