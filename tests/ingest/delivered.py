"""Files as they are delivered, built by other programs than ours, and what becomes of them."""

import io
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import pyarrow.parquet

from lakewright.ingest import landing, packing, preview
from lakewright.plan import codec, steps
from lakewright.plan.landed import Landed, TextPart
from lakewright.project.contract import Contract
from lakewright.project.source import Compression, Format

_TYPES = '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>'
_MAIN = (
    '<workbook xmlns:r="r"><workbookPr{0}/><sheets><sheet name="A" sheetId="1" r:id="rId1"/>'
    "</sheets></workbook>"
)


def land(
    folder: Path,
    data: bytes,
    name: str,
    format: Format | None = None,  # noqa: A002
    contract: Contract | None = None,
    limits: packing.Limits | None = None,
) -> Landed:
    """What landing finds in these bytes; it has survived the way to another process."""
    folder.mkdir(exist_ok=True, parents=True)
    path = folder / "raw"
    path.write_bytes(data)
    step = steps.Land(
        upload_id="0123456789abcdef",
        source="things",
        file_name=name,
        sha256="0" * 64,
        format=format,
        contract=contract,
    )
    landed = landing.land(step, path, folder / "work", lambda _: None, limits)
    assert codec.from_json(Landed, codec.to_json(landed)) == landed
    assert landed.records == sum(part.records for part in landed.parts)
    assert landed.format.compression is not Compression.AUTO
    found = [record.number for record in preview.records(landed)]
    assert found == list(range(1, landed.records + 1))
    return landed


def rows(landed: Landed) -> list[list[str | None]]:
    """The fields of every record that can be read."""
    return [list(each.fields) for each in preview.records(landed) if each.problem is None]


def problems(landed: Landed) -> dict[int, str]:
    """Why records are refused, by number."""
    return {each.number: each.problem for each in preview.records(landed) if each.problem}


def raws(landed: Landed) -> list[str]:
    """The texts of the records that are refused."""
    parts = [part for part in landed.parts if isinstance(part, TextPart)]
    tables = [pyarrow.parquet.read_table(part.path).to_pylist() for part in parts]
    return [str(row["_raw"]) for table in tables for row in table if row["_problem"] is not None]


def names(landed: Landed) -> list[str]:
    return [column.name for column in landed.columns]


def zipped(members: Mapping[str, bytes | str] | Mapping[str, bytes] | Mapping[str, str]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    return stream.getvalue()


def tarred(
    members: Mapping[str, bytes], mode: str = "w", links: Mapping[str, str] = MappingProxyType({})
) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode=mode) as archive:  # type: ignore[call-overload]
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
        for name, target in links.items():
            info = tarfile.TarInfo(name)
            info.type, info.linkname = tarfile.SYMTYPE, target
            archive.addfile(info)
    return stream.getvalue()


def book(
    sheet: str,
    *,
    texts: str = "<sst/>",
    styles: str = "<styleSheet/>",
    main: str = _MAIN.format(""),
) -> bytes:
    """A workbook whose parts are these XML texts, well-formed or not."""
    return zipped(
        {
            "[Content_Types].xml": _TYPES,
            "_rels/.rels": _relations(("r", "officeDocument", "xl/workbook.xml")),
            "xl/workbook.xml": main,
            "xl/_rels/workbook.xml.rels": _relations(
                ("rId1", "worksheet", "worksheets/sheet1.xml"),
                ("rId2", "sharedStrings", "sharedStrings.xml"),
                ("rId3", "styles", "/xl/styles.xml"),
            ),
            "xl/worksheets/sheet1.xml": sheet,
            "xl/sharedStrings.xml": texts,
            "xl/styles.xml": styles,
        }
    )


def main_since_1904() -> str:
    """The main part of a workbook that counts days as old Macs did."""
    return _MAIN.format(' date1904="1"')


def sheet(body: str, after: str = "") -> str:
    """A sheet of these rows."""
    return f"<worksheet><sheetData>{body}</sheetData>{after}</worksheet>"


def _relations(*found: tuple[str, str, str]) -> str:
    each = "".join(f'<Relationship Id="{i}" Type="x/{t}" Target="{p}"/>' for i, t, p in found)
    return f"<Relationships>{each}</Relationships>"
