from pathlib import Path

import pytest

from lakewright.cli import examples
from tests.cli.conftest import Type


@pytest.mark.parametrize("name", examples.names())
def test_the_tests_of_every_example_pass_before_any_file_has_come(
    lakewright: Type, name: str
) -> None:
    lakewright("init", "lake", "--example", name)
    said = lakewright("test", "--project", "lake")
    assert said.code == 0, said.out
    assert said.out.splitlines()[-1].endswith("tests passed")


def _wrong(folder: Path) -> None:
    path = folder / "tests" / "customer_metrics.yaml"
    text = path.read_text("utf-8")
    path.write_text(text.replace("revenue: 10.50", "revenue: 10.60"), "utf-8")


def test_a_difference_is_shown_cell_by_cell_and_fails(lakewright: Type, tmp_path: Path) -> None:
    lakewright("init", "lake", "--example", "shop")
    _wrong(tmp_path / "lake")
    said = lakewright("test", "gold.customer_metrics", "--project", "lake")
    assert said.code == 1
    assert "failed  customer_metrics::returned_orders_earn_nothing" in said.out
    assert "tests/customer_metrics.yaml:3:3: the rows differ" in said.out
    assert "10.60 → 10.50" in said.out
    assert "2 tests passed, 1 failed" in said.out
    told = lakewright("test", "customer_metrics", "--project", "lake", "--json")
    assert told.code == 1
    answer = told.json
    assert isinstance(answer, dict)
    assert (answer["passed"], answer["failed"], answer["waiting"]) == (2, 1, 0)


def test_a_test_of_a_model_that_waits_does_not_count_as_passed(
    lakewright: Type, tmp_path: Path
) -> None:
    lakewright("init", "lake", "--name", "lake")
    for path, text in {
        "models/silver/parcels.sql": "SELECT weight FROM bronze.parcels\n",
        "tests/parcels.yaml": "model: silver.parcels\ntests:\n"
        "  a: {given: {bronze.parcels: []}, expect: []}\n",
    }.items():
        file = tmp_path / "lake" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
    said = lakewright("test", "--project", "lake")
    assert said.code == 1
    assert "waiting parcels::a" in said.out
    assert "0 tests passed, 1 waiting" in said.out


def test_a_mistake_in_a_test_keeps_no_file_from_being_loaded(
    lakewright: Type, tmp_path: Path
) -> None:
    lakewright("init", "lake", "--example", "shop")
    (tmp_path / "lake" / "tests" / "wrong.yaml").write_text("model: silver.x\n", "utf-8")
    assert lakewright("validate", "--project", "lake").code == 2
    assert lakewright("test", "--project", "lake").code == 2
    assert lakewright("plan", "--project", "lake").code == 0


def test_a_name_that_means_no_test_is_told_the_nearest(lakewright: Type) -> None:
    lakewright("init", "lake", "--example", "shop")
    said = lakewright("test", "order", "--project", "lake")
    assert said.code == 5
    assert "did you mean `orders`?" in said.err


def test_a_project_without_tests_is_told_where_they_go(lakewright: Type) -> None:
    lakewright("init", "lake", "--name", "lake")
    said = lakewright("test", "--project", "lake")
    assert (said.code, said.out) == (0, "")
    assert "tests/<name>.yaml" in said.err
