import sys
from pathlib import Path

import pytest

from lakewright.cli import sources
from tests.cli.conftest import RETURN, Shop, Type
from tests.cli.test_output import Terminal

GERMAN = "Datum;Händler;Betrag\n31/01/2026;Müller;1.234,50\n13/02/2026;Özdemir;7,00\n"


def test_sources_are_listed_with_the_rows_of_their_tables(shop: Shop) -> None:
    listed = shop.say("sources", "list", "--json").json
    assert isinstance(listed, list)
    assert [(each["source"], each["rows"], each["declared_in"]) for each in listed] == [
        ("customers", 2, "sources/customers.yaml"),
        ("orders", 3, "sources/orders.yaml"),
    ]


def test_a_source_has_the_columns_of_its_files_whether_declared_or_not(own_shop: Shop) -> None:
    def columns() -> dict[str, int]:
        listed = own_shop.say("sources", "list", "--json").json
        assert isinstance(listed, list)
        return {each["source"]: each["columns"] for each in listed}

    assert own_shop.say("upload", own_shop.file("pets.csv", "a,b\n1,2\n")).code == 0
    declared = {"customers": 5, "orders": 8}
    assert columns() == declared | {"pets": 2}
    assert own_shop.say("upload", own_shop.file("pets_2.csv", "a,b,c\n1,2,3\n")).code == 0
    assert columns() == declared | {"pets": 3}


def test_a_file_suggests_its_source_and_saving_adopts_it(lakewright: Type, tmp_path: Path) -> None:
    lakewright("init", "lake")
    (tmp_path / "umsatz_2026.csv").write_text(GERMAN, "utf-8")
    said = lakewright("sources", "infer", "umsatz_2026.csv", "--json")
    assert isinstance(said.json, dict)
    assert said.json["name"] == "umsatz"
    assert said.json["records"] == 2
    saved = lakewright("sources", "infer", "umsatz_2026.csv", "--save", "--project", "lake")
    assert saved.code == 0, saved.err
    text = (tmp_path / "lake" / "sources" / "umsatz.yaml").read_text("utf-8")
    assert 'delimiter: ";"' in text
    assert "{name: handler, type: string, source_name: Händler}" in text
    again = lakewright("sources", "infer", "umsatz_2026.csv", "--save", "--project", "lake")
    assert again.code == 6


def test_reading_writes_what_zero_configuration_reads_as_text(
    lakewright: Type, tmp_path: Path
) -> None:
    (tmp_path / "a.csv").write_text(GERMAN, "utf-8")
    said = lakewright("sources", "read", "a.csv", "--json")
    assert said.json == {
        "records": 2, "mended": 0, "refused": 0, "suspicions": [], "confidence": 1.0,
        "output": None,
        "csv": 'Datum,Händler,Betrag\r\n31/01/2026,Müller,"1.234,50"\r\n'
        '13/02/2026,Özdemir,"7,00"\r\n',
    }  # fmt: skip
    assert lakewright("sources", "read", "a.csv", "--output", "b.csv").code == 0
    assert (tmp_path / "b.csv").read_bytes().decode().startswith("Datum,Händler,Betrag\r\n")


def test_strict_reading_minds_a_suspicious_file(lakewright: Type, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a,b\n1,2\n3\n4,5\n")
    assert lakewright("sources", "read", "a.csv", "--output", "b.csv", "--strict").code == 3


def test_reading_tells_what_loading_would_refuse(lakewright: Type, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a,b,c\n1,2,3\n4,5\n6,7,8\n\nsum: 3\n")
    said = lakewright("sources", "read", "a.csv", "--output", "b.csv")
    assert (tmp_path / "b.csv").read_bytes() == b"a,b,c\r\n1,2,3\r\n4,5,\r\n6,7,8\r\n"
    assert "loading would refuse 2: 1 written as far as they can be read, 1 left out" in said.err


def test_an_empty_file_is_read_as_nothing_and_suspect(lakewright: Type, tmp_path: Path) -> None:
    (tmp_path / "a.csv").touch()
    said = lakewright("sources", "read", "a.csv", "--output", "b.csv")
    assert (said.code, (tmp_path / "b.csv").read_bytes()) == (0, b"")
    assert "suspect: the file is empty" in said.err
    assert lakewright("sources", "read", "a.csv", "--output", "b.csv", "--strict").code == 3


def test_inferring_says_how_sure_it_is(lakewright: Type, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id||name\n1||a\n2||b\n")
    said = lakewright("sources", "infer", "a.csv")
    assert "confidence 1.00 of 1" in said.out
    assert "delimiter '||': 100%" in said.out
    assert '"confidence":1.0' in lakewright("sources", "infer", "a.csv", "--json").out


def test_a_file_that_is_not_there_is_not_found(lakewright: Type) -> None:
    assert lakewright("sources", "infer", "gone.csv").code == 5
    assert lakewright("sources", "read", "gone.csv").code == 5


def test_a_rebuild_reads_every_raw_file_again_under_the_present_contract(own_shop: Shop) -> None:
    assert own_shop.say("upload", own_shop.file("orders_2.csv", RETURN)).code == 0
    before = own_shop.ask("SELECT order_id FROM bronze.orders ORDER BY order_id")
    said = own_shop.say("sources", "rebuild", "orders", "--json")
    assert said.code == 0, said.err
    (run,) = said.jsons
    assert isinstance(run["request"], dict)
    assert run["request"]["kind"] == "rebuild"
    assert own_shop.ask("SELECT order_id FROM bronze.orders ORDER BY order_id") == before
    steps = own_shop.say("runs", "show").out
    assert "bronze:orders" in steps
    shown = own_shop.say("tables", "history", "bronze.orders", "--json").json
    assert isinstance(shown, list)
    assert shown[0]["run_id"] == run["run_id"]


def test_a_source_without_a_loaded_file_cannot_be_rebuilt(shop: Shop) -> None:
    assert shop.say("sources", "rebuild", "nothing").code == 5


def test_records_that_are_read_onto_a_terminal_cannot_speak_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "a.csv"
    file.write_text("name,note\nann,\x1b]0;owned\x07\nbob,\u202e\n", "utf-8")
    screen = Terminal()
    monkeypatch.setattr(sys, "stdout", screen)
    assert sources.read(file) == 0
    lines = screen.getvalue().split("\n")
    assert lines == ["name,note", "ann,\\x1b]0;owned\\x07", "bob,\\u202e", ""]


def test_a_file_is_shown_and_written_as_is_said(lakewright: Type, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("1;x,y\n2;z\n", "utf-8")
    options = ("--format", "delimiter=;", "--format", "header=false")
    read = lakewright("sources", "read", "a.csv", *options, "--format", "csv")
    assert (read.code, read.out) == (0, '1,"x,y"\r\n2,z\r\n')
    inferred = lakewright("sources", "infer", "a.csv", *options, "--json")
    assert isinstance(inferred.json, dict)
    assert inferred.json["records"] == 2
    assert 'delimiter: ";"' in str(inferred.json["source"])
    for command in ("infer", "read"):
        wrong = lakewright("sources", command, "a.csv", "--format", "delimeter=;")
        assert wrong.code == 2
        assert "did you mean `delimiter`?" in wrong.err


def test_a_record_that_cannot_be_read_is_shown_beside_wide_ones(
    lakewright: Type, tmp_path: Path
) -> None:
    (tmp_path / "a.csv").write_text('a,b\n1,2\n3,4\n"5,6\n7,8\n', "utf-8")
    said = lakewright("sources", "infer", "a.csv")
    assert said.code == 0, said.err
    assert "the source that it suggests" in said.out
