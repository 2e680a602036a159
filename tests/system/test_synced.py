"""Whatever an acknowledgement or a catalog pointer refers to is on the disk before, with its name.

Two witnesses watch an upload: strace, which sees every system call of every process, and hooks
inside Python, which need no strace but do not see the engine write. One checker reads both.
"""

import json
import os
import re
import shutil
import subprocess
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from pyiceberg.table import StaticTable

from lakewright.ingest import sample
from tests.system.conftest import COMMAND, House, of_example

WITNESS = Path(__file__).with_name("witness")
NEVER = -1


@dataclass(frozen=True)
class Event:
    """Something that was done to the disk, in order."""

    kind: str
    """create: a name came to be; name: a file got another one; sync: all of it is on the disk;
    write: bytes went into it; say: a text goes into a database."""
    path: str
    text: str = ""


@dataclass
class Disk:
    """What is known to be on the disk at each moment."""

    synced: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    created: dict[str, int] = field(default_factory=dict)
    written: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))

    @classmethod
    def after(cls, events: Sequence[Event]) -> "Disk":
        disk = cls()
        for moment, event in enumerate(events):
            if event.kind == "sync":
                disk.synced[event.path].append(moment)
            elif event.kind == "write":
                disk.written[event.path].append(moment)
            elif event.kind == "create":
                disk.created.setdefault(event.path, moment)
            elif event.kind == "name":
                disk.created[event.text] = moment
                disk.synced[event.text] = list(disk.synced[event.path])
                disk.written[event.text] = list(disk.written[event.path])
        return disk

    def missing(self, path: Path, root: Path, moment: int) -> Iterator[str]:
        """What of a file, its name and its folders' names is not on the disk at a moment."""
        syncs = [each for each in self.synced[str(path)] if each < moment]
        writes = [each for each in self.written[str(path)] if each < moment]
        if not syncs or (writes and max(writes) > max(syncs)):
            yield f"the bytes of {path}"
        child = path
        while child != root:
            made = self.created.get(str(child), NEVER)
            if not any(made < each < moment for each in self.synced[str(child.parent)]):
                yield f"the name of {child}"
            child = child.parent


def referred(location: str) -> set[Path]:
    """Every file that a table's metadata file refers to, itself included."""
    table = StaticTable.from_metadata(location)
    found = {location}
    for snapshot in table.metadata.snapshots:
        found.add(snapshot.manifest_list)
        for manifest in snapshot.manifests(table.io):
            found.add(manifest.manifest_path)
            entries = manifest.fetch_manifest_entry(table.io, discard_deleted=True)
            found |= {entry.data_file.file_path for entry in entries}
    return {Path(path.removeprefix("file://")) for path in found}


def commits(house: House) -> list[str]:
    """The metadata file of every commit to every table."""
    found: list[str] = []
    for name in house.table_names():
        location = house.ask("tables", "show", name)["metadata_location"]
        table = StaticTable.from_metadata(location)
        found += [location, *(entry.metadata_file for entry in table.metadata.metadata_log)]
    return found


def check(house: House, events: Sequence[Event]) -> None:
    """Hold the log against what the journal acknowledged and the catalog points to."""
    disk = Disk.after(events)
    root = house.storage
    locations = commits(house)
    assert len(locations) >= 8
    for location in locations:
        # The catalog's file gets the location only with the transaction that commits.
        moment = first_said(events, location)
        missing = [each for path in referred(location) for each in disk.missing(path, root, moment)]
        assert not missing, (location, missing)
    for upload in house.ask("uploads", "list"):
        sha256 = upload["sha256"]
        raw = root / "raw" / upload["source"] / sha256[:2] / sha256
        assert raw.is_file()
        missing = list(disk.missing(raw, root, first_said(events, sha256)))
        assert not missing, missing


def first_said(events: Sequence[Event], text: str) -> int:
    """When a text first went into a database."""
    for moment, event in enumerate(events):
        if event.kind == "say" and text in event.text:
            return moment
    raise AssertionError(f"{text} went into no database")


_CALL = re.compile(r"^(?P<pid>\d+) +(?P<name>\w+)\((?P<rest>.*)$")
_RESUMED = re.compile(r"^(?P<pid>\d+) +<\.\.\. (?P<name>\w+) resumed>(?P<rest>.*)$")
_OPEN_FILE = re.compile(r"^\d+<(?P<path>[^>]*)>")
_TEXT = re.compile(r'"((?:[^"\\]|\\.)*)"')


def from_strace(lines: Iterable[str]) -> Iterator[Event]:
    """The events of a log of `strace -f -y`; a call counts when it has returned."""
    unfinished: dict[tuple[str, str], str] = {}
    for line in lines:
        if call := _RESUMED.match(line):
            rest = unfinished.pop((call["pid"], call["name"]), "") + call["rest"]
        elif call := _CALL.match(line):
            rest = call["rest"]
            if rest.rstrip().endswith("<unfinished ...>"):
                unfinished[call["pid"], call["name"]] = rest
                continue
        else:
            continue
        if " = -1 " not in rest:
            yield from _events(call["name"], rest)


def _events(name: str, rest: str) -> Iterator[Event]:
    texts = _TEXT.findall(rest)
    opened = _OPEN_FILE.match(rest)
    if name in ("fsync", "fdatasync") and opened:
        yield Event("sync", opened["path"])
    elif name in ("pwrite64", "write", "pwritev", "writev") and opened:
        path = opened["path"]
        if path.endswith((".sqlite-wal", ".sqlite")):
            yield Event("say", path, rest)
        yield Event("write", path)
    elif name in ("openat", "open", "creat") and "O_CREAT" in rest:
        # The answer names the file as it lies: `= 5</folder/file>`.
        yield Event("create", rest.rpartition("<")[2].rstrip(">\n "))
    elif name in ("mkdir", "mkdirat"):
        yield Event("create", texts[0])
    elif name in ("rename", "renameat", "renameat2", "link", "linkat"):
        yield Event("name", texts[0], texts[-1])


def with_strace(command: Sequence[str], log: Path) -> list[Event]:
    if shutil.which("strace") is None:
        pytest.skip("NOT TESTED WITH STRACE: it is not on this machine; the hooks are used alone")
    calls = (
        "fsync,fdatasync,openat,open,creat,mkdir,mkdirat,rename,renameat,renameat2,link,linkat,"
        "write,pwrite64,writev,pwritev"
    )
    subprocess.run(
        ("strace", "-f", "-y", "-s", "5000", "-e", f"trace={calls}", "-o", str(log), *command),
        check=True, capture_output=True,
    )  # fmt: skip
    with log.open(encoding="utf-8", errors="replace") as lines:
        return list(from_strace(lines))


def with_hooks(command: Sequence[str], log: Path) -> list[Event]:
    variables = {**os.environ, "PYTHONPATH": str(WITNESS), "WITNESS": str(log)}
    subprocess.run(command, check=True, capture_output=True, env=variables)
    events = []
    for line in log.read_text("utf-8").splitlines():
        kind, path, *text = json.loads(line)
        events.append(Event(kind, path, text[0] if text else ""))
    return events


WITNESSES: Mapping[str, Callable[[Sequence[str], Path], list[Event]]] = {
    "strace": with_strace,
    "hooks": with_hooks,
}


@pytest.mark.parametrize("name", WITNESSES)
def test_what_a_commit_or_an_acknowledgement_refers_to_is_synced_before(
    tmp_path: Path, name: str
) -> None:
    house = of_example("shop", tmp_path / "project")
    delivery = sample.write_shop(tmp_path / "files", rows=2000)
    command = [*COMMAND, "upload", str(delivery.customers), str(delivery.orders),
               "--project", str(house.folder)]  # fmt: skip
    check(house, WITNESSES[name](command, tmp_path / "log"))


FILE = "/storage/warehouse/a.parquet"
SOUND = (
    Event("create", "/storage/warehouse"), Event("create", FILE), Event("write", FILE),
    Event("sync", FILE), Event("sync", "/storage/warehouse"), Event("sync", "/storage"),
)  # fmt: skip


def test_the_checker_is_content_with_a_synced_file() -> None:
    assert not list(Disk.after(SOUND).missing(Path(FILE), Path("/storage"), len(SOUND)))


@pytest.mark.parametrize("place", [3, 4, 5])
def test_the_checker_finds_every_sync_that_is_left_out_or_comes_too_late(place: int) -> None:
    without = [*SOUND[:place], *SOUND[place + 1 :]]
    assert list(Disk.after(without).missing(Path(FILE), Path("/storage"), len(SOUND)))
    late = [*without, SOUND[place]]
    assert list(Disk.after(late).missing(Path(FILE), Path("/storage"), len(without)))
    early = [SOUND[place], *without]
    assert list(Disk.after(early).missing(Path(FILE), Path("/storage"), len(SOUND)))


def test_the_checker_finds_bytes_that_are_written_after_the_sync() -> None:
    events = [*SOUND, Event("write", FILE)]
    assert list(Disk.after(events).missing(Path(FILE), Path("/storage"), len(events)))


def test_calls_that_another_thread_interrupts_count_when_they_return() -> None:
    log = [
        "7 fsync(3</s/a>) = 0\n",
        "7 fsync(4</s/b> <unfinished ...>\n",
        '8 pwrite64(5</s/catalog.sqlite-wal>, "x", 1, 0) = 1\n',
        "7 <... fsync resumed>) = 0\n",
        "8 fsync(9</s/c>) = -1 EIO (Input/output error)\n",
    ]  # fmt: skip
    kinds = [(event.kind, event.path) for event in from_strace(log)]
    wal = "/s/catalog.sqlite-wal"
    assert kinds == [("sync", "/s/a"), ("say", wal), ("write", wal), ("sync", "/s/b")]
