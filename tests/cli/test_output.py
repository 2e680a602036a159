import io
import json
import re
import sys

import pytest

from lakewright import errors
from lakewright.cli import output


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


ROWS = [("orders_2025.csv", "loaded", 1000, "2025-01-01"), ("x.csv", "failed", 1, "2025-01-02")]
COLUMNS = ("file", "status", "records", "accepted")


def _shown(monkeypatch: pytest.MonkeyPatch, width: int) -> str:
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("NO_COLOR", "1")
    screen = Terminal()
    monkeypatch.setattr(sys, "stdout", screen)
    output.print_table(
        COLUMNS, ROWS, right=["records"], spare=["accepted"], styles={"failed": "red"}
    )
    return re.sub(r"\x1b\[[01]m", "", screen.getvalue())


def test_a_narrow_terminal_leaves_out_spare_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "accepted" in _shown(monkeypatch, 80).splitlines()[0]
    narrow = _shown(monkeypatch, 40)
    assert "accepted" not in narrow
    assert max(map(len, narrow.splitlines())) <= 40


def test_no_colour_means_no_escape_and_the_status_is_a_word(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # NO_COLOR forbids colours; bold is no colour and may stay.
    assert "\x1b" not in _shown(monkeypatch, 80)
    assert "failed" in _shown(monkeypatch, 80)


def test_the_longest_texts_are_folded_where_nothing_can_be_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lines = _shown(monkeypatch, 22).splitlines()
    assert max(len(line.rstrip()) for line in lines) <= 22
    assert len(lines) > 3


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\x1b[2Jb", "a\\x1b[2Jb"),
        ("a\u202eb", "a\\u202eb"),
        ("Zoë\t1", "Zoë\\t1"),
        ("a\nb\r\x85\u2028\u2066", "a\\nb\\r\\x85\\u2028\\u2066"),
        ("\udcff", "\\udcff"),
    ],
)
def test_a_users_bytes_cannot_speak_to_the_terminal(text: str, shown: str) -> None:
    assert output.printable(text) == shown


@pytest.mark.parametrize(
    ("size_bytes", "text"), [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (7_400_000, "7.4 MB")]
)
def test_sizes_are_told_in_the_largest_fitting_unit(size_bytes: int, text: str) -> None:
    assert output.size(size_bytes) == text


def test_an_error_shows_code_place_excerpt_why_and_hint(capsys: pytest.CaptureFixture[str]) -> None:
    problem = errors.Problem(
        code="unknown-key", what="`fromat` is no key", why="nothing reads it\nat all",
        where=errors.Place(file="a.yaml", line=2, column=1),
        excerpt="fromat: csv\n^^^^^^", hint="did you mean format?",
    )  # fmt: skip
    error = errors.ProjectInvalid("no", problems=[problem])
    output.print_error(error, as_json=False)
    assert capsys.readouterr().err == (
        "error[unknown-key]: `fromat` is no key\n"
        "  --> a.yaml:2:1\n"
        "   | fromat: csv\n"
        "   | ^^^^^^\n"
        "  why: nothing reads it\n"
        "       at all\n"
        "  hint: did you mean format?\n"
    )


def test_a_cell_has_a_line_for_each_item_and_for_nothing_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    screen = Terminal()
    monkeypatch.setattr(sys, "stdout", screen)
    monkeypatch.setenv("NO_COLOR", "1")
    output.print_table(["a", "b"], [(("x\ny", "z"), "p\nq")])
    assert re.sub(r"\x1b\[[01]m", "", screen.getvalue()) == "a     b\nx\\ny  p\\nq\nz\n"


def test_only_what_stands_under_status_is_coloured_as_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    screen = Terminal()
    monkeypatch.setattr(sys, "stdout", screen)
    output.print_table(["file", "status"], [("failed", "failed")], styles={"failed": "red"})
    assert screen.getvalue().count("\x1b[31m") == 1


def test_json_is_exact_though_no_terminal_could_obey_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    value = {"a\x1b[0m": ["b\u2028\u202e\x85\U000e0001\udcff", "Zoë"]}
    output.print_json(value)
    (line,) = capsys.readouterr().out.splitlines()
    assert line.isprintable()
    assert "Zoë" in line
    assert json.loads(line) == value


def test_the_lines_of_a_reason_stand_below_each_other(capsys: pytest.CaptureFixture[str]) -> None:
    error = errors.RunFailed("what\nerror[x]: forged", why="one\nhint: forged", hint="a\nb")
    output.print_error(error, as_json=False)
    assert capsys.readouterr().err == (
        "error[run-failed]: what\\nerror[x]: forged\n"
        "  why: one\n"
        "       hint: forged\n"
        "  hint: a\\nb\n"
    )


def test_ids_are_never_folded_where_longer_texts_can_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setenv("NO_COLOR", "1")
    screen = Terminal()
    monkeypatch.setattr(sys, "stdout", screen)
    words = "a reason of many words that goes on and on until no line can hold it"
    run = "20260101-0123456789abcdef"
    output.print_table(["run", "error"], [(run, words)])
    shown = re.sub(r"\x1b\[[01]m", "", screen.getvalue())
    assert f"\n{run}  a reason" in shown
    assert max(map(len, shown.splitlines())) <= 60


def test_a_sparse_column_is_left_out_where_it_holds_nothing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    output.print_table(["run", "error"], [("a", "")], sparse=["error"])
    output.print_table(["run", "error"], [("a", "x")], sparse=["error"], spare=["error"])
    assert capsys.readouterr().out == "run\na\nrun  error\na    x\n"
