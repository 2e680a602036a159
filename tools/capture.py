"""Draws docs/images/*.svg: what a terminal shows, from commands that are really carried out.

    python tools/capture.py

Each picture is one session in a fresh folder. Run it when the output of these commands has changed,
and look at what came of it: ids and times differ each time, so no test compares the pictures.
"""

import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

from lakewright.ingest import sample

ROOT = Path(__file__).resolve().parent.parent
WIDTH = 92
PICTURES = {
    "upload": (
        ("init", "shop", "--example", "shop"),
        ("upload", "customers.csv", "orders.csv"),
        ("sql", "SELECT day, orders, revenue FROM gold.daily_revenue ORDER BY day DESC LIMIT 4"),
        ("quarantine", "show", "orders", "--limit", "1"),
    ),
}
"""Each picture's commands; the first only prepares, and is not shown."""

_THEME = TerminalTheme(
    (250, 250, 248),
    (36, 41, 46),
    [(36, 41, 46), (179, 29, 40), (28, 105, 52), (133, 93, 0), (3, 86, 184), (111, 66, 193),
     (23, 107, 120), (106, 115, 125)],
    [(106, 115, 125), (203, 36, 49), (34, 134, 58), (176, 136, 0), (0, 92, 197), (90, 50, 163),
     (49, 146, 170), (36, 41, 46)],
)  # fmt: skip

_SVG = """\
<svg class="rich-terminal" viewBox="0 0 {terminal_width} {terminal_height}" \
xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace;
font-size: {char_height}px; line-height: {line_height}px; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}"/></clipPath>
{lines}
</defs>
<rect fill="#fafaf8" stroke="#d0d0cc" x="0.5" y="0.5" width="{terminal_width}" \
height="{terminal_height}" rx="8"/>
<g transform="translate(9, 9)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""
"""Rich's own frame loads a font from the network; this one takes what the reader has."""


def picture(commands: tuple[tuple[str, ...], ...]) -> str:
    """What these commands print, as SVG."""
    screen = Console(record=True, width=WIDTH, file=open(os.devnull, "w"), force_terminal=True)  # noqa: PTH123, SIM115
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _type(commands[0], folder)
        sample.write_shop(folder / "shop", rows=20_000)
        for words in commands[1:]:
            screen.print(Text(f"$ lakewright {shlex.join(words)}", style="bold"))
            screen.print(Text.from_ansi(_type(words, folder / "shop")))
            screen.print()
    return screen.export_svg(title="", theme=_THEME, code_format=_SVG, unique_id="lakewright")


def _type(words: tuple[str, ...], folder: Path) -> str:
    """Carry a command out; stdout and then stderr, coloured as on a terminal."""
    done = subprocess.run(
        [sys.executable, "-m", "lakewright", *words],
        cwd=folder,
        env={**os.environ, "FORCE_COLOR": "1", "COLUMNS": str(WIDTH)},
        capture_output=True,
        text=True,
        check=True,
    )
    return (done.stdout + done.stderr).rstrip("\n")


def main() -> None:
    """Draw every picture."""
    for name, commands in PICTURES.items():
        path = ROOT / "docs" / "images" / f"{name}.svg"
        path.write_text(picture(commands), encoding="utf-8")
        print(path.relative_to(ROOT))


if __name__ == "__main__":
    main()
