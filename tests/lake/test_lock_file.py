import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from lakewright.lake import lock_file


def test_a_file_is_held_until_its_descriptor_is_closed(tmp_path: Path) -> None:
    path, descriptor = lock_file.new(tmp_path, ".lock")
    assert not lock_file.remove_abandoned(path)
    os.close(descriptor)
    assert lock_file.remove_abandoned(path)
    assert not path.exists()


def test_a_named_file_is_held_too(tmp_path: Path) -> None:
    descriptor = lock_file.hold(tmp_path / "owner.lock")
    assert not lock_file.remove_abandoned(tmp_path / "owner.lock")
    os.close(descriptor)


def test_a_named_file_is_held_although_others_look_for_abandoned_ones(tmp_path: Path) -> None:
    is_over = threading.Event()

    def look() -> None:
        while not is_over.is_set():
            for path in tmp_path.glob("*.lock"):
                lock_file.remove_abandoned(path)

    looking = threading.Thread(target=look)
    looking.start()
    try:
        for number in range(2000):
            path = tmp_path / f"{number}.lock"
            descriptor = lock_file.hold(path)
            assert path.exists()
            path.unlink()
            os.close(descriptor)
    finally:
        is_over.set()
        looking.join()


def test_a_file_that_was_made_anew_meanwhile_is_not_the_abandoned_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "owner.lock"
    path.touch()
    take = lock_file._is_taken
    held: list[int] = []

    def late(descriptor: int) -> bool:
        path.unlink()
        held.append(lock_file.hold(path))
        return take(descriptor)

    monkeypatch.setattr(lock_file, "_is_taken", late)
    assert not lock_file.remove_abandoned(path)
    assert path.exists()
    os.close(held[0])


def test_what_a_file_stood_for_is_cleaned_only_when_nobody_holds_it(tmp_path: Path) -> None:
    path, descriptor = lock_file.new(tmp_path, ".lock")
    cleaned: list[bool] = []
    lock_file.remove_abandoned(path, lambda: cleaned.append(path.exists()))
    assert cleaned == []
    os.close(descriptor)
    lock_file.remove_abandoned(path, lambda: cleaned.append(path.exists()))
    assert cleaned == [True]


def test_a_file_that_is_not_there_is_nobodys(tmp_path: Path) -> None:
    assert not lock_file.remove_abandoned(tmp_path / "absent.lock")


def test_a_lock_does_not_pass_to_a_child_that_outlives_its_parent(tmp_path: Path) -> None:
    path, descriptor = lock_file.new(tmp_path, ".lock")
    with subprocess.Popen((sys.executable, "-c", "input()"), stdin=subprocess.PIPE) as child:
        os.close(descriptor)
        assert lock_file.remove_abandoned(path)
        child.communicate(b"\n")
