"""What a query's rows depend on, so that a plan may recompute only some of them.

A shape is a claim that an incremental build equals a full one. It is made only where it follows
from the query's form; everything else is a `WholeShape` with the reason. The proof, clause by
clause, for a driving table D that the query reads exactly once, leftmost in its FROM:

- a projection, a filter, and a join that keeps or multiplies D's rows (inner, left, cross, semi,
  anti) see one row of D at a time: *row-wise*; whatever else is read is a lookup;
- a GROUP BY or a window's PARTITION BY over a plain column k of D puts rows of D with equal k
  together and never with others: *grouped by k*. Further clauses keep that as long as each one's
  own groups or partitions also hold k; k must be among the columns that come out;
- anything else (DISTINCT, LIMIT, UNION, a total over all rows, a right or full join) may let any
  row of D change any row of the result.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from lakewright.sql import coercion
from lakewright.sql.query import GroupedShape, RowWiseShape, Shape, WholeShape
from lakewright.sql.scope import Output


@dataclass(frozen=True, kw_only=True, slots=True)
class Form:
    """What is known of a query's form while it is read from the inside out."""

    reads: Counter[str] = field(default_factory=Counter)
    """How often each table is read, in subqueries too."""
    driving: str = ""
    """The leftmost table; empty: there is none."""
    keys: frozenset[str] | None = None
    """Of the driving table's columns, those that every group so far keeps apart; None: there is
    no group yet, so any column does."""
    reason: str = ""
    """Why any row may depend on any other; empty: it has not been lost."""

    def with_reads(self, others: Iterable[Counter[str]]) -> "Form":
        """The same form, with the tables that subqueries or joins read beside it."""
        reads = Counter(self.reads)
        for other in others:
            reads.update(other)
        return Form(reads=reads, driving=self.driving, keys=self.keys, reason=self.reason)

    def lost(self, reason: str) -> "Form":
        """The form after a clause that lets any row depend on any other."""
        return Form(
            reads=self.reads, driving=self.driving, keys=self.keys, reason=self.reason or reason
        )

    def grouped_by(self, columns: Sequence[str | None], what: str) -> "Form":
        """The form after rows with equal values in these columns are put together."""
        kept = frozenset(column for column in columns if column and self._is_driving(column))
        keys = kept if self.keys is None else self.keys & kept
        if not keys:
            return self.lost(f"{what} has no column that is one of {self.driving}'s as it is")
        return Form(reads=self.reads, driving=self.driving, keys=keys, reason=self.reason)

    def _is_driving(self, column: str) -> bool:
        return column.rpartition(".")[0] == self.driving


def table(name: str) -> Form:
    """The form of reading one table."""
    return Form(reads=Counter((name,)), driving=name)


def shape(form: Form, outputs: Sequence[Output]) -> Shape:
    """The claim that a whole query's form allows."""
    if form.reason:
        return WholeShape(reason=form.reason)
    if not form.driving:
        return WholeShape(reason="it reads no table")
    if form.reads[form.driving] > 1:
        return WholeShape(reason=f"it reads {form.driving} more than once")
    if form.keys is None:
        return RowWiseShape(driving=form.driving)
    keys = tuple(
        (output.name, output.plain.rpartition(".")[2])
        for output in outputs
        if output.plain in form.keys and output.type not in coercion.FRACTIONS
    )
    if not keys:
        return WholeShape(
            reason=f"no grouping column of {form.driving} is among the columns that it returns"
        )
    return GroupedShape(driving=form.driving, keys=keys)
