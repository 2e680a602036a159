from collections.abc import Mapping

import pytest

from lakewright.errors import Problem, ProjectInvalid
from lakewright.project import load
from lakewright.project.environment import Environment, Retention
from lakewright.sql import types

SOURCE = "match: {}.csv\ncolumns: [{{name: id, type: int}}]\n"
BASE = {"lakewright.yaml": "name: x\n", "sources/a.yaml": SOURCE.format("a")}


def problems_of(
    files: Mapping[str, str], tables: Mapping[str, types.Schema] | None = None
) -> list[Problem]:
    with pytest.raises(ProjectInvalid) as refused:
        load.load(files, tables)
    return list(refused.value.problems)


def test_a_project_needs_no_more_than_a_name() -> None:
    found = load.load({"lakewright.yaml": "name: shop\n"})
    assert (found.name, dict(found.sources), dict(found.models)) == ("shop", {}, {})
    assert dict(found.environments) == {"local": Environment()}


def test_environments_say_where_and_how_a_project_runs() -> None:
    text = (
        "name: shop\nenvironments:\n"
        "  local: {storage: /data, threads: 2, memory_limit: 2GB}\n"
        "  tiny: {memory_limit: 512 MiB}\n"
        "  prod: {journal: 'postgresql://lake@db/lake'}\n"
        "  brief: {snapshots_kept: 7, orphans_kept: 12h}\n"
    )
    assert dict(load.load({"lakewright.yaml": text}).environments) == {
        "local": Environment(storage="/data", threads=2, memory_limit_bytes=2_000_000_000),
        "tiny": Environment(name="tiny", memory_limit_bytes=512 * 1024**2),
        "prod": Environment(name="prod", journal="postgresql://lake@db/lake"),
        "brief": Environment(
            name="brief", retention=Retention(snapshots_kept=7, orphans_kept_seconds=43_200)
        ),
    }


PROJECT_REFUSED = [
    ("«»description: x\n", "missing-key", "The project's name."),
    ("name: x\n«nam»: y\n", "unknown-key", "did you mean `name`?"),
    ("name: x\nenvironments: {a: {«thread»: 2}}\n", "unknown-key", "an environment takes"),
    ("name: x\nenvironments: {a: {threads: «0»}}\n", "wrong-value", "at least 1"),
    ("name: x\nenvironments: {a: {engine: «duck»}}\n", "wrong-value", "did you mean `duckdb`?"),
    ("name: x\nenvironments: {a: {memory_limit: «2»}}\n", "wrong-value", "as in 2GB"),
    ("name: x\nenvironments: «[»a]\n", "wrong-type", "keys and values"),
]


@pytest.mark.parametrize(("text", "code", "words"), PROJECT_REFUSED)
def test_a_mistake_in_the_project_file_is_told_at_its_place(
    check_refusal: object, text: str, code: str, words: str
) -> None:
    assert callable(check_refusal)
    check_refusal({"lakewright.yaml": text}, code, words)


LAYOUT = {
    "lakewright.yml": ("misplaced-file", "rename it to lakewright.yaml"),
    "sources/b.yml": ("misplaced-file", "sources/b.yaml"),
    "sources/deep/b.yaml": ("misplaced-file", "sources/b.yaml"),
    "sources/B-1.yaml": ("bad-name", "b_1.yaml"),
    "models/b.sql": ("misplaced-file", "models/silver/b.sql"),
    "models/glod/b.sql": ("misplaced-file", "models/gold/b.sql; the layers"),
    "models/bronze/b.sql": ("misplaced-file", "`silver` and `gold`"),
    "models/gold/deep/b.sql": ("misplaced-file", "models/gold/b.sql"),
    "models/gold/Big.sql": ("bad-name", "rename the file to big.sql"),
}


@pytest.mark.parametrize(("path", "expected"), LAYOUT.items())
def test_a_file_at_a_wrong_place_is_not_overlooked(path: str, expected: tuple[str, str]) -> None:
    is_source = path.startswith("sources")
    text = "match: b.csv\n" if is_source else "SELECT id FROM bronze.a"
    (problem,) = problems_of({**BASE, path: text})
    assert (problem.code, str(problem.where)) == (expected[0], path)
    assert expected[1] in problem.hint


def test_other_files_are_no_part_of_a_project() -> None:
    others = {"README.md": "x", "sources/notes.txt": "x", "models/x.txt": "x", "deep/a.sql": "x"}
    assert load.load({**BASE, **others}) == load.load(BASE)


def test_a_folder_without_the_project_file_is_no_project() -> None:
    (problem,) = problems_of({"sources/a.yaml": SOURCE.format("a")})
    assert (problem.code, str(problem.where)) == ("missing-file", "lakewright.yaml")


def test_two_sources_cannot_have_the_same_pattern(check_refusal: object) -> None:
    assert callable(check_refusal)
    files = {"sources/z.yaml": "match: ['z*', «\"orders*.csv\"»]\n"}
    check_refusal(files, "ambiguous-match", "`orders` has the pattern")


def test_models_are_in_an_order_in_which_they_can_be_built() -> None:
    found = load.load(
        {
            **BASE,
            "models/silver/a.sql": "SELECT id FROM silver.c",
            "models/silver/b.sql": (
                "-- checks: [{referential: {column: id, to: silver.z.id}}]\nSELECT id FROM bronze.a"
            ),
            "models/silver/c.sql": "SELECT id FROM silver.b",
            "models/silver/z.sql": "SELECT id FROM bronze.a",
            "models/gold/a.sql": "SELECT id FROM silver.a",
        }
    )
    assert tuple(found.models) == ("silver.z", "silver.b", "silver.c", "silver.a", "gold.a")
    assert found.resolved["gold.a"].lineage == {"id": ("silver.a.id",)}
    assert found.downstream(["silver.b"]) == ("silver.c", "silver.a", "gold.a")
    assert found.downstream(["bronze.a"])[0] == "silver.z"


CYCLES = [
    (
        {
            "models/silver/a.sql": "SELECT id FROM «silver.b»",
            "models/silver/b.sql": "SELECT id FROM silver.c",
            "models/silver/c.sql": "SELECT id FROM silver.a",
            "models/gold/d.sql": "SELECT nope FROM silver.a",
        },
        "silver.a → silver.b → silver.c → silver.a",
    ),
    ({"models/gold/a.sql": "SELECT id FROM «gold.a»"}, "gold.a → gold.a"),
    (
        {
            "models/silver/a.sql": "SELECT order_id FROM «silver.b»",
            "models/silver/b.sql": (
                "-- checks: [{referential: {column: order_id, to: silver.a.order_id}}]\n"
                "SELECT order_id FROM bronze.orders"
            ),
        },
        "silver.a → silver.b → silver.a",
    ),
]


@pytest.mark.parametrize(("files", "words"), CYCLES)
def test_models_that_need_each_other_are_told_as_one_circle(
    check_refusal: object, files: dict[str, str], words: str
) -> None:
    assert callable(check_refusal)
    check_refusal(files, "model-cycle", words)


def test_a_broken_file_adds_no_noise_to_those_that_need_it() -> None:
    files = {
        **BASE,
        "sources/b.yaml": "columns: [{name: id, type: intt}]",
        "models/silver/of_b.sql": "SELECT whatever FROM bronze.b",
        "models/silver/bad.sql": "SELECT nope FROM bronze.a",
        "models/gold/after.sql": (
            "-- checks: [{unique: whatever}]\nSELECT whatever FROM silver.bad"
        ),
        "models/gold/check.sql": (
            "-- checks: [{referential: {column: id, to: silver.bad.nope}}]\nSELECT id FROM bronze.a"
        ),
    }
    assert [str(each.where) for each in problems_of(files)] == [
        "models/silver/bad.sql:1:8",
        "sources/b.yaml:1:28",
    ]


def test_every_mistake_of_every_file_is_told_in_the_order_of_the_files() -> None:
    files = {
        "lakewright.yaml": "name: x\nnam: y\n",
        "sources/a.yaml": "columns: [{name: id, type: int}]\nkey: no\nx: 1\n",
        "models/silver/m.sql": "-- write: x\nSELECT nope, also_nope FROM bronze.a",
    }
    with pytest.raises(ProjectInvalid) as refused:
        load.load(files)
    assert [str(each.where) for each in refused.value.problems] == [
        "lakewright.yaml:2:1",
        "models/silver/m.sql:1:11",
        "sources/a.yaml:2:6",
        "sources/a.yaml:3:1",
    ]
    assert refused.value.what == "the project has 4 mistakes in 3 files"


def test_a_model_waits_for_the_first_file_of_a_source_without_columns() -> None:
    files = {
        "lakewright.yaml": "name: x",
        "sources/a.yaml": "match: a.csv\n",
        "models/silver/m.sql": "-- write: replace\nSELECT id FROM bronze.a",
        "models/gold/n.sql": "SELECT id FROM silver.m",
    }
    found = load.load(files)
    assert tuple(found.models) == ("silver.m", "gold.n")
    assert dict(found.resolved) == {}
    assert set(found.pending) == {"silver.m", "gold.n"}
    assert found.pending["gold.n"] == "waits for the first file of source a; upload one"
    there = types.Schema((types.Field(name="id", type=types.INT),))
    assert set(load.load(files, {"bronze.a": there}).resolved) == {"silver.m", "gold.n"}


def test_a_model_waits_for_a_source_that_nobody_has_declared_or_loaded() -> None:
    files = {
        **BASE,
        "models/silver/m.sql": "SELECT id FROM bronze.b",
        "models/silver/q.sql": "SELECT _reason FROM quarantine.b",
        "models/gold/n.sql": "SELECT id FROM silver.m",
        "models/gold/c.sql": "-- checks: [{referential: {column: id, to: bronze.b.id}}]\n"
        "SELECT id FROM bronze.a",
    }
    found = load.load(files)
    why = "waits for the first file of source b; upload one or declare it"
    assert dict(found.pending) == dict.fromkeys(["silver.m", "silver.q", "gold.n"], why)
    assert "gold.c" in found.resolved
    there = types.Schema((types.Field(name="id", type=types.INT),))
    assert load.load(files, {"bronze.b": there}).resolved["silver.m"].schema == there


def test_a_source_whose_name_resembles_a_known_one_is_waited_for_with_a_hint() -> None:
    files = {
        "lakewright.yaml": "name: x",
        "sources/orders.yaml": "match: a.csv\n",
        "models/silver/m.sql": "SELECT id FROM bronze.orders_old",
    }
    assert load.load(files).pending["silver.m"].endswith("; did you mean `orders`?")


@pytest.mark.parametrize("name", ["ordres", "order", "Ordrs"])
def test_a_source_whose_name_is_a_slip_of_the_pen_is_a_mistake(name: str) -> None:
    files = {
        "lakewright.yaml": "name: x",
        "sources/orders.yaml": "columns: [{name: id, type: int}]\n",
        "models/silver/m.sql": f"SELECT id FROM bronze.{name}",
    }
    (problem,) = problems_of(files)
    assert str(problem.where) == "models/silver/m.sql:1:16"
    assert "did you mean bronze.orders" in problem.hint


def test_bronze_has_the_columns_and_types_that_files_have_added() -> None:
    files = {**BASE, "models/silver/m.sql": "SELECT id, extra FROM bronze.a"}
    evolved = types.Schema(
        (
            types.Field(name="id", type=types.BIGINT),
            types.Field(name="_record", type=types.BIGINT),
            types.Field(name="extra", type=types.STRING),
        )
    )
    found = load.load(files, {"bronze.a": evolved}).resolved["silver.m"].schema
    assert [(each.name, each.type) for each in found.fields] == [
        ("id", types.BIGINT),
        ("extra", types.STRING),
    ]


def test_a_table_that_no_model_makes_any_more_cannot_be_read() -> None:
    files = {**BASE, "models/gold/m.sql": "SELECT id FROM silver.gone"}
    there = types.Schema((types.Field(name="id", type=types.INT),))
    (problem,) = problems_of(files, {"silver.gone": there})
    assert str(problem.where) == "models/gold/m.sql:1:16"


def test_loading_depends_on_nothing_but_the_files() -> None:
    files = {**BASE, "models/silver/m.sql": "SELECT id FROM bronze.a"}
    assert load.load(files) == load.load(dict(reversed(files.items())))


def of(**columns: types.Type) -> types.Schema:
    return types.Schema(tuple(types.Field(name=name, type=columns[name]) for name in columns))


def test_what_a_file_has_brought_never_makes_a_project_invalid() -> None:
    files = {
        **BASE,
        "models/silver/m.sql": "SELECT id, price FROM bronze.seen",
        "models/gold/n.sql": "SELECT id FROM silver.m",
        "models/gold/o.sql": "SELECT id FROM gold.n",
        "models/gold/apart.sql": "SELECT id FROM bronze.a",
    }
    assert set(load.load(files).pending) == {"silver.m", "gold.n", "gold.o"}
    found = load.load(files, {"bronze.seen": of(id=types.INT, amount=types.INT)})
    assert set(found.resolved) == {"gold.apart"}
    (problem,) = found.unfit["silver.m"]
    assert (problem.code, str(problem.where), problem.what) == (
        "model-unfit",
        "models/silver/m.sql:1:12",
        "silver.m cannot be built: there is no column 'price'",
    )
    waits = "waits for silver.m, which does not fit the columns that files have brought"
    assert dict(found.pending) == {
        "silver.m": "does not fit the columns that files have brought: there is no column 'price'",
        "gold.n": waits,
        "gold.o": waits,
    }


FITTED = {
    "a column that files made wider": (
        "SELECT id + 1 AS next FROM bronze.a", {"id": types.STRING}, True,
    ),
    "a column that files added": (
        "SELECT note + 1 AS next FROM bronze.a", {"id": types.INT, "note": types.STRING}, True,
    ),
    "settings over what files added": (
        "-- checks: [{unique: note}]\nSELECT * FROM bronze.seen", {"id": types.INT}, True,
    ),
    "a column that no file can bring to a declared source": (
        "SELECT nope FROM bronze.a", {"id": types.INT, "note": types.STRING}, False,
    ),
    "settings that the query alone proves wrong": (
        "-- checks: [{unique: nope}]\nSELECT id FROM bronze.a", {"id": types.STRING}, False,
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", FITTED)
def test_a_mistake_that_the_declared_columns_prove_stays_a_mistake(case: str) -> None:
    sql, columns, is_held_back = FITTED[case]
    source = BASE["sources/a.yaml"] + "evolution: {wider_types: evolve}\n"
    files = {**BASE, "sources/a.yaml": source, "models/silver/m.sql": sql}
    there = {"bronze.a": of(**columns), "bronze.seen": of(**columns)}
    if is_held_back:
        assert set(load.load(files, there).unfit) == {"silver.m"}
    else:
        assert "nope" in problems_of(files, there)[0].what


def test_a_source_of_a_similar_name_that_a_file_made_is_no_mistake_of_a_model() -> None:
    files = {"lakewright.yaml": "name: x", "models/silver/m.sql": "SELECT id FROM bronze.parcels"}
    found = load.load(files, {"bronze.parcel": of(id=types.INT)})
    assert "did you mean `parcel`?" in found.pending["silver.m"]
