"""Python models, carried out by the embedded engine as unit tests carry them out."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from lakewright.engines import unit_tests
from lakewright.engines.duckdb import session
from lakewright.engines.duckdb.engine import DuckDbEngine
from lakewright.engines.unit_tests import Outcome, Status
from lakewright.project import load

FILES = {
    "lakewright.yaml": "name: shop\n",
    "sources/orders.yaml": "columns: [{name: id, type: bigint}, {name: word, type: string}]\n",
    "sources/others.yaml": "columns: [{name: id, type: bigint}]\n",
    "tests/t.yaml": (
        "model: silver.scored\ntests:\n  a:\n"
        "    given: {bronze.orders: [{id: 1, word: x}, {id: 2}]}\n"
        "    expect: [{id: 1, word: x}, {id: 2, word: ~}]\n"
    ),
}
COLUMNS = "{name: id, type: bigint}, {name: word, type: string}"


def run(tmp_path: Path, body: str, columns: str = COLUMNS, settings: str = "") -> Outcome:
    text = f'"""\nreads: bronze.orders\ncolumns: [{columns}]\n{settings}"""\n{body}'
    project = load.load({**FILES, "models/silver/scored.py": text})
    connection = session.connect(
        folders=[str(tmp_path)],
        temp_folder=str(tmp_path / "spill"),
        threads=2,
        memory_limit_bytes=2**29,
    )
    bench = unit_tests.Bench(
        engine_at=lambda moment: DuckDbEngine(connection, lambda: moment or datetime.now(UTC)),
        folder=tmp_path / "tests",
    )
    (found,) = unit_tests.run(project, project.select_tests(()), bench)
    return found


@pytest.mark.parametrize(
    "body",
    [
        "def model(inputs):\n    return inputs.arrow('bronze.orders').select(['word', 'id'])\n",
        "def model(inputs):\n    return inputs.relation('bronze.orders').project('id, word')\n",
        (
            "def model(inputs):\n    found = inputs.arrow('bronze.orders').select(['id', 'word'])\n"
            "    return found.to_reader()\n"
        ),
        (
            "import pyarrow as pa\ndef model(inputs):\n"
            "    id = pa.array([1, 2], pa.int32())\n"
            "    word = pa.array(['x', None]).dictionary_encode()\n"
            "    return pa.table({'id': id, 'word': word})\n"
        ),
    ],
)
def test_what_a_function_returns_becomes_the_declared_table(tmp_path: Path, body: str) -> None:
    found = run(tmp_path, body)
    assert found.status is Status.PASSED, found


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("def model(inputs):\n    return inputs.arrow('bronze.others')\n",
         "not among the tables that the model declares to read: bronze.orders"),
        ("def model(inputs):\n    return [1]\n", "it returns list"),
        ("def model(inputs):\n    return inputs.relation('bronze.orders').project('id')\n",
         "it lacks the column word"),
        ("def model(inputs):\n    return inputs.arrow('bronze.orders')\n",
         "a column _upload_id that is not declared"),
        (("def model(inputs):\n    return inputs.relation('bronze.orders')"
         ".project('id::varchar AS id, word')\n"), "id is string, and bigint is declared"),
        (("def model(inputs):\n    return inputs.relation('bronze.orders')"
         ".project('(id::hugeint + 9223372036854775807)::varchar::decimal(38,0) AS id, word')\n"),
         "id is decimal128"),
        ("def model(inputs):\n    return helper(0)\n\ndef helper(x):\n    return 1 / x\n",
         'File "models/silver/scored.py", line 9, in helper'),
        ("def model(inputs):\n    raise SystemExit(3)\n", "SystemExit: 3"),
        ("import nothing_of_the_kind\ndef model(inputs):\n    return inputs\n",
         "ModuleNotFoundError"),
    ],
)  # fmt: skip
def test_what_a_function_does_wrong_fails_its_build_and_is_told(
    tmp_path: Path, body: str, words: str
) -> None:
    found = run(tmp_path, body)
    assert found.status is Status.FAILED
    assert found.problem is not None
    told = f"{found.problem.what}\n{found.problem.why}"
    assert words in told
    assert "lakewright/engines" not in told


def test_a_function_for_spark_only_is_not_run_here(tmp_path: Path) -> None:
    body = "raise SystemExit\ndef model(inputs):\n    return inputs\n"
    found = run(tmp_path, body, settings="engines: spark\n")
    assert found.problem is not None
    assert "runs on spark only" in found.problem.what
