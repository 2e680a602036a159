"""Where benchmarks work, and the projects that they load into."""

import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "bench" / "out"


def fresh_project(folder: Path, threads: int, *, with_models: bool) -> Path:
    """The shop without any data, in a folder that is emptied first."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(ROOT / "examples" / "shop", folder)
    if not with_models:
        shutil.rmtree(folder / "models")
    with (folder / "lakewright.yaml").open("a") as file:
        file.write(f"environments:\n  local:\n    threads: {threads}\n")
    return folder
