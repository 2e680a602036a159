import shutil
from pathlib import Path

from tests.cli.conftest import Shop, Type


def test_a_copied_project_is_refused_until_it_is_relocated(
    shop: Shop, lakewright: Type, tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(shop.folder, copy)
    refused = lakewright("tables", "list", "--project", str(copy))
    assert refused.code != 0
    assert "lakewright relocate" in refused.err
    moved = lakewright("relocate", "--json", "--project", str(copy)).json
    assert isinstance(moved, dict)
    assert len(moved["relocated"]) == 8
    assert lakewright("tables", "list", "--project", str(copy)).code == 0
    again = lakewright("relocate", "--project", str(copy))
    assert again.out == "every table already refers to this folder\n"
