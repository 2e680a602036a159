"""A full disk: the upload fails and says so, what was acknowledged stays, and all works afterwards.

Where this may mount, the project lies on a small file system of its own. Everywhere, files may be
limited in size, which the system reports in the same way to whoever writes.
"""

import os
import resource
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system.conftest import COMMAND, House, of_tables

SECONDS_MAX = 120
DISK_BYTES = 6_000_000
SMALL = "id,text\n" + "".join(f"{number},a\n" for number in range(500))


def incompressible(records: int) -> str:
    lines = [f"{number},{os.urandom(40).hex()}" for number in range(records)]
    return "\n".join(["id,text", *lines]) + "\n"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of a few megabytes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ("mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(folder))
    done = subprocess.run(mount, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"NOT TESTED ON A SMALL DISK: it may not be mounted here: {done.stderr}")
    yield folder
    subprocess.run(("umount", "--lazy", str(folder)), check=True)


def fails(house: House, file: Path) -> str:
    """Upload a file, which must fail with a reason; the reason."""
    answer = house.do("upload", file, "--source", "things")
    assert answer.code == 1, answer.out + answer.err
    assert "error[" in answer.err
    assert "hint:" in answer.err
    assert "Traceback" not in answer.err
    return answer.err


def test_a_full_disk_fails_the_upload_and_harms_nothing(small_disk: Path, tmp_path: Path) -> None:
    house = House(small_disk / "project").write({"lakewright.yaml": "name: small\n"})
    first = tmp_path / "first.csv"
    first.write_text(SMALL, "utf-8")
    house.upload(first, "--source", "things")
    before, snapshots = of_tables(house), house.snapshots()
    # Too large for the raw area: it is not even acknowledged.
    large = tmp_path / "large.csv"
    large.write_text(incompressible(100_000), "utf-8")
    assert "space" in fails(house, large)
    assert len(house.ask("uploads", "list")) == 1
    # It fits the raw area, but not its tables beside it: acknowledged and kept, but not loaded.
    middle = tmp_path / "middle.csv"
    middle.write_text(incompressible(40_000), "utf-8")
    fails(house, middle)
    [upload, _] = house.ask("uploads", "list")
    raw = house.storage / "raw" / "things" / upload["sha256"][:2] / upload["sha256"]
    assert raw.read_bytes() == middle.read_bytes()
    assert (of_tables(house), house.snapshots()) == (before, snapshots)
    resize = ("mount", "-o", "remount,size=200000000", str(small_disk))
    subprocess.run(resize, check=True)
    assert house.do("runs", "retry", upload["run_id"]).code == 0
    house.upload(large, "--source", "things")
    assert house.count("bronze.things") == 500 + 40_000 + 100_000


def limited(size_bytes: int) -> None:
    """Files of this process and its children end there; to write on is an error, not a signal."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, size_bytes))


@pytest.mark.parametrize("size_bytes", [200_000, 1_500_000])
def test_files_that_may_not_grow_fail_the_upload_and_harm_nothing(
    house: House, size_bytes: int
) -> None:
    house.upload(house.file("first.csv", SMALL), "--source", "things")
    before, snapshots = of_tables(house), house.snapshots()
    file = house.file("second.csv", incompressible(15_000))
    words = ("upload", str(file), "--source", "things", "--project", str(house.folder))
    done = subprocess.run(
        (*COMMAND, *words),
        preexec_fn=lambda: limited(size_bytes),
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
        check=False,
    )
    if done.returncode == 0:
        assert size_bytes > 200_000, "a file of this size cannot even be received"
        assert house.count("bronze.things") == 500 + 15_000
        return
    assert done.returncode == 1, done.stderr
    assert "error[" in done.stderr
    assert "Traceback" not in done.stderr
    assert (of_tables(house), house.snapshots()) == (before, snapshots)
    house.upload(file, "--source", "things")
    assert house.count("bronze.things") == 500 + 15_000
