"""Every process has a folder of its own, and the folders of dead processes go."""

import subprocess
import sys
from pathlib import Path

from lakewright.wiring import scratch


def test_folders_of_the_living_are_apart_and_stay(tmp_path: Path) -> None:
    first = scratch.own_folder(tmp_path / "own")
    (first / "file").touch()
    second = scratch.own_folder(tmp_path / "own")
    assert first != second
    assert (first / "file").exists()


def test_what_a_dead_process_left_is_removed_by_the_next(tmp_path: Path) -> None:
    script = (
        "import os, sys; from pathlib import Path; from lakewright.wiring import scratch\n"
        "(scratch.own_folder(Path(sys.argv[1])) / 'file').touch(); os._exit(9)"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False)
    assert len(list(tmp_path.rglob("file"))) == 1
    own = scratch.own_folder(tmp_path)
    assert sorted(tmp_path.iterdir()) == [own, own.with_suffix(".lock")]
