import pytest

from lakewright import version
from lakewright.cli.__main__ import main
from tests.cli.conftest import Type


def test_the_version_as_text_and_as_json(lakewright: Type) -> None:
    assert lakewright("version").out == f"{version.VERSION}\n"
    assert lakewright("version", "--json").json == {"version": version.VERSION}


def test_the_version_is_told_before_anything_heavy_is_loaded(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["lakewright", "version"])
    main()
    assert capsys.readouterr().out == f"{version.VERSION}\n"
