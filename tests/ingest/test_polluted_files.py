"""Polluted files with a known truth: each is read exactly, or flagged, or its strange records are.

What may never happen is the silent mis-parse: a record that nobody delivered, or one that is gone,
with no word about it. The share that is read exactly is the measure of zero configuration; to see
it by pollution: `pytest tests/ingest/test_polluted_files.py -m "slow or not slow" -s`.
"""

import csv
import io
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path

import pytest

from lakewright import errors
from lakewright.ingest import landing, preview
from lakewright.plan import steps
from lakewright.plan.landed import Landed
from tests.ingest import pollution

SEED = 20


class Outcome(StrEnum):
    """How a file was read, from best to worst."""

    EXACT = "exact"
    """`sources read` writes the truth."""
    QUARANTINED = "quarantined"
    """What is loaded is true, and all else is in quarantine."""
    FLAGGED = "flagged"
    """Something is wrong, but the upload is suspect or refused."""
    SILENT = "silent"


def outcome(file: pollution.Polluted, folder: Path) -> Outcome:
    path = folder / "data.csv"
    path.write_bytes(file.data)
    step = steps.Land(
        upload_id="u", source="data", file_name="data.csv", sha256="", format=None, contract=None
    )
    try:
        landed = landing.land(step, path, folder / "work", lambda _: None)
    except errors.FileUnreadable:
        return Outcome.FLAGGED if file.data else Outcome.EXACT
    header, rows = written(landed)
    if (header, rows) == (file.header, file.rows):
        return Outcome.EXACT
    if landed.suspicions:
        return Outcome.FLAGGED
    return Outcome.QUARANTINED if is_true(landed, file) else Outcome.SILENT


def written(landed: Landed) -> tuple[tuple[str, ...] | None, tuple[tuple[str, ...], ...]]:
    """Header and records as `sources read` writes them."""
    stream = io.StringIO(newline="")
    preview.write_csv(landed, stream)
    rows = [tuple(row) for row in csv.reader(io.StringIO(stream.getvalue(), newline=""))]
    return (rows[0] if landed.header else None), tuple(rows[bool(landed.header) :])


def is_true(landed: Landed, file: pollution.Polluted) -> bool:
    """Whether only true records are loaded, under true names, and each other one is refused."""
    records = list(preview.records(landed))
    loaded = Counter(
        tuple(field or "" for field in record.fields) for record in records if not record.problem
    )
    refused = sum(record.problem is not None for record in records)
    truth = Counter(file.rows)
    return landed.header == file.header and loaded <= truth and (truth - loaded).total() <= refused


def judged(
    files: Iterable[pollution.Polluted], folder: Path
) -> tuple[Mapping[str, Counter[Outcome]], Sequence[str]]:
    """How often each pollution ended how, and the names of the files that were misread silently."""
    counts: dict[str, Counter[Outcome]] = defaultdict(Counter)
    silent = []
    for file in files:
        found = outcome(file, folder)
        for name in file.pollutions:
            counts[name][found] += 1
        if found is Outcome.SILENT:
            silent.append(file.name)
    return counts, silent


def share(counts: Mapping[str, Counter[Outcome]]) -> float:
    """Of all files, how many were read exactly; prints it for each pollution."""
    total: Counter[Outcome] = Counter()
    for name, found in counts.items():
        total += found
        exact = found[Outcome.EXACT] / found.total()
        print(f"{exact:7.1%} exact  {name}  {dict(found)}")  # noqa: T201 - a report for people
    print(f"{total[Outcome.EXACT] / total.total():7.2%} exact of all")  # noqa: T201
    return total[Outcome.EXACT] / total.total()


def test_no_polluted_file_is_misread_silently(tmp_path: Path) -> None:
    counts, silent = judged(pollution.files(SEED, pollution.alone(), copies=1), tmp_path)
    assert silent == []
    assert share(counts) >= 0.99


@pytest.mark.slow
def test_no_polluted_file_of_thousands_is_misread_silently(tmp_path: Path) -> None:
    counts, silent = judged(pollution.files(SEED, pollution.alone(), copies=8), tmp_path)
    assert silent == []
    assert share(counts) >= 0.99


@pytest.mark.slow
def test_files_with_two_pollutions_are_misread_silently_next_to_never(tmp_path: Path) -> None:
    counts, silent = judged(pollution.files(SEED, pollution.in_pairs(), copies=1), tmp_path)
    assert silent == []
    assert share(counts) >= 0.98
