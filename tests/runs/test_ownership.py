import os
import signal
import subprocess
import sys
from pathlib import Path

from lakewright.runs import ownership
from lakewright.runs.ownership import FileOwner


def test_an_owner_lives_until_it_is_closed(tmp_path: Path) -> None:
    with FileOwner(tmp_path) as owner:
        assert ownership.is_alive(tmp_path, owner.owner_id)
    assert not ownership.is_alive(tmp_path, owner.owner_id)
    assert list(tmp_path.iterdir()) == []


def test_an_owner_that_never_was_is_dead(tmp_path: Path) -> None:
    assert not ownership.is_alive(tmp_path, "nobody")


def test_a_killed_owner_is_dead_at_once_and_its_file_is_cleaned_up(tmp_path: Path) -> None:
    script = (
        "import sys, time\nfrom pathlib import Path\n"
        "from lakewright.runs.ownership import FileOwner\n"
        "print(FileOwner(Path(sys.argv[1])).owner_id, flush=True)\ntime.sleep(60)\n"
    )
    process = subprocess.Popen(
        (sys.executable, "-c", script, str(tmp_path)), stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    # What the script keeps is the descriptor, which no garbage collection closes.
    owner_id = process.stdout.readline().strip()
    assert ownership.is_alive(tmp_path, owner_id)
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert not ownership.is_alive(tmp_path, owner_id)
    assert list(tmp_path.iterdir()) == []


def test_what_killed_owners_have_left_is_removed_by_the_next_one(tmp_path: Path) -> None:
    owners = ownership.FileOwners(tmp_path)
    (tmp_path / "killed.lock").touch()
    with owners.hold() as first, owners.hold() as second:
        names = {path.stem for path in tmp_path.iterdir()}
        assert names == {first.owner_id, second.owner_id}


def test_an_owner_whose_heartbeat_is_old_counts_as_asleep(tmp_path: Path) -> None:
    now = 1_000_000.0
    with FileOwner(tmp_path, clock=lambda: now) as owner:
        assert ownership.is_alive(tmp_path, owner.owner_id, clock=lambda: now + 59)
        assert not ownership.is_alive(tmp_path, owner.owner_id, clock=lambda: now + 61)
        now += 61
        owner.beat()
        assert ownership.is_alive(tmp_path, owner.owner_id, clock=lambda: now + 59)


def test_heartbeats_touch_the_file_seldom(tmp_path: Path) -> None:
    now = 1_000_000.0
    with FileOwner(tmp_path, clock=lambda: now) as owner:
        file = tmp_path / f"{owner.owner_id}.lock"
        os.utime(file, (5, 5))
        owner.beat()
        assert file.stat().st_mtime == 5
        now += ownership.BEAT_SECONDS
        owner.beat()
        assert file.stat().st_mtime == now


def test_an_owner_knows_the_boot_of_its_machine(tmp_path: Path) -> None:
    with FileOwner(tmp_path) as owner:
        assert ownership.is_of_this_boot(owner.owner_id)
    assert ownership.is_of_this_boot(None)
    assert not ownership.is_of_this_boot("00000000-1-abc")
