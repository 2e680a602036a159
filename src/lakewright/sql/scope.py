"""Which columns a name may mean at one point of a query."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches

from sqlglot import exp

from lakewright.sql import types
from lakewright.sql.functions.refused import CLOCK_NAMES
from lakewright.sql.quoting import identifier
from lakewright.sql.refusals import Poisoned, Refused
from lakewright.sql.term import Term

POISON = types.Primitive("refused")
"""The type of a column whose own expression has been refused already."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Output:
    """One column that a table or query offers."""

    name: str
    type: types.Type
    origins: frozenset[str] = frozenset()
    plain: str | None = None
    """The `layer.table.column` that it is, unchanged."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Relation:
    """One table or subquery in a FROM, by the name that it has there."""

    alias: str
    """Empty: its columns are written without a table."""
    outputs: tuple[Output, ...]
    layer: str = ""
    """Of a table that is named without an alias."""
    is_table: bool = False

    def get(self, name: str) -> Output | None:
        """The column of that name, without regard to case."""
        wanted = name.lower()
        return next((one for one in self.outputs if one.name.lower() == wanted), None)

    def term(self, output: Output) -> Term:
        """One of its columns as an expression."""
        owner = f"{identifier(self.alias)}." if self.alias else ""
        text = owner + identifier(output.name)
        if output.type == POISON:
            raise Poisoned
        return Term(
            type=output.type,
            text=text,
            origins=output.origins,
            loose=frozenset({text}),
            plain=output.plain,
        )


@dataclass(kw_only=True)
class Scope:
    """What can be named in one SELECT. It grows while the SELECT is read from FROM to ORDER BY."""

    relations: list[Relation] = field(default_factory=list)
    merged: dict[str, Term] = field(default_factory=dict)
    """Columns that a USING has made one, by name in lower case."""
    outer: "Scope | None" = None
    """Of the query around, where a subquery may look outwards."""
    has_looked_out: bool = False
    """Whether a name meant a column of the query around."""
    items: dict[str, Term] = field(default_factory=dict)
    """The columns selected so far, by name in lower case."""
    groups: frozenset[str] = frozenset()
    """The texts of the grouping expressions."""
    grouping_sets_of: tuple[str, ...] = ()
    """The same in their order, where ROLLUP, CUBE or GROUPING SETS groups by parts of them."""

    def all_names(self) -> Iterator[str]:
        """Every name that could have been meant."""
        for relation in self.relations:
            yield from (output.name for output in relation.outputs)
        yield from self.items

    def relation(self, name: str, layer: str = "") -> Relation | None:
        """The table that goes by a name."""
        for found in self.relations:
            if found.alias.lower() == name.lower() and layer.lower() in ("", found.layer.lower()):
                return found
        return None

    def column(self, node: exp.Column, *, prefers_items: bool = False) -> Term:
        """What a column's name means here.

        Args:
            node: the name, with or without its table's.
            prefers_items: ORDER BY looks among the selected columns first, all else last.

        Raises:
            Refused: it means nothing, or more than one thing.
        """
        if node.table:
            return self._of_table(node)
        name = node.name.lower()
        if prefers_items and name in self.items:
            return self.items[name]
        found = self.here(node)
        if found is not None:
            return found
        if name in self.items:
            return self.items[name]
        if self.outer is not None:
            outside = self.outer.here(node)
            if outside is not None:
                return self._outside(outside)
        raise self._unknown(node)

    def here(self, node: exp.Column) -> Term | None:
        """The column of that name in this query's own tables, if there is one."""
        name = node.name.lower()
        if name in self.merged:
            return self.merged[name]
        found = [
            (relation, output)
            for relation in self.relations
            if (output := relation.get(name)) is not None
        ]
        if len(found) > 1:
            owners = [f"{relation.alias}.{output.name}" for relation, output in found]
            raise Refused(
                node,
                f"the column {node.name!r} is in more than one table",
                hint=f"write {' or '.join(owners)}",
            )
        if not found:
            return None
        relation, output = found[0]
        return relation.term(output)

    def _of_table(self, node: exp.Column) -> Term:
        owner = self.relation(node.table, node.db)
        if owner is None and self.outer is not None:
            beyond = self.outer.relation(node.table, node.db)
            if beyond is not None:
                output = beyond.get(node.name)
                if output is not None:
                    return self._outside(beyond.term(output))
        if owner is None:
            as_struct = self._struct_field(node)
            if as_struct is not None:
                return as_struct
            names = [relation.alias for relation in self.relations]
            raise Refused(
                node,
                f"no table here is named {node.table!r}",
                hint=_nearest(node.table, names) or "the query reads no table",
            )
        output = owner.get(node.name)
        if output is None:
            raise Refused(
                node,
                f"{owner.alias} has no column {node.name!r}",
                hint=_nearest(node.name, [one.name for one in owner.outputs]),
            )
        return owner.term(output)

    def _outside(self, term: Term) -> Term:
        """A column of the query around: a constant as far as the subquery is concerned."""
        self.has_looked_out = True
        return Term(type=term.type, text=term.text, origins=term.origins)

    def _struct_field(self, node: exp.Column) -> Term | None:
        if node.db:
            owner = self.relation(node.db)
            output = owner.get(node.table) if owner is not None else None
            base = owner.term(output) if owner is not None and output is not None else None
        else:
            base = self.here(exp.column(node.table))
        return struct_field(base, node.name) if base is not None else None

    def _unknown(self, node: exp.Column) -> Refused:
        clock = CLOCK_NAMES.get(node.name.lower())
        if clock is not None:
            return Refused(node, f"{node.name} is not portable SQL", why=clock.why, hint=clock.hint)
        return Refused(
            node,
            f"there is no column {node.name!r}",
            hint=_nearest(node.name, list(self.all_names())),
        )


def struct_field(base: Term, name: str) -> Term | None:
    """A field of a struct, or None if there is none of that name."""
    if not isinstance(base.type, types.Struct):
        return None
    for field_name, kind in base.type.fields:
        if field_name.lower() == name.lower():
            return Term(
                type=kind,
                text=f"({base.text}).{identifier(field_name)}",
                origins=base.origins,
                loose=base.loose,
                has_aggregate=base.has_aggregate,
                has_window=base.has_window,
            )
    return None


def _nearest(name: str, names: list[str]) -> str:
    by_lower: Mapping[str, str] = {one.lower(): one for one in names}
    near = get_close_matches(name.lower(), by_lower, n=3, cutoff=0.6)
    if near:
        return f"did you mean {' or '.join(by_lower[one] for one in near)}?"
    if not names:
        return ""
    shown = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
    return f"there are {shown}"
