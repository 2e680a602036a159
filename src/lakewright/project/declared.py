"""What documents declare, as the frozen values that the rest of Lakewright works with.

Nothing is decided here: a document whose mistakes of meaning have been looked for turns into its
value, key by key.
"""

from collections.abc import Iterable

from lakewright.project import documents, environment_documents, model, partitioning, quantity
from lakewright.project.contract import (
    NULL_WORDS,
    Column,
    Contract,
    Evolution,
    PartitionField,
)
from lakewright.project.environment import DEFAULT_NAME, CatalogServer, Environment, Retention
from lakewright.project.source import (
    BadRecordLimits,
    Csv,
    Dialect,
    Excel,
    FixedField,
    FixedWidth,
    Format,
    Json,
    Parquet,
    Source,
)
from lakewright.sql import types


def environments(document: documents.ProjectDocument) -> dict[str, Environment]:
    """The project's environments by name; `local` is always among them."""
    found = {DEFAULT_NAME: Environment()}
    for name, each in document.environments.items():
        limit = each.memory_limit
        found[name] = Environment(
            name=name,
            storage=each.storage,
            catalog=catalog_server(each.catalog),
            engine=each.engine,
            threads=each.threads,
            memory_limit_bytes=None if limit is None else quantity.bytes_of(limit),
            journal=each.journal,
            lineage=each.lineage,
            retention=Retention(
                snapshots_kept=each.snapshots_kept,
                orphans_kept_seconds=quantity.seconds_of(each.orphans_kept),
            ),
        )
    return found


def catalog_server(
    document: environment_documents.CatalogDocument | None,
) -> CatalogServer | None:
    """The server that says where the tables are; None: a file does."""
    if document is None or document.uri is None:
        return None
    return CatalogServer(
        uri=document.uri,
        warehouse=document.warehouse or "",
        namespace=tuple(document.namespace.split(".")) if document.namespace else (),
        oauth2_uri=document.oauth2_uri or "",
        oauth2_scope=document.oauth2_scope or "",
    )


def source(name: str, file: str | None, document: documents.SourceDocument) -> Source:
    """The source.

    Raises:
        ValueError: the text of a type or partition names none.
    """
    limits = document.bad_records
    return Source(
        name=name,
        match=document.match or (),
        format=None if document.format is None else file_format(document.format),
        contract=None if document.columns is None else contract(document),
        limits=BadRecordLimits(share_max=limits.share_max, count_max=limits.count_max),
        suspects=document.suspects,
        description=document.description,
        file=file,
    )


def file_format(document: documents.FormatDocument) -> Format:
    """How a source's files are written."""
    packing, members = document.compression, document.members
    if isinstance(document, documents.JsonDocument):
        return Json(mode=document.mode, compression=packing, members=members)
    if isinstance(document, documents.ParquetDocument):
        return Parquet(compression=packing, members=members)
    if isinstance(document, documents.ExcelDocument):
        return Excel(
            sheet=document.sheet,
            has_header=document.header,
            skip_lines=document.skip_lines,
            compression=packing,
            members=members,
        )
    if isinstance(document, documents.FixedWidthDocument):
        return _fixed_width(document)
    dialect = Dialect(
        delimiter=document.delimiter,
        quote=document.quote,
        escape=document.escape,
        has_header=document.header,
        header_rows=document.header_rows,
        skip_lines=document.skip_lines,
        comment=document.comment,
        encoding=document.encoding,
        decimal_separator=document.decimal_separator,
        is_trimmed=document.trim,
    )
    return Csv(dialect=dialect, compression=packing, members=members)


def _fixed_width(document: documents.FixedWidthDocument) -> FixedWidth:
    written = document.fields or tuple(
        documents.FixedFieldDocument(width=width) for width in document.widths or ()
    )
    fields: list[FixedField] = []
    end = 0
    for each in written:
        start = end if each.start is None else each.start - 1
        fields.append(FixedField(start=start, width=each.width, name=each.name))
        end = start + each.width
    is_named = any(each.name for each in fields)
    return FixedWidth(
        fields=tuple(fields) or None,
        has_header=False if is_named else document.header,
        skip_lines=document.skip_lines,
        comment=document.comment,
        encoding=document.encoding,
        is_padded=document.padded,
        decimal_separator=document.decimal_separator,
        compression=document.compression,
        members=document.members,
    )


def contract(document: documents.ContractDocument) -> Contract:
    """The contract; its key columns are required.

    Raises:
        ValueError: the text of a type or partition names none.
    """
    key = document.key or ()
    evolution = document.evolution or documents.EvolutionDocument()
    return Contract(
        columns=tuple(column(each, key) for each in document.columns or ()),
        key=key,
        partitioning=partition_fields(document.partitioning),
        evolution=Evolution(
            new_columns=evolution.new_columns,
            missing_columns=evolution.missing_columns,
            reordered_columns=evolution.reordered_columns,
            wider_types=evolution.wider_types,
        ),
        null_words=NULL_WORDS if document.null_words is None else document.null_words,
    )


def column(document: documents.ColumnDocument, key: Iterable[str] = ()) -> Column:
    """One column of a contract with this key.

    Raises:
        ValueError: the text of its type names none.
    """
    return Column(
        name=document.name,
        type=types.parse(document.type),
        is_required=document.required or document.name in key,
        default=document.default,
        null_words=document.null_words,
        source_name=document.source_name,
        format=document.format,
        description=document.description,
    )


def partition_fields(texts: Iterable[str] | None) -> tuple[PartitionField, ...]:
    """A table's partitioning.

    Raises:
        ValueError: a text is no partition.
    """
    return tuple(partitioning.parse(text) for text in texts or ())


def check(document: documents.CheckDocument) -> model.Check:
    """The one check that the document holds; `referential` has been seen to have three parts."""
    found = next(
        value for name in documents.CheckDocument.model_fields
        if (value := getattr(document, name)) is not None
    )  # fmt: skip
    severity = found.severity
    match found:
        case documents.NotNullCheck():
            return model.NotNull(columns=found.columns, severity=severity)
        case documents.UniqueCheck():
            return model.Unique(columns=found.columns, severity=severity)
        case documents.AcceptedValuesCheck():
            return model.AcceptedValues(column=found.column, values=found.values, severity=severity)
        case documents.RangeCheck():
            return model.Range(
                column=found.column, minimum=found.min, maximum=found.max, severity=severity
            )
        case documents.ExpressionCheck():
            return model.Expression(sql=found.sql, severity=severity)
        case documents.RowCountCheck():
            return model.RowCount(minimum=found.min, maximum=found.max, severity=severity)
        case documents.FreshnessCheck():
            return model.Freshness(
                column=found.column,
                age_max_seconds=quantity.seconds_of(found.within),
                severity=severity,
            )
        case documents.ReferentialCheck():
            table, _, name = found.to.rpartition(".")
            return model.Referential(
                column=found.column, to_table=table, to_column=name, severity=severity
            )
    raise AssertionError("a check that has no value")
