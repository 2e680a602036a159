"""What is said of one file's format holds whenever the file is read, and for no other file."""

from collections.abc import Sequence

import pytest

from tests.system.conftest import House

PEOPLE = """
match: people*.csv
format: csv
columns:
  - {name: id, type: bigint}
  - {name: name, type: string}
"""
COMMAS = "id,name\n1,Ada\n2,Bob\n"
BARS = "3|x,y\n4|Cy\n"
AS_BARS = ("--source", "people", "--format", "delimiter=|", "--format", "header=false")
ROWS = [(1, "Ada"), (2, "Bob"), (3, "x,y"), (4, "Cy")]


def people(house: House, columns: Sequence[str] = ("id", "name")) -> list[tuple[object, ...]]:
    table = house.table("bronze.people")
    return sorted(zip(*(table.column(name).to_pylist() for name in columns), strict=True))


def upload_id(house: House, file_name: str) -> str:
    (found,) = [each for each in house.ask("uploads", "list") if each["file_name"] == file_name]
    return str(found["upload_id"])


def deliver(house: House, *, is_odd_first: bool = False) -> None:
    """Two files, of which the second is written in its own way."""
    house.write({"sources/people.yaml": PEOPLE})
    commands = [(house.file("people.csv", COMMAS),), (house.file("odd.txt", BARS), *AS_BARS)]
    for command in reversed(commands) if is_odd_first else commands:
        house.upload(*command)


@pytest.mark.parametrize("is_odd_first", [False, True])
def test_one_file_is_read_as_is_said_and_others_as_their_source_says(
    house: House, is_odd_first: bool
) -> None:
    deliver(house, is_odd_first=is_odd_first)
    assert people(house) == ROWS
    house.ask("sources", "rebuild", "people")
    assert people(house) == ROWS


@pytest.mark.parametrize(
    "command",
    [("sources", "rebuild", "people"), ("quarantine", "replay", "people", "--upload", "{odd}"),
     ("upload", "{file}", "--source", "people", "--again")],
)  # fmt: skip
def test_whatever_reads_a_file_again_reads_it_alike(house: House, command: Sequence[str]) -> None:
    deliver(house)
    before = people(house, ("id", "name", "_upload_id", "_record"))
    odd = upload_id(house, "odd.txt")
    file = str(house.file("odd.txt", BARS))
    answer = house.do(*(word.format(odd=odd, file=file) for word in command))
    assert answer.code == 0, answer.out + answer.err
    assert people(house, ("id", "name", "_upload_id", "_record")) == before
    shown = house.ask("uploads", "show", odd)
    assert shown["format"] == {"delimiter": "|", "header": "false"}


def test_said_again_it_is_read_anew_and_stays_so(house: House) -> None:
    house.write({"sources/people.yaml": PEOPLE})
    file = house.file("people.csv", "id;name\n1;Ada, Lady\n2;Bob\n")
    house.upload(file)
    house.upload(file, "--again", "--format", "delimiter=;")
    assert people(house) == [(1, "Ada, Lady"), (2, "Bob")]
    house.ask("sources", "rebuild", "people")
    assert people(house) == [(1, "Ada, Lady"), (2, "Bob")]
    house.upload(file, "--again", "--format", "auto")
    assert house.ask("uploads", "show", upload_id(house, "people.csv"))["format"] == {}


def test_a_reading_that_fails_leaves_the_one_that_holds(house: House) -> None:
    deliver(house)
    again = house.do(
        "upload", house.file("odd.txt", BARS), "--source", "people", "--again",
        "--format", "type=parquet",
    )  # fmt: skip
    assert again.code == 1
    assert "odd.txt is no Parquet file" in again.err
    house.ask("sources", "rebuild", "people")
    assert people(house) == ROWS


def test_a_retry_reads_as_its_run_was_asked_to(house: House) -> None:
    house.write({"sources/people.yaml": PEOPLE.replace("bigint", "date")})
    failed = house.do("upload", house.file("odd.txt", BARS), *AS_BARS, "--json")
    assert failed.code == 1
    house.write({"sources/people.yaml": PEOPLE})
    house.ask("runs", "retry", failed.json["run_id"])
    assert people(house) == [(3, "x,y"), (4, "Cy")]


def test_a_refused_reading_does_not_take_part_when_its_run_makes_the_table_anew(
    house: House,
) -> None:
    evolution = "evolution: {missing_columns: freeze, wider_types: evolve}\n"
    house.write({"sources/people.yaml": PEOPLE + evolution})
    first = house.file("people.csv", COMMAS)
    house.upload(first)
    wide = house.file("people_2.csv", "id,name\nx,Cy\n")
    taken = [
        house.warm.accept(first, None, is_again=True, look={"delimiter": ";"}),
        house.warm.accept(wide, None, is_again=False),
    ]
    assert len({each.run_id for each in taken}) == 1
    house.warm.work([taken[0].run_id])
    assert people(house) == [("1", "Ada"), ("2", "Bob"), ("x", "Cy")]
    assert house.warm.journal.reading.upload(taken[0].upload.upload_id).format == {}


def test_another_reading_of_loaded_bytes_is_refused_and_the_way_to_it_told(house: House) -> None:
    deliver(house)
    file = house.file("odd.txt", BARS)
    said = house.do("upload", file, "--source", "people", "--format", "delimiter=,")
    assert said.code == 6
    assert "odd.txt is loaded already, and was read another way" in said.err
    assert "odd.txt --again --source people --format=delimiter=," in " ".join(said.err.split())
    assert people(house) == ROWS
    assert house.upload(file, *AS_BARS)[0]["status"] == "already_loaded"
    [known] = house.upload(file, "--source", "people")
    assert known["status"] == "already_loaded"
    assert known["format"] == {"delimiter": "|", "header": "false"}


def test_another_reading_of_bytes_that_wait_is_refused(house: House) -> None:
    house.write({"sources/people.yaml": PEOPLE})
    file = house.file("people.csv", COMMAS)
    house.warm.accept(file, None, is_again=False)
    said = house.do("upload", file, "--format", "delimiter=;")
    assert said.code == 6
    assert "people.csv waits to be read another way" in said.err
    assert house.do("run").code == 0
    assert people(house) == [(1, "Ada"), (2, "Bob")]


def test_what_is_wrong_is_refused_before_anything_is_kept(house: House) -> None:
    house.write({"sources/people.yaml": PEOPLE})
    file = house.file("people.csv", COMMAS)
    for words, told in (
        (("delimeter=;",), "did you mean `delimiter`?"),
        (("sheet=2",), "say `--format type=excel` too"),
        (("delimiter=;", "quote=;"), "cannot be the delimiter and something else too"),
    ):
        options = [part for word in words for part in ("--format", word)]
        said = house.do("upload", file, *options)
        assert said.code == 2
        assert told in " ".join(said.err.split())
        assert house.do("plan", file, *options).code == 2
    assert house.ask("uploads", "list") == []


def test_what_is_left_open_is_decided_by_looking(house: House) -> None:
    file = house.file("numbers.txt", "1;2\n3;4\n")
    [found] = house.upload(file, "--format", "header=false")
    assert found["rows_loaded"] == 2
    assert house.table("bronze.numbers").column("column_2").to_pylist() == [2, 4]
    packed = house.file("values.json", '[{"a": 1}]')
    refused = house.do("upload", packed, "--format", "header=false")
    assert refused.code == 1
    told = " ".join(refused.err.split())
    assert "values.json cannot be read with what is said of its format: header=false" in told
    assert "unknown key `header`: the format `json` takes" in told


def test_a_plan_tells_what_is_said_of_a_file(house: House) -> None:
    house.write({"sources/people.yaml": PEOPLE})
    planned = house.do("plan", house.file("odd.txt", BARS), *AS_BARS)
    assert "read odd.txt, as csv, but delimiter=| header=false" in planned.out
