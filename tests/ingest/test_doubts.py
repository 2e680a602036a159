"""What can be read in more than one way is under suspicion; what is sound is not."""

from random import Random

import pytest

from lakewright.ingest import dialect
from lakewright.project.source import Dialect
from tests.ingest import tables

LINE_ENDS = ("\x1e", "\x1d", "\x85", "\u2028", "\v", "\f", "\0", "\x1e\n", "\x02\n", "|", "~", "^^")


def suspicions(text: str) -> str:
    samples = dialect.Samples(head=text.encode())
    return "\n".join(dialect.detect(samples, Dialect()).suspicions)


def table(name: str, line_end: str) -> str:
    """A table of ours with these line ends."""
    clean = tables.TABLES[name](Random(5))
    return "".join(
        ",".join(f'"{cell.replace(chr(34), chr(34) * 2)}"' for cell in row) + line_end
        for row in (clean.header, *clean.rows)
    )


@pytest.mark.parametrize("name", tables.TABLES)
@pytest.mark.parametrize("line_end", LINE_ENDS)
def test_a_file_whose_lines_end_in_an_unusual_way_is_suspect(name: str, line_end: str) -> None:
    assert suspicions(table(name, line_end))


@pytest.mark.parametrize("name", tables.TABLES)
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r", "\n\r", "\r\r\n"])
def test_a_file_whose_lines_end_as_usual_is_not_suspect(name: str, line_end: str) -> None:
    assert suspicions(table(name, line_end)) == ""


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("names\n\r" + "".join(f"Ann {n}\n\r" for n in range(9)), "blank lines"),
        ("id   Name   Sum\n" + "1   A,b   3,50\n2   C,d   7,25\n" * 4, "it has no header"),
        (
            'size,count\n"1/2"",5\n"3/4"",6\n"1/8"",7\n"5/8""",8\n"3/8"",9\n"7/8"",9\n',
            "only some of the quotes inside its fields are doubled",
        ),
        (",main,,more\nidday,on,by\n" + "1,2024-01-01,yes,4\n" * 5, "its header does not have"),
        (
            '"id" ""name" "at"\n' + '"1" "O\'Neil, Ann" "York"\n' * 9,
            "quotes stand inside its fields",
        ),
        ("a,b,c\n1,2,3\n4,5\n6,7,8\n9\n1,2,3\n7\n4,5,6\n", "of its records have 3 fields"),
        ("id,city,no\n1,Oslo,3\n" + '2,"Paris, France"4\n', "quotes that are none"),
        (
            "id,note\n" + '1,"a" b\n2,"c"\n3,"d""e" f\n4,g\n' * 3,
            "of its records cannot be split",
        ),
    ],
)
def test_what_may_mean_something_else_is_suspect(text: str, part: str) -> None:
    assert part in suspicions(text)


@pytest.mark.parametrize(
    "text",
    [
        "".join(f"{n},a\vb {n},{n}.5\n" for n in range(20)),  # A line's break inside a cell.
        'id,note\n1,"a\u2028b"\n2,"c\u2028d"\n3,"e\u2028f"\n',
        "# made by a machine\n1,2.5\n2,3.5\n3,4.5\n",
        "id,first name,last name,e-mail\n",
    ],
)
def test_a_sound_file_with_unusual_marks_is_not_suspect(text: str) -> None:
    assert suspicions(text) == ""
