from pathlib import Path

from tests.cli.conftest import Shop, Type


def test_the_list_has_every_delivery_newest_first(shop: Shop) -> None:
    listed = shop.say("uploads", "list", "--json").json
    assert isinstance(listed, list)
    assert [each["file_name"] for each in listed] == ["orders.csv", "customers.csv"]
    of_one = shop.say("uploads", "list", "--source", "customers", "--json").json
    assert isinstance(of_one, list)
    assert [each["file_name"] for each in of_one] == ["customers.csv"]


def test_an_upload_is_shown_by_the_first_letters_of_its_id(shop: Shop) -> None:
    listed = shop.say("uploads", "list", "--json").json
    assert isinstance(listed, list)
    said = shop.say("uploads", "show", listed[0]["upload_id"][:8])
    assert said.code == 0
    assert "records   4 in = 3 loaded + 1 quarantined" in said.out
    assert listed[0]["sha256"] in said.out


def test_an_unknown_id_is_not_found_and_the_hint_names_the_list(shop: Shop) -> None:
    said = shop.say("uploads", "show", "zzz")
    assert said.code == 5
    assert "`lakewright uploads list` shows them" in said.err


def test_a_removed_upload_leaves_every_table_and_may_come_again(own_shop: Shop) -> None:
    listed = own_shop.say("uploads", "list", "--source", "customers", "--json").json
    assert isinstance(listed, list)
    said = own_shop.say("uploads", "remove", listed[0]["upload_id"])
    assert said.code == 0, said.err
    assert own_shop.ask("SELECT count(*) AS n FROM bronze.customers") == [[0]]
    assert own_shop.ask("SELECT count(name) AS n FROM gold.customer_metrics") == [[0]]
    again = own_shop.say("upload", str(own_shop.folder / "customers.csv"), "--json")
    assert [each["status"] for each in again.jsons] == ["loaded"]


def test_an_upload_tells_how_it_differed_and_why_records_were_refused(
    lakewright: Type, tmp_path: Path
) -> None:
    lakewright("init", "lake")
    (tmp_path / "days.csv").write_text("Day,number\n1,2\n2,3\n")
    assert lakewright("upload", "days.csv", "--project", "lake").code == 0
    (tmp_path / "days_2.csv").write_text("day,number,more\n1,2.5,x\n")
    said = lakewright("upload", "days_2.csv", "--project", "lake")
    told = [
        "~ day: called 'day' instead of 'Day'",
        "~ number: bigint -> double; the table follows",
        "+ more: new, string; the table gets it",
    ]
    assert [line.strip() for line in said.out.splitlines()[2:5]] == told
    (answer,) = lakewright("upload", "days_2.csv", "--again", "--project", "lake", "--json").jsons
    renamed = [{"kind": "renamed", "column": "day", "before": "Day", "after": "day",
                "answer": None}]  # fmt: skip
    assert answer["differences"] == renamed
    upload_id = str(answer["upload_id"])
    shown = lakewright("uploads", "show", upload_id, "--project", "lake", "--json").json
    assert isinstance(shown, dict)
    assert (shown["differences"], shown["reasons"]) == (renamed, [])


def test_a_plan_shows_how_files_would_differ(lakewright: Type, tmp_path: Path) -> None:
    lakewright("init", "lake")
    (tmp_path / "days.csv").write_text("day,number\n1,2\n")
    assert lakewright("upload", "days.csv", "--project", "lake").code == 0
    (tmp_path / "days_2.csv").write_text("day\n1\n")
    said = lakewright("plan", "days_2.csv", "--project", "lake")
    assert "differences from the contract" in said.out
    assert "- number: missing; null stands in for it" in said.out


def test_too_many_bad_records_fail_with_their_reasons_and_say_where_all_are_told(
    lakewright: Type, tmp_path: Path
) -> None:
    lakewright("init", "lake")
    (tmp_path / "lake" / "sources").mkdir()
    (tmp_path / "lake" / "sources" / "days.yaml").write_text(
        "columns: [{name: day, type: int}, {name: number, type: int}]\n"
    )
    (tmp_path / "days.csv").write_text("day,number\n1,a\n2,b\nc,3\n4,4\n")
    said = lakewright("upload", "days.csv", "--project", "lake")
    assert said.code == 1
    assert "2 records: number: not a whole number" in said.err
    assert "(the first is record 1 at byte 11)" in said.err
    (hint,) = [line for line in said.err.splitlines() if "hint" in line]
    shown = lakewright(*hint.split("`")[1].split()[1:], "--project", "lake")
    assert "status    failed" in shown.out
    assert "1 record: day: not a whole number" in shown.out


SUSPECT = "id,name\n"
"""A header and no record."""


def _suspect_lake(lakewright: Type, tmp_path: Path, answer: str) -> None:
    lakewright("init", "lake")
    (tmp_path / "lake" / "sources").mkdir()
    (tmp_path / "lake" / "sources" / "people.yaml").write_text(f"suspects: {answer}\n")
    (tmp_path / "people.csv").write_text(SUSPECT)


def test_a_suspect_file_is_never_shown_as_plain_success(lakewright: Type, tmp_path: Path) -> None:
    _suspect_lake(lakewright, tmp_path, "load")
    at = ("--project", "lake")
    said = lakewright("upload", "people.csv", "--strict", *at)
    assert said.code == 3
    assert "people.csv: suspect (source people)" in said.out
    assert "suspect: " in said.out.splitlines()[2]
    assert "suspect" in lakewright("uploads", "list", *at).out
    assert "succeeded, suspect" in lakewright("runs", "list", *at).out
    shown = lakewright("runs", "show", *at).out
    assert "status  succeeded, suspect" in shown
    assert "suspect: people.csv: " in shown
    listed = lakewright("uploads", "list", "--json", *at).json
    assert isinstance(listed, list)
    assert "suspect" in lakewright("uploads", "show", listed[0]["upload_id"][:8], *at).out


def test_a_source_may_refuse_suspects_and_take_them_once_it_says_otherwise(
    lakewright: Type, tmp_path: Path
) -> None:
    _suspect_lake(lakewright, tmp_path, "refuse")
    at = ("--project", "lake")
    assert "may have been misread" in lakewright("plan", "people.csv", *at).out
    said = lakewright("upload", "people.csv", "--json", *at)
    assert said.code == 1
    (answer,) = said.jsons
    assert isinstance(answer["error"], dict)
    assert (answer["status"], answer["error"]["code"]) == ("failed", "file-suspect")
    assert answer["error"]["problems"][0]["why"]
    assert lakewright("tables", "list", "--json", *at).json == []
    raw = list((tmp_path / "lake" / ".lakewright" / "raw").rglob("*"))
    assert any(path.is_file() and path.read_text() == SUSPECT for path in raw)
    (tmp_path / "lake" / "sources" / "people.yaml").write_text("suspects: load\n")
    (answer,) = lakewright("upload", "people.csv", "--json", *at).jsons
    assert answer["status"] == "suspect"
    (tmp_path / "lake" / "sources" / "people.yaml").write_text("suspects: refuse\n")
    again = lakewright("upload", "people.csv", "--again", *at)
    assert again.code == 1
    assert "people.csv: failed, so what was loaded of it before stays" in again.out
    rebuilt = lakewright("sources", "rebuild", "people", *at)
    assert rebuilt.code == 0, "what a table holds was judged when it came: " + rebuilt.err


def test_a_file_name_in_place_of_an_id_is_answered_with_the_id(shop: Shop) -> None:
    listed = shop.say("uploads", "list", "--json").json
    assert isinstance(listed, list)
    for verb in ("show", "remove"):
        said = shop.say("uploads", verb, "orders.csv")
        assert said.code == 5
        assert f"hint: name it by its id: {listed[0]['upload_id']}" in said.err
