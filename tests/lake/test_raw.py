"""What the local raw store does beyond the contract of every raw store."""

import hashlib
import os
import stat
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from lakewright import errors
from lakewright.lake.raw import LocalRawStore

CONTENT = b"id,name\n1,ada\n"
SHA256 = hashlib.sha256(CONTENT).hexdigest()


def files(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


def test_a_file_lies_under_its_source_and_hash_and_is_read_only(tmp_path: Path) -> None:
    store = LocalRawStore(tmp_path / "raw")
    store.receive([CONTENT], "orders")
    assert files(store.root) == [f"orders/{SHA256[:2]}/{SHA256}"]
    assert stat.S_IMODE(store.path("orders", SHA256).stat().st_mode) == 0o444


def test_receiving_again_repairs_a_file_that_was_cut_short(tmp_path: Path) -> None:
    store = LocalRawStore(tmp_path)
    store.receive([CONTENT], "orders")
    stored = store.path("orders", SHA256)
    stored.chmod(0o644)
    stored.write_bytes(CONTENT[:4])
    store.receive([CONTENT], "orders")
    assert store.path("orders", SHA256).read_bytes() == CONTENT


def test_the_final_name_appears_only_after_the_bytes_are_synced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    fsync, rename = os.fsync, Path.rename

    def recorded_fsync(descriptor: int) -> None:
        fsync(descriptor)
        done.append(f"sync {Path(f'/proc/self/fd/{descriptor}').readlink()}")

    def recorded_rename(self: Path, target: Path) -> Path:
        rename(self, target)
        done.append(f"rename {self} to {target}")
        return target

    monkeypatch.setattr(os, "fsync", recorded_fsync)
    monkeypatch.setattr(Path, "rename", recorded_rename)
    store = LocalRawStore(tmp_path / "raw")
    store.receive([CONTENT], "orders")
    [renamed] = [number for number, what in enumerate(done) if what.startswith("rename")]
    part, final = done[renamed].removeprefix("rename ").split(" to ")
    assert f"sync {part}" in done[:renamed]
    after = done[renamed:]
    for folder in (Path(final).parent, store.root / "orders", store.root):
        assert f"sync {folder}" in after
    assert f"sync {tmp_path}" in done, "the store's own folder is new: its name is synced too"


def test_a_full_disk_leaves_no_file_and_says_so(tmp_path: Path) -> None:
    program = """
        import resource, signal, sys
        from pathlib import Path
        from lakewright import errors
        from lakewright.lake.raw import LocalRawStore
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
        try:
            LocalRawStore(Path(sys.argv[1])).receive([b"x" * 70_000] * 2, "orders")
        except errors.LakewrightError as error:
            print(error)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program), str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert "could not be stored" in done.stdout
    assert "hint: free some space" in done.stdout
    assert files(tmp_path) == []


def test_a_folder_that_cannot_be_made_is_an_error_with_a_hint(tmp_path: Path) -> None:
    (tmp_path / "raw").write_text("a file stands where the folder should be")
    with pytest.raises(errors.LakewrightError, match="hint: make sure"):
        LocalRawStore(tmp_path / "raw").receive([CONTENT], "orders")


def test_cleaning_removes_what_a_killed_reception_left(tmp_path: Path) -> None:
    program = """
        import os, signal, sys
        from pathlib import Path
        from lakewright.lake.raw import LocalRawStore
        def chunks():
            yield b"half of it"
            os.kill(os.getpid(), signal.SIGKILL)
        LocalRawStore(Path(sys.argv[1])).receive(chunks(), "orders")
    """
    subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program), str(tmp_path)], check=False, timeout=60
    )
    assert len(files(tmp_path)) == 1
    assert LocalRawStore(tmp_path).clean() == 1
    assert files(tmp_path) == []


def test_cleaning_leaves_a_reception_under_way_alone(tmp_path: Path) -> None:
    store = LocalRawStore(tmp_path)

    def chunks() -> Iterator[bytes]:
        yield CONTENT[:4]
        assert store.clean() == 0
        yield CONTENT[4:]

    assert store.receive(chunks(), "orders").sha256 == SHA256
    assert store.path("orders", SHA256).read_bytes() == CONTENT


def test_the_raw_store_needs_nothing_but_the_standard_library() -> None:
    program = """
        import sys
        before = {name.partition(".")[0] for name in sys.modules}
        import lakewright.lake.raw
        new = {name.partition(".")[0] for name in sys.modules} - before
        print(sorted(new - sys.stdlib_module_names - {"lakewright"}))
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout.strip() == "[]"
