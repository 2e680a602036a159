import ctypes
import sys
from contextlib import closing
from pathlib import Path

import pytest

from lakewright.runs.journals.inotify import Watch

SECONDS_MAX = 30.0


@pytest.fixture
def watched(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_text("a", "utf-8")
    return path


def test_a_write_is_heard_once_whether_it_comes_before_or_while_somebody_waits(
    watched: Path,
) -> None:
    if sys.platform != "linux":
        with pytest.raises(OSError, match="no inotify"):
            Watch(watched)
        return
    with closing(Watch(watched)) as watch:
        assert not watch.wait(0.01)
        watched.write_text("b", "utf-8")
        assert watch.wait(SECONDS_MAX)
        while watch.wait(0.05):  # To cut the file and to write it may be told one by one.
            pass
        assert watched.read_text("utf-8") == "b"
        assert not watch.wait(0.01)


def test_a_file_that_is_not_there_cannot_be_watched(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"No such file|no inotify"):
        Watch(tmp_path / "nothing")


def test_a_system_that_cannot_tell_is_an_error_of_the_system(
    watched: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda *_, **__: object())
    with pytest.raises(OSError, match="no inotify"):
        Watch(watched)
