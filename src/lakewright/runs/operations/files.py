"""The child's side of questions about files: look into one, and load nothing.

preview       what a file holds, and the source that it suggests
read          a file's records as CSV, as zero configuration reads them
"""

import hashlib
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias, cast

from lakewright.ingest import preview, receiving
from lakewright.plan import observed, steps
from lakewright.plan.landed import Landed
from lakewright.project import dump
from lakewright.runs import rules
from lakewright.runs.children.child import Operation, Report
from lakewright.runs.operations.payloads import facts_of
from lakewright.runs.records import FormatOverride, Json
from lakewright.sql import types

_READ_BYTES = 1 << 20

Land: TypeAlias = Callable[[steps.Land, Path, Path, Report], Landed]
"""`ingest.landing.land`: the step, the file, a work folder of its own, progress."""


class Files:
    """Answers questions about files that are not, or not yet, part of a lakehouse."""

    def __init__(self, land: Land, work_folder: Path) -> None:
        """Temporary folders are made in the work folder, and removed with each answer."""
        self.land = land
        self._work_folder = work_folder

    def operations(self) -> Mapping[str, Operation]:
        """Each operation by the name under which a parent asks for it."""
        return {"preview": self.preview, "read": self.read}

    def preview(self, payload: Json, report: Report) -> Json:
        """What a file holds, how sure that is, and the source as a project file."""
        facts = facts_of(payload)
        name = str(facts["source"])
        with self._landed(facts, name, report) as landed:
            found = preview.preview(landed, name)
        columns = found.source.contract.columns if found.source.contract else ()
        return {
            "source": dump.dump(found.source),
            "records": found.records,
            "names": [column.name for column in columns],
            "typed": [column.name for column in columns if column.type != types.UNKNOWN],
            "sample": [[record.number, list(record.fields), record.problem]
                       for record in found.sample],
            "evidence": list(found.evidence),
            "suspicions": list(found.suspicions),
            "confidence": found.confidence,
        }  # fmt: skip

    def read(self, payload: Json, report: Report) -> Json:
        """Write a file's records as CSV; how many there are, were mended, and were left out."""
        facts = facts_of(payload)
        path = Path(str(facts["path"]))
        target = Path(str(facts["output"]))
        if not path.stat().st_size:
            target.touch()  # Nothing has been read: not even how the file would be written.
            nothing: list[Json] = ["the file is empty"]
            return {
                "records": 0, "mended": 0, "refused": 0, "suspicions": nothing, "confidence": 0.0,
            }  # fmt: skip
        with (
            self._landed(facts, "file", report) as landed,
            target.open("w", encoding="utf-8", newline="") as stream,
        ):
            written = preview.write_csv(landed, stream)
        return {
            "records": written.records,
            "mended": written.mended,
            "refused": written.refused,
            "suspicions": list(landed.suspicions),
            "confidence": landed.confidence,
        }

    @contextmanager
    def _landed(self, facts: Mapping[str, Json], source: str, report: Report) -> Iterator[Landed]:
        """A file read with nothing declared but its `format`, as long as the context lasts."""
        path = Path(str(facts["path"]))
        upload = as_upload(path, source, cast("FormatOverride", facts.get("format") or {}))
        step = steps.Land(
            upload_id=upload.upload_id,
            source=source,
            file_name=upload.file_name,
            sha256=upload.sha256,
            format=None,
            override=upload.format,
            contract=None,
        )
        with self.temporary() as folder:
            yield self.land(step, path, folder, report)

    @contextmanager
    def temporary(self) -> Iterator[Path]:
        """A folder for as long as the context lasts."""
        self._work_folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self._work_folder) as folder:
            yield Path(folder)


def as_upload(path: Path, source: str, look: FormatOverride) -> observed.RawUpload:
    """The upload that a file would become."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_READ_BYTES):
            digest.update(chunk)
    sha256 = digest.hexdigest()
    return observed.RawUpload(
        upload_id=rules.upload_id(source, sha256),
        file_name=receiving.name_of(path),
        sha256=sha256,
        format=look,
    )
