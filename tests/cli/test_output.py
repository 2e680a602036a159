import io
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
    [("a\x1b[2Jb", "a\\x1b[2Jb"), ("a\u202eb", "a\\u202eb"), ("Zoë\t1", "Zoë\t1")],
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
