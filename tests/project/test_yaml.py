import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakewright.errors import Problem
from lakewright.project import yaml
from lakewright.project.file import Mistakes, Span, TextFile


def parse(text: str) -> tuple[yaml.Parsed | None, list[Problem]]:
    mistakes = Mistakes(file=TextFile.read("a.yaml", text))
    return yaml.parse(mistakes), mistakes.problems


DATA = {
    "": {},
    "# only a comment\n": {},
    "a: 1\nb: [x, 2.50]\n": {"a": "1", "b": ["x", "2.50"]},
    "a: no\nb: 2024-01-31\nc: 0x1F\nd: 1:30\n": {
        "a": "no",
        "b": "2024-01-31",
        "c": "0x1F",
        "d": "1:30",
    },
    "a:\nb: null\nc: ~\n": {"a": None, "b": None, "c": None},
    "a: 'null'\nb: ''\nc: '~'\n": {"a": "null", "b": "", "c": "~"},
    "words: [null, NA, ~, '']\n": {"words": ["null", "NA", None, ""]},
    "p: [month(a), bucket(16, b), truncate(4, c), d]\n": {
        "p": ["month(a)", "bucket(16, b)", "truncate(4, c)", "d"]
    },
    "{name: x, type: decimal(12,2), other: map<string,array<int>>}\n": {
        "name": "x",
        "type": "decimal(12,2)",
        "other": "map<string,array<int>>",
    },
    "a: f(x, y\nb: g(1,2)\n": {"a": "f(x, y", "b": "g(1,2)"},
    'a: "\\ue000"\n': {"a": "\ue000"},
    "a: |\n  one\n  two\n": {"a": "one\ntwo\n"},
}  # fmt: skip


@pytest.mark.parametrize(("text", "data"), DATA.items())
def test_scalars_are_the_text_that_was_written(text: str, data: object) -> None:
    parsed, problems = parse(text)
    assert not problems
    assert parsed is not None
    assert parsed.data == data


def test_every_key_and_value_has_its_place() -> None:
    parsed, _ = parse("a: 1\nlist:\n  - {b: 'x y'}\n")
    assert parsed is not None
    assert parsed.key_span(("a",)) == Span(0, 1)
    assert parsed.span(("a",)) == Span(3, 1)
    assert parsed.key_span(("list", 0, "b")) == Span(16, 1)
    assert parsed.span(("list", 0, "b")) == Span(19, 5)
    assert parsed.span(("list", 0, "missing")) == Span(15, 1)


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_places_do_not_depend_on_line_ends_or_a_byte_order_mark(line_end: str, mark: str) -> None:
    text = mark + line_end.join(["é: 1", "a: 1", "a: 2", ""])
    _, (problem,) = parse(text)
    assert str(problem.where) == "a.yaml:3:1"
    assert problem.excerpt == "a: 2\n^"


REFUSED = {
    "a: b: c\n": ("yaml-syntax", "1:5", "in quotes"),
    "a:\n\t- x\n": ("yaml-syntax", "2:1", "a tab"),
    "a: [1,\nb: 2\n": ("yaml-syntax", "1:4", "never closes"),
    "a: 'x\n": ("yaml-syntax", "1:4", "a quote that never ends"),
    "b: @x\n": ("yaml-syntax", "1:4", "cannot start with this character"),
    "match: *.csv\n": ("yaml-syntax", "1:8", "in quotes"),
    "match: *csv\n": ("yaml-unsupported", "1:8", "in quotes"),
    "a: &x 1\nb: *x\n": ("yaml-unsupported", "1:4", "anchors"),
    "a: 1\n b: 2\n": ("yaml-syntax", "2:3", "same indentation"),
    "a: 1\nb\n": ("yaml-syntax", "2:1", "without a colon"),
    "- a\nb: 1\n": ("yaml-syntax", "2:1", "does not fit the lines above"),
    'a: "x\\qy"\n': ("yaml-syntax", "1:7", "single quotes"),
    "a: \x01\n": ("yaml-syntax", "1:4", "take it out"),
    "a: !!int 3\n": ("yaml-unsupported", "1:4", "tags"),
    "? [a]\n: b\n": ("yaml-unsupported", "1:3", "a key must be a text"),
    "{a: 1}: b\n": ("yaml-unsupported", "1:1", "a key must be a text"),
    "a: 1\n---\nb: 2\n": ("yaml-unsupported", "2:1", "second YAML document"),
    "a: " + "[" * 30: ("yaml-unsupported", "1:23", "levels deep"),
    "a: 1\nb: {a: 1}\na: {c: 2}\n": ("duplicate-key", "3:1", "already on line 1"),
    "just a sentence\n": ("wrong-type", "1:1", "keys and values"),
    "[a, b]\n": ("wrong-type", "1:1", "keys and values"),
}


@pytest.mark.parametrize(("text", "expected"), REFUSED.items())
def test_what_is_no_plain_yaml_is_refused_at_its_place(
    text: str, expected: tuple[str, str, str]
) -> None:
    code, place, words = expected
    _, (problem,) = parse(text)
    assert (problem.code, str(problem.where)) == (code, f"a.yaml:{place}")
    assert words in f"{problem.what}\n{problem.why}\n{problem.hint}"


def test_a_very_long_file_is_refused_unread() -> None:
    parsed, (problem,) = parse("a: 1\n" + "#" * yaml.LENGTH_MAX)
    assert parsed is None
    assert problem.code == "file-too-long"


def test_the_first_of_two_equal_keys_counts() -> None:
    parsed, _ = parse("a: 1\na: {b: 2}\nc: 3\n")
    assert parsed is not None
    assert parsed.data == {"a": "1", "c": "3"}
    assert parsed.span(("a",)) == Span(3, 1)


@given(st.text("ab:-[]{}'\"#&*!|>%@,()<> \n\t\\?1é", max_size=60))
def test_any_text_is_data_or_a_problem_with_a_place(text: str) -> None:
    parsed, problems = parse(text)
    assert parsed is not None or problems
    for problem in problems:
        assert problem.where is not None
        assert problem.where.line > 0
        assert problem.where.line <= text.count("\n") + 1
