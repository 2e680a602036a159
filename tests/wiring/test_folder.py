import json
import time
from pathlib import Path

import pytest

from lakewright import errors, settings
from lakewright.wiring import folder


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "lakewright.yaml").write_text("name: p\n")
    (tmp_path / "models" / "gold").mkdir(parents=True)
    (tmp_path / "models" / "gold" / "g.sql").write_text("select 1 as one\n")
    return tmp_path


def settled(project: Path) -> object:
    """The signature once no file is new."""
    while folder.signature(project) != folder.signature(project):
        time.sleep(0.01)
    return folder.signature(project)


def test_a_signature_stays_while_nothing_changes(project: Path) -> None:
    before = settled(project)
    (project / "notes.txt").write_text("no part of the project")
    assert folder.signature(project) == before


@pytest.mark.parametrize("change", ["write", "add", "remove", "replace"])
def test_a_signature_tells_every_change(project: Path, change: str) -> None:
    before = settled(project)
    model = project / "models" / "gold" / "g.sql"
    if change == "write":
        model.write_text("select 2 as one\n")
    if change == "add":
        (project / "sources" / "deep").mkdir(parents=True)
        (project / "sources" / "deep" / "s.yaml").write_text("format: csv\n")
    if change == "remove":
        model.unlink()
    if change == "replace":
        new = project / "new"
        new.write_text("select 3 as one\n")
        new.replace(model)
    assert folder.signature(project) != before
    assert settled(project) != before


def test_no_two_signatures_are_alike_while_a_file_is_new(project: Path) -> None:
    def differ() -> bool:
        (project / "lakewright.yaml").write_text("name: q\n")
        return folder.signature(project) != folder.signature(project)

    assert any(differ() for _ in range(50))  # A busy machine may look late.


def test_a_link_to_a_folder_above_is_not_followed(project: Path) -> None:
    (project / "models" / "loop").symlink_to(project / "models")
    assert settled(project)


@pytest.mark.parametrize("key", ["uri", "oauth2_uri"])
def test_a_catalog_with_a_password_in_its_url_is_refused_without_repeating_it(
    tmp_path: Path, key: str
) -> None:
    told = {"kind": "rest", "uri": "https://catalog.example.org"}
    told[key] = "https://me:secret@example.org"
    environment = json.dumps({"local": {"catalog": told}})
    (tmp_path / "lakewright.yaml").write_text(f"name: x\nenvironments: {environment}\n", "utf-8")
    with pytest.raises(errors.ProjectInvalid, match="LAKEWRIGHT_CATALOG_CREDENTIAL") as refused:
        folder.Place.of(tmp_path, settings.Settings())
    assert "secret" not in str(refused.value)
