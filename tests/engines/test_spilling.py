"""Every process spills to a folder of its own, and the folders of dead processes go."""

import subprocess
import sys
from pathlib import Path

from lakewright.engines.duckdb import spilling


def test_folders_of_the_living_are_apart_and_stay(tmp_path: Path) -> None:
    first = spilling.own_folder(tmp_path / "spill")
    (first / "spilled").touch()
    second = spilling.own_folder(tmp_path / "spill")
    assert first != second
    assert (first / "spilled").exists()


def test_what_a_dead_process_spilled_is_removed_by_the_next(tmp_path: Path) -> None:
    script = (
        "import os, sys; from pathlib import Path; from lakewright.engines.duckdb import spilling\n"
        "(spilling.own_folder(Path(sys.argv[1])) / 'spilled').touch(); os._exit(9)"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False)
    assert len(list(tmp_path.rglob("spilled"))) == 1
    own = spilling.own_folder(tmp_path)
    assert sorted(tmp_path.iterdir()) == [own, own.with_suffix(".lock")]
