"""Every command that the documentation shows is typed here, and says what it shows.

A page is one session of a shell in an empty folder. In it,

- a block `sh` is typed as it stands; in a block `console`, lines that begin with `$ ` are typed,
  and the lines below each are what stdout must say; `...` stands for anything, and on a line of its
  own for any lines;
- a block after `<!-- file: PATH -->` is written to that path;
- a block after `<!-- not run: WHY -->` is left alone;
- a command that ends with `# fails: N` must exit with N.
"""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    path
    for path in [
        ROOT / "README.md",
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "examples").rglob("README.md"),
    ]
    if re.search(r"^```(sh|console)$", path.read_text("utf-8"), re.MULTILINE)
)
BLOCK = re.compile(
    r"(?:<!-- (?P<note>file|not run): (?P<told>.+?) -->\n)?```(?P<kind>\w*)\n(?P<text>.*?)^```$",
    re.DOTALL | re.MULTILINE,
)
FAILS = re.compile(r"\s+# fails: (\d+)$")


@dataclass(frozen=True, kw_only=True)
class Command:
    text: str
    code: int = 0
    expected: str | None = None


def _commands(page: str) -> Iterator[Command]:
    for block in BLOCK.finditer(page):
        note, told, kind, text = block["note"], block["told"], block["kind"], block["text"]
        if note == "file":
            path = shlex.quote(told)
            yield Command(text=f"mkdir -p $(dirname {path})\ncat > {path} <<'END_OF_FILE'\n{text}"
                               "END_OF_FILE")  # fmt: skip
        elif note == "not run":
            continue
        elif kind == "sh":
            yield Command(text=text)
        elif kind == "console":
            yield from _console(text)


def _console(text: str) -> Iterator[Command]:
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        command, _, expected = part.partition("\n")
        while command.endswith("\\"):
            more, _, expected = expected.partition("\n")
            command += "\n" + more
        fails = FAILS.search(command)
        yield Command(
            text=FAILS.sub("", command), code=int(fails[1]) if fails else 0, expected=expected
        )


def _script(commands: list[Command]) -> str:
    """One shell types all of them, so that `cd` lasts; it ends at the first surprise."""
    lines = ["set -uo pipefail"]
    for number, command in enumerate(commands):
        lines += [
            f"{{ {command.text.rstrip()}\n}} > $OUTPUTS/{number}",
            "code=$?",
            f"if [ $code -ne {command.code} ]; then",
            f'  echo "command {number} exited with $code" >&2; exit 1',
            "fi",
        ]
    return "\n".join(lines)


def _is_as_shown(said: str, shown: str) -> bool:
    parts = []
    for line in shown.rstrip("\n").split("\n"):
        if line.strip() == "...":
            parts.append(r"(?:.*\n)*?")
        else:
            parts.append(r"[^\n]*?".join(map(re.escape, line.rstrip().split("..."))) + "\n")
    return re.fullmatch("".join(parts), said.rstrip("\n") + "\n") is not None


@pytest.mark.parametrize(
    "page",
    [
        pytest.param(page, marks=pytest.mark.slow if page.parent.name == "flights" else ())
        for page in PAGES
    ],
    ids=[page.relative_to(ROOT).as_posix() for page in PAGES],
)
def test_every_command_on_the_page_works_and_says_what_is_shown(page: Path, tmp_path: Path) -> None:
    commands = list(_commands(page.read_text("utf-8")))
    home, outputs = tmp_path / "home", tmp_path / "outputs"
    home.mkdir()
    outputs.mkdir()
    known = {name: value for name, value in os.environ.items() if not name.startswith("LAKEWRIGHT")}
    done = subprocess.run(
        ["bash", "-c", _script(commands)],
        cwd=home,
        env={
            **known,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(home),
            "OUTPUTS": str(outputs),
            "LAKEWRIGHT_THREADS": "1",
        },
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    typed = len(list(outputs.iterdir()))
    last = commands[typed - 1].text if typed else ""
    assert done.returncode == 0, f"{last}\n{done.stderr}"
    for number, command in enumerate(commands):
        if command.expected:
            said = (outputs / str(number)).read_text("utf-8")
            assert _is_as_shown(said, command.expected), (
                f"$ {command.text}\n--- shown\n{command.expected}--- said\n{said}"
            )


def test_every_link_between_pages_leads_somewhere() -> None:
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").rglob("*.md")]
    lost = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in pages
        for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", page.read_text("utf-8"))
        if "://" not in target and not (page.parent / target).exists()
    ]
    assert lost == []


def test_every_page_of_the_documentation_is_in_its_index() -> None:
    index = (ROOT / "docs" / "README.md").read_text("utf-8")
    pages = [path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")]
    missing = [
        page
        for page in pages
        if page != "README.md"
        and f"]({page})" not in index
        and not re.fullmatch(r"decisions/(?!README).*", page)
    ]
    assert missing == []
