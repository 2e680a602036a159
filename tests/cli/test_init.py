from pathlib import Path

from tests.cli.conftest import Type

SALES = "Datum;Händler;Betrag\n31/01/2026;Müller;1.234,50\n13/02/2026;Özdemir;7,00\n"


def test_an_empty_project_is_a_project(lakewright: Type, tmp_path: Path) -> None:
    said = lakewright("init", "lake", "--json")
    assert said.json == {
        "folder": str(tmp_path / "lake"), "files": ["lakewright.yaml", ".gitignore"],
    }  # fmt: skip
    assert lakewright("validate", "--project", "lake").code == 0


def test_a_project_made_from_a_file_takes_it_from_raw_to_gold(
    lakewright: Type, tmp_path: Path
) -> None:
    (tmp_path / "sales.csv").write_text(SALES, "utf-8")
    said = lakewright("init", "lake", "--from", "sales.csv")
    assert said.code == 0, said.err
    assert "models/gold/sales_completeness.sql" in said.out
    assert "next: cd lake && lakewright upload ../sales.csv" in said.err
    loaded = lakewright("upload", "sales.csv", "--project", "lake")
    assert loaded.code == 0, loaded.err
    answer = lakewright("sql", "SELECT * FROM gold.sales_completeness", "--json",
                        "--project", "lake").json  # fmt: skip
    assert isinstance(answer, dict)
    assert answer["rows"] == [[2, 2, 2, 2]]


def test_nothing_that_is_there_is_overwritten(lakewright: Type, tmp_path: Path) -> None:
    lakewright("init", "lake")
    assert lakewright("init", "lake").code == 6
    assert lakewright("init", "lake", "--example", "shop").code == 6


def test_an_unknown_example_is_told_with_those_that_exist(lakewright: Type) -> None:
    said = lakewright("init", "lake", "--example", "moon")
    assert said.code == 5
    assert "flights, shop" in said.err


def test_example_and_from_exclude_each_other(lakewright: Type) -> None:
    assert lakewright("init", "lake", "--example", "shop", "--from", "a.csv").code == 2


def test_a_folder_behind_the_files_is_told_where_it_belongs(
    lakewright: Type, tmp_path: Path
) -> None:
    (tmp_path / "a b.csv").write_text(SALES, "utf-8")
    (tmp_path / "there").mkdir()
    for folder in ("lake", "there"):
        said = lakewright("init", "--from", "a b.csv", folder)
        assert said.code == 2
        assert (
            f"put the folder before --from: `lakewright init {folder} --from 'a b.csv'`" in said.err
        )
    assert not (tmp_path / "lakewright.yaml").exists()
