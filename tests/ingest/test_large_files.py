"""What changes far inside a large file, where no sample looks, is told or goes to quarantine.

A file whose records change their meaning on the way is never loaded without a word.
"""

from pathlib import Path
from random import Random

import pytest

from lakewright.plan.landed import Landed
from tests.ingest import delivered

HEADER = "id,name,price,day\n"
WORDS = ("alpha", "beta", "gamma", "delta")


def records(start: int, count: int) -> str:
    dice = Random(start)
    return "".join(
        f"{number},étoile {dice.choice(WORDS)},{dice.random():.2f},2024-01-1{number % 9}\n"
        for number in range(start, start + count)
    )


BEFORE, BEHIND = records(1, 8_000), records(8_001, 24_000)
OTHER = "code,area,count,start\n" + "x1,north,many,low\n" * 30
"""Another table of as many columns, none of which holds values of the same kind."""


def land(folder: Path, *pieces: str | bytes) -> Landed:
    data = b"".join(piece if isinstance(piece, bytes) else piece.encode() for piece in pieces)
    return delivered.land(folder, data, "things.csv")


def test_a_large_file_of_one_table_is_not_suspect(tmp_path: Path) -> None:
    landed = land(tmp_path, HEADER, BEFORE, BEHIND)
    assert landed.suspicions == ()
    assert landed.records == 32_000


@pytest.mark.parametrize(
    "middle",
    [
        OTHER,
        f"\n{OTHER}\n",
        f"\n{OTHER}\n{HEADER}",
        "nr,thing,cost,when\n" + records(1, 50),
        "ID,Name,Price,Day\n",
        "id, name, price, day\n",
        "1,5;étoile;2,25;11.2.,2024\n" * 30,
    ],
    ids=[
        "another table", "behind a blank line", "and the first once more", "of the same kinds",
        "the header in capitals", "the header with blanks", "another delimiter",
    ],
)  # fmt: skip
def test_records_of_words_in_columns_of_values_are_suspicious(tmp_path: Path, middle: str) -> None:
    landed = land(tmp_path, HEADER, BEFORE, middle, BEHIND)
    assert "numbers or dates up to a record that has" in "".join(landed.suspicions)


@pytest.mark.parametrize(
    ("middle", "count"),
    [
        (HEADER, 1),
        ('"id","name","price","day"\n', 1),
        ("a,b\n" + "1,2\n" * 30, 31),
        ("\na,b,c,d,e\n" + "1,2,3,4,5\n" * 30 + "\n", 31),
        ("1;étoile;2.5;2024-01-11\n" * 30, 30),
        ("1\tétoile\t2.5\t2024-01-11\n" * 30, 30),
        ("\nReport of May\n\n", 1),
        ("1,caf\xe9,2.5,2024-01-11\n".encode("windows-1252") * 30, 30),
        ("1,'étoile, blue',2.5,2024-01-11\n" * 30, 30),
    ],
    ids=[
        "the header", "the header in quotes", "a narrow table", "a wide table", "semicolons",
        "tabs", "a title", "another encoding", "other quotes",
    ],
)  # fmt: skip
def test_records_of_another_shape_go_to_quarantine(
    tmp_path: Path, middle: str | bytes, count: int
) -> None:
    landed = land(tmp_path, HEADER, BEFORE, middle, BEHIND)
    assert len(delivered.problems(landed)) == count
    assert landed.records == 32_000 + count


@pytest.mark.parametrize("count", [1, 5_000])
def test_utf8_far_inside_of_western_text_is_suspicious(tmp_path: Path, count: int) -> None:
    western = BEFORE.encode("windows-1252")
    landed = land(tmp_path, HEADER, western, records(8_001, count), western)
    assert "some of its characters are UTF-8" in "".join(landed.suspicions)


def test_typographic_quotes_in_western_text_are_not_taken_for_utf8(tmp_path: Path) -> None:
    text = "id,name\n" + "1,„Spaß“ für 2 € – «déjà» “café”; été\u00a0»\n" * 2_000
    landed = land(tmp_path, text.encode("windows-1252"))
    assert "UTF-8" not in "".join(landed.suspicions)


@pytest.mark.parametrize(
    "record", ["7,x,sold out,2024-01-11\n", "7,x,unheard of,unheard of\n", "Total,,,\n", "7,,,\n"]
)
def test_one_odd_record_is_no_other_table(tmp_path: Path, record: str) -> None:
    assert land(tmp_path, HEADER, BEFORE, record, BEHIND).suspicions == ()


def test_a_table_with_one_column_of_values_is_known_by_a_usual_name(tmp_path: Path) -> None:
    rows = "".join(f"{word},{number}\n" for number in range(2_000) for word in WORDS)
    landed = land(tmp_path, "name,price\n", rows, "city,count\n", rows)
    assert "that has 'count' there" in "".join(landed.suspicions)
    assert land(tmp_path, "name,price\n", rows, "x,sold out\n", rows).suspicions == ()
