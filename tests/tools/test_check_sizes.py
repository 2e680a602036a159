from pathlib import Path

import pytest

from tools import check_sizes

ROOT = Path(__file__).resolve().parents[2]
UNFINISHED = "odot"[::-1].upper()


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("a.py", "x = 1\n" * 600, []),
        ("a.py", "x = 1\n" * 601, ["a.py:1: the file has 601 lines; at most 600"]),
        ("a.py", "class A:\n" + "    x = 1\n" * 299, []),
        (
            "a.py",
            "class A:\n" + "    x = 1\n" * 300,
            ["a.py:1: class A has 301 lines; at most 300"],
        ),
        ("a.py", "def f():\n" + "    x = 1\n" * 69, []),
        (
            "a.py",
            "\nasync def f():\n" + "    x = 1\n" * 70,
            ["a.py:2: function f has 71 lines; at most 70"],
        ),
        (
            "a.py",
            f"# {UNFINISHED} later\n",
            [f"a.py:1: {UNFINISHED} is left; finish it, or write down a decision"],
        ),
        ("a.py", "import lakewright\n\ndef f():\n    import duckdb\n", []),
        (
            "a.py",
            "def f():\n    def g():\n        from lakewright.plan import steps\n",
            [
                (
                    "a.py:3: g imports lakewright.plan itself;"
                    " our own modules are imported at the top of the file"
                )
            ],
        ),
        (f"{check_sizes.LATE_IMPORTS[0]}a.py", "def f():\n    import lakewright\n", []),
    ],
)
def test_each_limit_is_told_with_its_place(path: str, text: str, expected: list[str]) -> None:
    assert list(check_sizes.problems(path, text)) == expected


def test_the_exit_code_says_whether_a_file_breaks_a_limit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "sound.py").write_text("x = 1\n")
    assert check_sizes.main(tmp_path) == 0
    (tmp_path / "src" / "long.py").write_text("x = 1\n" * 601)
    assert check_sizes.main(tmp_path) == 1
    assert capsys.readouterr().out == "src/long.py:1: the file has 601 lines; at most 600\n"


def test_the_places_with_late_imports_exist() -> None:
    assert [path for path in check_sizes.LATE_IMPORTS if not (ROOT / path).exists()] == []
